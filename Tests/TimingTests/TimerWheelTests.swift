import Memory
import Testing
import Timing

/// A wheel with the memory it lies in.
private final class Wheel {
    private let region: Region
    var wheel: TimerWheel

    init(records: Int, slots: Int, hasDeadlines: Bool = true) {
        var layout = RegionLayout()
        let timers = TimerWheel.Layout(
            &layout, records: records, slots: slots, keepsDeadlines: hasDeadlines)
        let region = Region(layout)
        wheel = TimerWheel(region, timers)
        self.region = region
    }

    /// Every timer due at `now`, in the order given.
    func expired(at now: UInt32) -> [UInt32] {
        var records: [UInt32] = []
        while let record = wheel.popExpired(at: now) { records.append(record) }
        return records
    }
}

@Suite struct TimerWheelTests {
    @Test("Agrees with a list under random use, far deadlines and jumps", arguments: 0..<30)
    func model(seed: UInt64) {
        var random = Random(seed: seed)
        let slots = 1 << (1 + random.below(8))
        let records = 150
        let subject = Wheel(records: records, slots: slots)
        var model: [UInt32: UInt32] = [:]
        var now: UInt32 = 0
        for _ in 0..<1500 {
            let record = UInt32(random.below(records))
            switch random.below(8) {
            case 0..<4:
                let far = random.below(4) == 0 ? 10 * slots : random.below(20) + 1
                // Sometimes in the past: then it runs in the next tick.
                let deadline = UInt32(max(Int(now) - 2 + random.below(far), 0))
                subject.wheel.set(record, deadline: deadline)
                model[record] = max(deadline, now + 1)
            case 4:
                subject.wheel.cancel(record)
                model[record] = nil
            default:
                let isJump = random.below(10) == 0
                now += UInt32(isJump ? random.below(30 * slots) : random.below(3))
                let due = model.filter { $0.value <= now }.keys.sorted()
                for record in due { model[record] = nil }
                #expect(subject.expired(at: now).sorted() == due)
            }
            #expect(subject.wheel.count == model.count)
            #expect(subject.wheel.deadline(of: record) == model[record])
        }
        now += UInt32(20 * slots)
        #expect(subject.expired(at: now).sorted() == model.keys.sorted())
        #expect(subject.wheel.count == 0)
    }

    @Test("A timer set while others run is not lost and not early", arguments: 0..<10)
    func rearming(seed: UInt64) {
        var random = Random(seed: 100 + seed)
        let subject = Wheel(records: 20, slots: 16)
        var deadlines = [UInt32](repeating: 1, count: 20)
        for record in 0..<20 as Range<UInt32> { subject.wheel.set(record, deadline: 1) }
        var now: UInt32 = 0
        for _ in 0..<500 {
            now += UInt32(random.below(random.below(10) == 0 ? 100 : 3))
            while let record = subject.wheel.popExpired(at: now) {
                #expect(deadlines[Int(record)] <= now)
                deadlines[Int(record)] = now + 1 + UInt32(random.below(60))
                subject.wheel.set(record, deadline: deadlines[Int(record)])
            }
            #expect(deadlines.allSatisfy { $0 > now })
            #expect(subject.wheel.count == 20)
        }
    }

    @Test("A wheel without deadlines runs no timer late, and early only at its horizon")
    func withoutDeadlines() {
        let subject = Wheel(records: 3, slots: 16, hasDeadlines: false)
        for (record, deadline) in [(0, 5), (1, 15), (2, 40)] as [(UInt32, UInt32)] {
            subject.wheel.set(record, deadline: deadline)
        }
        #expect(subject.expired(at: 4) == [] && subject.expired(at: 5) == [0])
        #expect(subject.expired(at: 14) == [] && subject.expired(at: 15).sorted() == [1, 2])
        subject.wheel.set(2, deadline: 40)
        #expect(subject.expired(at: 29) == [] && subject.expired(at: 30) == [2])
        #expect(subject.wheel.count == 0)
    }

    @Test("Without jumps timers run in the order of their ticks")
    func order() {
        let subject = Wheel(records: 8, slots: 16)
        for record in 0..<8 as Range<UInt32> {
            subject.wheel.set(record, deadline: 9 - record)
        }
        #expect(subject.expired(at: 9) == [7, 6, 5, 4, 3, 2, 1, 0])
    }

    @Test("A clock that goes back runs nothing")
    func backwards() {
        let subject = Wheel(records: 1, slots: 8)
        #expect(subject.expired(at: 1000) == [])
        subject.wheel.set(0, deadline: 1001)
        #expect(subject.expired(at: 3) == [])
        #expect(subject.expired(at: 1001) == [0])
    }

    @Test("A first look at a clock that has long been running")
    func lateStart() {
        let subject = Wheel(records: 2, slots: 8)
        subject.wheel.set(0, deadline: 4_000_000_000)
        subject.wheel.set(1, deadline: 4_000_000_001)
        #expect(subject.expired(at: 3_999_999_999) == [])
        #expect(subject.expired(at: 4_000_000_000) == [0])
        #expect(subject.expired(at: 4_000_000_001) == [1])
    }

    @Test("Spans in ticks are rounded up and never wrap")
    func spans() {
        #expect(TimerWheel.ticks(Interval(nanoseconds: 0)) == 1)
        #expect(TimerWheel.ticks(Interval(nanoseconds: -5)) == 1)
        #expect(TimerWheel.ticks(.milliseconds(250)) == 1)
        #expect(TimerWheel.ticks(Interval(nanoseconds: 250_000_001)) == 2)
        #expect(TimerWheel.ticks(.seconds(120)) == 480)
        #expect(TimerWheel.ticks(Interval(nanoseconds: .max)) == .max)
        #expect(TimerWheel.ticks(Instant(nanoseconds: 499_999_999)) == 1)
    }

    @Test("The deadline of a lower bound is never early and less than a tick late")
    func deadlines() {
        var random = Random(seed: 4)
        for _ in 0..<1000 {
            let now = Instant(nanoseconds: Int64(random.below(1 << 50)))
            let span = Interval(nanoseconds: Int64(random.below(1 << 40)))
            let tick = Int64(TimerWheel.deadline(span, after: now)) * TimerWheel.tick.nanoseconds
            let late = Instant(nanoseconds: tick) - (now + span)
            #expect((0..<TimerWheel.tick.nanoseconds).contains(late.nanoseconds))
        }
        let end = TimerWheel.deadline(Interval(nanoseconds: .max), after: .zero + .seconds(1))
        #expect(end == .max)
    }
}
