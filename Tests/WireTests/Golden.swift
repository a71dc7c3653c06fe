import Foundation
import Support
import Testing

/// A packet a kernel sent, with tshark's reading of it. `Captures/capture.py` made the files.
struct Golden: CustomTestStringConvertible, Sendable {
    let name: String
    /// As read from the device; those named `vnet-` start with a virtio-net header.
    let bytes: [UInt8]
    /// Field name to value; numbers in decimal.
    let notes: [String: String]

    var isOffloaded: Bool { name.hasPrefix("vnet-") }
    var frame: [UInt8] { isOffloaded ? Array(bytes.dropFirst(10)) : bytes }
    var packet: [UInt8] { Array(frame.dropFirst(14)) }
    var testDescription: String { name }

    static let all: [Golden] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Captures")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".hex") }.sorted().compactMap { name in
            guard
                let text = try? String(
                    contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            else { return nil }
            return Golden(name: String(name.dropLast(4)), text: text)
        }
    }()

    static let arp = all.filter { $0.notes["arp.opcode"] != nil }
    static let ipv4 = all.filter { $0.notes["ip.version"] != nil }
    static let offloaded = all.filter(\.isOffloaded)

    static func named(_ name: String) -> Golden {
        guard let found = all.first(where: { $0.name == name }) else {
            fatalError("no golden packet \(name)")
        }
        return found
    }

    init(name: String, text: String) {
        self.name = name
        var notes: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let comment = line.split(separator: "#").dropFirst().first else { continue }
            for note in comment.split(separator: ",") {
                let parts = note.split(separator: "=").map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
                if parts.count == 2 { notes[parts[0]] = Self.decimal(parts[1]) }
            }
        }
        self.notes = notes
        bytes = Self.complete(Support.bytes(text), text)
    }

    private static func decimal(_ value: String) -> String {
        guard value.hasPrefix("0x"), let number = Int(value.dropFirst(2), radix: 16) else {
            return value
        }
        return String(number)
    }

    /// A super-packet is kept without most of its payload, which repeats one octet.
    private static func complete(_ kept: [UInt8], _ text: String) -> [UInt8] {
        let words = text.prefix { $0 != "\n" }.split(separator: " ")
        guard let at = words.firstIndex(of: "octets"), at > 0, let count = Int(words[at - 1]),
            let last = kept.last
        else { return kept }
        return kept + [UInt8](repeating: last, count: max(0, count + 10 - kept.count))
    }
}
