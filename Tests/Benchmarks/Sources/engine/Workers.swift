import Forwarding
import Glibc
import Linux
import Memory
import NAT
import Support
import Synchronization
import Timing
import Wire

// The same traffic through one worker on one thread and through two on two threads: what each reads
// is mostly its own, as the kernel steers it, and else goes over by a ring.
extension Engine {
    /// Less than there are ports, since hosts are not dealt out quite evenly.
    fileprivate static let workerFlows = 48_000
    private static let workerPackets = 4_000_000

    static func workers() {
        print("\n| workers | handed over | ns a packet | times one worker | by time on a core |")
        print("|---|---|---|---|---|")
        let key = HashKey(0x1234_5678_9abc_def1, 0xfedc_ba98_7654_3211)
        var times: [[(wall: Double, core: Double)]] = [[], [], []]
        let one = [WorkerBed(0, of: 1, key)]
        let two = [WorkerBed(0, of: 2, key), WorkerBed(1, of: 2, key)]
        WorkerBed.introduce(one)
        WorkerBed.introduce(two)
        for _ in 0..<runs {
            times[0].append(run(one, handing: 0))
            times[1].append(run(two, handing: 0))
            times[2].append(run(two, handing: 10))
        }
        func median(_ all: [Double]) -> Double { all.sorted()[all.count / 2] }
        func ratios(
            _ index: Int, _ time: ((wall: Double, core: Double)) -> Double
        ) -> String {
            let all = zip(times[0], times[index]).map { time($0) / time($1) }
            return median(all).text(2)
                + " (\((all.min() ?? 0).text(2)) to \((all.max() ?? 0).text(2)))"
        }
        for (index, name) in ["1 | 0 %", "2 | 0 %", "2 | 10 %"].enumerated() {
            print(
                "| \(name) | \(median(times[index].map(\.wall)).text()) "
                    + "| \(ratios(index, \.wall)) | \(ratios(index, \.core)) |")
        }
    }

    /// Nanoseconds a packet of all threads together: by the clock on the wall, and by the time that
    /// the one that was longest on a core was there.
    private static func run(
        _ beds: [WorkerBed], handing percent: Int
    ) -> (wall: Double, core: Double) {
        let line = StartLine(beds.count)
        let each = workerPackets / beds.count
        var threads: [Thread] = []
        for bed in beds { threads.append(Thread { bed.run(each, handing: percent, line) }) }
        let start = line.start()
        for thread in threads { thread.join() }
        return (
            Double(line.elapsed(since: start)) / Double(workerPackets),
            Double(line.longestOnCore) / Double(workerPackets)
        )
    }
}

/// A thread bound to nothing, joined once.
private final class Thread {
    private var thread: WorkerThread?

    init(_ body: @escaping @Sendable () -> Void) {
        do {
            thread = try WorkerThread(name: "worker", body)
        } catch {
            fatalError("\(error)")
        }
    }

    func join() { thread = nil }
}

/// Lets threads begin together and know when all have done their own.
private final class StartLine: Sendable {
    private let waiting = Atomic<Int>(0)
    private let isOpen = Atomic<Bool>(false)
    private let done = Atomic<Int>(0)
    private let last = Atomic<Int>(0)
    private let onCore = Atomic<Int>(0)
    private let count: Int

    init(_ count: Int) { self.count = count }

