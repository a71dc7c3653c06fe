import Forwarding
import Foundation
import NAT
import Router
import Simulation
import Support
import Testing
import Timing
import Wire

/// Random traffic through the gateway and through the model: they must agree on every packet.
@Suite("Reference model")
struct ModelSimulationTests {
    /// Each seed in each combination of mapping and filtering.
    static let runs: [(seed: UInt64, mapping: Behavior, filtering: Behavior)] =
        SoakSimulationTests.seeds.prefix(
            ProcessInfo.processInfo.environment["GATEWAY_SEEDS"] == nil ? 1 : .max
        ).flatMap { seed in
            Behavior.allCases.flatMap { mapping in
                Behavior.allCases.map { (seed, mapping, $0) }
            }
        }

    @Test(
        "The gateway does what the model says",
        .row("U-1", "U-3", "U-6", "U-8", "U-9", "U-9a", "U-11", "U-12"),
        .row("T-1", "T-2", "T-3", "T-7", "T-8", "I-1", "I-4", "I-5", "I-6"),
        .row("X-2", "X-7", "C-4", "C-8", "C-11", "S-1", "S-2", "S-5", "S41"),
        arguments: runs)
    func agrees(seed: UInt64, mapping: Behavior, filtering: Behavior) {
        var run = ModelRun(seed: seed, mapping, filtering)
        for _ in 0..<1000 where run.problem == nil { run.step() }
        if let problem = run.problem {
            let file = run.capture.save(named: "model-\(seed)")
            Issue.record(
                """
                GATEWAY_SEED=\(seed), \(mapping) mapping, \(filtering) filter: \(problem) in \(file)
                """
            )
        }
        #expect(run.passed > 60 && run.dropped > 30)
    }
}

/// One run of the gateway beside the model.
struct ModelRun: ~Copyable {
    private static let gateway = "203.0.113.2"
    private static let hosts = ["192.168.50.10", "192.168.50.11", "192.168.50.12"]
    private static let remotes = ["198.51.100.7", "198.51.100.8", "192.0.2.33"]

    private var bench: Bench
    private var model: NATModel
    private var random: Random
    private var identification: UInt16 = 0
    private(set) var capture = Capture()
    private(set) var problem: String?
    /// What was done last.
    private var last = ""
    private(set) var passed = 0
    private(set) var dropped = 0

    init(seed: UInt64, _ mapping: Behavior, _ filtering: Behavior, workers: Int = 1) {
        random = Random(seed: seed &* 9 &+ UInt64(mapping.rawValue * 3 + filtering.rawValue))
        // What is limited in all each of several workers has a part of, which the model knows not.
        let isTight = seed % 2 == 0 && workers == 1
        var settings = NATSettings()
        settings.mapping = mapping
        settings.filtering = filtering
        settings.ports = 30_000...30_999
        settings.limits.sessions = isTight ? 24 : 4096
        settings.limits.sessionsPerHost = isTight ? 10 : 4096
        settings.limits.portsPerHost = isTight ? 6 : 4096
        settings.timeouts.tcpEstablished = .seconds(600)
        settings.timeouts.udp = .seconds(isTight ? 40 : 150)
        settings.timeouts.udpUnreplied = .seconds(isTight ? 150 : 40)
        settings.portForwards = Self.forwards(0)
        bench = Bench(seed: seed, workers: workers) { $0.nat = settings }
        model = NATModel(outsideAddress: Self.gateway, settings: settings)
        guard workers > 1 else { return }
        let share = bench.crew.share(0)
        model.isApart = {
            share.owner(of: ip($0).rawValue) != share.owner(of: ip($1).rawValue)
        }
    }

    private static func forwards(_ choice: Int) -> [PortForward] {
        let web = PortForward(
            name: "web", transports: [.tcp, .udp], ports: 8000...8003,
            insideAddress: ip("192.168.50.10"), insidePort: 1000)
        let closed = PortForward(
            name: "closed", transports: [.udp], ports: 8100...8101,
            insideAddress: ip("192.168.50.11"), insidePort: 1000,
            sources: [prefix("198.51.100.7/32")], hairpin: false)
        let moved = PortForward(
            name: "web", transports: [.tcp, .udp], ports: 8000...8003,
            insideAddress: ip("192.168.50.12"), insidePort: 1000)
        let second = PortForward(
            name: "second", transports: [.tcp, .udp], ports: 8200...8203,
            insideAddress: ip("192.168.50.10"), insidePort: 1000)
        let greedy = PortForward(
            name: "greedy", transports: [.tcp, .udp], ports: 30_100...30_599,
            insideAddress: ip("192.168.50.12"), insidePort: 20_000)
        return [[web, closed], [closed], [moved, closed], [web, second], [closed, greedy]][choice]
    }

