import ArgumentParser
import Configuration
import ControlServer
import Glibc
import Linux
import Netlink

/// The command line of the daemon.
struct Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatewayd",
        abstract: "A NAT router between two TAP interfaces.",
        discussion: """
            Runs in the foreground until SIGTERM; SIGHUP reads the configuration again; SIGUSR1 \
            ends it for a successor, to whom the service manager hands what is kept. \
            Exit status: 0 ended on request, 64 usage, 66 file or namespace missing, 70 a bug, \
            73 or 74 cannot create or use something, 75 in use, try again, 77 no permission, \
            78 wrong configuration.
            """,
        version: Daemon.version)

    @Option(help: "The configuration file.")
    var config: String

    @Option(help: "The name of this gateway; default: 'name' of the file, or its file name.")
    var instance: String?

    func run() throws {
        do {
            let status = try start()
            if status != 0 { throw ExitCode(status) }
        } catch let error as ExitCode {
            throw error
        } catch {
            Self.complain("gatewayd: \(error)\n")
            throw ExitCode(Self.exitStatus(of: error))
        }
    }

    private func start() throws -> Int32 {
        // Before any thread is made, so that all of them leave signals to the descriptor.
        let signals = try Signals()
        Heap.shareAndReturn()
        let inherited = ListenDescriptors.take()
        let loaded = try ConfigurationLoader.load(path: config, machineID: MachineID.read())
        let text = loaded.render()
        if !text.isEmpty { Self.complain(text) }
        guard var configuration = loaded.configuration else { return EX_CONFIG }
        if let instance {
            guard !instance.isEmpty, instance.utf8.count <= 32, !instance.contains("/") else {
                Self.complain("gatewayd: --instance: a name has 1 to 32 letters, no '/'\n")
                return EX_USAGE
            }
            if configuration.control.socket
                == ControlSettings.defaultSocket(name: configuration.name)
            {
                configuration.control.socket = ControlSettings.defaultSocket(name: instance)
            }
            configuration.name = instance
        }
        let daemon = try Daemon(path: config, loaded: loaded, configuration, inherited)
        return try daemon.run(signals, inherited)
    }

    private static func complain(_ text: String) {
        var copy = text
        copy.withUTF8 { bytes in _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
    }

    private static func exitStatus(of error: any Error) -> Int32 {
        switch error {
        case let error as SystemError: error.exitStatus
        case let error as NetlinkError: error.exitStatus
        case let error as ConfigurationFileError: error.exitCode
        case is ControlServerError: 73
        default: 70
        }
    }
}
