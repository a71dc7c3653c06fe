import Glibc

/// A system call that failed, as a sentence an operator can act on.
public struct SystemError: Error, CustomStringConvertible, Hashable, Sendable {
    /// The system call or ioctl, for example `open` or `TUNSETIFF`.
    public let call: String
    /// The errno value, 0 when the kernel agreed but the object is not what was asked for.
    public let code: Int32
    /// What it was about: a path, an interface, a namespace.
    public let subject: String
    /// What the operator can do about it, if anything is known.
    public let remedy: String?
    /// Status for the process to end with, of sysexits.h: 66, 70, 73, 74, 75, 77 or 78.
    public let exitStatus: Int32

    private let action: String
    private let reason: String

    /// An error of `call` on `subject`.
    ///
    /// `action` is the verb of the sentence and defaults to the call; `reason` defaults to the
    /// text of `code`; `exitStatus` defaults to the one that fits `code`.
    public init(
        call: String, code: Int32, subject: String, remedy: String? = nil,
        action: String? = nil, reason: String? = nil, exitStatus: Int32? = nil
    ) {
        self.call = call
        self.code = code
        self.subject = subject
        self.remedy = remedy
        self.action = action ?? call
        self.reason = reason ?? Self.text(of: code)
        self.exitStatus = exitStatus ?? Self.exitStatus(of: code)
    }

    /// `cannot VERB SUBJECT: REASON; REMEDY`, without a full stop.
    public var description: String {
        let sentence = "cannot \(action) \(subject): \(reason)"
        guard let remedy else { return sentence }
        return "\(sentence); \(remedy)"
    }

    /// The system's text for an errno value.
    public static func text(of code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    private static func exitStatus(of code: Int32) -> Int32 {
        switch code {
        case EPERM, EACCES: 77
        case ENOENT, ENODEV, ENXIO, ENOTDIR: 66
        case EEXIST, EROFS, ENOSPC: 73
        case EIO, EPIPE: 74
        case EBUSY, EAGAIN, ETIMEDOUT, EINTR, ENFILE, EMFILE: 75
        default: 70
        }
    }
}

extension SystemError {
    /// The error of the call that has just failed in this thread; reads `errno`.
    static func last(
        _ call: String, _ subject: String, action: String? = nil, remedy: String? = nil
    ) -> SystemError {
        SystemError(call: call, code: errno, subject: subject, remedy: remedy, action: action)
    }
}
