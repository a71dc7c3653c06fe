import Control
import Glibc

/// One question to the daemon and how its answer is shown.
struct Look<Value: Answer> {
    let target: String
    let options: GlobalOptions
    /// Writes the answer as a table.
    let show: (Value, inout Page) throws -> Void

    init(
        _ target: String, _ options: GlobalOptions,
        show: @escaping (Value, inout Page) throws -> Void
    ) {
        self.target = target
        self.options = options
        self.show = show
    }

    /// Asks once, or again and again with `--watch`.
    func run() throws {
        let client = Client(path: try Instances.socket(options))
        guard let seconds = options.watch else {
            return Console.write(try text(client))
        }
        let clears = Console.isTerminal && options.format != .json && options.format != .ndjson
        while true {
            let text = try text(client)
            Console.write(clears ? Array("\u{1b}[H\u{1b}[2J".utf8) + text : text)
            var pause = timespec()
            pause.tv_sec = Int(seconds)
            pause.tv_nsec = Int((seconds - Double(Int(seconds))) * 1e9)
            unsafe _ = nanosleep(&pause, nil)
        }
    }

    private func text(_ client: Client) throws -> [UInt8] {
        let (value, json) = try client.get(Value.self, target)
        switch options.format {
        case .json:
            return Console.isTerminal && options.watch == nil
                ? laidOut(json) + "\n".utf8 : json + "\n".utf8
        case .ndjson:
            guard let list = value as? any ListAnswer else { return json + "\n".utf8 }
            return try linesOfRows(list)
        case .conntrack where !(value is SessionsAnswer):
            throw Failure(
                sentence: "-o conntrack is for lists of sessions", status: Status.usage)
        default:
            var page = Page(options)
            try show(value, &page)
            return Array(page.text.utf8)
        }
    }
}

/// Shows the answer to a change.
func report<Value: Answer>(
    _ answer: (Value, [UInt8]), _ options: GlobalOptions, sentence: (Value) -> String
) {
    switch options.format {
    case .json, .ndjson:
        let layout = Console.isTerminal && options.format == .json
        Console.write((layout ? laidOut(answer.1) : answer.1) + "\n".utf8)
    default:
        if !options.quiet { Console.write(sentence(answer.0).printable + "\n") }
    }
}

/// A query of a target; values are encoded, nil is left out.
func target(_ path: String, _ values: (String, String?)...) -> String {
    let pairs = values.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }
    return pairs.isEmpty ? path : path + "?" + pairs.joined(separator: "&")
}

private func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in text.utf8 {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "("),
            UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: "!"):
            out.append(byte)
        case 32: out.append(UInt8(ascii: "+"))
        default: out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: out, as: UTF8.self)
}
