internal import FoundationEssentials
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
        if case .none = type { return PacketAuthentication.none }
        if let list = fields[.keys] {
            guard case .key(let algorithm) = type else {
                report(.badKey, list, "\(fields.name(.keys)) are for a type that signs")
                return nil
            }
            if let other = fields[.keyID] ?? fields[.keyFile] {
                report(.badKey, other, "\(path.text) has keys: their numbers and files are there")
            }
            return keys(list, fields.name(.keys), algorithm)
        }
        let id = integer(fields[.keyID], in: 0...255, fields.name(.keyID)) ?? 1
        guard let file = required(.keyFile, of: fields, help: "write key-file: /path/of/the/key"),
            let secret = secret(file, fields.name(.keyFile))
        else { return nil }
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

    // MARK: Several keys

    /// Keys with lifetimes (RFC 4822 §5, RFC 2328 §D.3), at least one.
    private mutating func keys(
        _ node: Int, _ path: String, _ usual: SigningAlgorithm
    ) -> PacketAuthentication? {
        var keys: [SigningKey] = []
        let found = list(of: node, path, most: 16) { decoder, item, path in
            decoder.key(item, Path(path()), usual).map { ($0, item) }
        }
        for (key, item) in found {
            if keys.contains(where: { $0.id == key.id }) {
                report(.badKey, item, "\(path) has key-id \(key.id) twice")
            } else {
                keys.append(key)
            }
        }
        var items = tree.children(node)
        if tree.kind(node) == .sequence || tree.isNull(node), items.next() == nil {
            report(.badKey, node, "\(path) names no key")
        }
        return keys.isEmpty ? nil : .keys(keys)
    }

    private mutating func key(
        _ item: Int, _ path: Path, _ usual: SigningAlgorithm
    ) -> SigningKey? {
        let algorithms = SigningAlgorithm.allCases.map { ($0.rawValue, $0) }
        guard
            let fields = fields(of: item, anchor: item, path: path, as: SigningKeyKey.self),
            let number = required(.keyID, of: fields, help: "write key-id: 1"),
            let id = integer(number, in: 0...255, fields.name(.keyID)),
            let file = required(.keyFile, of: fields, help: "write key-file: /path/of/the/key"),
            let secret = secret(file, fields.name(.keyFile))
        else { return nil }
        let algorithm = choice(fields[.type], algorithms, fields.name(.type)) ?? usual
        return SigningKey(
            id: UInt8(id), algorithm, secret: secret,
            sending: lifetime(fields, .sendFrom, .sendUntil),
            accepting: lifetime(fields, .acceptFrom, .acceptUntil))
    }

    private mutating func lifetime(
        _ fields: Fields<SigningKeyKey>, _ from: SigningKeyKey, _ until: SigningKeyKey
    ) -> Range<Int64> {
        let first = moment(fields[from], fields.name(from)) ?? 0
        let end = moment(fields[until], fields.name(until)) ?? .max
        guard first < end else {
            if let node = fields[until] ?? fields[from] {
                report(
                    .badKey, node,
                    "\(fields.name(until)) must be later than \(from.rawValue)")
            }
            return 0..<Int64.max
        }
        return first..<end
    }

    /// Seconds since 1970 of a day that begins, or of a moment, in UTC.
    private mutating func moment(_ node: Int?, _ path: @autoclosure () -> String) -> Int64? {
        guard let node, isValue(node, path()) else { return nil }
        let text = tree.string(node)
        let whole = text.utf8.count == 10 ? text + "T00:00:00Z" : text
        if let date = try? Date(whole, strategy: .iso8601), Moment.text(date) == whole,
            date.timeIntervalSince1970 >= 0
        {
            return Int64(date.timeIntervalSince1970)
        }
        report(
            .badKey, node, "\(path()) \(tree.quoted(node)) is no moment",
            help: "write 2026-12-01, or 2026-12-01T08:30:00Z")
        return nil
    }

    /// The first line of a key file that nobody else may read.
    private mutating func secret(_ node: Int, _ path: String) -> [UInt8]? {
        guard isValue(node, path) else { return nil }
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

/// Moments as a configuration writes them (RFC 3339), in UTC.
private enum Moment {
    static func text(_ date: Date) -> String { date.formatted(.iso8601) }

    static func text(_ seconds: Int64) -> String {
        text(Date(timeIntervalSince1970: Double(seconds)))
    }
}

extension PacketAuthentication {
    /// As a reload shows it: the name, and lifetimes that have an end.
    var listed: String {
        guard case .keys(let keys) = self else { return name }
        return keys.map { key in
            "\(key.algorithm.rawValue) key \(key.id)" + Self.text("sent", key.sending)
                + Self.text("accepted", key.accepting)
        }.joined(separator: ", ")
    }

    private static func text(_ what: String, _ life: Range<Int64>) -> String {
        let from = life.lowerBound == 0 ? "" : " from \(Moment.text(life.lowerBound))"
        let until = life.upperBound == .max ? "" : " until \(Moment.text(life.upperBound))"
        return from.isEmpty && until.isEmpty ? "" : " \(what)\(from)\(until)"
    }
}