    private static func now(_ clock: clockid_t = CLOCK_MONOTONIC) -> Int {
        var time = timespec()
        clock_gettime(clock, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Waits; how long the calling thread has been on a core then.
    func wait() -> Int {
        waiting.add(1, ordering: .sequentiallyConsistent)
        while !isOpen.load(ordering: .acquiring) {}
        return Self.now(CLOCK_THREAD_CPUTIME_ID)
    }

    func start() -> Int {
        while waiting.load(ordering: .acquiring) < count { usleep(100) }
        let now = Self.now()
        isOpen.store(true, ordering: .releasing)
        return now
    }

    func finish() { done.add(1, ordering: .sequentiallyConsistent) }

    var isFinished: Bool { done.load(ordering: .sequentiallyConsistent) == count }

    /// A thread has done its part that began when it had been on a core for `start`.
    func end(since start: Int) {
        onCore.max(Self.now(CLOCK_THREAD_CPUTIME_ID) - start, ordering: .sequentiallyConsistent)
        last.max(Self.now(), ordering: .sequentiallyConsistent)
    }

    var longestOnCore: Int { onCore.load(ordering: .sequentiallyConsistent) }

    func elapsed(since start: Int) -> Int { last.load(ordering: .sequentiallyConsistent) - start }
}

/// Holds a worker for the thread that has it.
private final class WorkerBed: @unchecked Sendable {
    private var worker: BenchWorker?

    init(_ index: Int, of count: Int, _ key: HashKey) {
        worker = BenchWorker(index, of: count, key)
    }

    /// Gives two workers rings to each other, and frames of each other's flows.
    static func introduce(_ beds: [WorkerBed]) {
        let rings = beds.map { _ in FrameRing() }
        for (index, bed) in beds.enumerated() {
            let other = (index + 1) % beds.count
            let frames = beds[other].worker?.inbound ?? []
            bed.worker?.meet(
                RingSender(rings[other]), RingReceiver(rings[index]), Array(frames[...]))
        }
    }

    func run(_ packets: Int, handing percent: Int, _ line: StartLine) {
        // In a variable of its own, as in the daemon: what a class holds is guarded at each use.
        guard var worker = worker.take() else { return }
        let start = line.wait()
        worker.read(packets, handing: percent)
        line.finish()
        while !line.isFinished || worker.hasArrivals { worker.takeOver() }
        line.end(since: start)
        self.worker = consume worker
    }
}

/// One worker with its flows and its ends of the rings to and from the other, if there is one.
private struct BenchWorker: ~Copyable {
    private var traffic: Traffic
    private let index: Int
    private var own: [Int32] = []
    private var others: [Int32] = []
    /// The frames of the other's flows, as the kernel would give them to us.
    private var foreign: [UInt8] = []
    private var sender = RingSender(FrameRing(bits: 17))
    private var receiver = RingReceiver(FrameRing(bits: 17))
    private var slot = [UInt8](repeating: 0, count: FrameSlab.stride)

    init(_ index: Int, of count: Int, _ key: HashKey) {
        self.index = index
        let share = Share(index, of: count, key: key)
        traffic = Traffic(flows: Engine.workerFlows, share: share)
        for flow in 0..<Engine.workerFlows {
            let host = IPv4Address(192, 168, 50, UInt8(2 + flow % Traffic.hosts)).rawValue
            if share.owner(of: host) == index {
                own.append(Int32(flow))
            } else {
                others.append(Int32(flow))
            }
        }
        traffic.open(own)
    }

    var inbound: [UInt8] { traffic.inbound }

    mutating func meet(
        _ sender: RingSender, _ receiver: RingReceiver, _ foreign: [UInt8]
    ) {
        (self.sender, self.receiver, self.foreign) = (sender, receiver, foreign)
    }

    /// Reads `packets` packets, half of them from either side, and takes what it is to take.
    mutating func read(_ packets: Int, handing percent: Int) {
        var state = UInt64(index) &* 77 &+ 1
        let threshold = others.isEmpty ? 0 : UInt64(percent) * (1 << 32) / 100
        for packet in 0..<packets {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let side: Side = packet & 1 == 0 ? .lan : .wan
            let drawn = state >> 32
            if (state << 32) >> 32 < threshold {
                hand(Int(others[Int(drawn &* UInt64(others.count) >> 32)]), side)
            } else {
                let flow = Int(own[Int(drawn &* UInt64(own.count) >> 32)])
                precondition(traffic.take(flow, side))
            }
            if packet & 63 == 63 {
                _ = sender.publish()
                takeOver()
            }
        }
        _ = sender.publish()
    }

    private mutating func hand(_ flow: Int, _ side: Side) {
        if side == .lan { traffic.copy(flow, .lan) } else { traffic.copy(flow, from: foreign) }
        precondition(traffic.isForeign(side))
        while !push(side) {
            _ = sender.publish()
            takeOver()
        }
    }

    private mutating func push(_ side: Side) -> Bool {
        traffic.withFrame {
            sender.push($0, VirtioNetHeader(), on: side, as: HandOver.received.rawValue)
        }
    }

    var hasArrivals: Bool { !receiver.isEmpty }

    mutating func takeOver() {
        while let arrival = withSpan(&slot, { receiver.pop(into: &$0) }) {
            let isForwarded = withSpan(&slot) { traffic.take(&$0, arrival) }
            precondition(isForwarded)
        }
    }
}
