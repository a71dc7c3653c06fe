/// Numbers as people write them.
enum Units {
    /// `9.1 Mbit/s`
    static func rate(_ bits: UInt64) -> String { scaled(bits, "bit/s", always: true) }

    /// `98 kB`, `1.2 MB`
    static func bytes(_ count: UInt64) -> String { scaled(count, "B", always: false) }

    private static func scaled(_ value: UInt64, _ unit: String, always: Bool) -> String {
        guard value >= 1000 else { return "\(value) \(unit)" }
        var divisor: UInt64 = 1000
        var prefix = 0
        // 999.95 of a prefix and more are 1.0 of the next.
        while prefix < 5, value / divisor >= 1000 || rounded(value, divisor / 10) >= 10_000 {
            divisor *= 1000
            prefix += 1
        }
        let letter = ["k", "M", "G", "T", "P", "E"][prefix]
        let tenths = rounded(value, divisor / 10)
        let hasTenths = always ? tenths < 1000 : tenths < 100 && tenths % 10 != 0
        let number =
            hasTenths ? "\(tenths / 10).\(tenths % 10)" : "\(rounded(value, divisor))"
        return "\(number) \(letter)\(unit)"
    }

    private static func rounded(_ value: UInt64, _ divisor: UInt64) -> UInt64 {
        value / divisor + (value % divisor >= divisor / 2 ? 1 : 0)
    }

    /// `12m4s`, `2h3m`, `3h`, `1s`: the two largest units.
    static func duration(_ seconds: UInt64, separator: String = "") -> String {
        let units: [(String, UInt64)] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]
        guard let first = units.firstIndex(where: { seconds >= $0.1 }) else { return "0s" }
        let (letter, unit) = units[first]
        var text = "\(seconds / unit)\(letter)"
        if first + 1 < units.count {
            let (next, small) = units[first + 1]
            let rest = seconds % unit / small
            if rest > 0 { text += "\(separator)\(rest)\(next)" }
        }
        return text
    }

    /// `1 session`, `2 sessions`
    static func count(_ number: some BinaryInteger, _ one: String, _ many: String) -> String {
        "\(number) \(number == 1 ? one : many)"
    }
}
