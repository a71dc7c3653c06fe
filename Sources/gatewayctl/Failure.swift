/// Why a command does not succeed: a sentence for standard error and an exit status.
struct Failure: Error {
    var sentence: String
    var status: Int32
    /// More lines below the sentence.
    var detail: [String] = []
}

/// The exit statuses of UX §2.5, which are those of sysexits.h.
enum Status {
    static let no: Int32 = 1
    static let usage: Int32 = 64
    static let noInput: Int32 = 66
    static let unavailable: Int32 = 69
    static let software: Int32 = 70
    static let inputOutput: Int32 = 74
    static let temporary: Int32 = 75
    static let protocolMismatch: Int32 = 76
    static let noPermission: Int32 = 77
    static let configuration: Int32 = 78
    static let interrupted: Int32 = 130
}

/// Version of this program; the daemon tells its own with every answer.
let programVersion = "0.1.0"
