import Configuration
import NAT
import Routing
import Support
import Testing
import Wire

/// A small generator with a seed, so that a failure can be repeated.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

/// Whatever the bytes are, there is a result that makes sense, and nothing traps.
@Suite struct AnyInputTests {
    private func check(_ bytes: [UInt8]) {
        checkInvariants(of: ConfigurationLoader.parse(bytes, file: "f", machineID: "m"))
    }

    @Test(.row("S61")) func randomBytes() {
        var dice = Dice(state: 1)
        for count in 0..<200 {
            check((0..<count).map { _ in UInt8.random(in: 0...255, using: &dice) })
        }
    }

    @Test func randomYAMLCharacters() {
        var dice = Dice(state: 2)
        let alphabet = Array("-:[]{},'\"&*!|>#%@`? \n\t0aE~<=/.\\".utf8)
        for count in 0..<400 {
            check((0..<count % 80).map { _ in alphabet.randomElement(using: &dice) ?? 0 })
        }
    }

    @Test(arguments: ErrorCase.all)
    func brokenCases(_ errorCase: ErrorCase) {
        var dice = Dice(state: 3)
        let bytes = Array(errorCase.yaml.utf8)
        for _ in 0..<12 {
            var broken = bytes
            for _ in 0..<Int.random(in: 1...4, using: &dice) {
                let place = Int.random(in: 0..<broken.count, using: &dice)
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: broken[place] = UInt8.random(in: 0...255, using: &dice)
                case 1: broken.removeSubrange(place..<min(place + 7, broken.count))
                case 2: broken.insert(contentsOf: bytes.dropFirst(place).prefix(20), at: place)
                default: broken[place] = Array("{}[]:,-/.0".utf8).randomElement(using: &dice) ?? 0
                }
                if broken.isEmpty { break }
            }
            check(broken)
        }
    }

    @Test func everyPrefixOfAFile() {
        let bytes = Array((ErrorCase.skeleton + "nat: {mode: pool, exclude: [10.0.0.0/8]}\n").utf8)
        for count in 0...bytes.count { check(Array(bytes.prefix(count))) }
    }

    @Test(.row("S61")) func aMebibyteOfOneThing() {
        for piece in ["[", "{", "a: ", "- ", "\"", "\n", " ", "a", "? ", "&a ", "!a ", "#", "[],"] {
            check(Array(String(repeating: piece, count: 200_000 / piece.utf8.count).utf8))
        }
        check([UInt8](repeating: 0, count: 1 << 20))
        check([UInt8](repeating: 0xff, count: 1 << 20))
    }

    /// Repeated keys are found by a table, not by comparing all with all.
    @Test(.row("S61")) func manyKeys() {
        let keys = (0..<20_000).map { "k\($0): 1\n" }.joined()
        let result = read(keys + "k77: 1\n")
        #expect(result.errors == 20_000 + 4)
        #expect(result.render().hasSuffix("20004 problems\n"))
    }

    @Test func hundredThousandRoutes() throws {
        var yaml = Array((ErrorCase.skeleton + "routes:\n").utf8)
        for index in 0..<100_000 {
            let prefix = IPv4Prefix(IPv4Address(0x1400_0000 + UInt32(index) << 8), length: 24)
            let last = index % 250 + 3
            yaml += Array("  - to: \(prefix)\n    via: 203.0.113.\(last)\n".utf8)
        }
        let clock = ContinuousClock()
        var result = read("")
        let time = clock.measure {
            result = ConfigurationLoader.parse(yaml, file: "r.yaml", machineID: "m")
        }
        print("100,000 routes, \(yaml.count) bytes: \(time)")
        let routes = try #require(result.configuration?.routes)
        #expect(routes.count == 100_000)
        #expect(Set(routes.map(\.prefix)).count == 100_000)
        for index in [0, 1, 49_999, 99_999] {
            let expected = Route(
                IPv4Prefix(IPv4Address(0x1400_0000 + UInt32(index) << 8), length: 24),
                source: .static,
                action: .forward([
                    NextHop(
                        side: .wan,
                        gateway: IPv4Address(203, 0, 113, UInt8(index % 250 + 3)))
                ]))
            #expect(routes[index] == expected)
        }
    }
}
