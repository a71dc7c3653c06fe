import Forwarding
import NAT
import Routing
import Support
import Testing
import Timing
import Wire

@testable import Configuration

@Suite struct SettingsTests {
    @Test func defaults() throws {
        let result = read(ErrorCase.skeleton, file: "/etc/gatewayd/home.yaml")
        #expect(result.diagnostics == [])
        #expect(result.summary == nil)
        let configuration = try #require(result.configuration)
        #expect(configuration.name == "home")
        #expect(configuration.devices == [DeviceSettings(tap: "t0"), DeviceSettings(tap: "t1")])
        #expect(configuration.devices[0].transmitQueueLength == 10_000)
        #expect(configuration.forwarding.nat == NATSettings())
        #expect(configuration.forwarding.policy == AddressPolicy())
        #expect(configuration.forwarding.segmentClamp == .automatic)
        #expect(configuration.routes == [])
        #expect(configuration.log == LogSettings())
        #expect(
            configuration.control == ControlSettings(socket: "/run/gatewayd/home/control.sock"))
        #expect(configuration.control.mode == 0o660)
        for side in Side.allCases {
            let made = DeviceSettings.defaultHardware(
                machineID: "0123456789abcdef", name: "home", side: side)
            #expect(configuration.forwarding[side].hardware == made)
            #expect(configuration.devices[side.index].hardware == nil)
        }
    }

    @Test func interfaces() throws {
        let result = ConfigurationLoader.parse(
            Array(
                """
                version: 1
                name: lab.1
                interfaces:
                  wan:
                    tap: t1
                    netns: /run/netns/x
                    bridge: br-wan
                    mtu: 9000
                    macaddress: 02:00:5E:10:00:02
                    addresses: [203.0.113.2/24, 198.51.100.0/31]
                    offload: {checksum: false}
                    persist: true
                    queue-length: 64
                    probe-address: true
                    icmp-errors: false
                    proxy-arp: [203.0.113.64/26]
                    neighbors:
                      - {address: 203.0.113.1, macaddress: "02:00:00:00:00:09"}
                  lan: {tap: t0, netns: lab, addresses: ["10.1.0.1/24"]}

                """.utf8), file: "a.yaml", machineID: "m", checks: .none)
        #expect(result.render() == "")
        let configuration = try #require(result.configuration)
        #expect(configuration.name == "lab.1")
        #expect(configuration.control.socket == "/run/gatewayd/lab.1/control.sock")
        var device = DeviceSettings(tap: "t1")
        device.namespace = "/run/netns/x"
        device.bridge = "br-wan"
        device.checksumOffload = false
        device.segmentationOffload = false
        device.isPersistent = true
        device.transmitQueueLength = 64
        device.hardware = MACAddress(0x0200_5e10_0002)
        #expect(configuration.devices[1] == device)
        #expect(configuration.devices[0].namespace == "lab")
        var wan = InterfaceSettings(
            hardware: MACAddress(0x0200_5e10_0002),
            addresses: [
                InterfaceAddress(IPv4Address(203, 0, 113, 2), length: 24),
                InterfaceAddress(IPv4Address(198, 51, 100, 0), length: 31),
            ], mtu: 9000)
        wan.probesAddresses = true
        wan.sendsErrors = false
        wan.proxyARP = [IPv4Prefix(IPv4Address(203, 0, 113, 64), length: 26)]
        wan.neighbors = [
            StaticNeighbor(
                address: IPv4Address(203, 0, 113, 1), hardware: MACAddress(0x0200_0000_0009))
        ]
        #expect(configuration.forwarding[.wan] == wan)
    }

    @Test func routes() throws {
        let result = read(
            ErrorCase.skeleton + """
                routes:
                  - {to: default, via: 203.0.113.9}
                  - {to: 10.2.0.0/16, via: 10.1.0.2, metric: 4294967295, distance: 250}
                  - {to: default, via: 203.0.113.1}
                  - {to: 10.3.0.0/16, interface: lan}
                  - {to: 10.4.0.0/16, via: 198.51.100.1, interface: wan, on-link: true}
                  - {to: 10.5.0.0/16, type: prohibit}
                  - {to: 10.6.0.0/16, type: unreachable, metric: 5}
                  - {to: 10.7.0.0/16, type: blackhole}
                  - {to: 10.8.0.0/16, type: unicast, via: 10.1.0.2}

                """)
        #expect(result.render() == "")
        func prefix(_ second: UInt8) -> IPv4Prefix {
            IPv4Prefix(IPv4Address(10, second, 0, 0), length: 16)
        }
        func way(_ side: Side, _ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> NextHop {
            NextHop(side: side, gateway: IPv4Address(a, b, c, d))
        }
        let expected = [
            Route(
                IPv4Prefix(.unspecified, length: 0), source: .static,
                action: .forward([way(.wan, 203, 0, 113, 1), way(.wan, 203, 0, 113, 9)])),
            Route(
                prefix(2), source: .static, distance: 250, metric: 4_294_967_295,
                action: .forward([way(.lan, 10, 1, 0, 2)])),
            Route(prefix(3), source: .static, action: .forward([NextHop(side: .lan)])),
            Route(
                prefix(4), source: .static, action: .forward([way(.wan, 198, 51, 100, 1)])),
            Route(prefix(5), source: .static, action: .prohibit),
            Route(prefix(6), source: .static, metric: 5, action: .unreachable),
            Route(prefix(7), source: .static, action: .blackhole),
            Route(prefix(8), source: .static, action: .forward([way(.lan, 10, 1, 0, 2)])),
        ]
        #expect(result.configuration?.routes == expected)
    }

    private static var rules: [NATRule] {
        var tv = NATRule(
            name: "tv", inside: [IPv4Prefix(IPv4Address(10, 1, 0, 64), length: 26)],
            transports: [.udp, .icmp])
        tv.mapping = .addressDependent
        var deny = NATRule(transports: [.tcp])
        deny.isDenied = true
        var rest = NATRule()
        rest.filtering = .endpointIndependent
        rest.preservePort = false
        rest.preserveParity = false
        rest.inboundRefresh = false
        return [tv, deny, rest]
    }

    @Test("Keys count more than the preset", arguments: NATPreset.allCases)
    func presets(preset: NATPreset) throws {
        let read = read(
            ErrorCase.skeleton + "nat: {preset: \(preset.rawValue), mapping: address-dependent}\n")
        #expect(read.render() == "")
        var expected = preset.settings
        expected.mapping = .addressDependent
        if preset == .carrier {
            expected.blocks = BlockSettings(
                inside: [IPv4Prefix(IPv4Address(10, 1, 0, 0), length: 24)], size: 252)
        }
        #expect(read.configuration?.forwarding.nat == expected)
    }

    @Test("An inside network equal to the outside one is refused", .row("U-7"))
    func equalNetworks() {
        let result = read(
            """
            version: 1
            interfaces:
              wan: {tap: t1, addresses: [10.1.0.2/24]}
              lan: {tap: t0, addresses: [10.1.0.1/24]}

            """)
        #expect(result.configuration == nil)
        #expect(result.diagnostics.map(\.code) == ["E041"])
        #expect(result.render().contains("overlap"), "\(result.render())")
    }

    @Test func translation() throws {
        let result = read(
            ErrorCase.skeleton + """
                nat:
                  mode: pool
                  outside: wan
                  pool:
                    addresses: [203.0.113.16-203.0.113.19, 203.0.113.30, 203.0.113.200/29]
                    ports: 2000-2999
                    pairing: soft
                  blocks: {inside: [10.1.0.0/30], size: 16}
                  mapping: address-dependent
                  filtering: endpoint-independent
                  hairpin: false
                  preserve-port: true
                  preserve-parity: true
                  inbound-refresh: true
                  tcp-tracking: liberal
                  unsolicited-syn: reject-late
                  mss-clamp: 1400
                  other-protocols: false
                  exclude: [10.0.0.0/8, {to: 198.51.100.0/24, protocol: udp, port: 53}]
                  rules:
                    - name: tv
                      from: [10.1.0.64/26]
                      protocol: [icmp, udp]
                      mapping: address-dependent
                    - {action: deny, protocol: tcp}
                    - filtering: endpoint-independent
                      preserve-port: false
                      preserve-parity: false
                      inbound-refresh: false
                  one-to-one:
                    - {name: mail, outside: 203.0.113.64, inside: 10.1.0.64, from: [10.7.0.0/16]}
                    - {outside: 203.0.113.68/30, inside: 10.1.0.68/30}
                  port-forwards:
                    - {name: web, port: 8443, to: "10.1.0.9:443"}
                    - port: "27015-27030"
                      protocol: [udp, tcp]
                      address: 203.0.113.16
                      to: 10.1.0.8
                      from: [198.51.100.0/24]
                      hairpin: false
                    - {port: 100-109, to: "10.1.0.9:200-209", protocol: udp}
                  timeouts:
                    {tcp-established: 3h, tcp-opening: 5m, tcp-transitory: 4m30s, udp: 150,
                    udp-unreplied: 2m, icmp: 60500ms, other: 5m, fragment: 1s, port-rest: 1d,
                    ports: [{port: 53, timeout: 20s}]}
                  limits:
                    {sessions: 16777216, sessions-per-host: 1, ports-per-host: 2,
                    new-sessions-per-second: 10, new-sessions-per-second-per-host: 3,
                    fragments: 16}

                """)
        #expect(result.render() == "")
        var nat = NATSettings()
        nat.mode = .pool
        nat.pool = [
            IPv4Address(203, 0, 113, 16)...IPv4Address(203, 0, 113, 19),
            IPv4Address(203, 0, 113, 30)...IPv4Address(203, 0, 113, 30),
            IPv4Address(203, 0, 113, 200)...IPv4Address(203, 0, 113, 207),
        ]
        nat.softPairing = true
        nat.blocks = BlockSettings(
            inside: [IPv4Prefix(IPv4Address(10, 1, 0, 0), length: 30)], size: 16)
        nat.ports = 2000...2999
        nat.mapping = .addressDependent
        nat.filtering = .endpointIndependent
        nat.hairpin = false
        nat.preservePort = true
        nat.otherProtocols = false
        nat.preserveParity = true
        nat.inboundRefresh = true
        nat.exclude = [
            NATException(IPv4Prefix(IPv4Address(10, 0, 0, 0), length: 8)),
            NATException(
                IPv4Prefix(IPv4Address(198, 51, 100, 0), length: 24), transports: [.udp],
                ports: 53...53),
        ]
        nat.rules = Self.rules
        nat.oneToOne = [
            OneToOne(
                name: "mail", outside: IPv4Prefix(IPv4Address(203, 0, 113, 64), length: 32),
                inside: IPv4Prefix(IPv4Address(10, 1, 0, 64), length: 32),
                sources: [IPv4Prefix(IPv4Address(10, 7, 0, 0), length: 16)]),
            OneToOne(
                outside: IPv4Prefix(IPv4Address(203, 0, 113, 68), length: 30),
                inside: IPv4Prefix(IPv4Address(10, 1, 0, 68), length: 30)),
        ]
        nat.timeouts.ports = [
            PortTimeout(transports: [.udp], ports: 53...53, time: .seconds(20))
        ]
        nat.tcpTracking = .liberal
        nat.rejectsLateSYN = true
        nat.portForwards = [
            PortForward(
                name: "web", ports: 8443...8443, insideAddress: IPv4Address(10, 1, 0, 9),
                insidePort: 443),
            PortForward(
                transports: [.tcp, .udp], outsideAddress: IPv4Address(203, 0, 113, 16),
                ports: 27015...27030, insideAddress: IPv4Address(10, 1, 0, 8), insidePort: 27015,
                sources: [IPv4Prefix(IPv4Address(198, 51, 100, 0), length: 24)], hairpin: false),
            PortForward(
                transports: [.udp], ports: 100...109, insideAddress: IPv4Address(10, 1, 0, 9),
                insidePort: 200),
        ]
        Self.setTimesAndLimits(&nat)
        let forwarding = try #require(result.configuration?.forwarding)
        #expect(forwarding.nat == nat)
        #expect(forwarding.segmentClamp == .limit(1400))
    }

    private static func setTimesAndLimits(_ nat: inout NATSettings) {
        nat.timeouts.tcpEstablished = .seconds(3 * 3600)
        nat.timeouts.tcpOpening = .seconds(300)
        nat.timeouts.tcpTransitory = .seconds(270)
        nat.timeouts.udp = .seconds(150)
        nat.timeouts.udpUnreplied = .seconds(120)
        nat.timeouts.icmp = .milliseconds(60_500)
        nat.timeouts.other = .seconds(300)
        nat.timeouts.fragment = .seconds(1)
        nat.timeouts.portRest = .seconds(86_400)
        nat.limits.sessions = 16_777_216
        nat.limits.sessionsPerHost = 1
        nat.limits.portsPerHost = 2
        nat.limits.newSessionsPerSecond = 10
        nat.limits.newSessionsPerSecondPerHost = 3
        nat.limits.fragments = 16
    }

    @Test func theRest() throws {
        let result = read(
            ErrorCase.skeleton + """
                nat: {mss-clamp: off, mode: none}
                forwarding:
                  {documentation-prefixes: drop, bogons: strict, class-e: allow,
                  directed-broadcast: true, busy-poll: 2ms}
                log: {level: error, nat-sessions: none}
                control: {socket: /run/x, group: "", read-only-group: adm, mode: 0600}

                """)
        #expect(result.render() == "")
        let configuration = try #require(result.configuration)
        #expect(configuration.forwarding.segmentClamp == .off)
        #expect(configuration.forwarding.nat.mode == .none)
        #expect(configuration.forwarding.policy.dropsDocumentation)
        #expect(configuration.forwarding.policy.isStrict)
        #expect(configuration.forwarding.policy.forwardsDirectedBroadcast)
        #expect(configuration.forwarding.policy.forwardsClassE)
        #expect(configuration.busyPoll == .milliseconds(2))
        #expect(configuration.log.level == .error)
        #expect(configuration.log.natSessions == .none)
        #expect(
            configuration.control
                == ControlSettings(
                    socket: "/run/x", group: nil, readOnlyGroup: "adm", mode: 0o600))
    }

    /// What YAML 1.1 would take for a boolean, a number in base 60 or an octal number.
    @Test func typesComeFromTheKey() throws {
        let yaml = """
            version: 1
            name: on
            interfaces:
              lan: {tap: no, addresses: [10.1.0.1/24], macaddress: 12:34:56:12:34:56}
              wan: {tap: 0777, addresses: [203.0.113.2/24]}
            """
        let configuration = try #require(read(yaml).configuration)
        #expect(configuration.name == "on")
        #expect(configuration.devices.map(\.tap) == ["no", "0777"])
        #expect(configuration.devices[0].hardware == MACAddress(0x1234_5612_3456))
    }

    /// All lines of a section may be comments.
    @Test func emptySectionsHaveDefaults() {
        let result = read(ErrorCase.skeleton + "nat:\nroutes:\nlog: ~\ncontrol: null\n")
        #expect(result.render() == "")
        #expect(result.configuration?.forwarding.nat == NATSettings())
    }

    @Test func instanceNames() {
        let names = [
            ("/etc/gatewayd/home.yaml", "home"), ("lab.yml", "lab"), ("a b.yaml", "a-b"),
            ("", "gateway"), ("/", "gateway"), ("..", "gateway"), (".yaml", ".yaml"),
            ("/x/\u{e9}.yaml", "gateway"),
            (String(repeating: "a", count: 40), String(repeating: "a", count: 32)),
        ]
        for (file, name) in names {
            #expect(ConfigurationLoader.instanceName(of: file) == name, "\(file)")
        }
    }

    @Test func madeUpHardwareAddresses() {
        var seen: Set<MACAddress> = []
        for machine in ["", "a", "0123456789abcdef0123456789abcdef"] {
            for name in ["home", "lab"] {
                for side in Side.allCases {
                    let address = DeviceSettings.defaultHardware(
                        machineID: machine, name: name, side: side)
                    #expect(!address.isGroup)
                    #expect(address.rawValue >> 41 & 1 == 1)
                    seen.insert(address)
                }
            }
        }
        #expect(seen.count == 12)
        // Fixed for good: a new version must not change the addresses of those that run.
        let known = DeviceSettings.defaultHardware(
            machineID: "0123456789abcdef0123456789abcdef", name: "home", side: .lan)
        #expect(known.description == "52:12:53:4a:7f:74")
    }

    /// The first vectors of the reference implementation: key 00…0f, messages of 0, 1, … bytes.
    @Test func sipHashVectors() {
        let expected: [UInt64] = [
            0x726f_db47_dd0e_0e31, 0x74f8_39c5_93dc_67fd, 0x0d6c_8009_d9a9_4f5a,
            0x8567_6696_d7fb_7e2d, 0xcf27_94e0_2771_87b7, 0x1876_5564_cd99_a68d,
            0xcbc9_466e_58fe_e3ce, 0xab02_00f5_8b01_d137, 0x93f5_f579_9a93_2462,
        ]
        for (count, value) in expected.enumerated() {
            var hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
            hash.absorb((0..<count).map { UInt8($0) })
            #expect(hash.finish() == value)
        }
    }
}
