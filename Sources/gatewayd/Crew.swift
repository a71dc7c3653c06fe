import Configuration
import Forwarding
import Linux
import Logging
import Memory
import NAT
import Router
import Routing
import Synchronization
import Timing
import Wire

/// A thread that forwards, joined once.
final class RunningWorker {
    private var thread: WorkerThread?

    init(_ thread: consuming WorkerThread) { self.thread = consume thread }

    func join() { thread = nil }
}

/// Something that one thread after the other adds to.
final class Sum<Value>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: sending Value) { mutex = Mutex(value) }

    func change(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}

extension Sum where Value: Sendable {
    var value: Value { mutex.withLock { $0 } }
}

// The workers as the control thread sees them.
extension Daemon {
    func startWorkers(_ stop: StopFlag) throws -> [RunningWorker] {
        let inbox = inbox
        let count = boxes.all.count
        var random = Random(key: SystemRandom.key())
        let key = HashKey(random.next(), random.next())
        let peers = Peers.mesh(boxes.all)
        let watchdogs = Watchdog.all(count, service, at: Clock.now())
        let (lanQueues, wanQueues) = (lan.tap.descriptors, wan.tap.descriptors)
        var first = control.configure(
            configuration.forwarding, routes: configuration.routes, silent: silentHops)
        // Packets that waited for us go where our predecessor sent them.
        if configuration.ospf != nil, let memory, memory.isFresh(at: Clock.now()) {
            control.learn(memory.learned, withdrawn: [], from: .ospf)
        }
        var second = control.table()
        var running: [RunningWorker] = []
        // The first one last: it takes the tables that the others have copies of.
        for index in (0..<count).reversed() {
            let worker = Worker(
                jobs: boxes.all[index], routing: routingMail, stop: stop,
                post: { event in inbox.post(ControlJob { $0.hear(event) }) },
                watchdog: watchdogs[index],
                joins: [lan.tap.offload?.joins ?? [], wan.tap.offload?.joins ?? []],
                busyPoll: configuration.busyPoll, peers: peers[index])
            var forwarder = Forwarder(
                configuration.forwarding, share: Share(index, of: count, key: key),
                random: Random(key: SystemRandom.key()))
            if let table = Self.take(&first, index) { _ = forwarder.publish(table) }
            if let table = Self.take(&second, index) { _ = forwarder.publish(table) }
            forwarder.recordSessions(configuration.log.natSessions == .all)
            for one in keptNeighbors {
                forwarder.recallNeighbor(one.side, one.address, one.hardware, at: Clock.now())
            }
            let queues = (lan: lanQueues[index], wan: wanQueues[index])
            do {
                running.append(
                    RunningWorker(
                        try WorkerThread(name: "worker \(index)", owning: forwarder) {
                            worker.run($0, queues: queues)
                        }))
            } catch {
                end(running, stop)
                throw error
            }
        }
        for side in Side.allCases {
            if !(side == .lan ? lan.isUp : wan.isUp) { linkChanged(side, isUp: false) }
        }
        return running
    }

    private static func take(_ table: inout FIBUpdate?, _ worker: Int) -> FIBUpdate? {
        worker == 0 ? table.take() : FIBUpdate.copy(of: table)
    }

    func end(_ workers: [RunningWorker], _ stop: StopFlag) {
        stop.set()
        for box in boxes.all { box.wake() }
        for worker in workers { worker.join() }
    }

    /// Hands a new table and a change to all workers, in this order.
    func post(
        _ table: consuming FIBUpdate?,
        _ change: @escaping @Sendable (inout DataPath) -> Void = { _ in }
    ) {
        for worker in boxes.all.indices.dropFirst() {
            waiting[worker].append(job(FIBUpdate.copy(of: table), change))
        }
        waiting[0].append(job(table, change))
        deliver()
    }

    /// Has the first worker do something, after all that it was told before.
    func post(first change: @escaping @Sendable (inout DataPath) -> Void) {
        waiting[0].append(.once(change))
        deliver()
    }

    private func job(
        _ table: consuming FIBUpdate?, _ change: @escaping @Sendable (inout DataPath) -> Void
    ) -> WorkerJob {
        guard let table else { return .once(change) }
        let handoff = Handoff(table)
        let old = Graveyard(inbox)
        return .once { path in
            if let table = handoff.take() { old.bury(path.forwarder.publish(table)) }
            change(&path)
        }
    }

    /// Gives the workers what waits for them; what finds no room stays, so that no change is lost.
    func deliver() {
        for (worker, box) in boxes.all.enumerated() {
            let taken = waiting[worker].prefix { box.post($0) }.count
            waiting[worker].removeFirst(taken)
            guard waiting[worker].count > 4096, exitStatus == nil else { continue }
            log.critical("a forwarding thread stands still; nothing can be changed any more")
            exitStatus = 70
        }
    }
}

/// Brings an old forwarding table back to the control thread, where freeing it holds nobody up.
private final class Graveyard: Sendable {
    private let inbox: Mailbox<ControlJob>

    init(_ inbox: Mailbox<ControlJob>) { self.inbox = inbox }

    func bury(_ table: consuming FIBUpdate) {
        let handoff = Handoff(table)
        _ = inbox.post(ControlJob { _ in _ = handoff.take() })
    }
}
