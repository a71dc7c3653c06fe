extension Code {
    static let generalTexts: [Code: String] = [
        .notYAML:
            """
        The file is not YAML. The place is where reading had to stop; the mistake is often a
        line or two above: a missing colon, a bracket or quote that is never closed, an
        indentation that fits no line above, or a tab.

        Instead of
            nat:
              mode: masquerade
             outside: wan
        write
            nat:
              mode: masquerade
              outside: wan
        """,
        .fileTooLarge:
            """
        A configuration may have up to 16 MiB, which holds several hundred thousand routes.
        A larger file is most likely not the one you meant.
        """,
        .severalDocuments:
            """
        YAML allows several documents in one file, separated by `---`. A configuration is
        one document.

        Instead of
            version: 1
            ---
            version: 1
        write
            version: 1
        """,
        .anchor:
            """
        Anchors (`&name`) and aliases (`*name`) are not supported: no configuration needs
        them, and nested aliases can make a small file enormous.

        Instead of
            lan: {mtu: &size 1400}
            wan: {mtu: *size}
        write
            lan: {mtu: 1400}
            wan: {mtu: 1400}
        """,
        .tag:
            """
        Tags, which begin with an exclamation mark, are not supported. Every value is read
        by the type its key wants.

        Instead of
            tap: !!str lan0
        write
            tap: lan0
        """,
        .mergeKey:
            """
        Merge keys (`<<`) are not supported, since anchors are not.

        Instead of
            wan:
              <<: *common
              tap: wan0
        write
            wan:
              mtu: 1400
              tap: wan0
        """,
        .duplicateKey:
            """
        A key stands twice in one mapping. YAML leaves open which one counts, so neither
        does.

        Instead of
            nat:
              hairpin: true
              hairpin: false
        write
            nat:
              hairpin: true
        """,
        .tooDeep:
            """
        Lists and mappings may be nested 32 deep; a configuration needs five levels. Usually
        a bracket is not closed.
        """,
        .notText:
            """
        The file must be UTF-8 text. Control bytes other than tab and the ends of lines are
        refused, because they can hide text from whoever reads the file.
        """,
        .notMapping:
            """
        This setting holds other settings by name, so it must be a mapping.

        Instead of
            nat: masquerade
        write
            nat:
              mode: masquerade
        """,
        .unknownKey:
            """
        The key is not known in this place. It may be misspelt, or indented under the wrong
        setting. Interfaces are named `lan` and `wan`, no others.

        Instead of
            interfaces:
              lan:
                mtv: 1400
        write
            interfaces:
              lan:
                mtu: 1400
        """,
        .missingKey:
            """
        A setting without which the rest makes no sense is missing. A file needs `version`
        and `interfaces`; a side needs `tap` and `addresses`; a route needs `to`; a port
        forward needs `port` and `to`.

        Instead of
            routes:
              - via: 203.0.113.1
        write
            routes:
              - to: default
                via: 203.0.113.1
        """,
        .notList:
            """
        This setting takes a list, in brackets or with one line and dash for each item.

        Instead of
            addresses: 192.168.1.1/24
        write
            addresses: [192.168.1.1/24]
        """,
        .foreignWord:
            """
        Another tool has this word for something that has another name here. The help of the
        message gives ours.

        Instead of
            port-forwards:
              - src_dport: 8443
                dest_ip: 192.168.1.10
        write
            port-forwards:
              - port: 8443
                to: 192.168.1.10
        """,
        .notAvailable:
            """
        The setting is planned and its name taken, but nothing is behind it in this version.
        It is refused so that nobody relies on what does not happen.

        For example
            rip:
              interfaces: {lan: {}}
        Remove the section.
        """,
        .notSingle:
            """
        This setting takes one value, and a list or a mapping was found. Keys, too, must be
        single words.

        Instead of
            mtu: [1500]
        write
            mtu: 1500
        """,
        .noValue:
            """
        The key is there but has no value: nothing, `~` or `null`. Remove the key to have
        the default.

        Instead of
            log:
              level:
        write
            log:
              level: info
        """,
        .tooMany:
            """
        There are more entries than fit: 1,000,000 routes, 4,096 port forwards, 64 addresses
        on a side, 1,024 exclusions, 4,000,000 values in all. Bounds keep a broken generator
        from filling the memory.
        """,
        .emptyList:
            """
        The list must hold at least one entry. A side without an address can neither answer
        nor be reached.

        Instead of
            addresses: []
        write
            addresses: [192.168.1.1/24]
        """,
        .notInteger:
            """
        A whole number in plain decimal digits is wanted: no unit, no separators, no leading
        zero (YAML 1.1 reads those as octal), no hexadecimal.

        Instead of
            mtu: 0x5dc
        write
            mtu: 1500
        """,
        .outOfRange:
            """
        The number or duration is outside what the setting can have. The message gives both
        bounds.

        Instead of
            mtu: 99999
        write
            mtu: 9000
        """,
        .notDuration:
            """
        A duration is a number with a unit: ms, s, m, h or d. Several may follow each other.
        A bare number means seconds.

        Instead of
            udp: 5 minutes
        write
            udp: 5m
        """,
        .notOneOf:
            """
        The setting takes one of a few words; the message lists them.

        Instead of
            mode: masq
        write
            mode: masquerade
        """,
        .notBoolean:
            """
        The setting takes true or false.

        Instead of
            hairpin: 1
        write
            hairpin: true
        """,
        .badName:
            """
        Names are 1 to 32 letters, digits, `-`, `_` and `.`, so that they can stand in
        paths, on command lines and in metrics.

        Instead of
            name: my gateway
        write
            name: my-gateway
        """,
        .notPort:
            """
        A port is a number from 1 to 65535; a range is two of them with a dash between.

        Instead of
            port: https
        write
            port: 443
        """,
        .notHardwareAddress:
            """
        A MAC address is six pairs of hexadecimal digits with colons between.

        Instead of
            macaddress: 02-00-5e-10-00-01
        write
            macaddress: "02:00:5e:10:00:01"
        """,
        .unknownVersion:
            """
        The first setting of a file is the version of its format, so that later versions of
        the program can tell. This one reads version 1.

        Instead of
            version: 2
        write
            version: 1
        """,
        .oldBoolean:
            """
        yes, no, on and off are booleans of YAML 1.1 only. They are understood here, but
        other programs that read the file may take them for text.

        Instead of
            hairpin: yes
        write
            hairpin: true
        """,
    ]
}
