public import Memory

/// Which of several workers this one is. They share nothing: each has inside hosts of its own, and
/// of every range of outside ports a part of its own, so that a port names its owner.
public struct Share: Sendable {
    /// From 0 on.
    public let index: Int
    /// Workers there are, 1 to 16.
    public let count: Int
    /// What all workers deal out hosts by.
    let key: HashKey

    /// Worker `index` of `count` that were all given the same key.
    public init(_ index: Int, of count: Int, key: HashKey) {
        precondition((1...Self.most).contains(count) && (0..<count).contains(index))
        self.index = index
        self.count = count
        self.key = key
    }

    /// The only worker.
    public static var whole: Share { Share(0, of: 1, key: HashKey(0, 0)) }

    /// Most workers.
    public static var most: Int { 16 }

    /// The worker of an inside host.
    public func owner(of host: UInt32) -> Int { Int((spread(host) &* UInt64(count)) >> 32) }

    /// A number below 2^32 that all workers give to a host.
    func spread(_ host: UInt32) -> UInt64 { UInt64(key.hash(UInt64(host), 17)) }

    /// This worker's part of what is limited in all.
    func part(of limits: NATLimits) -> NATLimits {
        var own = limits
        own.sessions = max((limits.sessions + count - 1) / count, 16)
        own.newSessionsPerSecond = limits.newSessionsPerSecond.map { ($0 + count - 1) / count }
        return own
    }
}

/// The ports of a range in two bands: those below 1024 serve such (RFC 4787 REQ-3a), the rest all
/// others. Each band is cut into one part a worker.
public struct PortBands: Sendable {
    let low: Range<Int>
    let high: Range<Int>

    /// The bands of `range`, of which port 0 is never one.
    public init(_ range: ClosedRange<UInt16>) {
        let first = max(Int(range.lowerBound), 1)
        let end = Int(range.upperBound) + 1
        // With the usual 1024-65535 the well-known ports serve well-known sources.
        let lowFirst = first == 1024 ? 1 : first
        low = lowFirst..<max(min(end, 1024), lowFirst)
        high = max(first, 1024)..<max(end, max(first, 1024))
    }

    private init(low: Range<Int>, high: Range<Int>) {
        self.low = low
        self.high = high
    }

    /// A worker's part of both.
    func part(_ share: Share) -> PortBands {
        func part(of band: Range<Int>) -> Range<Int> {
            func start(_ index: Int) -> Int {
                band.lowerBound + (index * band.count + share.count - 1) / share.count
            }
            return start(share.index)..<start(share.index + 1)
        }
        return PortBands(low: part(of: low), high: part(of: high))
    }

    /// The one of `count` workers that gives out `port`; 0 if none does.
    public func owner(of port: UInt16, among count: Int) -> Int {
        let number = Int(port)
        let band = low.contains(number) ? low : high
        return band.contains(number) ? (number - band.lowerBound) * count / band.count : 0
    }
}
