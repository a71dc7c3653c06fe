import Memory
import Timing

/// Identifications nobody can predict, none of which comes again within the next 32,768 draws: an
/// ongoing shuffle of all 65,536 of them (RFC 6864 §5.3.1; SECURITY S07).
struct Identifications: ~Copyable {
    private let region: Region
    /// The packet that an identification was last given to.
    private struct Use: BitwiseCopyable {
        var session: UInt32
        var original: UInt16
        var isKnown: Bool
    }

    /// The value at each place, exclusive-or its place: a fresh region is the sorted order.
    private let order: FlatArray<UInt16>
    private let uses: FlatArray<Use>
    private var place: UInt16 = 0
    private let offset: UInt16

    init(_ random: inout Random) {
        var layout = RegionLayout()
        let extent = layout.reserve(UInt16.self, count: 65_536)
        let useExtent = layout.reserve(Use.self, count: 65_536)
        region = Region(layout)
        order = region.array(extent)
        uses = region.array(useExtent)
        offset = UInt16(truncatingIfNeeded: random.next())
    }

    /// The next one. O(1), no allocation.
    mutating func draw(_ random: inout Random) -> UInt16 {
        // What was drawn lately lies behind `place` and is out of reach of the exchange.
        let other = place &+ UInt16(truncatingIfNeeded: random.next()) & 0x7fff
        let drawn = order[Int(other)] ^ other
        order[Int(other)] = order[Int(place)] ^ place ^ other
        order[Int(place)] = drawn ^ place
        place &+= 1
        return drawn &+ offset
    }

    /// A packet of the session with this serial had `original` and leaves with `new`.
    func note(_ new: UInt16, for original: UInt16, session: UInt32) {
        uses[Int(new)] = Use(session: session, original: original, isKnown: true)
    }

    /// What a packet of the session with this serial had, that left with `new` not long ago.
    func original(of new: UInt16, session: UInt32) -> UInt16? {
        let use = uses[Int(new)]
        return use.isKnown && use.session == session ? use.original : nil
    }
}
