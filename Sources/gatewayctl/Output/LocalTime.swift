import Glibc

/// A moment on the clock of this machine.
struct LocalTime: Hashable {
    var day: String
    var clock: String

    init(secondsSince1970 seconds: Int) {
        var moment = time_t(seconds)
        var parts = unsafe tm()
        unsafe _ = localtime_r(&moment, &parts)
        func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
        day = unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        clock = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }

    /// `2026-11-21T10:32:11Z` in local time; only the time of day if it is today. Text of another
    /// form stays as it is.
    static func text(of moment: String) -> String {
        guard let seconds = seconds(of: moment) else { return moment }
        let local = LocalTime(secondsSince1970: seconds)
        let today = LocalTime(secondsSince1970: time(nil))
        return local.day == today.day ? local.clock : "\(local.day) \(local.clock)"
    }

    /// Seconds since 1970 of a moment in UTC as RFC 3339 writes it; fractions are left out.
    private static func seconds(of moment: String) -> Int? {
        let bytes = Array(moment.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[10] == UInt8(ascii: "T")
        else { return nil }
        func number(_ first: Int, _ count: Int) -> Int? {
            var value = 0
            for byte in bytes[first..<(first + count)] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month)
        else { return nil }
        // Years begin in March here, so that the leap day is the last one.
        let years = month > 2 ? year : year - 1
        let months = (month + 9) % 12
        let days =
            years * 365 + years / 4 - years / 100 + years / 400
            + (months * 306 + 5) / 10 + day - 1 - 719_468
        return ((days * 24 + hour) * 60 + minute) * 60 + second
    }
}
