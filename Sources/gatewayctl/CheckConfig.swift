/// Checks a configuration file without a daemon. The one place that knows the module
/// `Configuration`.
///
/// - Returns: What to print, and the exit status: 0 if the file is right, 66 if there is none, 78
///   if it is wrong.
func checkConfiguration(path: String) -> (text: String, status: Int32) {
    ("not wired\n", Status.software)
}

/// The longer text about a diagnostic such as `E031`; nil for a code that does not exist.
func explainErrorCode(_ code: String) -> String? { nil }
