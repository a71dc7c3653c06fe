public import Wire

/// Which work of the network stack a TAP's reader takes over (TUNSETOFFLOAD).
public struct TapOffload: Hashable, Sendable {
    /// The kernel may hand out frames whose checksum is only partly computed.
    public let checksum: Bool
    /// The kernel may hand out TCP super-packets of up to 64 KiB; false without `checksum`.
    public let segmentation: Bool
    /// The kernel may hand out super-packets of UDP datagrams; false without `segmentation`.
    public let datagramSegmentation: Bool

    /// The work to ask for. Segmentation needs checksums: without them it counts as not asked for.
    /// UDP segmentation is asked for along with TCP's and dropped where the kernel lacks it.
    public init(checksum: Bool, segmentation: Bool) {
        self.init(checksum: checksum, segmentation: segmentation, datagrams: true)
    }

    init(checksum: Bool, segmentation: Bool, datagrams: Bool) {
        self.checksum = checksum
        self.segmentation = checksum && segmentation
        self.datagramSegmentation = checksum && segmentation && datagrams
    }

    /// Whose packets may be joined into super-packets for this device: a kernel that hands out
    /// such takes them too.
    public var joins: FrameRun.Protocols {
        datagramSegmentation ? [.udp, .tcp] : segmentation ? .tcp : []
    }

    /// The same without UDP segmentation, for kernels before 6.2.
    var withoutDatagrams: TapOffload {
        TapOffload(checksum: checksum, segmentation: segmentation, datagrams: false)
    }

    /// The argument of TUNSETOFFLOAD (linux/if_tun.h; USO4 and USO6 only in newer headers).
    var flags: UInt {
        var flags: UInt = 0
        if checksum { flags |= 0x01 }  // TUN_F_CSUM
        if segmentation { flags |= 0x02 | 0x04 | 0x08 }  // TUN_F_TSO4, TSO6, TSO_ECN
        if datagramSegmentation { flags |= 0x20 | 0x40 }  // TUN_F_USO4, USO6
        return flags
    }
}
