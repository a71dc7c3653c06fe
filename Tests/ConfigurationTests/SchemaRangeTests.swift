import Configuration
import Foundation
import Testing

// What the schema says of values is what the loader says when it refuses one.
extension SchemaTests {
    /// A bound that the schema states, and where: keys, and "" for an item of a list.
    struct Bound {
        var path: [String]
        /// Part of what the loader says then.
        var text: String
        var value: String
    }

    /// All bounds below an object of the schema.
    private func bounds(of object: Object, at path: [String] = []) -> [Bound] {
        var result: [Bound] = []
        if object["type"] as? String == "integer" {
            if let low = object["minimum"], let high = object["maximum"] as? Int {
                result.append(
                    Bound(path: path, text: "between \(low) and \(high)", value: "\(high + 1)"))
            } else if object["enum"] == nil {
                // The ways to write a duration or an area.
                #expect(object["minimum"] as? Int == 0 && path.last != "port", "\(path)")
            }
        }
        if object["type"] as? String == "array" {
            if let most = object["maxItems"] as? Int {
                let items = [String](repeating: "x", count: min(most, 5000) + 1)
                result.append(
                    Bound(
                        path: path, text: "more than \(most) entries",
                        value: "[\(items.joined(separator: ","))]"))
            } else {
                Issue.record("\(path) has no maxItems")
            }
        }
        if let words = object["enum"] as? [String], let last = words.last {
            // A number may do as well.
            let isAll = path.last != "mss-clamp"
            let list = words.dropLast().joined(separator: ", ") + (isAll ? " or " : ", ") + last
            result.append(Bound(path: path, text: "must be \(list)", value: "zzzzzzz"))
        }
        for (name, value) in object["properties"] as? Object ?? [:] {
            result += bounds(of: value as? Object ?? [:], at: path + [name])
        }
        if let each = object["additionalProperties"] as? Object {
            result += bounds(of: each, at: path + ["1"])
        }
        for choice in object["oneOf"] as? [Object] ?? [] {
            result += bounds(of: choice, at: path)
        }
        if let items = object["items"] as? Object { result += bounds(of: items, at: path + [""]) }
        return result
    }

    /// What has to stand beside other keys, by the end of the path.
    private static let company = [
        "interfaces.lan": "tap: t0", "routes.": "to: default, via: 10.1.0.9",
        "exclude.": "to: 10.0.0.0/8", "authentication": "type: md5",
        "keys.": "key-id: 1, key-file: /k", "virtual-links.": "router: 1.2.3.4",
        "ospf.interfaces.lan": "area: 0", "ospf.interfaces.wan": "area: 0",
        "ospf.redistribute.": "from: static",
    ]

    /// A configuration with a value at a place.
    private func configuration(_ bound: Bound) -> String {
        var text = bound.value
        for place in bound.path.indices.reversed() {
            let key = bound.path[place]
            let above = bound.path[..<place].joined(separator: ".")
            let others = Self.company.filter {
                above.hasSuffix($0.key) && !$0.value.hasPrefix("\(key):")
            }
            let fields = ["\(key): \(text)"] + others.values
            text = key.isEmpty ? "[\(text)]" : "{\(fields.joined(separator: ", "))}"
        }
        let start = bound.path.first == "interfaces" ? "version: 1\n" : ErrorCase.skeleton
        return start + text.dropFirst().dropLast() + "\n"
    }

    @Test("Ranges, lengths and words are those of the loader")
    func boundsAreThoseOfTheLoader() throws {
        let bounds = bounds(of: try schema()).filter { bound in
            // The other side is the same; a million routes take their time.
            !bound.path.starts(with: ["interfaces", "wan"]) && bound.path != ["routes"]
        }
        #expect(bounds.count > 100)
        for bound in bounds {
            let result = read(configuration(bound))
            #expect(
                result.diagnostics.contains { $0.message.contains(bound.text) },
                "\(bound.path.joined(separator: ".")): \(bound.text), not \(result.render())")
        }
    }
}
