extension Diagnostic {
    /// What each code means at more length, mostly with an example, for `gatewayctl help E031`.
    public static let errorTexts: [String: String] = Dictionary(
        uniqueKeysWithValues: [
            Code.generalTexts, Code.addressingTexts, Code.servicesTexts, Code.routingTexts,
        ].joined()
            .map { ($0.key.rawValue, $0.value) })
}
