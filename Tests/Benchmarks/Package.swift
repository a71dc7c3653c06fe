// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "gateway", path: "../..")],
    targets: [
        .executableTarget(
            name: "engine",
            dependencies: [
                .product(name: "GatewayCore", package: "gateway"),
                .product(name: "Allocations", package: "gateway"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableExperimentalFeature("Lifetimes"),
            ])
    ]
)
