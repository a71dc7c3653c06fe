import ArgumentParser
import Control

struct TopologyCommand: ParsableCommand {
    enum Drawing: String, ExpressibleByArgument, CaseIterable {
        case text, dot, svg
    }

    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Routers and networks, as OSPF's database has them.")
    @Option(help: "text, svg for a picture, dot for Graphviz; with -o json the database itself.")
    var `as` = Drawing.text
    @OptionGroup var options: GlobalOptions

    func run() throws {
        let place = target("/v1/ospf/database", ("limit", "all"))
        try Look<OSPFDatabaseAnswer>(place, options) { answer, page in
            let topology = Topology(answer)
            let lines =
                switch `as` {
                case .text: topology.text
                case .dot: topology.dot
                case .svg: topology.svg
                }
            for line in lines { page.add(line) }
        }.run()
    }
}

/// What the LSAs say of routers and networks.
struct Topology {
    /// Something a router is joined to.
    struct Edge: Hashable {
        var router: String
        var target: String
        var cost: Int
    }

    let own: String
    /// Roles by router id.
    private(set) var routers: [String: [String]] = [:]
    private var networks: [String: String] = [:]
    private(set) var edges: [Edge] = []
    private var others: [(router: String, text: String)] = []

    init(_ answer: OSPFDatabaseAnswer) {
        own = answer.router
        for lsa in answer.lsas {
            switch lsa.type {
            case "router":
                routers[lsa.router] = Array(Set((routers[lsa.router] ?? []) + (lsa.roles ?? [])))
                    .sorted()
            case "network": networks[lsa.id] = lsa.prefix ?? lsa.id
            case "summary":
                others.append((lsa.router, "\(lsa.prefix ?? lsa.id) of another area"))
            case "external": others.append((lsa.router, "\(lsa.prefix ?? lsa.id) outside"))
            default: break
            }
        }
        for lsa in answer.lsas where lsa.type == "router" {
            for link in lsa.links ?? [] {
                let target =
                    switch link.kind {
                    case "transit": networks[link.id] ?? link.id
                    case "stub": "\(link.id)/\(Self.length(link.data))"
                    default: link.id
                    }
                edges.append(Edge(router: lsa.router, target: target, cost: link.cost))
            }
        }
    }

    /// The length of a mask.
    private static func length(_ mask: String) -> Int {
        mask.split(separator: ".").reduce(0) { $0 + (UInt8($1)?.nonzeroBitCount ?? 0) }
    }

    /// A router a paragraph.
    var text: [String] {
        routers.keys.sorted().flatMap { router -> [String] in
            let roles = (router == own ? ["this gateway"] : []) + (routers[router] ?? [])
            let title = roles.isEmpty ? router : "\(router) (\(roles.joined(separator: ", ")))"
            return [title]
                + edges.filter { $0.router == router }.map { "  \($0.target) cost \($0.cost)" }
                + others.filter { $0.router == router }.map { "  \($0.text)" }
        }
    }

    /// For Graphviz: routers are boxes.
    var dot: [String] {
        var lines = ["graph ospf {", "  node [fontname=\"sans-serif\"]"]
        for router in routers.keys.sorted() {
            let style = router == own ? ", style=filled" : ""
            lines.append("  \"\(router)\" [shape=box\(style)]")
        }
        for edge in links {
            lines.append("  \"\(edge.router)\" -- \"\(edge.target)\" [label=\(edge.cost)]")
        }
        return lines + ["}"]
    }

    /// Edges, each link of two routers once although it is in both their LSAs.
    var links: [Edge] {
        var drawn: Set<String> = []
        return edges.filter { edge in
            let ends = [edge.router, edge.target].sorted().joined(separator: " ")
            return routers[edge.target] == nil || drawn.insert(ends).inserted
        }
    }
}
