public import Forwarding
import Memory
public import NAT
public import Router
public import Routing
import Timing
public import Wire

/// The further workers of a gateway, and what they hand each other: each pair keeps its order, the
/// rest is up to chance, drawn from a seed.
public final class Crew {
    /// A frame on its way from one worker to another.
    public struct Passing {
        /// From the Ethernet header on.
        public var frame: [UInt8]
        /// Its offload metadata.
        public var header: VirtioNetHeader
        /// The side it came in on.
        public var side: Side
        /// What is to be done with it.
        public var kind: HandOver

        /// A frame handed over.
        public init(
            _ frame: [UInt8], _ header: VirtioNetHeader, _ side: Side, _ kind: HandOver
        ) {
            self.frame = frame
            self.header = header
            self.side = side
            self.kind = kind
        }
    }

    private final class Member {
        var router: Router
        init(_ router: consuming Router) { self.router = router }
    }

    /// Workers in all.
    public let count: Int
    /// Frames handed over so far.
    public private(set) var passed = 0
    private var others: [Member] = []
    /// By sender and receiver.
    private var queues: [[Passing]]
    /// The pairs of those handed over and not asked for yet.
    private var announced: [Int] = []
    private var random: Random
    private let key: HashKey

    /// All workers but the first.
    public init(seed: UInt64, _ settings: ForwardingSettings, routes: [Route], workers: Int) {
        count = workers
        random = Random(seed: seed ^ 0x5eed)
        key = HashKey(random.next(), random.next())
        queues = Array(repeating: [], count: workers * workers)
        for index in 1..<max(workers, 1) {
            others.append(
                Member(
                    Router(
                        settings, routes: routes, share: share(index),
                        random: Random(seed: seed &+ UInt64(index) &* 7919))))
        }
    }

    /// What a worker has of all.
    public func share(_ index: Int) -> Share { Share(index, of: count, key: key) }

    /// Calls `body` with a worker, of which `first` is number 0.
    public func with<R>(
        _ worker: Int, _ first: inout Router, _ body: (inout Router) -> R
    ) -> R {
        worker == 0 ? body(&first) : body(&others[worker - 1].router)
    }

    /// Calls `body` with each worker but the first.
    public func forEach(_ body: (inout Router) -> Void) {
        for member in others { body(&member.router) }
    }

    /// Who reads the next frame.
    public func reader() -> Int { count > 1 ? random.below(count) : 0 }

    /// Lets every other worker overhear a frame of the first.
    public func spread(_ frame: [UInt8], _ header: VirtioNetHeader, _ side: Side) {
        for other in 1..<count { pass(Passing(frame, header, side, .overheard), 0, other) }
    }

    /// Hands a frame over.
    public func pass(_ passing: Passing, _ from: Int, _ to: Int) {
        precondition(from != to, "a worker hands nothing to itself")
        passed += 1
        queues[from * count + to].append(passing)
        announced.append(from * count + to)
    }

    /// Whether nothing is on its way.
    public var isIdle: Bool { queues.allSatisfy(\.isEmpty) }

    /// The next frame to arrive, and at whom.
    public func next() -> (Passing, worker: Int)? {
        let waiting = queues.indices.filter { !queues[$0].isEmpty }
        announced.removeAll()
        guard !waiting.isEmpty else { return nil }
        return next(of: waiting[random.below(waiting.count)])
    }

    /// The pairs of the frames handed over since the last call, in order.
    public func takeAnnounced() -> [Int] {
        defer { announced = [] }
        return announced
    }

    /// The next frame of one pair.
    public func next(of pair: Int) -> (Passing, worker: Int) {
        (queues[pair].removeFirst(), pair % count)
    }
}