    /// Frames that went from one worker to another.
    var handedOver: Int { bench.crew.passed }

    /// One thing happens.
    mutating func step() {
        switch random.below(40) {
        case 0: reload()
        case 1...3: pass(.seconds(Int64(random.below(400))))
        case 4...6: pass(.milliseconds(Int64(random.below(20_000))))
        case 7...9: errorFromOutside()
        case 10...11: errorFromInside()
        case 12...22: converse()
        case 23...29: fromInside()
        case 30...33: hairpin()
        default: fromOutside()
        }
        _ = bench.take()
        learnPorts()
        guard problem == nil else { return }
        if bench.sessionCount != model.sessions.count {
            let modelled = model.sessions.map {
                "\($0.mapping.inside) \($0.mapping.outside, default: "?") \($0.remote) \($0.phase)"
            }
            problem = "sessions: \(sessions); the model has \(modelled): \(last)"
        } else if evicted != model.evicted.filter({ $0.value > 0 }) {
            problem = "\(evicted) made room, in the model \(model.evicted): \(last)"
        } else if bench.mappingCount != model.mappings.count {
            problem =
                "\(bench.mappingCount) mappings, the model has \(model.mappings.count): \(last)"
        }
    }

    /// Sessions of the gateway that were ended to make room.
    private var evicted: [NATModel.Weak: Int] {
        var sums: [NATModel.Weak: Int] = [:]
        bench.forEachNAT { nat in
            for transport in 0..<4 {
                let ends = nat.statistics.ends[transport]
                sums[.closed, default: 0] += Int(ends.yielded)
                sums[.embryonic, default: 0] += Int(ends.evicted)
            }
        }
        return sums.filter { $0.value > 0 }
    }

    /// Tells the model the ports that no packet has shown, of sessions whose first one was dropped.
    private mutating func learnPorts() {
        for mapping in model.mappings where mapping.outside == nil && problem == nil {
            guard let known = model.sessions.first(where: { $0.mapping === mapping }),
                let outside = sessions.first(where: {
                    $0.0 == mapping.transport.rawValue && $0.inside == mapping.inside
                        && $0.remote == known.remote
                })?.outside
            else {
                problem = "no session of \(mapping.inside): \(last)"
                return
            }
            problem = model.learn(outside, of: mapping, at: bench.now)
        }
    }

    /// Sessions of the gateway: transport, inside, outside and remote.
    private var sessions: [(UInt8, inside: Endpoint, outside: Endpoint, remote: Endpoint)] {
        func endpoint(_ address: UInt32, _ port: UInt16) -> Endpoint {
            Endpoint(address: IPv4Address(address).description, port: port)
        }
        var found: [(UInt8, inside: Endpoint, outside: Endpoint, remote: Endpoint)] = []
        bench.forEachNAT { nat in
            for number in 0..<nat.sessionLimit where nat.isInUse(number) {
                let session = nat.session(number)
                found.append(
                    (
                        session.transport, endpoint(session.insideAddress, session.insidePort),
                        endpoint(session.outsideAddress, session.outsidePort),
                        endpoint(session.remoteAddress, session.remotePort)
                    ))
            }
        }
        return found
    }

    /// Time passes, until it is certain again what is there.
    private mutating func pass(_ interval: Interval) {
        last = "\(interval.wholeSeconds) s passed"
        bench.advance(interval)
        model.expire(at: bench.now)
        while model.isUncertain(at: bench.now) {
            bench.advance(.milliseconds(250))
            model.expire(at: bench.now)
        }
    }

