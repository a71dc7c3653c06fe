internal import NAT
internal import Timing
internal import Wire

/// Readers of scalar text. They work on bytes: a file may hold a million of them.
enum Scalar {
    enum Number {
        case value(Int)
        /// A number, but larger than an `Int`.
        case tooLarge
        case notNumber
    }

    /// Decimal digits, maybe after a minus; no leading zeros, which YAML 1.1 reads as octal.
    static func integer(_ bytes: ArraySlice<UInt8>) -> Number {
        var digits = bytes
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.allSatisfy(isDigit),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { return .notNumber }
        guard let value = unsigned(digits) else { return .tooLarge }
        return .value(isNegative ? -value : value)
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    /// Digits as a number; nil for anything else and above a million million.
    private static func unsigned(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for byte in digits {
            guard isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        return value <= 1_000_000_000_000 ? value : nil
    }

    /// `30s`, `2h4m`, `500ms`, or a bare number of seconds, in milliseconds.
    static func duration(_ bytes: ArraySlice<UInt8>) -> Number {
        if bytes.allSatisfy(isDigit), !bytes.isEmpty {
            guard let seconds = unsigned(bytes) else { return .tooLarge }
            return .value(seconds * 1000)
        }
        var rest = bytes
        var total = 0
        var isTooLarge = false
        guard !rest.isEmpty else { return .notNumber }
        while !rest.isEmpty {
            let digits = rest.prefix(while: isDigit)
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !isDigit($0) }
            rest = rest.dropFirst(unit.count)
            guard !digits.isEmpty, let length = milliseconds(unit) else { return .notNumber }
            if let count = unsigned(digits) {
                // Below 10^12 times 10^8, and stopped as soon as it is over any bound of ours.
                let (sum, overflow) = total.addingReportingOverflow(min(count, 1 << 36) * length)
                isTooLarge = isTooLarge || overflow
                total = overflow ? total : sum
            } else {
                isTooLarge = true
            }
        }
        return isTooLarge ? .tooLarge : .value(total)
    }

    private static func milliseconds(_ unit: ArraySlice<UInt8>) -> Int? {
        switch String(decoding: unit.prefix(3), as: UTF8.self) {
        case "ms": 1
        case "s": 1000
        case "m": 60_000
        case "h": 3_600_000
        case "d": 86_400_000
        default: nil
        }
    }

    /// Dotted decimal with four parts and no leading zeros.
    static func address(_ bytes: ArraySlice<UInt8>) -> IPv4Address? {
        var value: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var dots = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                value = value << 8 | part
                (part, digits) = (0, 0)
                dots += 1
            } else {
                guard isDigit(byte), digits == 0 || part != 0 else { return nil }
                part = part * 10 + UInt32(byte - 48)
                digits += 1
                guard part <= 255 else { return nil }
            }
        }
        guard dots == 3, digits > 0 else { return nil }
        return IPv4Address(value << 8 | part)
    }

    enum AddressText {
        case address(IPv4Address, length: Int)
        case notAddress
        case noLength(IPv4Address)
        case badLength(IPv4Address, ArraySlice<UInt8>)
    }

    /// An address with a prefix length.
    static func addressAndLength(_ bytes: ArraySlice<UInt8>) -> AddressText {
        guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else {
            return address(bytes).map { .noLength($0) } ?? .notAddress
        }
        guard let address = address(bytes[..<slash]) else { return .notAddress }
        let length = bytes[(slash + 1)...]
        guard (1...2).contains(length.count), case .value(let bits) = integer(length),
            (0...32).contains(bits)
        else { return .badLength(address, length) }
        return .address(address, length: bits)
    }

    /// Whether the text looks like an IPv6 address, maybe with a prefix length or in brackets.
    static func looksLikeIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        let text = bytes.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "%") }
        guard text.count(where: { $0 == UInt8(ascii: ":") }) >= 2 else { return false }
        return text.allSatisfy { byte in
            isDigit(byte) || (97...102).contains(byte | 0x20) || byte == UInt8(ascii: ":")
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "[")
                || byte == UInt8(ascii: "]")
        }
    }

    /// The length of a netmask in dotted decimal.
    static func netmaskLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let mask = address(bytes)?.rawValue else { return nil }
        let length = mask.leadingZeroBitCount == 0 ? (~mask).leadingZeroBitCount : 0
        return IPv4Prefix.mask(length) == mask ? length : nil
    }
}

/// Text of values as a configuration writes them.
enum Wording {
    static func duration(_ interval: Interval) -> String {
        var left = interval.wholeMilliseconds
        if left == 0 { return "0s" }
        var text = ""
        for (unit, length) in [
            ("d", 86_400_000 as Int64), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
        ] where left >= length {
            text += "\(left / length)\(unit)"
            left %= length
        }
        return text
    }

    static func destination(_ prefix: IPv4Prefix) -> String {
        prefix.length == 0 ? "default" : prefix.description
    }

    static func ports(_ range: ClosedRange<UInt16>) -> String {
        range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }

    static func addresses(_ range: ClosedRange<IPv4Address>) -> String {
        range.lowerBound == range.upperBound
            ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
    }

    static func list(_ items: some Sequence<String>) -> String {
        "[" + items.joined(separator: ", ") + "]"
    }
}
