import Support

/// Responses of FRR 8.4.4 and BIRD 2.0.12 about 172.31.1.0/24 and 172.31.2.128/25, caught on a link
/// between namespaces: UDP payloads. The key has number 7, and secret and password are "secret".
enum Captures {
    static let frrPlain = bytes(
        """
        02020000  # response, version 2
        00020000 ac1f0100 ffffff00 00000000 00000003  # 172.31.1.0/24 metric 3
        00020000 ac1f0280 ffffff80 00000000 00000003  # 172.31.2.128/25 metric 3
        """)
    static let frrPassword = bytes(
        """
        02020000  # response, version 2
        ffff0002 73656372 65740000 00000000 00000000  # password
        00020000 ac1f0100 ffffff00 00000000 00000003  # 172.31.1.0/24 metric 3
        00020000 ac1f0280 ffffff80 00000000 00000003  # 172.31.2.128/25 metric 3
        """)
    static let frrMD5 = bytes(
        """
        02020000  # response, version 2
        ffff0003 00400710 00000001 00000000 00000000  # key 7, to 64, length 16, sequence 1
        00020000 ac1f0100 ffffff00 00000000 00000003  # 172.31.1.0/24 metric 3
        00020000 ac1f0280 ffffff80 00000000 00000003  # 172.31.2.128/25 metric 3
        ffff0001  # trailer
        e92ab506 c91db9cf 2894b544 d2c4d4de  # digest
        """)
    static let birdPlain = bytes(
        """
        02020000  # response, version 2
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        """)
    static let birdPassword = bytes(
        """
        02020000  # response, version 2
        ffff0002 73656372 65740000 00000000 00000000  # password
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        """)
    static let birdMD5 = bytes(
        """
        02020000  # response, version 2
        ffff0003 00400714 6b017fae 00000000 00000000  # key 7, to 64, length 20, sequence 1795260334
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        ffff0001  # trailer
        3109aa93 d1a88b43 f1da73c9 ea561b6c  # digest
        """)
    static let birdSHA1 = bytes(
        """
        02020000  # response, version 2
        ffff0003 00400714 6b017fb3 00000000 00000000  # key 7, to 64, length 20, sequence 1795260339
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        ffff0001  # trailer
        833cc971 68127307 34eeebba b0a83e3a  # digest
        7b68bae7  # digest
        """)
    static let birdSHA256 = bytes(
        """
        02020000  # response, version 2
        ffff0003 00400720 6b017fb8 00000000 00000000  # key 7, to 64, length 32, sequence 1795260344
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        ffff0001  # trailer
        8f6399a3 034958fe 77b2b6ba e7bf9940  # digest
        b29185ea ffaf62bf 43d30ee7 75a15528  # digest
        """)
    static let birdSHA384 = bytes(
        """
        02020000  # response, version 2
        ffff0003 00400730 6b017fbd 00000000 00000000  # key 7, to 64, length 48, sequence 1795260349
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        ffff0001  # trailer
        c4389867 99fdbb43 d3a3c137 8546f512  # digest
        c0938148 f7f5fb7c 9782ee9a 87da6acc  # digest
        000b3812 fcfc070c 9a8e3c2a 50d836f6  # digest
        """)
    static let birdSHA512 = bytes(
        """
        02020000  # response, version 2
        ffff0003 00400740 6b017fc3 00000000 00000000  # key 7, to 64, length 64, sequence 1795260355
        00020000 ac1f0280 ffffff80 00000000 00000001  # 172.31.2.128/25 metric 1
        00020000 ac1f0100 ffffff00 00000000 00000001  # 172.31.1.0/24 metric 1
        ffff0001  # trailer
        289c916f d5d26d35 41adcf06 9c751666  # digest
        e7db4354 11f859b6 fdd22a0e bfbdee0a  # digest
        3518b714 f891d41d 1fb9dc95 f517e033  # digest
        8c6b3f39 3ef8f8e5 3a4bc361 062e6b05  # digest
        """)
}
