// swift-tools-version: 6.2
import PackageDescription

// One executable a target: Sources/NAME/NAME.swift. To add one, add its name here and that file;
// `run` finds it. Seeds of its own may lie in Corpus/NAME. Only `run` builds this package.
let targets = [
    "FuzzBFD", "FuzzFilter", "FuzzFrame", "FuzzOSPF", "FuzzPipeline", "FuzzRIP", "FuzzRequest",
    "FuzzTranslate", "FuzzYAML",
]

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "gateway", path: "../..")],
    targets: targets.map { name in
        .executableTarget(
            name: name,
            dependencies: [
                .product(
                    name: name == "FuzzRequest" ? "GatewayControl" : "GatewayCore",
                    package: "gateway")
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
            ])
    }
)
