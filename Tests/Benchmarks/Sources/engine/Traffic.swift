import Forwarding
import Linux
import NAT
import Router
import Support
import Timing
import Wire

/// A gateway with flows through it, and the frames that belong to them.
struct Traffic: ~Copyable {
    /// Octets of a frame: 64 octets of IPv4 packet.
    static let frameLength = 78
    static let hosts = 250
    static let ports = 250

    var router: Router
    var outbox = Outbox()
    var now = Instant(nanoseconds: 1_000_000_000_000)
    let count: Int
    /// One frame after the other, as they come in.
    private(set) var outbound: [UInt8] = []
    private(set) var inbound: [UInt8] = []
    /// Where the frame in hand lies, as in a slab.
    private let slot = UnsafeMutableRawBufferPointer.allocate(byteCount: 2048, alignment: 64)

    /// A gateway with room for `count` flows, 250 hosts with 250 ports each to ever more remotes.
    init(flows count: Int, share: Share = .whole) {
        self.count = count
        var settings = Bench.settings
        settings[.lan].neighbors = (2..<252).map { host in
            let address = IPv4Address(192, 168, 50, UInt8(host))
            return StaticNeighbor(address: address, hardware: Bench.hardware(of: address))
        }
        settings[.wan].neighbors = [
            StaticNeighbor(
                address: ip("203.0.113.1"), hardware: Bench.hardware(of: ip("203.0.113.1")))
        ]
        // What is not answered yet has a quarter of the table.
        settings.nat.limits.sessions =
            min(max(count * 4 + 4, 65_536), 1 << 24) * share.count
        settings.nat.limits.sessionsPerHost = settings.nat.limits.sessions
        settings.nat.limits.portsPerHost = settings.nat.limits.sessions
        router = Router(settings, routes: Bench.routes, share: share, random: Random(seed: 1))
        router.start(at: now, into: &outbox)
        outbox.removeAll()
        for flow in 0..<count {
            outbound += Bench.frame(Self.packet(flow), on: .lan)
        }
    }

    private static func packet(_ flow: Int) -> [UInt8] {
        let host = IPv4Address(192, 168, 50, UInt8(2 + flow % hosts))
        let port = UInt16(20_000 + flow / hosts % ports)
        let remote = IPv4Address(IPv4Address(198, 18, 0, 1).rawValue + UInt32(flow / 62_500))
        let payload = [UInt8](repeating: 7, count: frameLength - 42)
        return PacketBuilder(host, remote).udp(port, 4000, payload)
    }

    deinit { slot.deallocate() }

    /// Sends the first packet of every flow and its answer, and keeps what the answers look like.
    mutating func open() { open((0..<count).map { Int32($0) }) }

    /// The same with some of the flows.
    mutating func open(_ flows: [Int32]) {
        var answers = outbound
        for flow in flows.lazy.map({ Int($0) }) {
            guard take(flow, .lan) else { fatalError("flow \(flow) was not forwarded") }
            let frame = Array(slot[0..<Self.frameLength])
            var answer = frame
            answer.replaceSubrange(0..<6, with: frame[6..<12])
            answer.replaceSubrange(6..<12, with: frame[0..<6])
            // Swapping addresses and ports changes no checksum.
            answer.replaceSubrange(26..<30, with: frame[30..<34])
            answer.replaceSubrange(30..<34, with: frame[26..<30])
            answer.replaceSubrange(34..<36, with: frame[36..<38])
            answer.replaceSubrange(36..<38, with: frame[34..<36])
            let start = flow * Self.frameLength
            answers.replaceSubrange(start..<start + Self.frameLength, with: answer)
            slot.copyBytes(from: answer)
            guard receive(.wan) else { fatalError("the answer to \(flow) was not forwarded") }
        }
        inbound = answers
    }

    /// Copies the frame of a flow into the slot, and nothing else: what is not the gateway's cost.
    @inline(__always)
    mutating func copy(_ flow: Int, _ side: Side) {
        let from = flow * Self.frameLength
        (side == .lan ? outbound : inbound).withUnsafeBytes { source in
            slot.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: source[from..<from + Self.frameLength]))
        }
    }

    /// The same of frames that are not ours.
    func copy(_ flow: Int, from frames: [UInt8]) {
        let from = flow * Self.frameLength
        frames.withUnsafeBytes { source in
            slot.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: source[from..<from + Self.frameLength]))
        }
    }

    /// Calls `body` with the frame in the slot.
    func withFrame<R>(_ body: (RawSpan) -> R) -> R {
        body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: slot[..<Self.frameLength])))
    }

    /// Has the gateway look at the slot; whether another worker is to take it.
    mutating func isForeign(_ side: Side) -> Bool {
        if case .hand = offer(side) { return true }
        return false
    }

    /// Takes a frame that another worker read, in a slot of its own; whether it was forwarded.
    mutating func take(_ slot: inout MutableRawSpan, _ arrival: RingReceiver.Arrival) -> Bool {
        guard var header = try? VirtioNetHeader(slot.bytes) else { return false }
        var frame = slot.window(
            VirtioNetHeader.length, arrival.length - VirtioNetHeader.length)
        let verdict = router.forwarder.take(
            &frame, &header, on: arrival.side, as: HandOver(rawValue: arrival.kind) ?? .received,
            at: now, into: &outbox)
        if case .forward = verdict { return true }
        return false
    }

    /// Sends a packet of a flow from a side; whether it was forwarded.
    @inline(__always)
    mutating func take(_ flow: Int, _ side: Side) -> Bool {
        copy(flow, side)
        return receive(side)
    }

    /// Hands the slot to the gateway.
    @inline(__always)
    mutating func receive(_ side: Side) -> Bool {
        if case .forward = offer(side) { return true }
        return false
    }

    @inline(__always)
    private mutating func offer(_ side: Side) -> Verdict {
        var header = VirtioNetHeader()
        guard let base = slot.baseAddress else { return .consumed }
        var frame = MutableRawSpan(_unsafeStart: base, byteCount: Self.frameLength)
        return router.forwarder.receive(&frame, &header, on: side, at: now, into: &outbox)
    }

    /// Makes the frame in the slot one that is dropped: its header checksum is wrong.
    mutating func spoil() { slot[24] ^= 0xff }

    /// Lets every flow end; calls needed.
    mutating func expire() -> Int {
        now += .seconds(700)
        var calls = 0
        while router.forwarder.nat.sessionCount > 0 {
            router.tick(at: now, into: &outbox)
            calls += 1
        }
        return calls
    }
}
