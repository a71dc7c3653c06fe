import Control
import NIOCore
import NIOHTTP1
import NIOPosix

/// One answer of the daemon.
struct Reply: Sendable {
    var status: Int
    var version: String?
    var body: [UInt8]
}

/// Asks the daemon over its socket; a connection for each question.
struct Client {
    static let patience = TimeAmount.seconds(5)
    static let wholePatience = TimeAmount.seconds(60)

    let path: String
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(path: String) { self.path = path }

    /// The document at `target`, and its text.
    func get<Value: Answer>(_ type: Value.Type, _ target: String) throws -> (Value, [UInt8]) {
        try understand(type, send(.GET, target, body: nil))
    }

    /// The document that answers `body`, and its text.
    func post<Value: Answer>(
        _ type: Value.Type, _ target: String, _ body: some Encodable
    ) throws -> (Value, [UInt8]) {
        try understand(type, send(.POST, target, body: ControlJSON.encode(body)))
    }

    /// Hands on every line at `target` after the first, a document, until `take` wants no more.
    func stream<Head: Answer>(
        _ type: Head.Type, _ target: String,
        _ take: @escaping @Sendable (ArraySlice<UInt8>) -> Bool
    ) throws {
        let reply = try send(.GET, target, body: nil) { promise in
            LineReader(
                promise,
                isHead: { line in
                    (try? ControlJSON.decode(type, from: line))?.schema == Head.schemaName
                }, take: take)
        }
        if reply.status != 200 { _ = try understand(type, reply) }
        if !reply.body.isEmpty { throw mismatch(reply) }
    }

    private func understand<Value: Answer>(
        _ type: Value.Type, _ reply: Reply
    ) throws -> (Value, [UInt8]) {
        guard reply.version != nil else {
            throw Failure(
                sentence: "what answers at \(path) is not gatewayd",
                status: Status.protocolMismatch)
        }
        guard reply.status == 200 else {
            guard reply.status != 404, reply.status != 405,
                let error = try? ControlJSON.decode(ErrorAnswer.self, from: reply.body)
            else { throw mismatch(reply) }
            throw error
        }
        guard let value = try? ControlJSON.decode(type, from: reply.body),
            value.schema == Value.schemaName
        else { throw mismatch(reply) }
        return (value, reply.body)
    }

    private func mismatch(_ reply: Reply) -> Failure {
        Failure(
            sentence: "gatewayctl \(programVersion) and gatewayd \(reply.version ?? "?") do not "
                + "understand each other; install the same version of both",
            status: Status.protocolMismatch)
    }

    private func send(
        _ method: HTTPMethod, _ target: String, body: [UInt8]?,
        reader: @escaping @Sendable (EventLoopPromise<Reply>) -> any ChannelHandler = {
            ReplyReader($0)
        }
    ) throws -> Reply {
        let promise = group.next().makePromise(of: Reply.self)
        let channel: any Channel
        do {
            channel = try ClientBootstrap(group: group)
                .connectTimeout(Self.patience)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(HTTPRequestEncoder())
                        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder()))
                        try pipeline.addHandler(reader(promise))
                    }
                }
                .connect(unixDomainSocketPath: path).wait()
        } catch {
            let failure = unreachable(error)
            promise.fail(failure)
            throw failure
        }
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: target)
        head.headers.add(name: "Host", value: "gateway")
        head.headers.add(name: "Connection", value: "close")
        if let body {
            head.headers.add(name: "Content-Length", value: String(body.count))
            head.headers.add(name: "Content-Type", value: "application/json")
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body {
            let bytes = IOData.byteBuffer(channel.allocator.buffer(bytes: body))
            channel.write(HTTPClientRequestPart.body(bytes), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try promise.futureResult.wait()
    }

    private func unreachable(_ error: any Error) -> Failure {
        switch (error as? IOError)?.errnoCode {
        case ENOENT?, ECONNREFUSED?, ENOTDIR?:
            return Failure(
                sentence: "gatewayd is not running: nothing answers at \(path)",
                status: Status.unavailable)
        case EACCES?, EPERM?:
            return Failure(
                sentence: "no permission for \(path): your user is not in group gatewayd",
                status: Status.noPermission)
        case EAGAIN?:
            return Failure(
                sentence: "gatewayd has too many clients; try again", status: Status.temporary)
        default: break
        }
        if error is SocketAddressError {
            return Failure(
                sentence: "'\(path)' cannot be the path of a socket", status: Status.usage)
        }
        if let error = error as? ChannelError, case .connectTimeout = error {
            return Failure(
                sentence: "gatewayd did not answer in time; try again", status: Status.temporary)
        }
        return Failure(sentence: "cannot talk to \(path): \(error)", status: Status.unavailable)
    }
}

/// Collects one answer. It fails if nothing comes for too long.
final class ReplyReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    static let maximumBytes = 256 << 20

    private let promise: EventLoopPromise<Reply>
    private var reply: Reply?
    private var isDone = false
    private var deadline: Scheduled<Void>?
    private var ends = NIODeadline.distantFuture

    init(_ promise: EventLoopPromise<Reply>) { self.promise = promise }

    func channelActive(context: ChannelHandlerContext) {
        ends = .now() + Client.wholePatience
        expectMore(context)
    }

    private func expectMore(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let at = min(ends, .now() + Client.patience)
        deadline = context.eventLoop.assumeIsolated().scheduleTask(deadline: at) { [self] in
            end(
                .failure(
                    Failure(
                        sentence: "gatewayd did not answer in time; try again",
                        status: Status.temporary)), context)
        }
    }

    private func end(_ result: Result<Reply, Failure>, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        deadline?.cancel()
        switch result {
        case .success(let reply): promise.succeed(reply)
        case .failure(let failure): promise.fail(failure)
        }
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        expectMore(context)
        switch unwrapInboundIn(data) {
        case .head(let head):
            reply = Reply(
                status: Int(head.status.code),
                version: head.headers.first(name: "Gatewayd-Version"),
                body: [])
        case .body(let bytes):
            reply?.body += bytes.readableBytesView
            if reply?.body.count ?? 0 > Self.maximumBytes {
                end(
                    .failure(
                        Failure(sentence: "the answer is too long", status: Status.software)),
                    context)
            }
        case .end:
            if let reply { end(.success(reply), context) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(
            .failure(
                Failure(
                    sentence: "gatewayd closed the connection before the end of its answer; "
                        + "try again", status: Status.temporary)), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What has been sent may still be readable; the end of the connection decides.
        guard error is HTTPParserError || error is NIOHTTPDecoderError,
            error as? HTTPParserError != .invalidEOFState
        else { return }
        end(
            .failure(
                Failure(
                    sentence: "what answers is not gatewayd", status: Status.protocolMismatch)),
            context)
    }
}
