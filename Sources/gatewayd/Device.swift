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
    /// Namespace of the kernel's end; nil for our own.
    private let namespace: String?

    /// Opens or makes the TAP, configures the kernel's end and moves it where it belongs.
    ///
    /// - Parameter inherited: A predecessor's descriptor of it, if there is one.
    /// - Throws: `SystemError` or `NetlinkError`, one sentence with its remedy.
    init(
        _ side: Side, _ settings: DeviceSettings, mtu: Int, hardware: MACAddress,
        inherited: Int32?
    ) throws {
        let offload = TapOffload(
            checksum: settings.checksumOffload, segmentation: settings.segmentationOffload)
        var tap: TapDevice
        let monitor: LinkMonitor
        let isUp: Bool
        if let name = settings.namespace {
            let target = try NetworkNamespace(named: name)
            // What is there already is used where it is; what is new is made here and moved.
            let exists = try target.perform {
                let socket = try NetlinkSocket()
                return try socket.link(named: settings.tap) != nil
            }
            if let kept = try Self.adopt(inherited, settings, offload) {
                tap = kept
            } else if exists {
                tap = try target.perform { try TapDevice(name: settings.tap, offload: offload) }
            } else {
                tap = try TapDevice(name: settings.tap, offload: offload)
                let socket = try NetlinkSocket()
                try socket.move(
                    link: settings.tap, toNamespaceDescriptor: target.descriptor)
            }
            let isNew = tap.wasCreated
            isUp = try target.perform {
                try Self.configure(settings, mtu: mtu, hardware: hardware, isNew: isNew)
            }
            monitor = try target.perform { try LinkMonitor() }
        } else {
            if let kept = try Self.adopt(inherited, settings, offload) {
                tap = kept
            } else {
                tap = try TapDevice(name: settings.tap, offload: offload)
            }
            isUp = try Self.configure(
                settings, mtu: mtu, hardware: hardware, isNew: tap.wasCreated)
            monitor = try LinkMonitor()
        }
        if settings.isPersistent { try tap.setPersistent(true) }
        self.side = side
        self.tap = tap
        self.monitor = monitor
        self.isUp = isUp
        namespace = settings.namespace
    }

    /// The device of a predecessor, with the frames that wait in it; nil if it is another or gone.
    private static func adopt(
        _ descriptor: Int32?, _ settings: DeviceSettings, _ offload: TapOffload
    ) throws -> TapDevice? {
        guard let descriptor, var tap = try? TapDevice(adopting: descriptor),
            tap.name == settings.tap
        else { return nil }
        try tap.setOffload(offload)
        return tap
    }

    /// Sets what is configured on the kernel's end; true if it is up then.
    private static func configure(
        _ settings: DeviceSettings, mtu: Int, hardware: MACAddress, isNew: Bool
    ) throws -> Bool {
        let socket = try NetlinkSocket()
        // A device that we found keeps the address its owner gave it.
        try socket.configure(
            link: settings.tap, mtu: mtu, hardware: isNew ? hardware : nil,
            transmitQueueLength: settings.transmitQueueLength, up: true)
        if let bridge = settings.bridge {
            try socket.attach(link: settings.tap, toBridge: bridge)
        }
        return try socket.link(named: settings.tap)?.flags.contains(.up) ?? false
    }

    /// Changes the MTU of the kernel's end.
    func setMTU(_ mtu: Int) throws {
        let name = tap.name
        let change = {
            let socket = try NetlinkSocket()
            try socket.configure(
                link: name, mtu: mtu, hardware: nil, transmitQueueLength: nil, up: nil)
        }
        if let namespace {
            try NetworkNamespace(named: namespace).perform(change)
        } else {
            try change()
        }
    }

    /// Whether the kernel's end is up now.
    func currentlyUp() throws -> Bool {
        let name = tap.name
        let look = {
            let socket = try NetlinkSocket()
            return try socket.link(named: name)?.flags.contains(.up) ?? false
        }
        return try namespace.map { try NetworkNamespace(named: $0).perform(look) } ?? look()
    }
}
