import Support

/// Packets of FRR 8.4.4 (10.9.0.1, router 1.1.1.1) and BIRD 2.0.12 (10.9.0.2, router 2.2.2.2), or
/// of BIRD at both ends, caught on a broadcast link between namespaces: IP payloads. The key has
/// number 7, and secret and password are "secret".
enum Captures {
    static let frrHello = bytes(
        """
        02010030 01010101 00000000 e2ab0000  # kind 1, length 48; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        ffffff00 00010201 00000004 0a090002 0a090002 02020202
        """)
    static let frrDescription = bytes(
        """
        0202005c 01010101 00000000 47d30000  # kind 2, length 92; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        05dc0200 58006a1e 00000201 01010101 01010101 80000005 c2640024 00040203
        0a090100 01010101 80000001 b783001c 00040205 ac1f0100 01010101 80000001
        293b0024
        """)
    static let birdDescription = bytes(
        """
        0202005c 02020202 00000000 43ac0000  # kind 2, length 92; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        05dc4201 58006a1f 00030205 ac1f0280 02020202 80000001 556f0024 00024201
        02020202 02020202 80000001 ba280024 00024203 0a0902ff 02020202 80000001
        ca2b001c
        """)
    static let birdRequest = bytes(
        """
        0203003c 02020202 00000000 39830000  # kind 3, length 60; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00000001 01010101 01010101 00000003 0a090100 01010101 00000005 ac1f0100
        01010101
        """)
    static let frrRequest = bytes(
        """
        0203003c 01010101 00000000 2ffe0000  # kind 3, length 60; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00000001 02020202 02020202 00000003 0a0902ff 02020202 00000005 ac1f0280
        02020202
        """)
    static let frrUpdate = bytes(
        """
        02040080 01010101 00000000 04630000  # kind 4, length 128; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00000003 00010201 01010101 01010101 80000005 c2640024 03000001 0a090000
        ffffff00 0300000a 00050203 0a090100 01010101 80000001 b783001c ffffff00
        0000000a 00050205 ac1f0100 01010101 80000001 293b0024 ffffff00 0000001e
        00000000 00000000
        """)
    static let birdUpdate = bytes(
        """
        02040080 02020202 00000000 98cb0000  # kind 4, length 128; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00000003 00034201 02020202 02020202 80000001 ba280024 03000001 0a090000
        ffffff00 0300000a 00034203 0a0902ff 02020202 80000001 ca2b001c ffffff00
        0000000a 00040205 ac1f0280 02020202 80000001 556f0024 ffffff80 80002710
        00000000 00000000
        """)
    static let frrAcknowledgement = bytes(
        """
        02050054 01010101 00000000 4fad0000  # kind 5, length 84; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00034201 02020202 02020202 80000001 ba280024 00034203 0a0902ff 02020202
        80000001 ca2b001c 00040205 ac1f0280 02020202 80000001 556f0024
        """)
    static let birdHello = bytes(
        """
        02010030 02020202 00000000 e2ac0000  # kind 1, length 48; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        ffffff00 00010201 00000004 0a090002 0a090001 01010101
        """)
    static let birdAcknowledgement = bytes(
        """
        02050068 02020202 00000000 dd240000  # kind 5, length 104; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00010201 01010101 01010101 80000005 c2640024 00050203 0a090100 01010101
        80000001 b783001c 00050205 ac1f0100 01010101 80000001 293b0024 00010201
        01010101 01010101 80000007 ac630024
        """)
    static let birdNetworkUpdate = bytes(
        """
        0204003c 02020202 00000000 2f840000  # kind 4, length 60; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00000001 00014202 0a090002 02020202 80000001 f4fb0020 ffffff00 02020202
        01010101
        """)
    static let frrGraceUpdate = bytes(
        """
        02040040 01090909 00000000 019a0000  # kind 4, length 64; router; area; checksum, AuType 0
        00000000 00000000  # authentication
        00000001 00014209 03000000 01090909 80000001 21890024  # one LSA: type 9, opaque type 3
        00010004 0000003c  # the grace period, 60 s
        00020001 01000000  # the reason, a restart of the software
        """)
    static let birdHelloPassword = bytes(
        """
        02010030 02020202 00000000 ecb50001  # kind 1, length 48; router; area; checksum, AuType 1
        73656372 65740000  # authentication
        ffffff00 00010201 00000004 0a090002 00000000 01010101
        """)
    static let frrDescriptionPassword = bytes(
        """
        0202005c 01010101 00000000 bba30001  # kind 2, length 92; router; area; checksum, AuType 1
        73656372 65740000  # authentication
        05dc0200 35401519 00000201 01010101 01010101 80000003 c6620024 00000203
        0a090100 01010101 80000001 b783001c 00000205 ac1f0100 01010101 80000001
        293b0024
        """)
    static let birdDescriptionPassword = bytes(
        """
        0202005c 02020202 00000000 bb5e0001  # kind 2, length 92; router; area; checksum, AuType 1
        73656372 65740000  # authentication
        05dc4201 3540151a 00090205 ac1f0280 02020202 80000001 556f0024 00084201
        02020202 02020202 80000001 ba280024 00084203 0a0902ff 02020202 80000001
        ca2b001c
        """)
    static let frrHelloPassword = bytes(
        """
        02010030 01010101 00000000 e2ab0001  # kind 1, length 48; router; area; checksum, AuType 1
        73656372 65740000  # authentication
        ffffff00 00010201 00000004 0a090002 0a090001 02020202
        """)
    static let birdHelloMD5 = bytes(
        """
        0201002c 02020202 00000000 00000002  # kind 1, length 44; router; area; checksum, AuType 2
        00000710 6b01af49  # authentication
        ffffff00 00010201 00000004 0a090002 00000000
        3b1d8711 ddee1d6c 46f8d6be 9fe0f370  # digest
        """)
    static let frrDescriptionMD5 = bytes(
        """
        0202005c 01010101 00000000 00000002  # kind 2, length 92; router; area; checksum, AuType 2
        00000710 6b01af51  # authentication
        05dc0200 9a1e936d 00000201 01010101 01010101 80000003 c6620024 00000203
        0a090100 01010101 80000001 b783001c 00000205 ac1f0100 01010101 80000001
        293b0024
        81743f03 55d51960 66265ca4 c34ada04  # digest
        """)
    static let birdDescriptionMD5 = bytes(
        """
        0202005c 02020202 00000000 00000002  # kind 2, length 92; router; area; checksum, AuType 2
        00000710 6b01af4c  # authentication
        05dc4201 9a1e936e 00090205 ac1f0280 02020202 80000001 556f0024 00094201
        02020202 02020202 80000001 ba280024 00094203 0a0902ff 02020202 80000001
        ca2b001c
        d1573046 f15206df 030eafe2 c03658ec  # digest
        """)
    static let frrHelloMD5 = bytes(
        """
        02010030 01010101 00000000 00000002  # kind 1, length 48; router; area; checksum, AuType 2
        00000710 6b01af56  # authentication
        ffffff00 00010201 00000004 0a090002 0a090001 02020202
        80f35048 72324810 4017a8c5 03843600  # digest
        """)
    static let birdDescriptionSHA1 = bytes(
        """
        0202005c 01010101 00000000 00000002  # kind 2, length 92; router; area; checksum, AuType 2
        00000714 6b01af5a  # authentication
        05dc4200 ffd60bef 00040205 ac1f0100 01010101 80000001 293b0024 00044201
        01010101 01010101 80000001 07e30024 00044203 0a090100 01010101 80000001
        f307001c
        734e51ca 697d2a00 ebd92205 af80d38d 8209c851  # digest
        """)
    static let birdHelloSHA1 = bytes(
        """
        02010030 01010101 00000000 00000002  # kind 1, length 48; router; area; checksum, AuType 2
        00000714 6b01af5a  # authentication
        ffffff00 00010201 00000004 0a090002 0a090002 02020202
        7d24eda0 1281b0a2 f7d8b21e 2100d17d e8759be7  # digest
        """)
    static let birdDescriptionSHA256 = bytes(
        """
        0202005c 01010101 00000000 00000002  # kind 2, length 92; router; area; checksum, AuType 2
        00000720 6b01af6c  # authentication
        05dc4200 73dabc61 00040205 ac1f0100 01010101 80000001 293b0024 00044201
        01010101 01010101 80000001 07e30024 00044203 0a090100 01010101 80000001
        f307001c
        635ea51c 84eb0ed6 6c675a97 1ca6fca1 6cb85881 f9ec2358 fc015f6b 05edf43f  # digest
        """)
    static let birdHelloSHA256 = bytes(
        """
        02010030 01010101 00000000 00000002  # kind 1, length 48; router; area; checksum, AuType 2
        00000720 6b01af6c  # authentication
        ffffff00 00010201 00000004 0a090002 0a090002 02020202
        e2d6d20d 0d9f54dd 416a654c 7684e161 301475ee 1e6054d4 23615f18 acf2aefd  # digest
        """)
    static let birdDescriptionSHA384 = bytes(
        """
        0202005c 01010101 00000000 00000002  # kind 2, length 92; router; area; checksum, AuType 2
        00000730 6b01af7e  # authentication
        05dc4200 2a4665b1 00040205 ac1f0100 01010101 80000001 293b0024 00034201
        01010101 01010101 80000001 07e30024 00034203 0a090100 01010101 80000001
        f307001c
        f7e2acef 42125339 7a1b9edd d49a97e8 fae86817 13a54090 76e0759e 12326e42  # digest
        819ae8c6 e03400ac ef31a536 f7c249a6  # digest
        """)
    static let birdHelloSHA384 = bytes(
        """
        02010030 01010101 00000000 00000002  # kind 1, length 48; router; area; checksum, AuType 2
        00000730 6b01af7e  # authentication
        ffffff00 00010201 00000004 0a090002 0a090002 02020202
        c1d7a5cd 1229b4ef a8aa57b1 006e3a38 f32e9789 4ce525a3 6bb6131f 856436df  # digest
        62b9fc2f 82945d77 e47d6b5e ae17bc81  # digest
        """)
    static let birdDescriptionSHA512 = bytes(
        """
        0202005c 01010101 00000000 00000002  # kind 2, length 92; router; area; checksum, AuType 2
        00000740 6b01af91  # authentication
        05dc4200 a2e48d60 00040205 ac1f0100 01010101 80000001 293b0024 00044201
        01010101 01010101 80000001 07e30024 00044203 0a090100 01010101 80000001
        f307001c
        0d84e67c d201647f 046f0b5c 4ec0e386 e3dff289 5d890114 9c7c480f 27ccae50  # digest
        fbe67c13 adf95e99 f3619be6 599ede57 3bfd4497 d9f7846d bffadbfa 63841dc2  # digest
        """)
    static let birdHelloSHA512 = bytes(
        """
        02010030 01010101 00000000 00000002  # kind 1, length 48; router; area; checksum, AuType 2
        00000740 6b01af91  # authentication
        ffffff00 00010201 00000004 0a090002 0a090002 02020202
        9e2b4f65 5e187613 f46e5b47 3fffb973 59bc0a17 0fc66f34 9367086a 3430dac3  # digest
        1c72c9cc 4aa09188 24c0e60b 3713349b 2b4694dc 41b40d5c 68964a77 6f86b305  # digest
        """)
}
