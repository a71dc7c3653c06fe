// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
/// For targets that store spans in types of their own.
let views = strict + [.enableExperimentalFeature("Lifetimes")]

func nio(_ name: String) -> Target.Dependency { .product(name: name, package: "swift-nio") }
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "gateway",
    products: [
        .executable(name: "gatewayd", targets: ["gatewayd"]),
        .executable(name: "gatewayctl", targets: ["gatewayctl"]),
        // For the nested packages Tests/Fuzz and Tests/Benchmarks.
        .library(
            name: "GatewayCore",
            targets: [
                "Memory", "Timing", "Wire", "NAT", "Forwarding", "Routing", "Router",
                "Configuration", "Control", "Support", "OSPF", "BFD", "Linux",
            ]),
        .library(name: "GatewayControl", targets: ["Control", "ControlServer", "Wire"]),
        .library(name: "Allocations", targets: ["Allocations"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CMemory"),
        .systemLibrary(
            name: "CNetlink", pkgConfig: "libnl-route-3.0",
            providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
        .systemLibrary(
            name: "CUring", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .systemLibrary(
            name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // The pure core: no operating system, no clock, no random source, no log.
        .target(name: "Memory", dependencies: ["CMemory"], swiftSettings: views),
        .target(name: "Timing", dependencies: ["Memory"], swiftSettings: views),
        .target(name: "Wire", dependencies: ["Memory"], swiftSettings: views),
        .target(name: "NAT", dependencies: ["Memory", "Timing", "Wire"], swiftSettings: views),
        .target(
            name: "Forwarding", dependencies: ["Memory", "Timing", "Wire", "NAT"],
            swiftSettings: views),
        .target(name: "Signing", dependencies: ["CCrypto", "Wire"], swiftSettings: strict),
        .target(
            name: "RIP", dependencies: ["Memory", "Signing", "Timing", "Wire"],
            swiftSettings: views),
        .target(
            name: "OSPF", dependencies: ["Memory", "Signing", "Timing", "Wire"],
            swiftSettings: views),
        .target(
            name: "BFD", dependencies: ["Timing", "Wire"], swiftSettings: views),
        .target(name: "Routing", dependencies: ["Wire"], swiftSettings: strict),
        .target(
            name: "Router",
            dependencies: ["Memory", "Timing", "Wire", "NAT", "Forwarding", "Routing"],
            swiftSettings: views),

        .target(
            name: "Configuration",
            dependencies: [
                "Timing", "Wire", "NAT", "Forwarding", "Signing", "RIP", "OSPF", "BFD",
                "Routing", "Words", "CYAML",
            ],
            swiftSettings: strict),
        .target(name: "Words", swiftSettings: strict),
        .target(name: "Control", dependencies: ["Wire", "Words"], swiftSettings: strict),
        .target(
            name: "ControlServer",
            dependencies: [
                "Control", "Wire", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
            ],
            swiftSettings: strict),
        .target(
            name: "Linux", dependencies: ["CLinux", "CUring", "Memory", "Timing", "Wire"],
            swiftSettings: views),
        .target(name: "Netlink", dependencies: ["CNetlink", "Wire"], swiftSettings: strict),
        .executableTarget(
            name: "gatewayd",
            dependencies: [
                "Memory", "Timing", "Wire", "NAT", "Forwarding", "Signing", "RIP", "OSPF",
                "BFD", "Routing", "Router", "Configuration", "Control", "ControlServer", "Linux",
                "Netlink",
                logging, arguments,
            ],
            swiftSettings: views),
        .executableTarget(
            name: "gatewayctl",
            dependencies: [
                "Control", "Configuration", "Words", nio("NIOCore"), nio("NIOPosix"),
                nio("NIOHTTP1"),
                arguments,
            ],
            swiftSettings: strict),

        // Stands in front of malloc in whatever links it; only for tests and benchmarks.
        .target(name: "Allocations", path: "Tests/Allocations"),
        .executableTarget(
            name: "allocation-check",
            dependencies: [
                "Allocations", "Support", "Timing", "Wire", "Forwarding", "Router",
            ],
            path: "Tests/AllocationCheck", swiftSettings: views),
        .target(
            name: "Support",
            dependencies: [
                "Memory", "Timing", "Wire", "NAT", "Forwarding", "Routing", "Router", "RIP",
                "Signing",
            ],
            path: "Tests/Support", swiftSettings: views),
        // Network namespaces for tests of what needs a kernel.
        .target(
            name: "Lab", dependencies: ["Linux"], path: "Tests/Lab", swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: [
                "Support", "Memory", "Timing", "Wire", "NAT", "Forwarding", "Routing", "Router",
            ],
            path: "Tests/Simulation", swiftSettings: views),
    ] + tests()
)

/// One test target a module, named after it; `LabTests` needs root and network namespaces.
func tests() -> [Target] {
    let core: [Target.Dependency] = [
        "Support", "Memory", "Timing", "Wire", "NAT", "Forwarding", "Routing", "Router",
    ]
    let targets: [(String, [Target.Dependency])] = [
        ("MemoryTests", []), ("TimingTests", []), ("WireTests", []), ("NATTests", ["Simulation"]),
        ("ForwardingTests", []), ("RoutingTests", []), ("RIPTests", ["RIP", "Signing"]),
        ("OSPFTests", ["OSPF", "Signing"]), ("BFDTests", ["BFD"]),
        ("RouterTests", ["Simulation"]),
        ("ConfigurationTests", ["Configuration", "BFD", "OSPF", "RIP", "Signing"]),
        (
            "ControlTests",
            ["Control", "ControlServer", "gatewayctl", nio("NIOCore"), nio("NIOPosix")]
        ),
        ("LinuxTests", ["Linux", "CLinux", "Lab"]),
        ("NetlinkTests", ["Netlink", "Linux", "CLinux", "Lab"]),
        ("TidyTests", []), ("WordsTests", ["Words"]),
    ]
    let data = [
        "WireTests": ["Captures"], "TidyTests": ["requirements.txt", "rfcs.txt"],
    ]
    return targets.map { name, more in
        .testTarget(
            name: name, dependencies: core + more, exclude: data[name] ?? [], swiftSettings: views)
    }
}
