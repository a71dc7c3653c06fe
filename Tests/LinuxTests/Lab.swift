import CLinux
import Glibc
import Linux
import Synchronization
import Testing
import Wire

extension Trait where Self == ConditionTrait {
    /// Namespaces and TAP devices need root.
    static var asRoot: Self {
        .enabled("needs root: makes network namespaces and TAP devices") { getuid() == 0 }
    }
}

/// What a command said and how it ended.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs a shell command and returns what it said; throws when it fails.
@discardableResult
func run(_ command: String) throws -> String {
    guard let pipe = unsafe popen("exec 2>&1; " + command, "re") else {
        throw CommandFailure(description: "popen failed")
    }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = unsafe fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output.append(contentsOf: buffer.prefix(count))
    }
    let text = String(decoding: output, as: UTF8.self)
    let status = unsafe pclose(pipe)
    guard status == 0 else {
        throw CommandFailure(description: "\(command): status \(status), \(text)")
    }
    return text
}

/// Whether `condition` comes true within two seconds.
///
/// For what follows a closed descriptor: a child that another test is just starting holds a copy of
/// it for a moment, until it executes its program.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<200 {
        if try condition() { return true }
        usleep(10_000)
    }
    return false
}

/// A network namespace of one test, removed at the end of its life.
final class Lab: Sendable {
    private static let counter = Atomic<Int>(0)

    let name: String

    init() throws {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        name = "gwlx-\(getpid())-\(number)"
        try run("ip netns add \(name)")
        try run("ip -n \(name) link set lo up")
    }

    deinit { _ = try? run("ip netns delete \(name)") }

    /// Runs `ip` in the namespace.
    @discardableResult
    func ip(_ arguments: String) throws -> String { try run("ip -n \(name) \(arguments)") }

    /// Runs `body` in the namespace.
    func perform<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
        try NetworkNamespace(named: name).perform(body)
    }

    /// Opens a TAP in the namespace.
    func tap(_ name: String, _ offload: TapOffload = .none) throws -> TapDevice {
        try perform { try TapDevice(name: name, offload: offload) }
    }
}

extension TapOffload {
    static var none: TapOffload { TapOffload(checksum: false, segmentation: false) }
}

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
