import Foundation
import Glibc
import Testing

/// What a run of gatewayctl left behind.
struct CommandResult {
    var status: Int32
    var output: String
    var errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// The built program; it lies beside the tests.
let programPath: String = {
    let here = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let directory = (here as NSString).deletingLastPathComponent
    return directory + "/gatewayctl"
}()

/// Runs gatewayctl and waits for its end.
func gatewayctl(
    _ arguments: [String], environment: [String: String] = [:], program: String = programPath
) throws -> CommandResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ["PATH": "/usr/bin:/bin", "TZ": "UTC"].merging(environment) { $1 }
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let box = Box<Data>()
    let done = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        box.set(errors.fileHandleForReading.readDataToEndOfFile())
        done.signal()
    }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    done.wait()
    process.waitUntilExit()
    return CommandResult(
        status: process.terminationReason == .exit
            ? process.terminationStatus : -process.terminationStatus,
        output: String(decoding: text, as: UTF8.self),
        errors: String(decoding: box.value ?? Data(), as: UTF8.self))
}

/// Listens, reads a little and answers with the same octets each time; nil for no answer.
final class CannedServer {
    let path = "/tmp/ctl-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
    private let descriptor: Int32

    init(_ answer: String?) throws {
        let made = try makeSocket(path)
        descriptor = made
        Thread.detachNewThread {
            var waiting: [Int32] = []
            while true {
                let client = accept(made, nil, nil)
                guard client >= 0 else { break }
                guard let answer else {
                    waiting.append(client)
                    continue
                }
                var request = [UInt8](repeating: 0, count: 4096)
                unsafe _ = recv(client, &request, request.count, 0)
                let bytes = Array(answer.utf8)
                unsafe _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                close(client)
            }
            waiting.forEach { close($0) }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        unsafe _ = unlink(path)
    }
}
