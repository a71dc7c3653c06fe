internal import Timing
internal import Wire

extension Decoder {
    /// What an address is for decides which are refused.
    enum AddressUse {
        /// An address of a host or of ours.
        case host
        /// Any, as in a prefix.
        case any
    }

    mutating func address(_ node: Int?, _ path: @autoclosure () -> String) -> IPv4Address? {
        guard let node, isValue(node, path()) else { return nil }
        guard let address = Scalar.address(tree.bytes(node)) else {
            reportNotAddress(tree.bytes(node), node, path())
            return nil
        }
        return isUsable(address, node) ? address : nil
    }

    /// Reports an address that no host can have: 0/8, 127/8 and from 224/4 up.
    mutating func isUsable(_ address: IPv4Address, _ node: Int) -> Bool {
        let what: String
        switch address.rawValue >> 24 {
        case 0: what = "no host's address"
        case 127: what = "a loopback address"
        case 224..<240: what = "a multicast address"
        case 240...: what = "a reserved address"
        default: return true
        }
        report(.unusableAddress, node, "\(address) is \(what) and cannot be used here")
        return false
    }

    mutating func reportNotAddress(
        _ bytes: ArraySlice<UInt8>, _ node: Int, _ path: @autoclosure () -> String
    ) {
        let text = Escaping.quoted(bytes)
        if Scalar.looksLikeIPv6(bytes) {
            report(
                .addressFamily, node,
                "\(text) is an IPv6 address, and IPv6 is not supported in version 1")
        } else if case .address(let address, _) = Scalar.addressAndLength(bytes) {
            report(
                .notAddress, node,
                "\(path()) takes an address without a prefix length, not \(text)",
                help: "write '\(address)'")
        } else {
            let head = bytes.prefix { $0 != UInt8(ascii: "/") }
            report(.notAddress, node, "\(Escaping.quoted(head)) is not an IPv4 address")
        }
    }

    /// An address and the length of its prefix; the host bits may be anything.
    private mutating func addressAndLength(
        _ node: Int, suggested: (IPv4Address) -> Int
    ) -> (address: IPv4Address, length: Int)? {
        let bytes = tree.bytes(node)
        switch Scalar.addressAndLength(bytes) {
        case .address(let address, let length):
            return (address, length)
        case .notAddress:
            reportNotAddress(bytes, node, "it")
        case .noLength(let address):
            report(
                .noPrefixLength, node, "address \(tree.quoted(node)) has no prefix length",
                help: "write '\(address)/\(suggested(address))'")
        case .badLength(let address, let length):
            let netmask = Scalar.netmaskLength(length)
            report(
                .badPrefixLength, node,
                "the prefix length of \(tree.quoted(node)) must be a number from 0 to 32",
                help: netmask.map { "write '\(address)/\($0)'" })
        }
        return nil
    }

    /// One of our own addresses with the length of its network.
    mutating func interfaceAddress(
        _ node: Int, _ path: @autoclosure () -> String
    ) -> InterfaceAddress? {
        guard isValue(node, path()),
            let (address, length) = addressAndLength(node, suggested: { _ in 24 }),
            isUsable(address, node)
        else { return nil }
        guard length > 0 else {
            report(
                .badPrefixLength, node, "\(path()) cannot be in a network of prefix length 0",
                help: "write '\(address)/24'")
            return nil
        }
        let result = InterfaceAddress(address, length: length)
        guard length < 31 else { return result }
        let isNetwork = address == result.prefix.address
        if isNetwork || address == result.prefix.broadcast {
            report(
                .notHostAddress, node,
                "\(address) is the \(isNetwork ? "network" : "broadcast") address of "
                    + "\(result.prefix), not a host's",
                help: isNetwork ? "write '\(IPv4Address(address.rawValue + 1))/\(length)'" : nil)
            return nil
        }
        return result
    }

    mutating func prefix(_ node: Int, _ path: @autoclosure () -> String) -> IPv4Prefix? {
        guard isValue(node, path()),
            let (address, length) = addressAndLength(node, suggested: Self.classfulLength)
        else { return nil }
        let prefix = IPv4Prefix(address, length: length)
        guard prefix.address == address else {
            report(
                .hostBits, node, "\(tree.quoted(node)) has bits set beyond its prefix length",
                help: "write '\(prefix)'")
            return nil
        }
        return prefix
    }