    private mutating func reload() {
        last = "reload"
        var settings = model.settings
        settings.portForwards = Self.forwards(random.below(5))
        if random.below(3) == 0 {
            settings.filtering = Behavior.allCases[random.below(3)]
        }
        bench.apply { $0.nat = settings }
        model.apply(settings, at: bench.now)
    }

    // MARK: Packets

    private mutating func transport() -> Transport {
        [.udp, .udp, .tcp, .tcp, .icmp][random.below(5)]
    }

    private mutating func anything(
        _ transport: Transport, from source: Endpoint, to destination: Endpoint
    ) -> ModelPacket {
        var packet = ModelPacket(transport: transport, source: source, destination: destination)
        if transport == .tcp {
            let flags: [TCPFlags] = [
                .syn, .syn, .syn, [.syn, .ack], .ack, [.ack, .psh], [.fin, .ack], .rst,
                [.syn, .rst], [],
            ]
            packet.flags = flags[random.below(flags.count)]
            // Mostly what fits a connection between ends that begin with 0.
            let numbers: [UInt32] = [1, 1, 1, 1, 8, 8, 9, 0, 70_000, 200_000, .max - 10_000]
            packet.sequence =
                packet.flags.contains(.syn) && random.below(4) != 0
                ? 0 : numbers[random.below(numbers.count)]
            packet.acknowledgement = numbers[random.below(numbers.count)]
        }
        if random.below(30) == 0 { packet.timeToLive = UInt8(random.below(3)) }
        packet.isBad = random.below(20) == 0
        return packet
    }

    private mutating func insideEndpoint() -> Endpoint {
        Endpoint(
            address: Self.hosts[random.below(3)],
            port: UInt16(1000 + random.below(4)) + (random.below(3) == 0 ? 9000 : 0))
    }

    private mutating func remoteEndpoint() -> Endpoint {
        Endpoint(
            address: Self.remotes[random.below(3)], port: UInt16([53, 80][random.below(2)]))
    }

    /// An outside endpoint, mostly one that leads somewhere.
    private mutating func target(_ transport: Transport) -> Endpoint {
        let known = model.mappings.filter { $0.transport == transport }.compactMap(\.outside)
        if !known.isEmpty, random.below(3) != 0 { return known[random.below(known.count)] }
        let first = [8000, 8100, 8200, 30_000][random.below(4)]
        return Endpoint(address: Self.gateway, port: UInt16(first + random.below(5)))
    }

    private mutating func fromInside() {
        let transport = transport()
        var remote = remoteEndpoint()
        let inside = insideEndpoint()
        if transport == .icmp { remote.port = 0 }
        var packet = anything(transport, from: inside, to: remote)
        packet.isReply = transport == .icmp && random.below(10) == 0
        let prediction = model.outbound(packet, at: bench.now)
        compare(packet, .lan, prediction)
    }

    private mutating func fromOutside() {
        let transport = transport()
        var remote = remoteEndpoint()
        if random.below(6) == 0 { remote.port = UInt16(2000 + random.below(3)) }
        if transport == .icmp { remote.port = 0 }
        var packet = anything(transport, from: remote, to: target(transport))
        packet.isReply = transport == .icmp
        let prediction = model.inbound(packet, at: bench.now)
        compare(packet, .wan, prediction)
    }

    /// A connection is made, or one that is there taken up; it is left open, closed by both ends or
    /// reset.
    private mutating func converse() {
        var inside = insideEndpoint()
        var remote = remoteEndpoint()
        let known = model.sessions.filter {
            $0.mapping.transport == .tcp && $0.remote.address != Self.gateway
        }
        if !known.isEmpty, random.below(5) == 0 {
            let session = known[random.below(known.count)]
            (inside, remote) = (session.mapping.inside, session.remote)
        }
        let fin: TCPFlags = [.fin, .ack]
        let rest = [
            [], [(Side.wan, fin), (.lan, fin)], [(.wan, fin), (.lan, fin)], [(.wan, .rst)],
        ]
        let segments = [(Side.lan, .syn), (.wan, [.syn, .ack])] + rest[random.below(4)]
        for (side, flags) in segments {
            _ = bench.take()
            learnPorts()
            let session = model.sessions.first {
                $0.mapping.transport == .tcp && $0.mapping.inside == inside && $0.remote == remote
            }
            guard problem == nil else { return }
            var packet = ModelPacket(
                transport: .tcp, source: inside, destination: remote, flags: flags,
                sequence: flags.contains(.syn) ? 0 : 8, acknowledgement: 8)
            if side == .lan {
                let prediction = model.outbound(packet, at: bench.now)
                compare(packet, .lan, prediction)
            } else if let outside = session?.mapping.outside {
                packet.source = remote
                packet.destination = outside
                let prediction = model.inbound(packet, at: bench.now)
                compare(packet, .wan, prediction)
            }
        }
    }

