import CLinux
import Forwarding
import Glibc
import OSPF
import Routing
import Timing
import Wire

/// What outlives the process in the service manager's store, by name: the TAPs, hardware
/// addresses of neighbours, and what OSPF knew.
enum Keeping {
    static let memory = "ospf"
    static let neighbors = "arp"
    private static let most = 64 << 20

    /// That of a queue of a side's TAP.
    static func name(of side: Side, queue: Int = 0) -> String {
        queue == 0 ? "tap-\(side)" : "tap-\(side)-\(queue)"
    }

    /// A file in memory that holds the octets; the caller closes it. Nil if there is no room.
    static func write(_ bytes: [UInt8]) -> Int32? {
        // MFD_CLOEXEC (linux/memfd.h)
        let descriptor = unsafe memfd_create("gatewayd", 1)
        guard descriptor >= 0 else { return nil }
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            _ = close(descriptor)
            return nil
        }
        return descriptor
    }

    /// The same of what OSPF knew.
    static func write(_ memory: OSPFMemory) -> Int32? { write(memory.bytes) }

    /// What a predecessor wrote; closes the descriptor.
    static func read(_ descriptor: Int32) -> [UInt8]? {
        defer { _ = close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        guard size > 0, size <= most, lseek(descriptor, 0, SEEK_SET) == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        guard unsafe Glibc.read(descriptor, &bytes, size) == size else { return nil }
        return bytes
    }
}

/// A station on a link whose hardware address outlives the process.
struct KeptNeighbor: Hashable, Sendable {
    var side: Side
    var address: IPv4Address
    var hardware: MACAddress

    /// Octets of one.
    private static let length = 11

    static func bytes(of list: [KeptNeighbor]) -> [UInt8] {
        var bytes: [UInt8] = []
        for one in list {
            bytes.append(one.side.rawValue)
            for shift: UInt32 in [24, 16, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: one.address.rawValue >> shift))
            }
            for shift: UInt64 in [40, 32, 24, 16, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: one.hardware.rawValue >> shift))
            }
        }
        return bytes
    }

    static func list(in bytes: [UInt8]) -> [KeptNeighbor] {
        stride(from: 0, to: bytes.count / length * length, by: length).compactMap { start in
            guard let side = Side(rawValue: bytes[start]) else { return nil }
            func number(_ part: Range<Int>) -> UInt64 {
                var value: UInt64 = 0
                for offset in part { value = value << 8 | UInt64(bytes[start + offset]) }
                return value
            }
            return KeptNeighbor(
                side: side, address: IPv4Address(UInt32(truncatingIfNeeded: number(1..<5))),
                hardware: MACAddress(number(5..<11)))
        }
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
