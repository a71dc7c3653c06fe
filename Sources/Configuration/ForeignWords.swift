/// A word that another tool uses for something we have under another name.
struct ForeignWord {
    var word: String
    var tool: String
    var help: String

    private init(_ word: String, _ tool: String, _ help: String) {
        self.word = word
        self.tool = tool
        self.help = help
    }

    static let top: [ForeignWord] = {
        let interfaces = "write interfaces: with lan: and wan: in it"
        return [
            ForeignWord("network", "netplan", interfaces),
            ForeignWord("ethernets", "netplan", interfaces),
            ForeignWord("bridges", "netplan", "write bridge: NAME under interfaces.lan"),
            ForeignWord("renderer", "netplan", "remove it; there is only one"),
            ForeignWord("protocols", "VyOS", "write routes: [{to: PREFIX, via: ADDRESS}]"),
            ForeignWord("firewall", "OpenWrt", "write nat: with port-forwards: in it"),
            ForeignWord("redirect", "OpenWrt", "write nat: with port-forwards: in it"),
            ForeignWord("router", "FRR", "write routes: for static routes"),
            ForeignWord("gateway4", "netplan", "write routes: [{to: default, via: ADDRESS}]"),
        ]
    }()

    static let interface: [ForeignWord] = {
        let route = "write routes: [{to: default, via: ADDRESS}] at the top level"
        let addresses = "write addresses: [ADDRESS/LENGTH]"
        let segmentation = "write offload: {segmentation: true}"
        return [
            ForeignWord("gateway4", "netplan", route),
            ForeignWord("gateway6", "netplan", "remove it; IPv6 is not supported in version 1"),
            ForeignWord("gateway", "OpenWrt", route),
            ForeignWord("routes", "netplan", "write routes: at the top level"),
            ForeignWord("dhcp4", "netplan", addresses),
            ForeignWord("dhcp6", "netplan", "remove it; IPv6 is not supported in version 1"),
            ForeignWord("proto", "OpenWrt", addresses),
            ForeignWord("ipaddr", "OpenWrt", addresses),
            ForeignWord("netmask", "OpenWrt", addresses),
            ForeignWord("address", "VyOS", addresses),
            ForeignWord("Address", "systemd", addresses),
            ForeignWord("macaddr", "OpenWrt", "write macaddress: \"02:00:5e:10:00:01\""),
            ForeignWord("mac", "VyOS", "write macaddress: \"02:00:5e:10:00:01\""),
            ForeignWord("MACAddress", "systemd", "write macaddress: \"02:00:5e:10:00:01\""),
            ForeignWord("MTUBytes", "systemd", "write mtu: 1500"),
            ForeignWord("device", "OpenWrt", "write tap: NAME"),
            ForeignWord("ifname", "OpenWrt", "write tap: NAME"),
            ForeignWord("Name", "systemd", "write tap: NAME"),
            ForeignWord("vrf", "FRR", "write netns: NAME"),
            ForeignWord("txqueuelen", "iproute2", "write queue-length: 10000"),
            ForeignWord("master", "iproute2", "write bridge: NAME"),
            ForeignWord("transmit-checksum-offload", "netplan", "write offload: {checksum: true}"),
            ForeignWord("tcp-segmentation-offload", "netplan", segmentation),
            ForeignWord("generic-segmentation-offload", "netplan", segmentation),
            ForeignWord("generic-receive-offload", "netplan", segmentation),
        ]
    }()

    static let offload = [
        ForeignWord("tso", "VyOS", "write segmentation: true"),
        ForeignWord("gso", "VyOS", "write segmentation: true"),
        ForeignWord("gro", "VyOS", "write segmentation: true"),
    ]

    static let neighbor = [
        ForeignWord("ip", "dnsmasq", "write address: ADDRESS"),
        ForeignWord("mac", "OpenWrt", "write macaddress: \"02:00:5e:10:00:01\""),
        ForeignWord("lladdr", "iproute2", "write macaddress: \"02:00:5e:10:00:01\""),
    ]

