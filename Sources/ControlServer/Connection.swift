import Control
import NIOCore
import NIOHTTP1

/// One client: reads a request, asks the backend, writes the answer; one at a time.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    enum Phase {
        /// Between two requests, or in the head of one.
        case waiting
        /// In the body of a request.
        case receiving(HTTPRequestHead)
        /// The backend has been asked.
        case working
        case answering
        /// Events are sent as they come, without an end.
        case watching
        /// The last answer is written; what still comes is thrown away.
        case lingering
        case closed
    }

    enum Wants {
        case head(room: Int)
        case body
        case nothing
    }

    let service: Service
    let channel: any Channel
    private let access: ControlRights.Access
    var phase = Phase.waiting
    var headBytes = 0
    var keepsAlive = true
    /// The client will send nothing more.
    private(set) var hasEnded = false
    private(set) var version = HTTPVersion.http1_1
    var rows: RowStream?
    /// Where events come from, while the client watches.
    var events: EventStream?
    var isTurnScheduled = false
    var answerEnds = NIODeadline.distantFuture
    private var body: [UInt8] = []
    /// Distinguishes the answer that is awaited from one that comes too late.
    private(set) var ticket = 0
    private var deadline: Scheduled<Void>?

    init(service: Service, access: ControlRights.Access, channel: any Channel) {
        self.service = service
        self.access = access
        self.channel = channel
    }

    var wants: Wants {
        switch phase {
        case .waiting: .head(room: service.limits.headerBytes - headBytes)
        case .receiving: .body
        default: .nothing
        }
    }

    /// Calls `action` after `milliseconds`, instead of what was to be called before.
    func arm(_ milliseconds: Int64, _ action: @escaping () -> Void) {
        deadline?.cancel()
        deadline = channel.eventLoop.assumeIsolated().scheduleTask(
            in: .milliseconds(milliseconds), action)
    }

    /// Calls nothing any more.
    func disarm() { deadline?.cancel() }

    func awaitRequest() {
        phase = .waiting
        headBytes = 0
        body = []
        ticket += 1
        arm(service.limits.requestMilliseconds) { [self] in
            switch phase {
            case .waiting where headBytes == 0: close()
            default: fail(408, "the request did not arrive in time", exitStatus: 75)
            }
        }
    }

    func close() {
        forget()
        channel.close(promise: nil)
    }

    private func forget() {
        phase = .closed
        rows = nil
        endEvents()
        disarm()
    }

    /// Answers with an error after which the connection ends.
    func fail(_ status: Int, _ sentence: String, exitStatus: Int32 = 64) {
        keepsAlive = false
        answer(ControlError(status: status, sentence: sentence, exitStatus: exitStatus))
    }

    func refuseHead() {
        fail(431, "the headers are longer than \(service.limits.headerBytes) octets")
    }
}

// MARK: - Events
extension Connection {
    func channelActive(context: ChannelHandlerContext) { awaitRequest() }

