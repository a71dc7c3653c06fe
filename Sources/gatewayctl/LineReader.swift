import Control
import NIOCore
import NIOHTTP1

/// Takes an answer without end line by line; the first is a document, by which it is known. Any
/// other answer than 200 is collected.
final class LineReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<Reply>
    private let isHead: (ArraySlice<UInt8>) -> Bool
    /// Called for each line but the first; false to have no more.
    private let take: (ArraySlice<UInt8>) -> Bool
    private var hasHead = false
    private var reply: Reply?
    private var isDone = false
    private var deadline: Scheduled<Void>?

    init(
        _ promise: EventLoopPromise<Reply>, isHead: @escaping (ArraySlice<UInt8>) -> Bool,
        take: @escaping (ArraySlice<UInt8>) -> Bool
    ) {
        self.promise = promise
        self.isHead = isHead
        self.take = take
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Client.patience) { [self] in
            end(
                .failure(
                    Failure(
                        sentence: "gatewayd did not answer in time; try again",
                        status: Status.temporary)), context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            deadline?.cancel()
            reply = Reply(
                status: Int(head.status.code),
                version: head.headers.first(name: "Gatewayd-Version"), body: [])
        case .body(let bytes):
            reply?.body += bytes.readableBytesView
            if reply?.body.count ?? 0 > 1 << 20 {
                return end(
                    .failure(
                        Failure(sentence: "a line is too long", status: Status.software)), context)
            }
            if reply?.status == 200 { takeLines(context) }
        case .end: finish(context)
        }
    }

    private func takeLines(_ context: ChannelHandlerContext) {
        guard !isDone, var rest = reply?.body[...] else { return }
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            rest = rest[(end + 1)...]
            if !hasHead {
                // What is left in the reply tells that it is not understood.
                guard isHead(line) else { return finish(context) }
                hasHead = true
            } else if !take(line) {
                reply?.body = []
                return finish(context)
            }
        }
        reply?.body = Array(rest)
    }

    private func finish(_ context: ChannelHandlerContext) {
        if let reply { end(.success(reply), context) }
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

    func channelInactive(context: ChannelHandlerContext) {
        end(
            .failure(
                Failure(
                    sentence: "gatewayd ended the stream; it has stopped, or lines were taken too "
                        + "slowly", status: Status.temporary)), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What has been sent may still be readable; the end of the connection decides.
    }
}
