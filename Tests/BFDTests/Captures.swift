import BFD
import Support

/// Packets of FRR 8.4.4 (50 ms in, 60 ms out, 3) and BIRD 2.0.12 (70 ms in, 80 ms out, 4), caught
/// on a link between namespaces as they met: UDP payloads.
enum Captures {
    static let frrDown = bytes(
        """
        20 40 03 18  # version 1, Down, multiplier 3, 24 octets
        df364d5e 00000000  # mine, yours
        000f4240 000f4240 0000c350  # transmit 1 s, receive 1 s, echo 50 ms
        """)
    static let birdDown = bytes(
        """
        20 40 04 18  # version 1, Down, multiplier 4, 24 octets
        6a1b6c08 00000000  # mine, yours
        000f4240 00011170 00000000  # transmit 1 s, receive 70 ms, no echo
        """)
    static let frrInit = bytes(
        """
        20 80 03 18  # Init
        df364d5e 6a1b6c08
        000f4240 000f4240 0000c350
        """)
    static let birdUpPoll = bytes(
        """
        20 e0 04 18  # Up, poll
        6a1b6c08 df364d5e
        00013880 00011170 00000000  # transmit 80 ms, receive 70 ms
        """)
    static let frrUpPoll = bytes(
        """
        20 e0 03 18  # Up, poll
        df364d5e 6a1b6c08
        0000ea60 0000c350 0000c350  # transmit 60 ms, receive 50 ms
        """)
    static let birdUpFinal = bytes(
        """
        20 d0 04 18  # Up, final
        6a1b6c08 df364d5e
        00013880 00011170 00000000
        """)
    static let frrUp = bytes(
        """
        20 c0 03 18  # Up
        df364d5e 6a1b6c08
        0000ea60 0000c350 0000c350
        """)
    static let frrExpired = bytes(
        """
        21 40 03 18  # Down, control detection time expired
        df364d5e 00000000
        000f4240 000f4240 0000c350
        """)

    static let all = [
        frrDown, birdDown, frrInit, birdUpPoll, frrUpPoll, birdUpFinal, frrUp, frrExpired,
    ]
}

extension BFDPacket {
    /// Reads octets.
    init(_ bytes: [UInt8]) throws(BFDDrop) { try self.init(bytes.raw) }
}
