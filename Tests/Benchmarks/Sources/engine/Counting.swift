import Glibc
import Wire

// Work of a known number of packets for a tool that counts instructions: what two numbers of
// packets differ by is theirs alone.
extension Engine {
    /// The kinds of packets, and nothing but the copying that all have in common.
    enum Kind: String, CaseIterable {
        case copy, out, `in`, dropped, new
    }

    /// `engine count KIND PACKETS`
    static func count(_ arguments: [String]) -> Never {
        guard arguments.count == 2, let kind = Kind(rawValue: arguments[0]),
            let packets = Int(arguments[1]), (0...countedFlows).contains(packets)
        else {
            print("engine count copy|out|in|dropped|new PACKETS, at most \(countedFlows)")
            exit(64)
        }
        var traffic = Traffic(flows: countedFlows)
        if kind != .new { traffic.open() }
        for packet in 0..<packets {
            // No flow twice, in an order that no prefetcher follows.
            let flow = packet &* 40_503 % countedFlows
            switch kind {
            case .copy: traffic.copy(flow, .lan)
            case .out, .new: precondition(traffic.take(flow, .lan))
            case .in: precondition(traffic.take(flow, .wan))
            case .dropped:
                traffic.copy(flow, .lan)
                traffic.spoil()
                precondition(!traffic.receive(.lan))
            }
        }
        exit(0)
    }

    private static let countedFlows = 20_000
}
