import CLinux
import Forwarding
import Glibc
import OSPF
import Routing
import Timing
import Wire

/// What outlives the process in the service manager's store, by name: the TAPs, and what OSPF knew.
enum Keeping {
    static let memory = "ospf"
    private static let most = 64 << 20

    static func name(of side: Side) -> String { "tap-\(side)" }

    /// A file in memory that holds it; the caller closes it. Nil if there is no room.
    static func write(_ memory: OSPFMemory) -> Int32? {
        let descriptor = unsafe memfd_create("ospf", 0)
        guard descriptor >= 0 else { return nil }
        let bytes = memory.bytes
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            _ = close(descriptor)
            return nil
        }
        return descriptor
    }

    /// What a predecessor wrote; closes the descriptor.
    static func read(_ descriptor: Int32) -> OSPFMemory? {
        defer { _ = close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size > 0, size <= most, lseek(descriptor, 0, SEEK_SET) == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        guard unsafe Glibc.read(descriptor, &bytes, size) == size else { return nil }
        return OSPFMemory(bytes, interfaces: Side.allCases.count)
    }
}

extension OSPFMemory {
    /// Whether neighbours still wait.
    func isFresh(at now: Instant) -> Bool { endNanoseconds > now.nanoseconds }

    /// Its routes as the routing table has them.
    var learned: [Route] {
        routes.compactMap { change in
            switch change {
            case .set(let prefix, _, let metric, let ways):
                let hops = ways.map {
                    NextHop(side: Side.allCases[$0.interface], gateway: $0.gateway)
                }
                return Route(prefix, source: .ospf, metric: metric, action: .forward(hops))
            case .discard(let prefix): return Route(prefix, source: .ospf, action: .blackhole)
            case .remove: return nil
            }
        }
    }
}
