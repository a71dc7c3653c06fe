import Lab
import Netlink

extension Lab {
    /// Connects to the namespace.
    func netlink() throws -> NetlinkSocket { try perform { try NetlinkSocket() } }
}

/// The netlink error that `body` throws.
func netlinkError<Result: ~Copyable>(_ body: () throws -> Result) -> NetlinkError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? NetlinkError
    }
}
