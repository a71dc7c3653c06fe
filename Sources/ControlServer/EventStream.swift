import Control
import NIOCore
import NIOHTTP1
import Synchronization

/// The way of events to one client: a bounded number of lines between whoever tells and the socket.
final class EventStream: SessionWatch {
    private let state: Mutex<State>
    private let connection: NIOLoopBound<Connection>
    private let loop: any EventLoop
    private let gate: Gate
    /// Lines that may wait for the client.
    private let limit: Int

    private struct State {
        var isOpen = true
        var waiting = 0
    }

    init(_ connection: Connection) {
        loop = connection.channel.eventLoop
        gate = connection.service.gate
        limit = connection.service.limits.waitingEvents
        self.connection = NIOLoopBound(connection, eventLoop: loop)
        state = Mutex(State())
    }

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func begin(_ head: SessionEventsHead) { onLoop { $0.beginEvents(head) } }

    func refuse(_ error: ControlError) { onLoop { $0.refuseEvents(error) } }

    func tell(_ lines: [SessionEventLine]) {
        let fits: Bool? = state.withLock { state in
            guard state.isOpen else { return nil }
            state.waiting += lines.count
            state.isOpen = state.waiting <= limit
            return state.isOpen
        }
        guard let fits else { return }
        onLoop { connection in
            if fits { connection.write(events: lines) } else { connection.close() }
        }
    }

    /// The client has taken so many lines.
    func taken(_ count: Int) { state.withLock { $0.waiting -= count } }

    func close() { state.withLock { $0.isOpen = false } }

    private func onLoop(_ body: @escaping @Sendable (Connection) -> Void) {
        gate.execute(on: loop) { [self] in body(connection.value) }
    }
}

extension Connection {
    /// Asks for events; the answer has no end of its own.
    func watch(_ filter: Filter) {
        guard service.watchers.enter(limit: service.limits.watchers) else {
            return answer(
                ControlError(
                    status: 503, sentence: "too many clients watch sessions; try again",
                    exitStatus: 75))
        }
        let stream = EventStream(self)
        events = stream
        service.backend.watchSessions(filter, stream)
    }

    func beginEvents(_ head: SessionEventsHead) {
        guard case .working = phase, events != nil else { return }
        keepsAlive = false
        begin(.ok, length: nil)
        phase = .watching
        disarm()
        write([head], then: {})
    }

    func refuseEvents(_ error: ControlError) {
        guard case .working = phase, events != nil else { return }
        endEvents()
        answer(error)
    }

    func write(events lines: [SessionEventLine]) {
        guard case .watching = phase, let stream = events else { return }
        write(lines, then: { stream.taken(lines.count) })
    }

    private func write(_ lines: [some Encodable], then taken: @escaping @Sendable () -> Void) {
        var text: [UInt8] = []
        for line in lines {
            guard (try? ControlJSON.append(line, to: &text)) != nil else { return close() }
            text.append(UInt8(ascii: "\n"))
        }
        let promise = channel.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in taken() }
        channel.writeAndFlush(
            HTTPServerResponsePart.body(.byteBuffer(channel.allocator.buffer(bytes: text))),
            promise: promise)
    }

    /// Nothing more is told to this client.
    func endEvents() {
        guard let stream = events else { return }
        events = nil
        stream.close()
        service.watchers.leave()
    }
}
