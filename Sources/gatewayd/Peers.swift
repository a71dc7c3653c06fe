import Forwarding
import Linux
import Wire

/// A worker's ends of the rings to and from all others. Where there is none, nothing of it costs.
struct Peers: Sendable {
    /// By worker; nil for itself.
    private var senders: [RingSender?] = [nil]
    private var receivers: [RingReceiver?] = [nil]
    private let bells: [Doorbell]
    private let own: Doorbell?
    /// Whose turn it is to be heard.
    private var turn = 0
    let isAlone: Bool

    /// For each of the workers with these mailboxes, the first one first.
    static func mesh(_ boxes: [Mailbox<WorkerJob>]) -> [Peers] {
        let count = boxes.count
        let bells = boxes.map { box in Doorbell { box.wake() } }
        let rings = (0..<count * count).map { $0 / count == $0 % count ? nil : FrameRing() }
        return (0..<count).map { index in
            var peers = Peers(bells: bells, own: bells[index], isAlone: count == 1)
            peers.senders = (0..<count).map { rings[index * count + $0].map { RingSender($0) } }
            peers.receivers = (0..<count).map { rings[$0 * count + index].map { RingReceiver($0) } }
            return peers
        }
    }

    /// Nobody.
    static var none: Peers { Peers(bells: [], own: nil, isAlone: true) }

    private init(bells: [Doorbell], own: Doorbell?, isAlone: Bool) {
        self.bells = bells
        self.own = own
        self.isAlone = isAlone
    }

    /// Workers other than the first, for what the first lets all overhear.
    var others: Range<Int> { 1..<senders.count }

    /// Puts a frame in the ring to a worker; false when it is full.
    mutating func push(
        _ frame: RawSpan, _ header: VirtioNetHeader, on side: Side, as kind: HandOver,
        to worker: Int
    ) -> Bool {
        senders[worker]?.push(frame, header, on: side, as: kind.rawValue) ?? false
    }

    /// Lets the others have what was put in their rings.
    mutating func publish() {
        guard !isAlone else { return }
        for worker in senders.indices where senders[worker]?.publish() == true {
            bells[worker].ring()
        }
    }

    /// Moves the next frame for this worker into `slot`; nil if there is none.
    mutating func pop(into slot: inout MutableRawSpan) -> RingReceiver.Arrival? {
        guard !isAlone else { return nil }
        for _ in receivers.indices {
            turn = turn + 1 < receivers.count ? turn + 1 : 0
            if let arrival = receivers[turn]?.pop(into: &slot) { return arrival }
        }
        return nil
    }

    /// Whether there is a frame for this worker.
    var hasArrivals: Bool { !isAlone && receivers.contains { $0?.isEmpty == false } }

    /// Whether this worker may sleep, and will be woken; `getUp` when it is awake.
    func fallAsleep() -> Bool {
        guard !isAlone else { return true }
        own?.fallAsleep()
        return !hasArrivals
    }

    /// It is awake.
    func getUp() { own?.getUp() }
}

/// The mailboxes of all workers, the first one first, which has what is there once: routing
/// protocols, BFD, the watchdog.
struct WorkerBoxes: Sendable {
    let all: [Mailbox<WorkerJob>]

    init(_ count: Int) throws(SystemError) {
        var all: [Mailbox<WorkerJob>] = []
        for _ in 0..<count { all.append(try Mailbox(capacity: 256)) }
        self.all = all
    }

    var first: Mailbox<WorkerJob> { all[0] }

    /// Has one worker after the other work in slices, like a `WorkerJob`, then calls `done` on the
    /// last one's thread: with false at once where one has too much to do.
    func tour(
        _ slice: @escaping @Sendable (inout DataPath, UInt32) -> UInt32?,
        then done: @escaping @Sendable (Bool) -> Void
    ) {
        visit(0, slice, done)
    }

    private func visit(
        _ worker: Int, _ slice: @escaping @Sendable (inout DataPath, UInt32) -> UInt32?,
        _ done: @escaping @Sendable (Bool) -> Void
    ) {
        guard worker < all.count else { return done(true) }
        let job = WorkerJob { path, cursor in
            if let next = slice(&path, cursor) { return next }
            visit(worker + 1, slice, done)
            return nil
        }
        if !all[worker].post(job) { done(false) }
    }
}
