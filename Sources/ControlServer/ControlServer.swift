public import Control
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Where the interface listens.
public enum ControlSocket: Sendable {
    /// A socket file that the server makes, with these permission bits and this group, and removes
    /// when it stops. A file left over by a process that is gone is replaced.
    case path(String, mode: UInt16, group: String?)
    /// A listening stream socket that was passed in, for instance by systemd.
    case descriptor(Int32)
}

/// Bounds on what a client may take.
public struct ControlLimits: Sendable {
    /// Connections at a time; one more is told 503 and closed.
    public var connections = 16
    /// Octets of a request line with its headers; more is told 431.
    public var headerBytes = 8 << 10
    /// Octets of a request's body; more is told 413.
    public var bodyBytes = 64 << 10
    /// For a whole request from its first octet, and between two requests.
    public var requestMilliseconds: Int64 = 5000
    /// For the daemon to answer; 504 after that.
    public var answerMilliseconds: Int64 = 5000
    /// For the client to take the next part of an answer.
    public var writeMilliseconds: Int64 = 5000
    /// For the client to take a whole answer.
    public var wholeAnswerMilliseconds: Int64 = 60_000
    /// Clients that watch sessions at a time; one more is told 503.
    public var watchers = 4
    /// Events that may wait for a client; one that takes them more slowly is closed.
    public var waitingEvents = 8192
    /// For the client to see why it is closed.
    public var lingerMilliseconds: Int64 = 1000

    /// The bounds every gateway uses.
    public init() {}
}

/// The control interface: HTTP/1.1 on a Unix socket, on one thread of its own.
public final class ControlServer: Sendable {
    private let socket: ControlSocket
    private let service: Service
    private let running = Mutex<Running?>(nil)

    private struct Running {
        let group: MultiThreadedEventLoopGroup
        let file: SocketFile?
    }

    /// A server that does not listen yet.
    ///
    /// - Parameters:
    ///   - socket: Where to listen.
    ///   - rights: Who may look and who may change.
    ///   - backend: Who answers.
    ///   - version: The daemon's version, told with every answer.
    ///   - limits: Bounds on what a client may take.
    public convenience init(
        socket: ControlSocket, rights: ControlRights, backend: any ControlBackend,
        version: String, limits: ControlLimits = ControlLimits()
    ) {
        self.init(
            socket: socket, rights: rights, backend: backend, version: version, limits: limits,
            peers: .system)
    }

    init(
        socket: ControlSocket, rights: ControlRights, backend: any ControlBackend,
        version: String, limits: ControlLimits, peers: Peers
    ) {
        self.socket = socket
        service = Service(
            rights: rights, backend: backend, version: version, limits: limits, peers: peers)
    }

    /// Begins to listen; returns when clients can connect.
    ///
    /// - Throws: `ControlServerError`, or what NIO says of a descriptor it cannot use.
    public func start() throws {
        try running.withLock { running in
            guard running == nil else { throw ControlServerError.alreadyStarted }
            let file: SocketFile?
            let descriptor: Int32
            switch socket {
            case .path(let path, let mode, let group):
                let made = try SocketFile(path: path, mode: mode, group: group)
                file = made
                descriptor = made.descriptor
            case .descriptor(let passed):
                file = nil
                descriptor = passed
                try SocketFile.prepare(passed)
            }
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            do {
                _ = try bootstrap(group).withBoundSocket(descriptor).wait()
            } catch {
                file?.remove()
                try? group.syncShutdownGracefully()
                throw error
            }
            service.gate.open()
            running = Running(group: group, file: file)
        }
    }

    /// Stops listening, closes all connections and removes the socket file if the server made it.
    /// Must not be called on the server's own thread; does nothing if it was not started.
    public func stop() {
        running.withLock { running in
            guard let stopping = running else { return }
            stopping.file?.remove()
            service.gate.close()
            try? stopping.group.syncShutdownGracefully()
            running = nil
        }
    }

    private func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
        let service = service
        return ServerBootstrap(group: group)
            .serverChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .writeBufferWaterMark, value: .init(low: 32 << 10, high: 64 << 10)
            )
            .childChannelInitializer { channel in
                guard service.count.enter(limit: service.limits.connections) else {
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Turnaway(version: service.version))
                    }
                }
                let count = service.count
                channel.closeFuture.whenComplete { _ in count.leave() }
                return service.peers.credentials(channel).flatMapThrowing { peer in
                    let groups = service.peers.memberships(channel).union([peer.group])
                    let access = service.rights.access(
                        of: peer, memberships: groups, peers: service.peers)
                    try service.addHandlers(to: channel, access: access)
                }
            }
    }
}

/// What all connections share.
struct Service: Sendable {
    let rights: ControlRights
    let backend: any ControlBackend
    let version: String
    let limits: ControlLimits
    let peers: Peers
    let gate = Gate()
    let count = ConnectionCount()
    let watchers = ConnectionCount()

    func addHandlers(to channel: any Channel, access: ControlRights.Access) throws {
        let connection = Connection(service: self, access: access, channel: channel)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HeaderGuard(connection: connection))
        try pipeline.addHandler(HTTPResponseEncoder())
        try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        try pipeline.addHandler(connection)
    }
}

/// Number of connections that are served.
final class ConnectionCount: Sendable {
    private let value = Mutex(0)

    func enter(limit: Int) -> Bool {
        value.withLock { value in
            guard value < limit else { return false }
            value += 1
            return true
        }
    }

    func leave() { value.withLock { $0 -= 1 } }
}

/// Lets answers of the backend onto the server's thread as long as it runs.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }
    func close() { isOpen.withLock { $0 = false } }

    func execute(on loop: any EventLoop, _ task: @escaping @Sendable () -> Void) {
        isOpen.withLock { if $0 { loop.execute(task) } }
    }
}

/// Tells a client that there are too many, and closes.
final class Turnaway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let version: String

    init(version: String) { self.version = version }

    func channelActive(context: ChannelHandlerContext) {
        let body =
            (try? ControlJSON.encode(
                ErrorAnswer(error: "too many clients are connected; try again", code: 75))) ?? []
        var text = context.channel.allocator.buffer(capacity: 512)
        text.writeString(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.count)\r\nConnection: close\r\n"
                + "Gatewayd-Version: \(version)\r\n\r\n")
        text.writeBytes(body)
        context.writeAndFlush(wrapOutboundOut(text), promise: nil)
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
