internal import Timing
internal import Wire

// What one area hears of the others (RFC 2328 §12.4.3).
extension OSPFEngine {
    /// One thing to say into an area.
    private struct Summary {
        var prefix: IPv4Prefix
        var cost: UInt32
    }

    /// Says into every area what is reachable by us; what is not wanted any more is flushed.
    mutating func saySummaries() -> Instant? {
        summaryMark &+= 1
        var due: Instant?
        func wait(_ moment: Instant?) {
            if let moment { due = min(due ?? moment, moment) }
        }
        if isBorder {
            let found = found
            for area in areas.indices where areas[area].isActive {
                let summaries = networks(for: area, found)
                let ids = LinkStateID.assign(summaries.map(\.prefix))
                for (id, summary) in zip(ids, summaries) {
                    guard let id else { continue }
                    wait(
                        say(
                            .area(area), .summaryNetwork, id, settings.areas[area].lsaOptions,
                            LSA.summaryBody(mask: summary.prefix.mask, cost: summary.cost),
                            mark: summaryMark))
                }
                for (router, cost) in boundaryRouters(for: area) {
                    wait(
                        say(
                            .area(area), .summaryRouter, router, settings.areas[area].lsaOptions,
                            LSA.summaryBody(mask: 0, cost: cost), mark: summaryMark))
                }
            }
        }
        for number in database.records.indices {
            guard let record = database.records[number], record.isOwn,
                !record.isFlushed || record.isStale,
                record.mark != summaryMark,
                record.type == .summaryNetwork || record.type == .summaryRouter
            else { continue }
            flush(UInt32(truncatingIfNeeded: number))
        }
        return due
    }

    /// Networks of other areas as they are told to `area`, by prefix.
    private func networks(for area: Int, _ found: [FoundRoute]) -> [Summary] {
        var result: [Summary] = []
        switch settings.areas[area].kind {
        case .normal, .nssa(_, isTotally: false): break
        case .stub(let cost, let isTotally), .nssa(let cost, let isTotally):
            result.append(Summary(prefix: IPv4Prefix(.unspecified, length: 0), cost: cost))
            if isTotally { return result }
        }
        var sums: [IPv4Prefix: UInt32] = [:]
        for route in found where !route.isDiscard && route.area != area {
            guard route.cost < OSPFProtocol.infinity, !leads(route, into: area) else { continue }
            switch route.kind {
            case .intraArea:
                // An area that carries virtual links has to know each network of the backbone.
                let isWhole = settings.areas[route.area].isBackbone && transits.contains(area)
                let ranges = isWhole ? [] : settings.areas[route.area].ranges
                if let range = ranges.first(where: { $0.holds(route.prefix) }) {
                    guard range.isAdvertised else { continue }
                    sums[range.prefix] = max(sums[range.prefix] ?? 0, route.cost)
                } else {
                    result.append(Summary(prefix: route.prefix, cost: route.cost))
                }
            case .interArea:
                // What came from the backbone does not go back into it.
                if !settings.areas[area].isBackbone {
                    result.append(Summary(prefix: route.prefix, cost: route.cost))
                }
            case .externalType1, .externalType2: continue
            }
        }
        for (prefix, cost) in sums where !result.contains(where: { $0.prefix == prefix }) {
            result.append(Summary(prefix: prefix, cost: cost))
        }
        result.sort { $0.prefix < $1.prefix }
        return result
    }

    private func leads(_ route: FoundRoute, into area: Int) -> Bool {
        route.ways.contains { interfaces[$0.interface].area == area }
    }

    /// Routers at the edge of the system as they are told to `area`, by id.
    private func boundaryRouters(for area: Int) -> [(IPv4Address, UInt32)] {
        guard settings.areas[area].takesExternals else { return [] }
        return boundaries.values.filter {
            $0.area != area && $0.cost < OSPFProtocol.infinity && $0.router != settings.router
                && ($0.isIntraArea || !settings.areas[area].isBackbone)
                && !hops[$0.hops].contains { interfaces[$0.interface].area == area }
        }.map { ($0.router, $0.cost) }.sorted { $0.0 < $1.0 }
    }
}

extension OSPFRange {
    /// Whether a network lies within.
    func holds(_ other: IPv4Prefix) -> Bool {
        prefix.length <= other.length && prefix.contains(other.address)
    }
}
