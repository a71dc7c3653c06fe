extension Code {
    static let servicesTexts: [Code: String] = [
        .noInterfaceOfRIP:
            """
        RIP is spoken only on the sides named.

        Instead of
            rip: {interfaces: {}}
        write
            rip: {interfaces: {wan: {}}}
        """,
        .shortTimeoutOfRIP:
            """
        A route lives as long as timeout after the last update; if updates come less often,
        every route is lost between them. The usual values are 30s and 180s.

        Instead of
            timers: {update: 30s, timeout: 20s}
        write
            timers: {update: 30s, timeout: 180s}
        """,
        .strangeNeighborOfRIP:
            """
        RIP speaks to routers on its own networks only, so a neighbor's address must lie within
        a network of a side that speaks RIP.
        """,
        .badKeyFile:
            """
        The key is the first line of a file that the daemon can read and others cannot.

        Make one with
            install -m 600 /dev/null /etc/gatewayd/keys/rip
            head -c 16 /dev/urandom | base64 > /etc/gatewayd/keys/rip
        """,
        .badKey:
            """
        Several keys let routers change to another one without losing each other: every router
        gets the new key before the first one signs with it. Each key has a number of its own.
        It is sent and accepted for ever unless a day, or a moment in UTC, says otherwise.

        Write
            authentication:
              type: hmac-sha-256
              keys:
                - {key-id: 1, key-file: /etc/gatewayd/keys/old, send-until: 2026-12-01}
                - {key-id: 2, key-file: /etc/gatewayd/keys/new,
                   send-from: "2026-12-01T00:00:00Z"}
        """,
        .openPassword:
            """
        Whoever sees one packet knows the password. It keeps out accidents, nobody else.
        """,
        .forwardsWithoutNAT:
            """
        Port forwards and one-to-one entries rewrite destinations, and with mode none nothing
        is rewritten.

        Instead of
            nat:
              mode: none
              port-forwards: [{port: 22, to: 10.0.0.9}]
        write
            nat:
              mode: masquerade
              port-forwards: [{port: 22, to: 10.0.0.9}]
        """,
        .sameForward:
            """
        Two port forwards claim the same port of the same outside address for the same
        protocol.

        Instead of
            - {port: 8000-8010, to: 192.168.1.10}
            - {port: 8005, to: 192.168.1.11}
        write
            - {port: 8000-8004, to: 192.168.1.10}
            - {port: 8005, to: 192.168.1.11}
        """,
        .sameForwardName:
            """
        Names tell port forwards, one-to-one entries and rules apart in answers and filters, so
        each can be given once.
        """,
        .rangeLengths:
            """
        The ports of a range are led to as many inside ports, in step.

        Instead of
            - {port: 27015-27030, to: "192.168.1.20:5000-5001"}
        write
            - {port: 27015-27030, to: "192.168.1.20:5000"}
        """,
        .rangeEnd:
            """
        The inside range starts so high that its end would be above 65535.

        Instead of
            - {port: 1000-1010, to: "192.168.1.20:65530"}
        write
            - {port: 1000-1010, to: "192.168.1.20:60000"}
        """,
        .poolInUse:
            """
        A pool's addresses are the gateway's for translation only: not an interface's own,
        not a next hop's, not a network or broadcast address, and each at most once.

        Instead of
            wan: {addresses: [203.0.113.2/24]}
            pool: {addresses: [203.0.113.1-203.0.113.9]}
        write
            wan: {addresses: [203.0.113.2/24]}
            pool: {addresses: [203.0.113.16-203.0.113.31]}
        """,
        .noPool:
            """
        Mode pool translates to the addresses of the pool, so there must be one.

        Instead of
            nat:
              mode: pool
        write
            nat:
              mode: pool
              pool: {addresses: [203.0.113.16-203.0.113.19]}
        """,
        .poolTooLarge:
            """
        A pool may hold 4,096 addresses; each has tables of its ports.
        """,
        .hiddenRule:
            """
        The first rule that matches an inside host holds, so a rule below others that match
        all its hosts and protocols never does. Special rules come before general ones.

        Instead of
            rules:
              - {from: [192.168.1.0/24], filtering: address-dependent}
              - {from: [192.168.1.9/32], filtering: endpoint-independent}
        write
            rules:
              - {from: [192.168.1.9/32], filtering: endpoint-independent}
              - {from: [192.168.1.0/24], filtering: address-dependent}
        """,
        .contradiction:
            """
        A rule that denies translation can not say how to translate.

        Instead of
            - {from: [192.168.1.9/32], action: deny, mapping: address-dependent}
        write
            - {from: [192.168.1.9/32], action: deny}
        """,
        .oneToOneInUse:
            """
        An address of a one-to-one entry belongs to one inside host alone: it is not in the
        pool, not the gateway's own and in no other entry.

        Instead of
            pool: {addresses: [203.0.113.16-203.0.113.31]}
            one-to-one: [{outside: 203.0.113.20, inside: 192.168.1.20}]
        write
            pool: {addresses: [203.0.113.16-203.0.113.19]}
            one-to-one: [{outside: 203.0.113.20, inside: 192.168.1.20}]
        """,
        .unequalPrefixes:
            """
        The addresses of a one-to-one entry are led to as many inside hosts, in step.

        Instead of
            - {outside: 203.0.113.16/29, inside: 192.168.1.0/28}
        write
            - {outside: 203.0.113.16/29, inside: 192.168.1.0/29}
        """,
        .forwardOfOneToOne:
            """
        Every port of a one-to-one entry's outside address leads to its inside host already.

        Instead of
            one-to-one: [{outside: 203.0.113.20, inside: 192.168.1.20}]
            port-forwards: [{address: 203.0.113.20, port: 80, to: 192.168.1.30}]
        write
            one-to-one: [{outside: 203.0.113.20, inside: 192.168.1.20}]
            port-forwards: [{address: 203.0.113.2, port: 80, to: 192.168.1.30}]
        """,
        .blocksTooLarge:
            """
        Every inside address gets a block of ports for itself (RFC 7422), so the outside
        addresses must have as many blocks as there are inside addresses.

        Instead of
            pool: {addresses: [203.0.113.16]}
            blocks: {inside: [10.0.0.0/16], size: 512}
        write
            pool: {addresses: [203.0.113.16]}
            blocks: {inside: [10.0.0.0/25], size: 500}
        """,
        .ownPort:
            """
        The gateway uses this port of its outside address itself.

        Instead of
            - {protocol: udp, port: 500-530, to: 192.168.1.10}
        write
            - {protocol: udp, port: 500-519, to: 192.168.1.10}
        """,
        .ownTarget:
            """
        A port forward leads to an inside host. The gateway has no services of TCP or UDP
        there.

        Instead of
            - {port: 22, to: 192.168.1.1}
        write
            - {port: 22, to: 192.168.1.10}
        """,
        .strangeInside:
            """
        The inside host is in no network of the inside. That works only if a route leads to
        it.
        """,
        .shortTimeout:
            """
        The idle time is shorter than the RFCs ask for. Hosts send keep-alives at that pace
        and lose their connections: RFC 5382 for TCP, RFC 4787 for UDP, RFC 5508 for ICMP,
        RFC 6888 for the reuse of ports.

        Instead of
            tcp-established: 10m
        write
            tcp-established: 2h4m
        """,
        .poolRouting:
            """
        Within a network of the outside the gateway answers ARP for the pool. These
        addresses are in none, so the routers there must send them to the gateway by a
        route.
        """,
        .poolNotUsed:
            """
        A pool is given, but the mode translates to the interface's address or not at all.

        Instead of
            nat:
              mode: masquerade
              pool: {addresses: [203.0.113.16]}
        write
            nat:
              mode: pool
              pool: {addresses: [203.0.113.16]}
        """,
        .strangeOutside:
            """
        The forward's outside address is not one the gateway answers ARP for, so the routers
        there must send it to the gateway by a route.
        """,
        .socketPathLength:
            """
        The kernel gives a socket's path 107 bytes.
        """,
        .socketPathRelative:
            """
        The path of the control socket starts with a slash; the daemon has no working
        directory to speak of.

        Instead of
            socket: control.sock
        write
            socket: /run/gatewayd/home/control.sock
        """,
        .badMode:
            """
        The mode of the socket is four octal digits, best in quotes.

        Instead of
            mode: 660
        write
            mode: "0660"
        """,
        .openMode:
            """
        Every user of the machine could connect to the control socket. Who may do what is
        decided again there, but there is no need to let them try.

        Instead of
            mode: "0666"
        write
            mode: "0660"
        """,
    ]
}
