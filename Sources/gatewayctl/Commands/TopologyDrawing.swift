// The map as a picture of its own: nothing else is needed to look at it.
extension Topology {
    /// A place in the picture: columns by steps from this gateway, rows in the order found.
    private struct Spot {
        var column: Int
        var row: Int

        var x: Int { 20 + column * 230 }
        var y: Int { 20 + row * 48 }
        /// The middle of the box.
        var middle: (x: Int, y: Int) { (x + Self.width / 2, y + Self.height / 2) }

        static let width = 150
        static let height = 32
    }

    /// An SVG document: routers are boxes, networks are round, this gateway is filled.
    var svg: [String] {
        let spots = spots()
        let columns = (spots.values.map(\.column).max() ?? 0) + 1
        let rows = (spots.values.map(\.row).max() ?? 0) + 1
        let (width, height) = (columns * 230, rows * 48 + 24)
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" "
                + "viewBox=\"0 0 \(width) \(height)\" font-family=\"sans-serif\" font-size=\"12\" "
                + "text-anchor=\"middle\">",
            "<rect width=\"\(width)\" height=\"\(height)\" fill=\"white\"/>",
        ]
        for edge in links {
            guard let from = spots[edge.router]?.middle, let to = spots[edge.target]?.middle
            else { continue }
            lines.append(
                "<line x1=\"\(from.x)\" y1=\"\(from.y)\" x2=\"\(to.x)\" y2=\"\(to.y)\" "
                    + "stroke=\"gray\"/>")
            // Nearer to the router whose cost it is.
            let (x, y) = (from.x + (to.x - from.x) * 2 / 5, from.y + (to.y - from.y) * 2 / 5)
            lines.append("<text x=\"\(x)\" y=\"\(y - 4)\" fill=\"gray\">\(edge.cost)</text>")
        }
        for (name, spot) in spots.sorted(by: { ($0.value.x, $0.value.y) < ($1.value.x, $1.value.y) }
        ) {
            let round = routers[name] == nil ? 16 : 3
            lines.append(
                "<rect x=\"\(spot.x)\" y=\"\(spot.y)\" width=\"\(Spot.width)\" "
                    + "height=\"\(Spot.height)\" rx=\"\(round)\" "
                    + "fill=\"\(name == own ? "lightblue" : "white")\" stroke=\"black\"/>")
            lines.append(
                "<text x=\"\(spot.middle.x)\" y=\"\(spot.middle.y + 4)\">\(name)</text>")
        }
        return lines + ["</svg>"]
    }

    /// Breadth first from this gateway, then from what cannot be reached from there.
    private func spots() -> [String: Spot] {
        var joined: [String: [String]] = [:]
        for edge in edges {
            joined[edge.router, default: []].append(edge.target)
            joined[edge.target, default: []].append(edge.router)
        }
        var spots: [String: Spot] = [:]
        var rows: [Int] = []
        for start in [own] + routers.keys.sorted() where spots[start] == nil {
            guard routers[start] != nil else { continue }
            var level = [start]
            var column = 0
            while !level.isEmpty {
                if rows.count == column { rows.append(0) }
                var next: [String] = []
                for name in level where spots[name] == nil {
                    spots[name] = Spot(column: column, row: rows[column])
                    rows[column] += 1
                    next += (joined[name] ?? []).sorted()
                }
                level = next.filter { spots[$0] == nil }
                column += 1
            }
        }
        return spots
    }
}