    func channelInactive(context: ChannelHandlerContext) { forget() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), phase) {
        case (.head(let head), .waiting): begin(head)
        case (.body(let bytes), .receiving):
            guard body.count + bytes.readableBytes <= service.limits.bodyBytes else {
                return refuseBody()
            }
            body += bytes.readableBytesView
        case (.end, .receiving(let head)): dispatch(head)
        case (.head, _): keepsAlive = false
        default: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard case .watching = phase else { return scheduleTurn() }
        if channel.isWritable { return disarm() }
        arm(service.limits.writeMilliseconds) { [self] in close() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event as? ChannelEvent == .inputClosed else { return }
        keepsAlive = false
        hasEnded = true
        switch phase {
        case .waiting, .receiving, .lingering, .watching: close()
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch phase {
        case .waiting, .receiving:
            guard error is HTTPParserError || error is NIOHTTPDecoderError else {
                return close()
            }
            if error as? HTTPParserError == .headerOverflow {
                fail(431, "there are too many headers")
            } else {
                fail(400, "this is not a request of HTTP/1.1")
            }
        case .lingering where error is HTTPParserError: break
        case .working where error is HTTPParserError: keepsAlive = false
        case .answering where error is HTTPParserError: keepsAlive = false
        default: close()
        }
    }
}

// MARK: - Requests
extension Connection {
    private func begin(_ head: HTTPRequestHead) {
        keepsAlive = head.isKeepAlive && head.version == .http1_1
        guard head.version == .http1_1 || head.version == .http1_0 else {
            return fail(505, "only HTTP/1.1 is spoken here", exitStatus: 76)
        }
        version = head.version
        guard head.method == .GET || head.method == .POST else {
            return fail(405, "only GET and POST are possible", exitStatus: 76)
        }
        guard !head.headers.contains(name: "Transfer-Encoding") else {
            return fail(411, "a body needs Content-Length")
        }
        guard !head.headers.contains(name: "Upgrade") else {
            return fail(400, "no other protocol is spoken here")
        }
        let lengths = head.headers["Content-Length"]
        if let length = lengths.first {
            guard lengths.count == 1, let octets = Int(length) else {
                return fail(400, "Content-Length is not a number")
            }
            guard octets <= service.limits.bodyBytes else { return refuseBody() }
            guard octets == 0 || head.method == .POST else {
                return fail(400, "GET takes no body")
            }
        }
        phase = .receiving(head)
    }

    private func refuseBody() {
        fail(413, "the body is longer than \(service.limits.bodyBytes) octets")
    }

    private func dispatch(_ head: HTTPRequestHead) {
        do throws(ControlError) {
            let request = try Request(
                isPost: head.method == .POST, target: head.uri, body: body)
            guard access >= (request.changes ? .change : .look) else {
                throw ControlError(
                    status: 403,
                    sentence: access == .none
                        ? "you have no right to use this gateway; ask to be put into its group"
                        : "you may look at this gateway but not change it", exitStatus: 77)
            }
            phase = .working
            arm(service.limits.answerMilliseconds) { [self] in
                endEvents()
                fail(504, "the gateway did not answer in time; try again", exitStatus: 75)
            }
            ask(request)
        } catch {
            answer(error)
        }
    }

    private func ask(_ request: Request) {
        let backend = service.backend
        switch request {
        case .status: backend.status(whole())
        case .interfaces: backend.interfaces(list())
        case .sessions(let query): backend.sessions(query, list())
        case .sessionCount(let filter):
            let done: ControlDone<CountAnswer> = whole()
            backend.sessions(SessionQuery(filter: filter, limit: 0)) { result in
                done(
                    result.map {
                        CountAnswer(instance: $0.instance, matched: $0.matched, total: $0.total)
                    })
            }
        case .sessionSummary: backend.sessionSummary(whole())
        case .watch(let filter): watch(filter)
        case .kill(let filter): backend.killSessions(filter, whole())
        case .nat: backend.nat(whole())
        case .block(let host): backend.block(of: host, whole())
        case .owner(let address, let port): backend.owner(of: address, port: port, whole())
        case .mappings(let query): backend.mappings(query, list())
        case .routes(let query): backend.routes(query, list())
        case .routeLookup(let address): backend.routeLookup(address, whole())
        case .rip: backend.rip(whole())
        case .ripNeighbors: backend.ripNeighbors(list())
        case .ripRoutes(let limit): backend.ripRoutes(limit: limit, list())
        case .ospf: backend.ospf(whole())
        case .ospfNeighbors: backend.ospfNeighbors(list())
        case .ospfInterfaces: backend.ospfInterfaces(list())
        case .ospfRuns: backend.ospfRuns(list())
        case .ospfDatabase(let type, let limit):
            backend.ospfDatabase(type: type, limit: limit, list())
        case .bfd: backend.bfd(list())
        case .neighbors: backend.neighbors(list())
        case .flush(let address): backend.flushNeighbors(address, whole())
        case .drops: backend.drops(list())
        case .version: backend.version(whole())
        case .reload(let request): backend.reload(request, whole())
        }
    }

    /// Brings a result to this thread, if it is still awaited by then.
    private func done<Value: Sendable>(
        _ deliver: @escaping (Connection, Result<Value, ControlError>) -> Void
    ) -> ControlDone<Value> {
        let loop = channel.eventLoop
        let gate = service.gate
        let bound = NIOLoopBound((self, ticket, deliver), eventLoop: loop)
        return { result in
            gate.execute(on: loop) {
                let (connection, ticket, deliver) = bound.value
                guard connection.ticket == ticket, case .working = connection.phase else { return }
                deliver(connection, result)
            }
        }
    }

    private func whole<Value: Answer>() -> ControlDone<Value> {
        done { connection, result in
            switch result {
            case .success(let value): connection.answer(value, status: .ok)
            case .failure(let error): connection.answer(error)
            }
        }
    }

    private func list<Value: ListAnswer>() -> ControlDone<Value> {
        done { connection, result in
            switch result {
            case .success(let value): connection.answer(list: value)
            case .failure(let error): connection.answer(error)
            }
        }
    }
}
