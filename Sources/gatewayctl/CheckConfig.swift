import Configuration

/// Checks a configuration file without a daemon. The one place that knows the module
/// `Configuration`.
///
/// - Returns: What to print, and the exit status: 0 if the file is right, 66 if there is none, 78
///   if it is wrong.
func checkConfiguration(path: String) -> (text: String, status: Int32) {
    do throws(ConfigurationFileError) {
        // The machine's id only makes up hardware addresses, which are not printed.
        let result = try ConfigurationLoader.load(path: path, machineID: "")
        return (result.render(), result.configuration == nil ? Status.configuration : 0)
    } catch {
        return ("\(error)\n", error.exitCode)
    }
}

/// The longer text about a diagnostic such as `E031`; nil for a code that does not exist.
func explainErrorCode(_ code: String) -> String? { Diagnostic.errorTexts[code] }
