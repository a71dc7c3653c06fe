import CNetlink

/// A netlink request that failed, as a sentence an operator can act on.
public struct NetlinkError: Error, CustomStringConvertible, Hashable, Sendable {
    /// The libnl function, for example `rtnl_link_change`.
    public let call: String
    /// The error of libnl as a positive NLE_ number, 0 when nothing was asked of the kernel.
    public let code: Int32
    /// The interface it was about, or `netlink` for the socket itself.
    public let interface: String
    /// What the operator can do about it, if anything is known.
    public let remedy: String?
    /// Status for the process to end with, of sysexits.h: 66, 70, 73, 75, 77 or 78.
    public let exitStatus: Int32

    private let action: String
    private let reason: String

    /// An error of `call`; `code` is libnl's, of either sign. `action` is the sentence after
    /// "cannot" up to the reason, which defaults to libnl's text.
    init(
        _ call: String, _ code: Int32, interface: String, action: String, reason: String? = nil,
        remedy: String? = nil
    ) {
        let code = code < 0 ? -code : code
        self.call = call
        self.code = code
        self.interface = interface
        self.action = action
        self.reason = reason ?? Self.text(of: code)
        let isRight = code == NLE_PERM || code == NLE_NOACCESS
        self.remedy = isRight ? "run as root or with CAP_NET_ADMIN" : remedy
        self.exitStatus = Self.exitStatus(of: code)
    }

    /// `cannot DO SOMETHING: REASON (CALL); REMEDY`, without a full stop.
    public var description: String {
        let sentence = "cannot \(action): \(reason) (\(call))"
        guard let remedy else { return sentence }
        return "\(sentence); \(remedy)"
    }

    private static func text(of code: Int32) -> String {
        guard let text = unsafe nl_geterror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    private static func exitStatus(of code: Int32) -> Int32 {
        switch code {
        case NLE_PERM, NLE_NOACCESS: 77
        case NLE_NODEV, NLE_OBJ_NOTFOUND: 66
        case NLE_EXIST: 73
        case NLE_AGAIN, NLE_BUSY, NLE_INTR, NLE_DUMP_INTR: 75
        case NLE_INVAL, NLE_RANGE: 78
        default: 70
        }
    }
}