    /// What somebody who left the length away probably means.
    private static func classfulLength(_ address: IPv4Address) -> Int {
        max(8, (32 - address.rawValue.trailingZeroBitCount + 7) / 8 * 8)
    }

    /// `A` or `A-B`.
    mutating func addressRange(
        _ node: Int, _ path: @autoclosure () -> String
    ) -> ClosedRange<IPv4Address>? {
        guard isValue(node, path()) else { return nil }
        let bytes = tree.bytes(node)
        guard let dash = bytes.firstIndex(of: UInt8(ascii: "-")) else {
            return address(node, path()).map { $0...$0 }
        }
        for part in [bytes[..<dash], bytes[(dash + 1)...]] where Scalar.address(part) == nil {
            reportNotAddress(part, node, path())
            return nil
        }
        guard let low = Scalar.address(bytes[..<dash]),
            let high = Scalar.address(bytes[(dash + 1)...]),
            isUsable(low, node), isUsable(high, node)
        else { return nil }
        guard low <= high else {
            report(
                .badRange, node, "the range \(tree.quoted(node)) runs backwards",
                help: "write '\(high)-\(low)'")
            return nil
        }
        return low...high
    }

    /// `P` or `P-Q`, 1 to 65535.
    mutating func ports(
        _ node: Int?, _ path: @autoclosure () -> String
    ) -> ClosedRange<UInt16>? {
        guard let node, isValue(node, path()) else { return nil }
        return ports(tree.bytes(node), node, path())
    }

    mutating func ports(
        _ bytes: ArraySlice<UInt8>, _ node: Int, _ path: @autoclosure () -> String
    ) -> ClosedRange<UInt16>? {
        let dash = bytes.firstIndex(of: UInt8(ascii: "-"))
        let parts = dash.map { [bytes[..<$0], bytes[($0 + 1)...]] } ?? [bytes]
        var numbers: [UInt16] = []
        for part in parts {
            switch Scalar.integer(part) {
            case .notNumber:
                report(
                    .notPort, node,
                    "\(path()) must be a port or a range of ports, not \(Escaping.quoted(bytes))",
                    help: "write 8443 or 27015-27030")
                return nil
            case .value(let value) where (1...65535).contains(value):
                numbers.append(UInt16(truncatingIfNeeded: value))
            case .value, .tooLarge:
                let text = String(decoding: part.prefix(30), as: UTF8.self)
                report(
                    .outOfRange, node, "\(path()) must be between 1 and 65535, not \(text)")
                return nil
            }
        }
        guard let low = numbers.first, let high = numbers.last else { return nil }
        guard low <= high else {
            report(
                .badRange, node, "the range \(Escaping.quoted(bytes)) runs backwards",
                help: "write '\(high)-\(low)'")
            return nil
        }
        return low...high
    }

    mutating func hardware(_ node: Int?, _ path: @autoclosure () -> String) -> MACAddress? {
        guard let node, isValue(node, path()) else { return nil }
        guard tree.bytes(node).count == 17, let address = MACAddress(tree.string(node)) else {
            report(
                .notHardwareAddress, node,
                "\(path()) must be a MAC address, not \(tree.quoted(node))",
                help: "write \"02:00:5e:10:00:01\", in quotes")
            return nil
        }
        guard !address.isGroup, address.rawValue != 0 else {
            report(
                .unusableHardware, node,
                "\(address) is \(address.isGroup ? "a group address" : "no address"), "
                    + "not one station's",
                help: address.isGroup ? "the second digit must be even" : nil)
            return nil
        }
        return address
    }

    /// A span of time within bounds, which are in milliseconds.
    mutating func duration(
        _ node: Int?, in range: ClosedRange<Int>, _ path: @autoclosure () -> String
    ) -> Interval? {
        guard let node, isValue(node, path()) else { return nil }
        switch Scalar.duration(tree.bytes(node)) {
        case .notNumber:
            report(
                .notDuration, node, "\(path()) must be a duration, not \(tree.quoted(node))",
                help: "write a number and a unit: 500ms, 30s, 5m, 2h4m, 1d")
            return nil
        case .value(let value) where range.contains(value):
            return .milliseconds(Int64(value))
        case .value, .tooLarge:
            let low = Wording.duration(.milliseconds(Int64(range.lowerBound)))
            let high = Wording.duration(.milliseconds(Int64(range.upperBound)))
            report(
                .outOfRange, node,
                "\(path()) must be between \(low) and \(high), not \(tree.string(node).prefix(30))")
            return nil
        }
    }
}
