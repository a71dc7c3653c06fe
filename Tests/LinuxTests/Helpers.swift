import CLinux
import Glibc
import Linux
import Synchronization
import Testing
import Wire

/// The contents of a file under /proc.
func contents(_ path: String) -> String {
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return "" }
    let file = Descriptor(owning: number)
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe read(file.rawValue, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
}

/// The value of a line of /proc/thread-self/status.
func threadStatus(_ key: String) -> String {
    let lines = contents("/proc/thread-self/status").split(separator: "\n")
    for line in lines where line.hasPrefix("\(key):") {
        return String(line.dropFirst(key.utf8.count + 1).drop { $0 == "\t" || $0 == " " })
    }
    return ""
}

@_silgen_name("capset")
private func capset(_ header: UnsafeMutablePointer<UInt32>, _ data: UnsafePointer<UInt32>) -> CInt

/// Gives up every capability of the calling thread, for good.
func dropCapabilities() {
    var header: [UInt32] = [0x2008_0522, 0]  // _LINUX_CAPABILITY_VERSION_3, this thread
    let none = [UInt32](repeating: 0, count: 6)
    _ = unsafe capset(&header, none)
}

/// Runs `body` on a thread of its own, which may spoil itself, and returns its result.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) throws -> Result {
    let result = Mutex<Result?>(nil)
    let box = Box(result)
    try WorkerThread(name: "gwlx-test") {
        let value = body()
        box.value.withLock { $0 = value }
    }.join()
    return try #require(box.value.withLock { $0 })
}

/// Shares a mutex with a closure.
final class Box<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: consuming Mutex<Value>) { self.value = value }
}

/// The system error that `body` throws.
func systemError<Result: ~Copyable>(_ body: () throws -> Result) -> SystemError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? SystemError
    }
}

/// An Ethernet broadcast of the local experimental type behind an empty virtio-net header.
func frame(payload: [UInt8]) -> [UInt8] {
    [UInt8](repeating: 0, count: VirtioNetHeader.length) + [UInt8](repeating: 0xff, count: 6)
        + [0x02, 0, 0, 0, 0, 0x77, 0x88, 0xb5] + payload
}
