import NAT
import Support
import Testing
import Wire

/// The scenarios that connection trackers are known to have failed, and those of the RFCs.
@Suite("TCP traces", .row("T-2", "S01"))
struct TCPTraceTests {
    static let open = """
        > S 0 ws 8
        < S. 1000 ack 1
        > . 1 ack 1001
        = established
        """

    @Test("A retransmission after all acknowledgements were lost passes")
    func acknowledgementLoss() {
        var trace = TCPTrace(isServer: true)
        trace.play("< S 0 win 32792\n> S. 0 ack 1 win 65535\n< . 1 ack 1")
        for begin in stride(from: 1, to: 67_161, by: 1460) {
            trace.play("< P. \(begin)+1460 ack 1 win 257\n> . 1 ack \(begin + 1460)")
        }
        trace.play("< P. 1+1460 ack 1 win 257\n> . 1 ack 67161")
        #expect(trace.drops == 0)
    }

    @Test("After FIN and RST a less exact RST passes", .row("X-2.2"))
    func inexactReset() {
        var trace = TCPTrace()
        trace.play(
            """
            > S 0 ws 8
            < S. 1 ack 1
            > . 1 ack 2
            < . 2+1000 ack 1
            < . 1002+1000 ack 1
            < . 2002+1000 ack 1
            > . 1 ack 3002
            > P. 1+1000 ack 3002
            < F. 3002 ack 1001
            = finInbound
            > . 1001 ack 3003
            > R. 1001 ack 3003
            = transitory
            < R 2002 win 0
            = transitory
            """)
        #expect(trace.drops == 0)
    }

    @Test("Only the exact RST counts", .row("X-2.2"), .rfc(5961, "3"))
    func invalidReset() {
        var trace = TCPTrace()
        trace.play(
            """
            > S 0 ws 8
            < S. 1 ack 1
            > . 1 ack 2
            < . 2+1000 ack 1
            < . 1002+1000 ack 1
            < . 2002+1000 ack 1
            > . 1 ack 3002
            < R 0 drop nat.tcp_reset
            < R 1000000 drop nat.tcp_reset
            < R 43 drop nat.tcp_reset
            = established
            > P. 1+1000 ack 3002
            < . 3002 ack 1001
            < R. 3001 ack 1001 drop nat.tcp_reset
            < R. 3100 ack 1001
            = established
            < R. 3002 ack 1001
            = transitory
            < . 3002+10 ack 1001
            = established
            """)
        #expect(trace.drops == 4)
    }

    @Test("An old connection's challenge comes back, and the reset it asks for goes out")
    func challengeToSYN() {
        var trace = TCPTrace()
        trace.play(
            """
            > S 0 ws 8
            < . 145824453 ack 643160523 win 240
            > R 643160523 win 0
            = synOutbound
            > S 0 ws 8
            < S. 7000 ack 1 win 250 ws 0
            > . 1 ack 7001 win 256
            = established
            """)
        #expect(trace.drops == 0)
    }

    @Test("The SYN-ACK of an old connection does not spoil the new one")
    func oldAnswer() {
        var trace = TCPTrace()
        trace.play(
            """
            > S 0 ws 8
            < S. 145824453 ack 643160523 win 240 ws 0
            = synOutbound
            < R. 1 ack 3 drop nat.tcp_reset
            > S 0 ws 8
            < S. 145758918 ack 1 win 250 ws 0
            > P. 1+1 ack 145758919 win 256
            = established
            """)
        #expect(trace.drops == 1)
    }

    @Test("A SYN inside a connection is challenged, reset and comes again", .rfc(5961, "4"))
    func answerAnew() {
        var trace = TCPTrace(isServer: true)
        trace.play(
            """
            < S 0 win 32792 ws 7
            > S. 0 ack 1 ws 8
            < . 1 ack 1 win 257
            < P. 1+100 ack 1 win 257
            > . 1 ack 101 win 256
            < S 2000 win 32792 ws 7
            = established
            > . 1 ack 101 win 256
            < R. 101 ack 1 win 257
            = transitory
            < S 2000 win 32792
            > S. 900000 ack 2001
            = established
            < . 2001 ack 900001
            < P. 2001+100 ack 900001
            > . 900001 ack 2101
            """)
        #expect(trace.drops == 0)
    }

    @Test("A SYN that the other end answers though we believe in a connection")
    func answerWithoutChallenge() {
        var trace = TCPTrace()
        trace.play(Self.open)
        trace.play(
            """
            > S 4000000 ws 8
            < S. 9000000 ack 4000000 drop nat.tcp_syn
            < S. 9000000 ack 4000001
            > . 4000001 ack 9000001
            > P. 4000001+100 ack 9000001
            < . 9000001 ack 4000101
            < . 1001 ack 1 drop nat.tcp_window
            = established
            """)
    }