    private mutating func hairpin() {
        let transport: Transport = random.below(2) == 0 ? .udp : .tcp
        // A port drawn for the sender may be the one such a session waits for, unknown beforehand.
        guard !model.hasRemoteNobodyHas(transport) else { return }
        let packet = anything(transport, from: insideEndpoint(), to: target(transport))
        let prediction = model.hairpin(packet, at: bench.now)
        compare(packet, .lan, prediction)
    }

    private mutating func builder(_ packet: ModelPacket) -> PacketBuilder {
        identification = identification == .max ? 1 : identification + 1
        return PacketBuilder(packet.source.address, packet.destination.address).with {
            $0.identification = identification
            $0.timeToLive = packet.timeToLive
        }
    }

    private mutating func bytes(_ packet: ModelPacket) -> [UInt8] {
        let path = builder(packet)
        let payload = Array("payload".utf8)
        let sum: ChecksumField = packet.isBad ? .wrong : .correct
        switch packet.transport {
        case .udp:
            return path.udp(
                packet.source.port, packet.destination.port, payload, checksum: sum)
        case .tcp:
            return path.tcp(
                packet.source.port, packet.destination.port, packet.flags,
                sequence: packet.sequence, acknowledgement: packet.acknowledgement, payload,
                checksum: sum)
        default:
            let port = packet.isReply ? packet.destination.port : packet.source.port
            return path.echo(reply: packet.isReply, identifier: port, payload, checksum: sum)
        }
    }

    // MARK: Comparison

    private mutating func compare(
        _ packet: ModelPacket, _ side: Side, _ prediction: Prediction
    ) {
        let sent = bytes(packet)
        capture.add(Bench.frame(sent, on: side), at: bench.now)
        let out = bench.send(sent, on: side).filter { $0.seen["ip.id"] != "0" }
        for frame in out { capture.add(frame.bytes, at: bench.now) }
        let what = "\(packet) from \(side), which is to \(prediction)"
        last = "\(bench.verdict) \(what)"
        switch prediction {
        case .drop:
            dropped += 1
            if !out.isEmpty { problem = "passed: \(what)" }
        case .pass(let way, let source, let destination):
            passed += 1
            guard out.count == 1 else {
                problem = "\(bench.verdict): \(what)"
                return
            }
            let seen = out[0].seen
            let from = Self.endpoint(seen, "src", isIdentified: !packet.isReply)
            let to = Self.endpoint(seen, "dst", isIdentified: packet.isReply)
            let isICMP = packet.transport == .icmp
            var wanted = destination
            if isICMP, !packet.isReply { wanted.port = 0 }
            if out[0].side != way || to != wanted { problem = "went to \(to): \(what)" }
            if seen["ip.ttl"] != "\(packet.timeToLive - 1)" { problem = "wrong TTL: \(what)" }
            if seen.problems.isEmpty == packet.isBad { problem = "\(seen.problems): \(what)" }
            if seen.payload != Array("payload".utf8) { problem = "another payload: \(what)" }
            if let source {
                if from != source { problem = "came from \(from): \(what)" }
            } else if let mapping = model.unseen {
                problem = model.learn(from, of: mapping, at: bench.now).map { "\($0): \(what)" }
                if !(30_000...30_999).contains(from.port), !isICMP {
                    problem = "port outside of the pool: \(from)"
                }
            }
        }
    }

    private static func endpoint(
        _ seen: Dissection, _ end: String, isIdentified: Bool, prefix: String = ""
    ) -> Endpoint {
        let port =
            seen["\(prefix)udp.\(end)port"] ?? seen["\(prefix)tcp.\(end)port"]
            ?? (isIdentified ? seen["\(prefix)icmp.ident"] : nil) ?? "0"
        return Endpoint(
            address: seen["\(prefix)ip.\(end)"] ?? "-", port: UInt16(port) ?? 0)
    }

