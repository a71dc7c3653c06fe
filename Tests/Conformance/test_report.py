#!/usr/bin/python3
"""The report tool's own tests: what makes a report stale, and what is no "pass"."""
import importlib.machinery, importlib.util, os, sys, unittest

sys.dont_write_bytecode = True
LOADER = importlib.machinery.SourceFileLoader(
    "report", os.path.join(os.path.dirname(os.path.abspath(__file__)), "report"))
report = importlib.util.module_from_spec(importlib.util.spec_from_loader("report", LOADER))
LOADER.exec_module(report)

GROUPS = report.requirements("# words\n## UDP\nU-1 | MUST | one\nU-2 | REC | two\n## Other\nX-1 | – | three\n")
SWIFT = [("Tests/NATTests/A.swift", '''
@Suite("A (suite)", .row("X-1"), .rfc(1, "2"))
struct ATests {
    @Test("name, \\"quoted (\\"", .row("U-1")) func one() {}

    @Test(
        .row("U-1", "U-2"), arguments: [
            ("a)", 1),
        ]
    )
    func two(_ a: Int) async throws {
        struct Inner { func helper() {} }
    }
    func three() {}
}
extension ATests {
    @Test func four() {}
}
struct BTests {
    @Test(.row("U-2"))
    @MainActor func `five`() {}
    @Test("untagged") func six() {}
}
''')]
LAB = [("Tests/LabTests/test_nat.py", '@rows("U-1", timeout=9)\ndef ping(lab):\n    pass\n\ndef no(): pass\n')]
A, B = "NATTests.ATests", "NATTests.BTests"
TESTS = report.swift_tests(SWIFT) | report.lab_tests(LAB)
PASSED = {name: "pass" for name in TESTS}


def built(reasons={}, tests=TESTS, results=PASSED, committed={}, writing=True):
    return report.build(GROUPS, reasons, tests, results, committed, writing)


def verdicts(value):
    return {row["id"]: row["verdict"] for group in value["groups"] for row in group["rows"]}


class ReportTests(unittest.TestCase):
    def test_which_tests_carry_which_rows(self):
        self.assertEqual(TESTS, {
            f"{A}/one": ["X-1", "U-1"], f"{A}/two": ["X-1", "U-1", "U-2"], f"{A}/four": ["X-1"],
            f"{B}/five": ["U-2"], "LabTests.nat/ping": ["U-1"]})

    def test_results_are_read(self):
        text = '''<testsuites><testsuite>
            <testcase classname="NATTests.ATests" name="one()" time="0.1" />
            <testcase classname="NATTests.ATests" name="two(_:)"><failure message="m"/></testcase>
            <testcase classname="NATTests.BTests" name="`five`()"><skipped/></testcase>
            </testsuite></testsuites>'''
        self.assertEqual(report.unit_results(text), {
            f"{A}/one": "pass", f"{A}/two": "fail", f"{B}/five": "skip"})
        self.assertEqual(report.lab_results(
            '{"rows": {}, "tests": {"nat.a": {"verdict": "ok"}, "nat.b": {"verdict": "FAIL"}}}'),
            {"LabTests.nat/a": "pass", "LabTests.nat/b": "fail"})

    def test_only_what_passed_wholly_is_a_pass(self):
        self.assertEqual(set(verdicts(built()).values()), {"pass"})
        for word in ("fail", "skip"):
            came = verdicts(built(results=PASSED | {f"{A}/two": word}))
            self.assertEqual(set(came.values()), {word})
        without = {name: "pass" for name in TESTS if name != f"{B}/five"}
        self.assertEqual(verdicts(built(results=without)), {"U-1": "pass", "U-2": "not run", "X-1": "pass"})
        no_tests = {name: ids for name, ids in TESTS.items() if "X-1" not in ids}
        self.assertEqual(verdicts(built(tests=no_tests))["X-1"], "missing")

    def test_exceptions(self):
        reasons = report.exceptions("# words\nX-1: for a reason\n  told in two lines\nU-1: half\n")
        self.assertEqual(reasons, {"X-1": "for a reason told in two lines", "U-1": "half"})
        self.assertEqual(verdicts(built(reasons))["U-1"], "partial")
        self.assertEqual(verdicts(built(reasons, tests={}))["X-1"], "exception")
        failed = verdicts(built(reasons, results=PASSED | {f"{A}/one": "fail"}))
        self.assertEqual(failed["U-1"], "fail")
        self.assertEqual(len(report.problems(GROUPS, {"Q-1": ""}, {"a": ["Q-2"]})), 2)

    def test_a_removed_or_renamed_test_makes_it_stale(self):
        committed = built()
        self.assertEqual(built(results={}, committed=committed, writing=False), committed)
        gone = {name: ids for name, ids in TESTS.items() if not name.endswith("/one")}
        other = gone | {f"{A}/uno": TESTS[f"{A}/one"]}
        for tests in (gone, other):
            now = built(tests=tests, results={}, committed=committed, writing=False)
            self.assertTrue(any(line.startswith("U-1:") for line in report.differences(committed, now)))
        self.assertEqual(verdicts(now)["U-1"], "not run")

    def test_a_partial_run_changes_only_what_ran(self):
        committed = built(results=PASSED | {"LabTests.nat/ping": "fail"})
        some = {name: "pass" for name in TESTS if not name.startswith("LabTests")}
        self.assertEqual(built(results=some, committed=committed), committed)
        now = built(results={f"{B}/five": "fail"}, committed=committed)
        self.assertEqual(verdicts(now), {"U-1": "fail", "U-2": "fail", "X-1": "pass"})
        whole = report.build(GROUPS, {}, TESTS, {}, built(), True, ["lab"])
        self.assertEqual(verdicts(whole), {"U-1": "not run", "U-2": "pass", "X-1": "pass"})

    def test_a_skip_is_written_but_judges_nothing_in_a_check(self):
        committed, skipped = built(), {"LabTests.nat/ping": "skip"}
        self.assertEqual(built(results=skipped, committed=committed, writing=False), committed)
        self.assertEqual(verdicts(built(results=skipped, committed=committed))["U-1"], "skip")

    def test_markdown(self):
        text = report.markdown(built({"U-1": "half"}, results=PASSED | {f"{B}/five": "fail"}))
        self.assertIn("| U-2 | REC | two | fail |", text)
        self.assertIn(f"`{B}/five` (fail)", text)
        self.assertIn("| MUST | 0 | 1 | 0 |\n| REC | 0 | 0 | 1 |", text)


if __name__ == "__main__":
    unittest.main()
