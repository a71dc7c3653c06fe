import NIOCore

/// Counts the octets of a request's head before they are parsed, and keeps everything away from
/// the parser that does not belong to the request that is read.
final class HeaderGuard: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    private let connection: Connection

    init(connection: Connection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        while bytes.readableBytes > 0 {
            switch connection.wants {
            case .head(let room):
                guard room > 0 else { return connection.refuseHead() }
                guard let part = bytes.readSlice(length: min(room, bytes.readableBytes))
                else { return }
                connection.headBytes += part.readableBytes
                context.fireChannelRead(wrapInboundOut(part))
            case .body:
                context.fireChannelRead(wrapInboundOut(bytes))
                return
            case .nothing:
                // A second request before the answer to the first: the connection ends with it.
                connection.keepsAlive = false
                return
            }
        }
    }
}