    // MARK: Errors

    private mutating func quote(
        _ transport: Transport, _ from: Endpoint, _ to: Endpoint, sequence: UInt32
    ) -> [UInt8] {
        bytes(
            ModelPacket(
                transport: transport, source: from, destination: to, flags: .ack,
                sequence: sequence))
    }

    /// An error from a router outside about a packet that had left, or about one that never had.
    private mutating func errorFromOutside() {
        let transport = transport()
        let known = model.sessions.filter {
            $0.mapping.outside != nil && $0.remote.address != Self.gateway
        }
        var outside = target(transport)
        var remote = remoteEndpoint()
        var kind = transport
        if !known.isEmpty, random.below(4) != 0 {
            let session = known[random.below(known.count)]
            outside = session.mapping.outside ?? outside
            remote = session.remote
            kind = session.mapping.transport
        }
        if kind == .icmp { remote.port = 0 }
        let sequence: UInt32 = [0, 1, 8, 9, 70_000][random.below(5)]
        let about = quote(kind, outside, remote, sequence: sequence)
        let error = builder(
            ModelPacket(
                transport: .icmp, source: Endpoint(address: "192.0.2.200", port: 0),
                destination: outside)
        ).icmpError(UInt8([3, 11][random.below(2)]), code: 1, about: about)
        var session = model.quoted(kind, outside: outside, remote: remote)
        if kind == .tcp, session?.tcp.isInFlight(sequence, .outbound) == false { session = nil }
        compareError(error, .wan, session, quotes: "src", session?.mapping.inside)
    }

    /// An error from an inside host about a packet that had come to it.
    private mutating func errorFromInside() {
        let known = model.sessions.filter {
            $0.mapping.outside != nil && $0.remote.address != Self.gateway
        }
        guard !known.isEmpty else { return }
        let session = known[random.below(known.count)]
        var inside = session.mapping.inside
        var isKnown = random.below(4) != 0 || session.mapping.transport == .icmp
        if !isKnown { inside.port = 7 }
        let transport = session.mapping.transport
        var about: [UInt8]
        if transport == .icmp {
            let packet = ModelPacket(
                transport: .icmp, source: session.remote, destination: inside, isReply: true)
            about = bytes(packet)
        } else {
            let sequence: UInt32 = [0, 1, 8, 9, 70_000][random.below(5)]
            about = quote(transport, session.remote, inside, sequence: sequence)
            if transport == .tcp, !session.tcp.isInFlight(sequence, .inbound) { isKnown = false }
        }
        about = Array(about.prefix(28 + random.below(8)))
        let error = builder(
            ModelPacket(transport: .icmp, source: inside, destination: session.remote)
        ).icmpError(3, code: 3, about: about)
        compareError(
            error, .lan, isKnown ? session : nil, quotes: "dst", session.mapping.outside)
    }

    private mutating func compareError(
        _ error: [UInt8], _ side: Side, _ session: NATModel.ModelSession?, quotes end: String,
        _ endpoint: Endpoint?
    ) {
        capture.add(Bench.frame(error, on: side), at: bench.now)
        let out = bench.send(error, on: side).filter { $0.seen["ip.id"] != "0" }
        let what = "error \(hex(error)) from \(side)"
        guard let session, let endpoint else {
            dropped += 1
            if !out.isEmpty { problem = "passed: \(what)" }
            return
        }
        passed += 1
        guard out.count == 1, let frame = out.first else {
            problem = "\(bench.verdict), not passed: \(what)"
            return
        }
        let seen = frame.seen
        let isICMP = session.mapping.transport == .icmp
        let quoted = Self.endpoint(seen, end, isIdentified: isICMP, prefix: "quoted.")
        let outer = seen[side == .wan ? "ip.dst" : "ip.src"]
        if frame.side == side || quoted != endpoint || outer != endpoint.address {
            problem = "quotes \(quoted), not \(endpoint), outer \(outer ?? "-"): \(what)"
        }
        if !seen.problems.isEmpty { problem = "\(seen.problems): \(what)" }
    }
}
