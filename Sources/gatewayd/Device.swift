import CLinux
import Configuration
import Linux
import Netlink
import Wire

/// One side's TAP device, set up as configured, and the watch over its kernel end.
struct Device: ~Copyable {
    let side: Side
    private(set) var tap: TapDevice
    /// Events of the kernel's end, in the namespace it lives in.
    var monitor: LinkMonitor
    /// Whether the kernel's end was up when it had been set up.
    let isUp: Bool
    /// Asks and changes the kernel's end, in the namespace it lives in.
    private let socket: NetlinkSocket
    /// Frames that its queue had dropped before it was ours.
    private let earlierDrops: UInt64

    /// Opens or makes the TAP, configures the kernel's end and moves it where it belongs.
    ///
    /// - Parameters:
    ///   - queues: One for each worker.
    ///   - inherited: A predecessor's descriptors of it, as many or none.
    /// - Throws: `SystemError` or `NetlinkError`, one sentence with its remedy.
    init(
        _ side: Side, _ settings: DeviceSettings, mtu: Int, hardware: MACAddress, queues: Int,
        inherited: [Int32]
    ) throws {
        let offload = TapOffload(
            checksum: settings.checksumOffload, segmentation: settings.segmentationOffload)
        let place = settings.namespace
        let socket = try Self.inside(place) { try NetlinkSocket() }
        var tap: TapDevice
        if let kept = try Self.adopt(inherited, settings, offload) {
            tap = kept
        } else {
            // What is there already is used where it is; what is new is made here and moved.
            let exists = try socket.link(named: settings.tap) != nil
            tap = try Self.inside(exists ? place : nil) {
                try TapDevice(name: settings.tap, offload: offload, queues: queues)
            }
            if let place, !exists {
                let target = try NetworkNamespace(named: place)
                try withExtendedLifetime(target) {
                    try NetlinkSocket().move(
                        link: settings.tap, toNamespaceDescriptor: target.descriptor)
                }
            }
        }
        // A device that we found keeps the address its owner gave it.
        try socket.configure(
            link: settings.tap, mtu: mtu, hardware: tap.wasCreated ? hardware : nil,
            transmitQueueLength: settings.transmitQueueLength, up: true)
        if let bridge = settings.bridge {
            try socket.attach(link: settings.tap, toBridge: bridge)
        }
        if settings.isPersistent { try tap.setPersistent(true) }
        // From here on: what we changed ourselves is no event.
        let monitor = try Self.inside(place) { try LinkMonitor() }
        let link = try socket.link(named: settings.tap)
        self.side = side
        self.tap = tap
        self.socket = socket
        self.monitor = monitor
        isUp = link?.flags.contains(.up) ?? false
        earlierDrops = link?.transmitDrops ?? 0
    }

    /// Does something in a namespace; nil is our own.
    private static func inside<Result: ~Copyable>(
        _ namespace: String?, _ body: () throws -> Result
    ) throws -> Result {
        guard let namespace else { return try body() }
        return try NetworkNamespace(named: namespace).perform(body)
    }

    /// The device of a predecessor, with the frames that wait in it; nil if it is another or gone.
    private static func adopt(
        _ descriptors: [Int32], _ settings: DeviceSettings, _ offload: TapOffload
    ) throws -> TapDevice? {
        guard let first = descriptors.first,
            var tap = try? TapDevice(adopting: first, and: Array(descriptors.dropFirst())),
            tap.name == settings.tap
        else { return nil }
        try tap.setOffload(offload)
        return tap
    }

    /// Changes the MTU of the kernel's end.
    func setMTU(_ mtu: Int) throws { try socket.configure(link: tap.name, mtu: mtu) }

    /// Whether the kernel's end is up now.
    func currentlyUp() throws -> Bool {
        try socket.link(named: tap.name)?.flags.contains(.up) ?? false
    }

    /// Frames that did not fit the queue to us, since the start; nil if it can not be asked.
    func queueDrops() -> UInt64? {
        guard let link = try? socket.link(named: tap.name), link.transmitDrops >= earlierDrops
        else { return nil }
        return link.transmitDrops - earlierDrops
    }
}
