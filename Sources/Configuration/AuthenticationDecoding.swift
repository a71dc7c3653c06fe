internal import Signing

extension Decoder {
    private enum AuthenticationType {
        case none, text
        case key(SigningAlgorithm)

        static let words: [(String, AuthenticationType)] =
            [("none", .none), ("text", .text)]
            + SigningAlgorithm.allCases.map { ($0.rawValue, .key($0)) }
    }

    /// How packets are authenticated; a password has at most `longest` octets.
    mutating func authentication(
        _ node: Int, _ path: Path, longest: Int
    ) -> PacketAuthentication? {
        guard
            let fields = fields(
                of: node, anchor: node - 1, path: path, as: AuthenticationKey.self),
            let typeNode = required(.type, of: fields, help: "write type: hmac-sha-256"),
            let type = choice(typeNode, AuthenticationType.words, fields.name(.type))
        else { return nil }
        let id = integer(fields[.keyID], in: 0...255, fields.name(.keyID)) ?? 1
        if case .none = type { return PacketAuthentication.none }
        guard let file = required(.keyFile, of: fields, help: "write key-file: /path/of/the/key"),
            isValue(file, fields.name(.keyFile))
        else { return nil }
        guard let secret = secret(file, fields.name(.keyFile)) else { return nil }
        switch type {
        case .none: return PacketAuthentication.none
        case .text:
            report(
                .openPassword, typeNode, "\(fields.name(.type)) text is sent in the clear",
                help: "write type: hmac-sha-256, or md5 for old neighbors")
            guard secret.count <= longest else {
                report(.badKeyFile, file, "a password for type text has at most \(longest) octets")
                return nil
            }
            return .password(secret)
        case .key(let algorithm):
            return .keys([SigningKey(id: UInt8(id), algorithm, secret: secret)])
        }
    }

    /// The first line of a key file that nobody else may read.
    private mutating func secret(_ node: Int, _ path: String) -> [UInt8]? {
        let file = tree.string(node)
        switch checks.readKey(file) {
        case .key(let bytes):
            let line = Array(bytes.prefix { $0 != 10 && $0 != 13 })
            if !line.isEmpty { return line }
            report(.badKeyFile, node, "\(path): \(tree.quoted(node)) holds no key")
        case .missing:
            report(.badKeyFile, node, "\(path): \(tree.quoted(node)) cannot be read")
        case .open:
            report(
                .badKeyFile, node, "\(path): others may read \(tree.quoted(node))",
                help: "chmod 600 \(Escaping.escaped(file))")
        }
        return nil
    }
}
