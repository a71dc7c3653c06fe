internal import Forwarding
internal import NAT
internal import Timing
internal import Wire

/// Translation as far as it could be read.
struct NATDraft {
    var settings = NATSettings()
    var segmentClamp = SegmentClamp.automatic
    var forwards: [ForwardDraft] = []
    var forwardsNode: Int?
    var rules: [RuleDraft] = []
    var oneToOne: [OneToOneDraft] = []
    var oneToOneNode: Int?
    /// What asks for blocks.
    var blocksNode: Int?
}

extension Decoder {
    private static let behaviors = Behavior.allCases.map { ($0.name, $0) }
    private static let modes: [(String, NATSettings.Mode)] = [
        ("masquerade", .masquerade), ("pool", .pool), ("none", .none),
    ]
    /// 30 days in milliseconds; nothing idle for longer is alive.
    static let longestTimeout = 30 * 86_400_000

    mutating func nat(_ node: Int?, _ sides: [SideDraft]) -> NATDraft {
        var draft = NATDraft()
        guard let node,
            let fields = fields(of: node, anchor: node - 1, path: Path("nat"), as: NATKey.self)
        else { return draft }
        let presets = NATPreset.allCases.map { ($0.rawValue, $0) }
        let preset = choice(fields[.preset], presets, fields.name(.preset)) ?? .rfc
        var settings = preset.settings
        settings.mode = choice(fields[.mode], Self.modes, fields.name(.mode)) ?? settings.mode
        settings.outside = side(fields[.outside], fields.name(.outside)) ?? settings.outside
        settings.mapping =
            choice(fields[.mapping], Self.behaviors, fields.name(.mapping)) ?? settings.mapping
        settings.filtering =
            choice(fields[.filtering], Self.behaviors, fields.name(.filtering))
            ?? settings.filtering
        settings.hairpin = boolean(fields[.hairpin], fields.name(.hairpin)) ?? settings.hairpin
        settings.otherProtocols =
            boolean(fields[.otherProtocols], fields.name(.otherProtocols))
            ?? settings.otherProtocols
        settings.preservePort =
            boolean(fields[.preservePort], fields.name(.preservePort)) ?? settings.preservePort
        settings.preserveParity =
            boolean(fields[.preserveParity], fields.name(.preserveParity))
            ?? settings.preserveParity
        settings.inboundRefresh =
            boolean(fields[.inboundRefresh], fields.name(.inboundRefresh))
            ?? settings.inboundRefresh
        settings.tcpTracking =
            choice(
                fields[.tcpTracking], TCPTracking.allCases.map { ($0.rawValue, $0) },
                fields.name(.tcpTracking)) ?? settings.tcpTracking
        settings.rejectsLateSYN =
            choice(
                fields[.unsolicitedSYN], [("drop", false), ("reject-late", true)],
                fields.name(.unsolicitedSYN)) ?? settings.rejectsLateSYN
        settings.exclude = list(of: fields[.exclude], fields.name(.exclude), most: 1024) {
            $0.exception($1, $2())
        }
        draft.rules = rules(fields[.rules], fields.name(.rules))
        settings.rules = draft.rules.map(\.rule)
        settings.blocks = blocks(fields[.blocks], fields.name(.blocks)) ?? settings.blocks
        draft.blocksNode = fields[.blocks].map { $0 - 1 } ?? fields[.preset]
        draft.oneToOne = oneToOne(fields[.oneToOne], fields.name(.oneToOne))
        draft.oneToOneNode = fields[.oneToOne]
        settings.oneToOne = draft.oneToOne.map(\.entry)
        draft.segmentClamp = segmentClamp(fields[.mssClamp], fields.name(.mssClamp))
        pool(fields, &settings, sides)
        timeouts(fields, &settings.timeouts)
        limits(fields, &settings.limits)
        draft.settings = settings
        if let list = fields[.portForwards] {
            draft.forwardsNode = list
            draft.forwards = forwards(list, fields.name(.portForwards))
        }
        return draft
    }

