import Glibc
package import Linux
import Synchronization
package import Testing

extension Trait where Self == ConditionTrait {
    /// Namespaces and TAP devices need root.
    package static var asRoot: Self {
        .enabled("needs root: makes network namespaces and TAP devices") { getuid() == 0 }
    }
}

/// A command that failed, and what it said.
package struct CommandFailure: Error, CustomStringConvertible {
    package let description: String
}

/// Runs a shell command and returns what it said; throws when it fails.
@discardableResult
package func run(_ command: String) throws -> String {
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
package func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<200 {
        if try condition() { return true }
        usleep(10_000)
    }
    return false
}

/// A network namespace of one test, removed at the end of its life.
package final class Lab: Sendable {
    private static let counter = Atomic<Int>(0)

    package let name: String

    package init() throws {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        name = "gwlx-\(getpid())-\(number)"
        try run("ip netns add \(name)")
        try run("ip -n \(name) link set lo up")
    }

    deinit { _ = try? run("ip netns delete \(name)") }

    /// Runs `ip` in the namespace.
    @discardableResult
    package func ip(_ arguments: String) throws -> String { try run("ip -n \(name) \(arguments)") }

    /// Runs `body` in the namespace.
    package func perform<Result: ~Copyable>(_ body: () throws -> Result) throws -> Result {
        try NetworkNamespace(named: name).perform(body)
    }

    /// Opens a TAP in the namespace.
    package func tap(_ name: String, _ offload: TapOffload = .none) throws -> TapDevice {
        try perform { try TapDevice(name: name, offload: offload) }
    }
}

extension TapOffload {
    /// Frames as a network card without offloads sends them.
    package static var none: TapOffload { TapOffload(checksum: false, segmentation: false) }
}
