/// Encodes into a node; all three kinds of container share one value.
struct JSONNodeEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = node.content {} else { node.content = .object([]) }
        return KeyedEncodingContainer(KeyedContainer(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = node.content {} else { node.content = .array([]) }
        return UnkeyedContainer(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleContainer(node: node, codingPath: codingPath)
    }

    /// Writes one value; a `Double` must be finite.
    static func fill(
        _ node: JSONNode, with value: some Encodable, path: [any CodingKey]
    ) throws {
        switch value {
        case let text as String: node.content = .text(text)
        case let flag as Bool: node.content = .bool(flag)
        case let number as UInt64: node.content = .unsigned(number)
        case let number as UInt: node.content = .unsigned(UInt64(number))
        case let number as Double:
            guard number.isFinite else {
                throw EncodingError.invalidValue(
                    number, .init(codingPath: path, debugDescription: "not a number of JSON"))
            }
            node.content = .number("\(number)")
        case let number as any FixedWidthInteger & Encodable:
            guard let small = Int64(exactly: number) else {
                throw EncodingError.invalidValue(
                    number, .init(codingPath: path, debugDescription: "number too large"))
            }
            node.content = .signed(small)
        default: try value.encode(to: JSONNodeEncoder(node: node, codingPath: path))
        }
    }

    struct KeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: JSONNode
        let codingPath: [any CodingKey]

        func add(_ key: any CodingKey) -> JSONNode {
            let child = JSONNode()
            guard case .object(var members) = node.content else { return child }
            node.content = .null
            members.append((key.stringValue, child))
            node.content = .object(members)
            return child
        }
        mutating func encodeNil(forKey key: Key) { _ = add(key) }
        mutating func encode(_ value: String, forKey key: Key) { add(key).content = .text(value) }
        mutating func encode(_ value: Bool, forKey key: Key) { add(key).content = .bool(value) }
        mutating func encode(_ value: Int, forKey key: Key) {
            add(key).content = .signed(Int64(value))
        }
        mutating func encode(_ value: Int32, forKey key: Key) {
            add(key).content = .signed(Int64(value))
        }
        mutating func encode(_ value: UInt16, forKey key: Key) {
            add(key).content = .unsigned(UInt64(value))
        }
        mutating func encode(_ value: UInt32, forKey key: Key) {
            add(key).content = .unsigned(UInt64(value))
        }
        mutating func encode(_ value: UInt64, forKey key: Key) {
            add(key).content = .unsigned(value)
        }
        mutating func encode(_ value: some Encodable, forKey key: Key) throws {
            try fill(add(key), with: value, path: codingPath + [key])
        }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy keyType: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            JSONNodeEncoder(node: add(key), codingPath: codingPath + [key])
                .container(keyedBy: keyType)
        }
        mutating func nestedUnkeyedContainer(
            forKey key: Key
        ) -> any UnkeyedEncodingContainer {
            JSONNodeEncoder(node: add(key), codingPath: codingPath + [key]).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder {
            JSONNodeEncoder(node: add(SuperKey()), codingPath: codingPath)
        }
        mutating func superEncoder(forKey key: Key) -> any Encoder {
            JSONNodeEncoder(node: add(key), codingPath: codingPath + [key])
        }
    }

    struct UnkeyedContainer: UnkeyedEncodingContainer {
        let node: JSONNode
        let codingPath: [any CodingKey]
        var count: Int {
            if case .array(let nodes) = node.content { nodes.count } else { 0 }
        }

        func add() -> JSONNode {
            let child = JSONNode()
            guard case .array(var nodes) = node.content else { return child }
            node.content = .null
            nodes.append(child)
            node.content = .array(nodes)
            return child
        }
        mutating func encodeNil() { _ = add() }
        mutating func encode(_ value: some Encodable) throws {
            try fill(add(), with: value, path: codingPath)
        }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy keyType: Nested.Type
        ) -> KeyedEncodingContainer<Nested> {
            JSONNodeEncoder(node: add(), codingPath: codingPath).container(keyedBy: keyType)
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            JSONNodeEncoder(node: add(), codingPath: codingPath).unkeyedContainer()
        }
        mutating func superEncoder() -> any Encoder {
            JSONNodeEncoder(node: add(), codingPath: codingPath)
        }
    }

    struct SingleContainer: SingleValueEncodingContainer {
        let node: JSONNode
        let codingPath: [any CodingKey]

        mutating func encodeNil() { node.content = .null }
        mutating func encode(_ value: String) { node.content = .text(value) }
        mutating func encode(_ value: Bool) { node.content = .bool(value) }
        mutating func encode(_ value: Double) throws {
            try fill(node, with: value, path: codingPath)
        }
        mutating func encode(_ value: Float) throws { try encode(Double(value)) }
        mutating func encode(_ value: Int) { node.content = .signed(Int64(value)) }
        mutating func encode(_ value: Int8) { node.content = .signed(Int64(value)) }
        mutating func encode(_ value: Int16) { node.content = .signed(Int64(value)) }
        mutating func encode(_ value: Int32) { node.content = .signed(Int64(value)) }
        mutating func encode(_ value: Int64) { node.content = .signed(value) }
        mutating func encode(_ value: UInt) { node.content = .unsigned(UInt64(value)) }
        mutating func encode(_ value: UInt8) { node.content = .unsigned(UInt64(value)) }
        mutating func encode(_ value: UInt16) { node.content = .unsigned(UInt64(value)) }
        mutating func encode(_ value: UInt32) { node.content = .unsigned(UInt64(value)) }
        mutating func encode(_ value: UInt64) { node.content = .unsigned(value) }
        mutating func encode(_ value: some Encodable) throws {
            try fill(node, with: value, path: codingPath)
        }
    }

    private struct SuperKey: CodingKey {
        var stringValue: String { "super" }
        var intValue: Int? { nil }
        init() {}
        init?(stringValue: String) { nil }
        init?(intValue: Int) { nil }
    }
}
