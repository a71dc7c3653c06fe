extension Code {
    static let addressingTexts: [Code: String] = [
        .notAddress:
            """
        An IPv4 address is four numbers from 0 to 255 with dots between, without leading
        zeros. Host names are not looked up.

        Instead of
            via: 203.0.113.1.1
        write
            via: 203.0.113.1
        """,
        .noPrefixLength:
            """
        The address needs the length of its network's prefix after a slash; nothing is
        guessed from old address classes.

        Instead of
            addresses: [192.168.1.1]
        write
            addresses: [192.168.1.1/24]
        """,
        .badPrefixLength:
            """
        The prefix length is a number from 0 to 32; a netmask in dotted form is not taken.
        An interface's own network has at least length 1.

        Instead of
            addresses: [192.168.1.1/255.255.255.0]
        write
            addresses: [192.168.1.1/24]
        """,
        .hostBits:
            """
        A prefix names a network, so the bits beyond its length must be 0. Either the length
        or the address is not the one you meant.

        Instead of
            to: 10.1.2.3/8
        write
            to: 10.0.0.0/8
        """,
        .addressFamily:
            """
        Only IPv4 is routed and translated in version 1.

        Instead of
            to: 2001:db8::/32
        write
            to: 10.0.0.0/8
        """,
        .badRange:
            """
        A range starts with its smaller end.

        Instead of
            port: 27030-27015
        write
            port: 27015-27030
        """,
        .unusableAddress:
            """
        The address is special and no host can have it: 0.0.0.0/8, 127.0.0.0/8 (loopback),
        224.0.0.0/4 (multicast), 240.0.0.0/4 (reserved) (RFC 1122 §3.2.1.3, RFC 6890).

        Instead of
            via: 224.0.0.1
        write
            via: 203.0.113.1
        """,
        .notHostAddress:
            """
        The first and the last address of a network stand for the network and for all its
        hosts (RFC 1122 §3.2.1.3). Networks of length 31 and 32 have neither (RFC 3021).

        Instead of
            addresses: [192.168.1.0/24]
        write
            addresses: [192.168.1.1/24]
        """,
        .overlap:
            """
        The two sides must be different networks, or nobody can tell where a packet belongs.

        Instead of
            lan: {addresses: [10.0.0.1/8]}
            wan: {addresses: [10.1.0.2/24]}
        write
            lan: {addresses: [10.0.0.1/24]}
            wan: {addresses: [10.1.0.2/24]}
        """,
        .badTapName:
            """
        Linux gives interface names 15 bytes; letters, digits, `-`, `_` and `.` are safe in
        them.

        Instead of
            tap: gateway-tap-of-the-lan
        write
            tap: tap-lan
        """,
        .noNamespace:
            """
        The TAP's host end is to be moved into a network namespace, and it does not exist.
        `ip netns add NAME` makes one; a path may be given instead of a name.

        For example
            netns: lab
        `ip netns add lab` cures it.
        """,
        .sameTap:
            """
        Each side needs a TAP interface of its own.

        Instead of
            lan: {tap: tap0}
            wan: {tap: tap0}
        write
            lan: {tap: tap0}
            wan: {tap: tap1}
        """,
        .sameHardware:
            """
        With one MAC address on both sides, bridges between them would send frames the wrong
        way.
        """,
        .unusableHardware:
            """
        An interface's address must be one station's: not all zeros, and without the group
        bit, which is the lowest bit of the first pair.

        Instead of
            macaddress: "01:00:5e:00:00:01"
        write
            macaddress: "02:00:5e:00:00:01"
        """,
        .repeatedAddress:
            """
        An address is listed twice on one side.

        Instead of
            addresses: [10.0.0.1/24, 10.0.0.1/16]
        write
            addresses: [10.0.0.1/24]
        """,
        .offloadPair:
            """
        The kernel hands over TCP super-packets only with unfinished checksums, so
        segmentation offload needs checksum offload.

        Instead of
            offload: {checksum: false, segmentation: true}
        write
            offload: {checksum: true, segmentation: true}
        """,
        .badNamespace:
            """
        A network namespace is given by its name under /run/netns or by a whole path.

        Instead of
            netns: lab/one
        write
            netns: /run/netns/one
        """,
        .differentMTU:
            """
        The inside has a larger MTU than the outside. Packets that may not be fragmented and
        are too large for the outside are answered with ICMP Fragmentation Needed (RFC
        1191), which works but costs a round trip.

        Instead of
            lan: {mtu: 9000}
            wan: {mtu: 1500}
        write
            lan: {mtu: 1500}
            wan: {mtu: 1500}
        """,
        .strangeNeighbor:
            """
        Packets go straight only to addresses within the networks of a side. A neighbour
        outside of them is never asked for.
        """,
        .noNextHop:
            """
        A route says where packets go: `via` a router, or straight out of an `interface`. To
        drop them, say so with `type`.

        Instead of
            routes:
              - to: 10.0.0.0/8
        write
            routes:
              - to: 10.0.0.0/8
                via: 192.168.1.2
        """,
        .unreachableNextHop:
            """
        A next hop must be a neighbour: an address within a network of lan or wan. If it
        really is on the wire without being in such a network, say so with `on-link` and
        `interface`.

        Instead of
            - to: default
              via: 198.51.100.1
        write
            - to: default
              via: 198.51.100.1
              interface: wan
              on-link: true
        """,
        .ownNextHop:
            """
        The next hop is one of the gateway's own addresses, so packets would never leave.
        """,
        .nextHopNotUsed:
            """
        A route of type blackhole, unreachable or prohibit leads nowhere, so it has no next
        hop.

        Instead of
            - to: 10.0.0.0/8
              type: blackhole
              via: 192.168.1.2
        write
            - to: 10.0.0.0/8
              type: blackhole
        """,
        .repeatedRoute:
            """
        Two routes agree in prefix, distance and metric. That is allowed only if both have a
        next hop and the next hops differ; then packets are spread over them.

        Instead of
            - {to: default, via: 203.0.113.1}
            - {to: default, via: 203.0.113.1}
        write
            - {to: default, via: 203.0.113.1}
            - {to: default, via: 203.0.113.9, distance: 5}
        """,
        .onLinkSide:
            """
        A next hop that is in no network of ours does not tell the side, so `on-link` needs
        `interface`.

        Instead of
            - {to: default, via: 198.51.100.1, on-link: true}
        write
            - {to: default, via: 198.51.100.1, on-link: true, interface: wan}
        """,
        .tooManyWays:
            """
        Packets are spread over up to 16 equal next hops.
        """,
        .otherSide:
            """
        The next hop is within a network of the other side.

        Instead of
            - {to: default, via: 203.0.113.1, interface: lan}
        write
            - {to: default, via: 203.0.113.1}
        """,
        .nobodyToHear:
            """
        BFD hears a neighbor, and a route that drops packets or leads to a connected network
        has none.

        Instead of
            - {to: 10.9.0.0/16, interface: wan, bfd: true}
        write
            - {to: 10.9.0.0/16, via: 203.0.113.1, bfd: true}
        """,
        .insideDefault:
            """
        The default route leads to the inside of the translation, so what inside hosts send
        to the Internet would come back to them. Perhaps the outside is `lan`, or nothing
        should be translated.

        Instead of
            nat: {mode: masquerade}
            routes: [{to: default, via: 192.168.1.254}]
        write
            nat: {mode: masquerade}
            routes: [{to: default, via: 203.0.113.1}]
        """,
        .unusedDistance:
            """
        An administrative distance of 255 means never.

        Instead of
            distance: 255
        write
            distance: 250
        """,
    ]
}
