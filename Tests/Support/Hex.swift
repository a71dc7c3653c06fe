public import Wire

/// The bytes of `text`: hexadecimal digits, blanks ignored; `#` starts a comment.
///
/// Stops the program at anything else, since the text is part of a test.
public func bytes(_ text: some StringProtocol) -> [UInt8] {
    var result: [UInt8] = []
    for line in text.split(whereSeparator: \.isNewline) {
        var high: Int?
        for character in line.prefix(while: { $0 != "#" }) where !character.isWhitespace {
            guard character.isASCII, let digit = character.hexDigitValue else {
                fatalError("'\(character)' is no hexadecimal digit in: \(line)")
            }
            if let first = high {
                result.append(UInt8(truncatingIfNeeded: first << 4 | digit))
                high = nil
            } else {
                high = digit
            }
        }
        precondition(high == nil, "odd number of hexadecimal digits in: \(line)")
    }
    return result
}

/// Bytes as pairs of hexadecimal digits separated by blanks, for messages.
public func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}

/// The address written in a test; stops the program if it is none.
public func ip(_ text: String) -> IPv4Address {
    guard let address = IPv4Address(text) else { fatalError("\(text) is no IPv4 address") }
    return address
}

/// The hardware address written in a test; stops the program if it is none.
public func mac(_ text: String) -> MACAddress {
    guard let address = MACAddress(text) else { fatalError("\(text) is no MAC address") }
    return address
}

/// The prefix written in a test; stops the program if it is none.
public func prefix(_ text: String) -> IPv4Prefix {
    guard let prefix = IPv4Prefix(text) else { fatalError("\(text) is no IPv4 prefix") }
    return prefix
}

/// Network order, for building packets.
public func octets<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// Calls `body` with the bytes lent as a mutable span, as the pipeline sees a frame.
public func withSpan<R, E: Error>(
    _ bytes: inout [UInt8], _ body: (inout MutableRawSpan) throws(E) -> R
) throws(E) -> R {
    var elements = bytes.mutableSpan
    var span = unsafe elements.mutableBytes
    return try body(&span)
}

extension [UInt8] {
    /// The bytes as a span, for readers and sums.
    public var raw: RawSpan {
        @_lifetime(borrow self) get { unsafe span.bytes }
    }
}
