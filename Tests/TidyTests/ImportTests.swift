import Foundation
import Support
import Testing

@Suite("Imports follow the design")
struct ImportTests {
    /// What each target may import; a star ends a prefix. Executables may import anything allowed.
    static let table: [String: [String]] = [
        "Memory": ["CMemory"],
        "Timing": ["Memory"],
        "Wire": ["Memory"],
        "NAT": ["Memory", "Timing", "Wire"],
        "Forwarding": ["Memory", "Timing", "Wire", "NAT"],
        "Signing": ["CCrypto", "Wire"],
        "RIP": ["Memory", "Signing", "Timing", "Wire"],
        "OSPF": ["Memory", "Signing", "Timing", "Wire"],
        "BFD": ["Timing", "Wire"],
        "Routing": ["Wire"],
        "Router": ["Memory", "Timing", "Wire", "NAT", "Forwarding", "Routing"],
        "Configuration": [
            "Timing", "Wire", "NAT", "Forwarding", "Signing", "RIP", "OSPF", "BFD", "Routing",
            "Words", "CYAML", "FoundationEssentials",
        ],
        "Control": ["Wire", "Words", "FoundationEssentials"],
        "ControlServer": ["Control", "Wire", "Synchronization", "NIO*"],
        "Words": [],
        "Linux": ["CLinux", "CUring", "Memory", "Timing", "Wire", "Synchronization"],
        "Netlink": ["CNetlink", "Wire"],
        "gatewayd": ["*"],
        "gatewayctl": ["*"],
    ]

    /// Who may call the C library: targets, or single files.
    static let glibc = [
        "Memory/", "Wire/FrameSlab.swift", "Forwarding/Outbox.swift", "Linux/", "Netlink/",
        "Configuration/",
        "ControlServer/", "gatewayd/", "gatewayctl/",
    ]

    @Test("Every source file", arguments: Tree.sources)
    func imports(file: SourceFile) {
        for (line, module) in Self.imports(of: file) where !Self.allows(file, module) {
            file.complain(line, "\(file.target) may not import \(module)")
        }
    }

    @Test("Every target is in the table")
    func targets() {
        #expect(Set(Tree.sources.map(\.target)) == Set(Self.table.keys))
    }

    @Test("The check sees what it should")
    func check() {
        let text = "import Foundation\n  public import Wire\nimport struct NAT.Rule\n// import X\n"
        let file = SourceFile(path: "Sources/Wire/A.swift", text: text)
        #expect(Self.imports(of: file).map(\.module) == ["Foundation", "Wire", "NAT"])
        #expect(!Self.allows(file, "Foundation") && !Self.allows(file, "Glibc"))
        #expect(Self.allows(SourceFile(path: "Sources/Memory/A.swift", text: ""), "Glibc"))
        let daemon = SourceFile(path: "Sources/gatewayd/Main.swift", text: "")
        #expect(Self.allows(daemon, "Netlink") && !Self.allows(daemon, "Foundation"))
    }

    @Test(
        "The wall clock is looked at to show it, and for the lifetimes of routing protocols' keys",
        .row("S65", "S-9"), arguments: Tree.sources)
    func clocks(file: SourceFile) {
        for (line, text) in file.lines.enumerated() {
            let code = SourceFile.code(text)
            let reads = code.contains(
                /clock_gettime|gettimeofday|\btime\(|CLOCK_REALTIME|Date\(\)|Date\.now|SinceNow/)
            if reads, file.path != "Sources/Linux/Clock.swift", file.target != "gatewayctl" {
                file.complain(line, "reads a clock past Clock.swift")
            }
            if code.contains("wallSeconds"),
                !["Linux", "RIP", "OSPF", "gatewayd"].contains(file.target)
            {
                file.complain(line, "looks at the wall clock")
            }
        }
    }

    static func allows(_ file: SourceFile, _ module: String) -> Bool {
        switch module {
        case "Foundation", "XCTest": return false
        case "Glibc": return glibc.contains { file.path.hasPrefix("Sources/" + $0) }
        default:
            return (table[file.target] ?? []).contains { allowed in
                allowed.hasSuffix("*")
                    ? module.hasPrefix(allowed.dropLast()) : module == allowed
            }
        }
    }

    static func imports(of file: SourceFile) -> [(line: Int, module: String)] {
        let kinds: Set = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
        return file.lines.enumerated().compactMap { line, text in
            let words = SourceFile.code(text).split(separator: " ").map(String.init)
            guard let at = words.firstIndex(of: "import"), at <= 2,
                words[..<at].allSatisfy({ $0.hasPrefix("@") || Self.access.contains($0) }),
                let name = words[(at + 1)...].first(where: { !kinds.contains($0) })
            else { return nil }
            return (line, String(name.split(separator: ".")[0]))
        }
    }

    static let access: Set = ["public", "package", "internal", "fileprivate", "private"]
}
