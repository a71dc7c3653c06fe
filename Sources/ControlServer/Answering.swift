import Control
import NIOCore
import NIOHTTP1

/// A list that is encoded bit by bit while the client takes it.
struct RowStream {
    var next = 0
    let count: Int
    let append: (Int, inout [UInt8]) throws -> Void
}

extension Connection {
    /// Octets of a part, and the time after which other clients have their turn.
    private static let partBytes = 64 << 10
    private static let turn = TimeAmount.milliseconds(5)
    /// Between two turns. A task that is ready at once would run before the loop looks at any
    /// other client again.
    private static let pause = TimeAmount.milliseconds(1)

    func answer(_ error: ControlError) {
        answer(error.answer, status: HTTPResponseStatus(statusCode: error.status))
    }

    func answer(_ value: some Encodable, status: HTTPResponseStatus) {
        guard let text = try? ControlJSON.encode(value) else {
            return fail(500, "the answer cannot be written", exitStatus: 70)
        }
        begin(status, length: text.count)
        write(.body(.byteBuffer(channel.allocator.buffer(bytes: text))))
        finish()
    }

    func answer<List: ListAnswer>(list: List) {
        guard let text = try? list.textBeforeRows() else {
            return fail(500, "the answer cannot be written", exitStatus: 70)
        }
        begin(.ok, length: nil)
        write(.body(.byteBuffer(channel.allocator.buffer(bytes: text))))
        rows = RowStream(count: list.rows.count) { try list.appendRow(at: $0, to: &$1) }
        pump()
    }

    func begin(_ status: HTTPResponseStatus, length: Int?) {
        phase = .answering
        answerEnds = .now() + .milliseconds(service.limits.wholeAnswerMilliseconds)
        var headers = HTTPHeaders([
            ("Content-Type", "application/json"), ("Gatewayd-Version", service.version),
        ])
        if let length { headers.add(name: "Content-Length", value: String(length)) }
        if status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, POST") }
        if !keepsAlive { headers.add(name: "Connection", value: "close") }
        write(.head(HTTPResponseHead(version: version, status: status, headers: headers)))
        expectProgress()
    }

    private func write(_ part: HTTPServerResponsePart) {
        channel.write(part, promise: nil)
    }

    /// Closes a client that takes nothing for too long, or whose answer takes too long in all.
    private func expectProgress() {
        let left = (answerEnds - .now()).nanoseconds / 1_000_000
        arm(max(0, min(left, service.limits.writeMilliseconds))) { [self] in close() }
    }

    /// Writes rows until the client has enough for now or the turn is over.
    func pump() {
        guard var rows else { return }
        expectProgress()
        let turnEnds = NIODeadline.now() + Self.turn
        var text: [UInt8] = []
        do {
            while rows.next < rows.count, text.count < Self.partBytes, .now() < turnEnds {
                if rows.next > 0 { text.append(UInt8(ascii: ",")) }
                try rows.append(rows.next, &text)
                rows.next += 1
            }
        } catch {
            return close()
        }
        guard rows.next < rows.count else {
            self.rows = nil
            text += "]}".utf8
            write(.body(.byteBuffer(channel.allocator.buffer(bytes: text))))
            return finish()
        }
        self.rows = rows
        channel.writeAndFlush(
            HTTPServerResponsePart.body(.byteBuffer(channel.allocator.buffer(bytes: text))),
            promise: nil)
        scheduleTurn()
    }

    /// Lets the next turn come if the client can take more. Never pumps at once: this may be called
    /// from within a write.
    func scheduleTurn() {
        guard rows != nil, channel.isWritable, !isTurnScheduled else { return }
        isTurnScheduled = true
        channel.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [self] in
            isTurnScheduled = false
            if channel.isWritable { pump() }
        }
    }

    private func finish() {
        channel.writeAndFlush(HTTPServerResponsePart.end(nil)).assumeIsolated().whenComplete {
            [self] result in
            guard case .answering = phase else { return }
            guard case .success = result else { return close() }
            if keepsAlive { awaitRequest() } else { linger() }
        }
    }

    /// Lets the client read the answer: closing at once could take it away from a client that
    /// still writes.
    private func linger() {
        guard !hasEnded else { return close() }
        phase = .lingering
        arm(service.limits.lingerMilliseconds) { [self] in close() }
        channel.close(mode: .output, promise: nil)
    }
}
