import Forwarding
import NAT
import Router
import Support
import Testing
import Wire

/// A TCP connection written down segment by segment and played through the gateway.
///
///     > S 0 win 65535 ws 8        from inside: flags, sequence number (+ octets), options
///     < S. 100 ack 1              from outside
///     < R 42 drop nat.tcp_reset   goes no further, by this name
///     = established               the phase of its session
///
/// With `isServer` the inside host is called by a port forward, else it calls.
struct TCPTrace: ~Copyable {
    private var bench: Bench
    private let isServer: Bool
    private let host = PacketBuilder("192.168.50.10", "198.51.100.7")
    private let server = PacketBuilder("198.51.100.7", "203.0.113.2")

    init(isServer: Bool = false, _ change: (inout NATSettings) -> Void = { _ in }) {
        self.isServer = isServer
        var settings = NATSettings()
        if isServer {
            settings.portForwards = [
                PortForward(
                    ports: 8080...8080, insideAddress: ip("192.168.50.10"), insidePort: 8080)
            ]
        }
        change(&settings)
        bench = Bench { $0.nat = settings }
    }

    /// Everything dropped so far.
    var drops: UInt64 { bench.allDrops(on: .lan) + bench.allDrops(on: .wan) }

    mutating func play(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first else { continue }
            if first == "=" {
                let phase = bench.phase(0).map { "\($0)" }
                #expect(phase == words[1], "\(line)")
            } else {
                step(words, String(line))
            }
        }
    }

    private mutating func step(_ words: [String], _ line: String) {
        var flags: TCPFlags = []
        for letter in words[1] {
            let known: [Character: TCPFlags] = [
                "S": .syn, "F": .fin, "R": .rst, "P": .psh, ".": .ack,
            ]
            flags.formUnion(known[letter] ?? [])
        }
        let place = words[2].split(separator: "+").compactMap { UInt32($0) }
        var values: [String: String] = [:]
        for index in stride(from: 3, to: words.count - 1, by: 2) {
            values[words[index]] = words[index + 1]
        }
        func number(_ name: String) -> UInt32? { values[name].flatMap { UInt32($0) } }
        let options: [UInt8] = number("ws").map { [3, 3, UInt8($0), 1] } ?? []
        let data = [UInt8](repeating: 7, count: place.count > 1 ? Int(place[1]) : 0)
        let isOut = words[0] == ">"
        let ports: (UInt16, UInt16) =
            if isServer {
                isOut ? (8080, 5000) : (5000, 8080)
            } else {
                isOut ? (4000, 80) : (80, bench.router.forwarder.nat.session(0).outsidePort)
            }
        let packet = (isOut ? host : server).tcp(
            ports.0, ports.1, flags, sequence: place[0], acknowledgement: number("ack") ?? 0,
            window: UInt16(number("win") ?? 65_535), options: options, data)
        let side: Side = isOut ? .lan : .wan
        let out = bench.send(packet, on: side).filter { $0.side != side }
        if let reason = values["drop"] {
            guard case .drop(let seen) = bench.verdict else {
                Issue.record("passed: \(line)")
                return
            }
            #expect(seen.name == reason, "\(line)")
            #expect(out.isEmpty, "\(line)")
        } else {
            #expect(out.count == 1, "\(bench.verdict): \(line)")
            #expect(out.allSatisfy { $0.seen.problems == [] }, "\(line)")
        }
    }
}
