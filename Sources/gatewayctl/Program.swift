import ArgumentParser
import Control
import Glibc

/// From the arguments to the exit status. `Main` holds nothing, because what is written there
/// belongs to the main actor and must not be called by a signal.
enum Program {
    static func run(_ arguments: [String]) -> Never {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGINT, { @Sendable _ in _exit(Status.interrupted) })
        // Whoever started us may have blocked it in the thread that did.
        var interrupt = sigset_t()
        unsafe _ = sigemptyset(&interrupt)
        unsafe _ = sigaddset(&interrupt, SIGINT)
        unsafe _ = sigprocmask(SIG_UNBLOCK, &interrupt, nil)
        do {
            switch try Words.prepare(arguments) {
            case .text(let text): Console.write(text)
            case .command(let words):
                var command = try GatewayCtl.parseAsRoot(words)
                try command.run()
            }
        } catch let error as ErrorAnswer {
            Console.complain("gatewayctl: " + error.error.printable)
            exit(error.code)
        } catch let failure as Failure {
            Console.complain("gatewayctl: " + failure.sentence.printable)
            for line in failure.detail { Console.complain(line.printable) }
            exit(failure.status)
        } catch {
            // Help, or arguments that make no sense.
            let status = GatewayCtl.exitCode(for: error).rawValue
            let text = GatewayCtl.fullMessage(for: error)
            if status == 0 { Console.write(text + "\n") } else { Console.complain(text) }
            exit(status)
        }
        exit(0)
    }
}

/// The root of the tree of commands.
struct GatewayCtl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatewayctl",
        abstract: "Look at a running gateway and change it.",
        discussion: "Also: help [COMMAND | ERROR-CODE | DROP-REASON]",
        version: programVersion,
        groupedSubcommands: [
            CommandGroup(
                name: "Look",
                subcommands: [
                    StatusCommand.self, InterfacesCommand.self, SessionsCommand.self,
                    NATCommand.self, RoutesCommand.self, NeighborsCommand.self, RIPCommand.self,
                    OSPFCommand.self, TopologyCommand.self, BFDCommand.self, DropsCommand.self,
                ]),
            CommandGroup(
                name: "Change", subcommands: [CheckConfigCommand.self, ReloadCommand.self]),
            CommandGroup(name: "Rest", subcommands: [VersionCommand.self]),
        ])

    mutating func run() throws { throw CleanExit.helpRequest(self) }
}

/// What every command understands, before or after its own words.
struct GlobalOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, wide, brief, json, ndjson, conntrack
    }
    enum Color: String, ExpressibleByArgument, CaseIterable {
        case auto, always, never
    }

    @Option(name: [.customShort("i"), .long], help: "Name of the gateway.")
    var instance: String?

    @Option(name: [.customShort("o"), .long], help: "Form of the output.")
    var output: Format?

    @Flag(name: .long, help: "The same as -o json.")
    var json = false

    @Option(
        name: [.customShort("w"), .long],
        help: ArgumentHelp(
            "Ask again every so many seconds (2 if none are given).", valueName: "seconds"))
    var watch: Double?

    @Option(name: .long, help: "When to use colour.")
    var color = Color.auto

    @Flag(name: .customLong("no-header"), help: "Leave out the titles of columns.")
    var noHeader = false

    @Option(name: .long, help: "Path of the control socket.")
    var socket: String?

    @Flag(name: [.customShort("q"), .long], help: "Leave out notes.")
    var quiet = false

    func validate() throws {
        if let watch, !(watch >= 0.1 && watch <= 86400) {
            throw ValidationError("--watch wants 0.1 to 86400 seconds")
        }
        if json, let output, output != .json {
            throw ValidationError("--json and -o \(output.rawValue) exclude each other")
        }
    }

    var format: Format { json ? .json : output ?? .table }
}
