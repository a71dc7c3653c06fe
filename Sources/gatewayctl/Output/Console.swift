import Glibc

/// Standard output and standard error, and what is known of the terminal.
enum Console {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns of the terminal; nil in a pipe, where nothing is cut.
    static var width: Int? {
        guard isTerminal else { return nil }
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else {
            return 80
        }
        return Int(size.ws_col)
    }

    static func hasColor(_ color: GlobalOptions.Color) -> Bool {
        switch color {
        case .always: true
        case .never: false
        case .auto:
            isTerminal && Instances.environment("NO_COLOR") == nil
                && Instances.environment("TERM") != "dumb"
        }
    }

    /// Writes to standard output. A reader that has gone ends the program silently.
    static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EPIPE {
                exit(0)
            } else if errno != EINTR {
                complain("gatewayctl: cannot write the output")
                exit(Status.inputOutput)
            }
        }
    }

    static func write(_ text: String) { write(Array(text.utf8)) }

    /// Writes a line to standard error.
    static func complain(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
        }
    }

    /// Asks on the terminal; nil if there is none.
    static func confirm(_ question: String) -> Bool? {
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        write(question)
        let answer = readLine(strippingNewline: true)?.lowercased()
        return answer == "y" || answer == "yes"
    }
}

extension String {
    /// The text without control characters, which could play tricks on a terminal; lines stay.
    var printable: String {
        guard unicodeScalars.contains(where: { Self.isControl($0) }) else { return self }
        var clean = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            clean.append(Self.isControl(scalar) ? "\u{FFFD}" : scalar)
        }
        return String(clean)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0a: false
        case 0..<0x20, 0x7f...0x9f, 0x202a...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
}
