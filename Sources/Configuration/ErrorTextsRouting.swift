extension Code {
    static let routingTexts: [Code: String] = [
        .noInterfaceOfOSPF:
            """
        OSPF is spoken only on the sides named.

        Instead of
            ospf: {interfaces: {}}
        write
            ospf: {interfaces: {wan: {area: 0}}}
        """,
        .badArea:
            """
        An area is a number from 0 to 4294967295, or the same written as an address: 1 and
        0.0.0.1 are one area. All routers on a link have it in the same area.

        Instead of
            wan: {area: backbone}
        write
            wan: {area: 0}
        """,
        .noBackbone:
            """
        Area 0 joins all others (RFC 2328 §3.1); a router between two other areas hands
        nothing on from one to the other, unless a virtual link joins it to area 0.

        Instead of
            interfaces: {lan: {area: 1}, wan: {area: 2}}
        write
            interfaces: {lan: {area: 1}, wan: {area: 0}}
        """,
        .stubBackbone:
            """
        A stub area has a default route, announced at default-cost, instead of what is
        outside. Area 0 cannot be one, since others hear of the outside through it. In an
        area of type nssa networks outside may be announced nevertheless; others hear of
        those within one of external-ranges as one.

        Instead of
            areas: {0: {type: stub}}
        write
            areas: {1: {type: stub, default-cost: 5}}
        """,
        .badIntervalOfOSPF:
            """
        Packets tell intervals in whole seconds, and neighbors on a link must agree on
        them. Only hello-interval may be less than a second. A neighbor that is silent for
        dead-interval is lost, so that is longer than hello-interval, usually four times as
        long.

        Instead of
            wan: {area: 0, hello-interval: 2500ms, dead-interval: 2s}
        write
            wan: {area: 0, hello-interval: 2s, dead-interval: 8s}
        """,
        .repeatedSource:
            """
        The routes of a source are announced with one metric.

        Instead of
            redistribute: [static, {from: static, metric: 5}]
        write
            redistribute: [{from: static, metric: 5}]
        """,
        .badNeighborOfOSPF:
            """
        Where routers hear what is sent to all of them, they find each other. On a
        non-broadcast network every one has to be named, with priority 0 if it is not to
        become Designated Router; on a point-to-multipoint one if it hears nothing that is
        sent to all.

        Instead of
            wan: {area: 0, network-type: non-broadcast}
        write
            wan: {area: 0, network-type: non-broadcast, neighbors: [203.0.113.9]}
        """,
        .badVirtualLink:
            """
        A virtual link joins to area 0 what has no link to it, through another area that is
        neither area 0 nor a stub area. It is named in that area, on both routers at its
        ends, each by the router-id of the other.

        Instead of
            areas: {0: {virtual-links: [{router: 10.0.0.3}]}}
        write
            areas: {1: {virtual-links: [{router: 10.0.0.3}]}}
        """,
        .shortDeadInterval:
            """
        Hellos are lost now and then; four times the hello-interval outlasts three of them.

        Instead of
            wan: {area: 0, hello-interval: 5s, dead-interval: 10s}
        write
            wan: {area: 0, hello-interval: 5s, dead-interval: 20s}
        """,
        .unusedArea:
            """
        The options of an area say what holds for the sides in it, and no side is.

        Instead of
            areas: {1: {type: stub}}
            interfaces: {wan: {area: 0}}
        write
            areas: {1: {type: stub}}
            interfaces: {lan: {area: 1}, wan: {area: 0}}
        """,
    ]
}