    @Test("A SYN that the other end resets")
    func resetOfSYN() {
        var trace = TCPTrace()
        trace.play(Self.open)
        trace.play(
            "> S 4000000\n< R. 0 ack 77 drop nat.tcp_reset\n< R. 0 ack 4000001\n= transitory")
    }

    @Test("Simultaneous open", .row("T-2a"))
    func simultaneousOpen() {
        var trace = TCPTrace()
        trace.play(
            """
            > S 100 ws 3
            < S 5000 ws 4
            = established
            > S. 100 ack 5001
            < S. 5000 ack 101
            > P. 101+1000 ack 5001
            < P. 5001+1000 ack 1101
            > S 100
            """)
        #expect(trace.drops == 0)
    }

    @Test("A closed connection is opened again by a new SYN, whoever sends it")
    func again() {
        var trace = TCPTrace()
        trace.play(Self.open)
        trace.play(
            """
            > F. 1 ack 1001
            = finOutbound
            < . 1001+500 ack 2
            < F. 1501 ack 2
            = closing
            > . 2 ack 1502
            > S 3000000000 ws 8
            = synOutbound
            < S. 2500000000 ack 3000000001 ws 7
            > . 3000000001 ack 2500000001
            = established
            < F. 2500000001 ack 3000000001
            > F. 3000000001 ack 2500000002
            = closing
            < S 77
            = synInbound
            """)
        #expect(trace.drops == 0)
    }

    @Test("Fast open: data in the SYN, acknowledged in part or not at all")
    func fastOpen() {
        var trace = TCPTrace()
        trace.play("> S 0+500 ws 8\n> S 0 ws 8\n< S. 10 ack 501\n< . 11+100 ack 501\n= established")
        trace.play("> . 501+10 ack 111")
        var partial = TCPTrace()
        partial.play("> S 0+500 ws 8\n< S. 10 ack 1\n> . 1+500 ack 11\n< . 11 ack 501")
        #expect(trace.drops + partial.drops == 0)
    }

    @Test("Windows are scaled only if both ends said so", .rfc(7323, "2.2"))
    func scale() {
        var both = TCPTrace()
        both.play("> S 0 win 1000 ws 10\n< S. 0 ack 1 win 1000 ws 0\n> . 1 ack 1 win 1000")
        both.play("< . 1020000+1000 ack 1\n< . 1090000+1 ack 1 drop nat.tcp_window")
        var one = TCPTrace()
        one.play("> S 0 win 1000 ws 10\n< S. 0 ack 1 win 1000\n> . 1 ack 1 win 1000")
        one.play("< . 1000+10 ack 1\n< . 1005+1 ack 1 drop nat.tcp_window")
        // The window of a SYN is not scaled.
        var first = TCPTrace()
        first.play("> S 0 win 1000 ws 10\n< S. 0 ack 1 win 1000 ws 0")
        first.play("< . 3000+1 ack 1 drop nat.tcp_window")
    }

    @Test("Zero window, its probe, keep-alive, urgent data, FIN with data")
    func corners() {
        var trace = TCPTrace()
        trace.play(Self.open)
        trace.play(
            """
            < . 1001+1000 ack 1
            > . 1 ack 2001 win 0
            < . 2001+1 ack 1
            > . 1 ack 2001 win 0
            < . 2000 ack 1
            > . 1 ack 2001
            > . 0 ack 2001
            < PF. 2001+100 ack 1
            > . 1 ack 2102
            > . 1+1460 ack 2102
            < . 2102 ack 1461
            = finInbound
            """)
        #expect(trace.drops == 0)
    }

    @Test("What does not belong is dropped by name and changes nothing")
    func forged() {
        var trace = TCPTrace()
        trace.play(Self.open)
        trace.play(
            """
            < . 900000+10 ack 1 drop nat.tcp_window
            < . 1001+10 ack 70000001 drop nat.tcp_window
            < . 1001+10 ack 4200000000 drop nat.tcp_window
            < P 1001+10 drop nat.tcp_window
            < F 1001 drop nat.tcp_window
            < F. 900000 ack 1 drop nat.tcp_window
            < S 500000 drop nat.tcp_syn
            < S. 500000 ack 1 drop nat.tcp_syn
            < SF 500000 drop nat.tcp_syn
            < R 900000 drop nat.tcp_reset
            < . 1001+10 ack 1
            = established
            > . 1 ack 1011
            """)
        #expect(trace.drops == 10)
    }

    @Test("Liberal tracking looks at no number", .row("X-2"))
    func liberal() {
        var trace = TCPTrace { $0.tcpTracking = .liberal }
        trace.play(Self.open)
        trace.play("< . 900000+10 ack 777\n< R 5\n= transitory\n< . 3 ack 4\n= established")
        #expect(trace.drops == 0)
    }
}
