import Glibc

/// Owns one file descriptor and closes it at the end of its life.
public struct Descriptor: ~Copyable, Sendable {
    /// The descriptor's number.
    public let rawValue: Int32

    /// Takes over an open descriptor.
    public init(owning rawValue: Int32) { self.rawValue = rawValue }

    deinit { _ = close(rawValue) }

    /// Gives up ownership: the caller closes the number it gets.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }
}