    static let route = [
        ForeignWord("target", "OpenWrt", "write to: PREFIX"),
        ForeignWord("netmask", "OpenWrt", "write to: ADDRESS/LENGTH"),
        ForeignWord("Destination", "systemd", "write to: PREFIX"),
        ForeignWord("destination", "systemd", "write to: PREFIX"),
        ForeignWord("dst", "iproute2", "write to: PREFIX"),
        ForeignWord("prefix", "FRR", "write to: PREFIX"),
        ForeignWord("gateway", "OpenWrt", "write via: ADDRESS"),
        ForeignWord("Gateway", "systemd", "write via: ADDRESS"),
        ForeignWord("gw", "route", "write via: ADDRESS"),
        ForeignWord("next-hop", "VyOS", "write via: ADDRESS"),
        ForeignWord("nexthop", "iproute2", "write via: ADDRESS"),
        ForeignWord("dev", "iproute2", "write interface: lan or interface: wan"),
        ForeignWord("scope", "netplan", "write on-link: true with interface: lan or wan"),
        ForeignWord("blackhole", "VyOS", "write type: blackhole"),
    ]

    static let nat = [
        ForeignWord("masq", "OpenWrt", "write mode: masquerade"),
        ForeignWord("masquerade", "nftables", "write mode: masquerade"),
        ForeignWord("IPMasquerade", "systemd", "write mode: masquerade"),
        ForeignWord("snat_ip", "OpenWrt", "write mode: pool and pool: {addresses: [ADDRESS]}"),
        ForeignWord("translation", "VyOS", "write mode: masquerade, or mode: pool and pool:"),
        ForeignWord("outbound-interface", "VyOS", "write outside: wan"),
        ForeignWord("source", "VyOS", "write mode: masquerade, or mode: pool and pool:"),
        ForeignWord("destination", "VyOS", "write port-forwards: [{port: 8443, to: ADDRESS}]"),
        ForeignWord("redirect", "OpenWrt", "write port-forwards: [{port: 8443, to: ADDRESS}]"),
        ForeignWord("rule", "VyOS", "write port-forwards: [{port: 8443, to: ADDRESS}]"),
        ForeignWord("mtu_fix", "OpenWrt", "write mss-clamp: auto"),
        ForeignWord("adjust-mss", "VyOS", "write mss-clamp: auto"),
    ]

    static let forward = [
        ForeignWord("proto", "OpenWrt", "write protocol: tcp"),
        ForeignWord("src_dport", "OpenWrt", "write port: PORT"),
        ForeignWord("dport", "iptables", "write port: PORT"),
        ForeignWord("dest_ip", "OpenWrt", "write to: ADDRESS or to: ADDRESS:PORT"),
        ForeignWord("dest_port", "OpenWrt", "write to: ADDRESS:PORT"),
        ForeignWord("src_ip", "OpenWrt", "write from: [PREFIX]"),
        ForeignWord("src_dip", "OpenWrt", "write address: ADDRESS"),
        ForeignWord("src", "OpenWrt", "remove it; the outside is nat.outside"),
        ForeignWord("dest", "OpenWrt", "remove it; the inside is the other side of nat.outside"),
        ForeignWord("target", "OpenWrt", "remove it; a port forward is always DNAT"),
        ForeignWord("destination", "VyOS", "write port: PORT"),
        ForeignWord("source", "VyOS", "write from: [PREFIX]"),
        ForeignWord("translation", "VyOS", "write to: ADDRESS:PORT"),
        ForeignWord("description", "VyOS", "write name: NAME"),
    ]

    static let timeout = [
        ForeignWord("established", "VyOS", "write tcp-established: 2h4m"),
        ForeignWord("stream", "VyOS", "write udp: 5m"),
    ]
}
