internal import BFD
internal import Timing

extension Decoder {
    /// `true` for the defaults, a mapping for others; nil for none.
    mutating func bfd(_ node: Int?, _ path: @autoclosure () -> String) -> BFDTiming? {
        guard let node else { return nil }
        guard tree.kind(node) == .mapping else {
            return boolean(node, path()) == true ? BFDTiming() : nil
        }
        guard let fields = fields(of: node, anchor: node, path: Path(path()), as: BFDKey.self)
        else { return nil }
        var timing = BFDTiming()
        let range = 10...60_000
        timing.transmit =
            duration(fields[.minTx], in: range, fields.name(.minTx)) ?? timing.transmit
        timing.receive = duration(fields[.minRx], in: range, fields.name(.minRx)) ?? timing.receive
        timing.multiplier = UInt8(
            integer(fields[.multiplier], in: 1...255, fields.name(.multiplier)) ?? 3)
        return timing
    }
}

extension BFDTiming {
    /// `50ms/50ms x 3`: as sent, as received, packets that may be missing.
    var listed: String {
        "\(Wording.duration(transmit))/\(Wording.duration(receive)) x \(multiplier)"
    }
}
