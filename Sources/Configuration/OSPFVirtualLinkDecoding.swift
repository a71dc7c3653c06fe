internal import OSPF
internal import Wire

extension Decoder {
    /// Links of the backbone that lead through an area (RFC 2328 §15), at most 16.
    mutating func virtualLinks(
        _ fields: Fields<OSPFAreaKey>, _ area: OSPFAreaSettings
    ) -> [OSPFInterfaceSettings] {
        guard let node = fields[.virtualLinks] else { return [] }
        let path = fields.name(.virtualLinks)
        if area.kind != .normal || area.id == .unspecified {
            let what = area.id == .unspecified ? "area 0" : "an area of type \(area.kind.name)"
            report(.badVirtualLink, node, "\(path): \(what) cannot carry virtual links")
        }
        var links: [OSPFInterfaceSettings] = []
        let found = list(of: node, path, most: 16) { decoder, item, path in
            decoder.virtualLink(item, Path(path()), area.id).map { ($0, item) }
        }
        for (link, item) in found {
            if links.contains(where: { $0.virtual == link.virtual }) {
                let router = link.virtual?.router.description ?? ""
                report(.badVirtualLink, item, "\(path) names router \(router) twice")
            } else {
                links.append(link)
            }
        }
        return links
    }

    private mutating func virtualLink(
        _ item: Int, _ path: Path, _ area: IPv4Address
    ) -> OSPFInterfaceSettings? {
        guard
            let fields = fields(of: item, anchor: item, path: path, as: OSPFVirtualLinkKey.self),
            let node = required(.router, of: fields, help: "write {router: 10.0.0.3}"),
            let router = address(node, fields.name(.router))
        else { return nil }
        var own = OSPFInterfaceSettings(OSPFVirtualEnd(router, through: area))
        ospfIntervals(fields, &own)
        ospfKeys(fields, &own)
        return own
    }
}