    private mutating func segmentClamp(
        _ node: Int?, _ path: @autoclosure () -> String
    ) -> SegmentClamp {
        guard let node, isValue(node, path()) else { return .automatic }
        if tree.bytes(node).first.map(Scalar.isDigit) == true {
            return integer(node, in: 536...9176, path())
                .map { .limit(UInt16(truncatingIfNeeded: $0)) } ?? .automatic
        }
        let words: [(String, SegmentClamp)] = [
            ("auto", .automatic), ("off", .off), ("a number of octets", .automatic),
        ]
        return choice(node, words, path()) ?? .automatic
    }

    private mutating func timeouts(_ parent: Fields<NATKey>, _ timeouts: inout NATTimeouts) {
        guard let node = parent[.timeouts],
            let fields = fields(
                of: node, anchor: node - 1, path: Path(parent.name(.timeouts)),
                as: TimeoutKey.self)
        else { return }
        for entry in fields.entries {
            if entry.key == .ports {
                timeouts.ports = list(of: entry.value, fields.name(.ports), most: 64) {
                    $0.portTimeout($1, $2())
                }
                continue
            }
            let low = entry.key == .portRest ? 0 : 1000
            guard
                let value = duration(
                    entry.value, in: low...Self.longestTimeout, fields.name(entry.key))
            else { continue }
            switch entry.key {
            case .tcpEstablished: timeouts.tcpEstablished = value
            case .tcpOpening: timeouts.tcpOpening = value
            case .tcpTransitory: timeouts.tcpTransitory = value
            case .udp: timeouts.udp = value
            case .udpUnreplied: timeouts.udpUnreplied = value
            case .icmp: timeouts.icmp = value
            case .other: timeouts.other = value
            case .fragment: timeouts.fragment = value
            case .portRest: timeouts.portRest = value
            case .ports: continue
            }
            checkTimeout(entry.key, value, entry.value, fields.name(entry.key))
        }
    }

    private mutating func checkTimeout(
        _ key: TimeoutKey, _ value: Interval, _ node: Int, _ path: @autoclosure () -> String
    ) {
        let least: (Interval, String)
        switch key {
        case .tcpEstablished: least = (.seconds(7440), "RFC 5382 REQ-5")
        case .tcpOpening, .tcpTransitory: least = (.seconds(240), "RFC 5382 REQ-5")
        case .udp, .udpUnreplied: least = (.seconds(120), "RFC 4787 REQ-5")
        case .icmp: least = (.seconds(60), "RFC 5508 REQ-2")
        case .portRest: least = (.seconds(120), "RFC 6888 REQ-8")
        case .other, .fragment, .ports: return
        }
        guard value < least.0 else { return }
        let wanted = Wording.duration(least.0)
        report(
            .shortTimeout, node,
            "\(path()) is \(Wording.duration(value)), and \(least.1) asks for at least \(wanted)",
            help: "write \(wanted)")
    }

    private mutating func limits(_ parent: Fields<NATKey>, _ limits: inout NATLimits) {
        guard let node = parent[.limits],
            let fields = fields(
                of: node, anchor: node - 1, path: Path(parent.name(.limits)), as: LimitKey.self)
        else { return }
        let most = 16_777_216
        for entry in fields.entries {
            let path = fields.name(entry.key)
            switch entry.key {
            case .sessions:
                limits.sessions = integer(entry.value, in: 16...most, path) ?? limits.sessions
            case .sessionsPerHost:
                limits.sessionsPerHost =
                    integer(entry.value, in: 1...most, path) ?? limits.sessionsPerHost
            case .portsPerHost:
                limits.portsPerHost =
                    integer(entry.value, in: 1...most, path) ?? limits.portsPerHost
            case .newSessionsPerSecond:
                limits.newSessionsPerSecond = integer(entry.value, in: 1...most, path)
            case .newSessionsPerSecondPerHost:
                limits.newSessionsPerSecondPerHost = integer(entry.value, in: 1...most, path)
            case .fragments:
                limits.fragments =
                    integer(entry.value, in: 16...1_048_576, path) ?? limits.fragments
            }
        }
    }
}
