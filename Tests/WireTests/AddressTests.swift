import Support
import Testing
import Wire

@Suite("Addresses and prefixes")
struct AddressTests {
    @Test(
        "IPv4 text both ways",
        arguments: ["0.0.0.0", "255.255.255.255", "1.2.3.4", "10.0.0.1", "192.168.100.200"])
    func ipv4(text: String) {
        #expect(IPv4Address(text)?.description == text)
    }

    @Test(
        "What is no IPv4 address",
        arguments: [
            "", ".", "...", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.",
            "01.2.3.4", "1.2.3.04", "00.0.0.0", "256.0.0.0", "1.2.3.256", "1.2.3.1000",
            "99999999999999999999.1.1.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "+1.2.3.4",
            "0x1.2.3.4",
            "1.2.3.4/32", "1,2,3,4", "a.b.c.d", "1.2.3.٤", "1.2.3.4\0", "4294967295",
        ])
    func notIPv4(text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test("Octets, order and classes of addresses")
    func values() {
        #expect(IPv4Address(192, 0, 2, 1).rawValue == 0xc000_0201)
        #expect(ip("9.255.255.255") < ip("10.0.0.0"))
        #expect(ip("127.0.0.1") < ip("128.0.0.1"), "compared without sign")
        #expect(IPv4Address.limitedBroadcast == ip("255.255.255.255"))
        #expect(IPv4Address.unspecified == ip("0.0.0.0"))
        let multicast = ["224.0.0.0", "239.255.255.255"], other = ["223.255.255.255", "240.0.0.0"]
        #expect(multicast.allSatisfy { ip($0).isMulticast })
        #expect(!other.contains { ip($0).isMulticast })
    }

    @Test("Prefix text")
    func prefixes() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.128/25", "192.0.2.1/32", "128.0.0.0/1"] {
            #expect(IPv4Prefix(text)?.description == text)
        }
        for text in [
            "10.0.0.1/8", "0.0.0.1/0", "192.0.2.1/31", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/",
            "10.0.0.0", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "/8", "10.0.0.0/8 ", "",
            "10.0.0.0/256", "10.0.0.0/999999999999999999999", "10.0.0.0/255.0.0.0", "010.0.0.0/8",
        ] {
            #expect(IPv4Prefix(text) == nil, "\(text)")
        }
        for length in 0...32 { #expect(IPv4Prefix.parseLength("\(length)") == length) }
        for text in ["", "33", "00", "01", "032", "1a", " 1", "-0", "+1", "٣"] {
            #expect(IPv4Prefix.parseLength(text) == nil, "\(text)")
        }
    }

    @Test("Every length: mask, ends, membership", .rfc(3021))
    func lengths() {
        let address = ip("203.0.113.77")
        for length in 0...32 {
            let prefix = IPv4Prefix(address, length: length)
            let mask: UInt32 = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
            #expect(prefix.mask == mask && Int(prefix.length) == length)
            #expect(prefix.address.rawValue == address.rawValue & mask)
            let last = IPv4Address(address.rawValue | ~mask)
            #expect(prefix.contains(prefix.address) && prefix.contains(last))
            if length > 0 {
                #expect(!prefix.contains(IPv4Address(last.rawValue &+ 1)))
                #expect(!prefix.contains(IPv4Address(prefix.address.rawValue &- 1)))
            }
            #expect(prefix.broadcast == (length >= 31 ? nil : last))
            #expect(IPv4Prefix(prefix.description) == prefix)
        }
        #expect(IPv4Prefix(address, length: -1) == prefix("0.0.0.0/0"))
        #expect(IPv4Prefix(address, length: 99) == prefix("203.0.113.77/32"))
    }

    @Test("Overlap is symmetric and order is by address, then length")
    func overlap() {
        let cases: [(String, String, Bool)] = [
            ("10.0.0.0/8", "10.1.0.0/16", true), ("10.0.0.0/8", "11.0.0.0/8", false),
            ("0.0.0.0/0", "255.255.255.255/32", true), ("10.0.0.0/9", "10.128.0.0/9", false),
            ("192.0.2.1/32", "192.0.2.1/32", true),
        ]
        for (a, b, expected) in cases {
            #expect(prefix(a).overlaps(prefix(b)) == expected)
            #expect(prefix(b).overlaps(prefix(a)) == expected)
        }
        #expect(prefix("10.0.0.0/8") < prefix("10.0.0.0/9"))
        #expect(prefix("10.0.0.0/9") < prefix("11.0.0.0/8"))
    }

    @Test("Interface addresses keep their host bits")
    func interface() throws {
        let address = try #require(InterfaceAddress("192.0.2.1/24"))
        #expect(address.address == ip("192.0.2.1") && address.prefix == prefix("192.0.2.0/24"))
        #expect(address.description == "192.0.2.1/24")
        #expect(InterfaceAddress("192.0.2.1") == nil && InterfaceAddress("192.0.2.1/33") == nil)
    }

    @Test("MAC text")
    func macText() {
        for text in ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "02:0a:b0:00:0c:01"] {
            #expect(MACAddress(text)?.description == text)
        }
        #expect(MACAddress("AA:BB:CC:DD:EE:FF") == MACAddress("aa:bb:cc:dd:ee:ff"))
        for text in [
            "", "00:00:00:00:00", "00:00:00:00:00:00:00", "0:0:0:0:0:0", "00-00-00-00-00-00",
            "00:00:00:00:00:0g", "00:00:00:00:00:+1", "00:00:00:00:00:", ":00:00:00:00:00",
            "0000.0000.0000", "00:00:00:00:00:000", " 0:00:00:00:00:00", "00:00:00:00:00:٣",
        ] {
            #expect(MACAddress(text) == nil, "\(text)")
        }
    }

    @Test("MAC values", .rfc(1112, "6.4"))
    func macValues() {
        #expect(MACAddress(0xffff_0200_0000_0001) == mac("02:00:00:00:00:01"))
        #expect(MACAddress(multicast: ip("224.0.0.9")) == mac("01:00:5e:00:00:09"))
        #expect(MACAddress(multicast: ip("239.255.1.2")) == mac("01:00:5e:7f:01:02"))
        #expect(MACAddress.broadcast.isGroup && mac("01:00:5e:00:00:05").isGroup)
        #expect(!mac("02:00:00:00:00:01").isGroup && !mac("fe:ff:ff:ff:ff:ff").isGroup)
    }

    @Test("Sides")
    func sides() {
        #expect(Side.lan.other == .wan && Side.wan.other == .lan)
        #expect(Side.allCases.map(\.index) == [0, 1])
        #expect(Side.allCases.map(\.description) == ["lan", "wan"])
    }
}

@Suite("Drop reasons")
struct DropReasonTests {
    @Test("Names are unique, stable in form, and lead back", arguments: DropReason.allCases)
    func names(reason: DropReason) {
        #expect(DropReason(name: reason.name) == reason)
        #expect(reason.name.split(separator: ".").count == 2, "\(reason.name)")
        #expect(reason.name.allSatisfy { $0.isLowercase || $0.isNumber || "._".contains($0) })
        #expect(reason.meaning.hasSuffix("."))
        #expect(reason.advice.hasSuffix(".") || reason.advice.contains("gatewayctl"))
    }

    @Test("Raw values index a table")
    func table() {
        #expect(Set(DropReason.allCases.map(\.name)).count == DropReason.count)
        #expect(DropReason.allCases.map { Int($0.rawValue) } == Array(0..<DropReason.count))
        #expect(DropReason(name: "no.such") == nil)
    }
}
