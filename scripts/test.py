#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make test`: runs the host tests named on the command line, the checks of the tree, and the machine tests.

Ends in one line: N passed, N failed, N skipped. Host tests are Catch2 programs; the others are scripts that print
"ok ...", "not ok ..." or "skip ..." lines (machine/checks.py)."""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from imaging.paths import OUT, ROOT

# Seconds after which a test that hangs is ended.
_HOST_LIMIT = 600
_SCRIPT_LIMIT = 1200


@dataclass(frozen=True)
class Tally:
    """How many checks a test made, and what it printed."""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    report: str = ""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def _run(command: list[str], limit: float) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=limit, check=False)
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") + f"\nended after {limit:.0f} s"
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode(errors="replace")


def _failures(root: xml.Element) -> str:
    """What failed, where, and what was said beside it, like the seed: a run anew might take another one."""
    lines: list[str] = []
    for case in root.iter("TestCase"):
        if case.find("OverallResult[@success='true']") is not None:
            continue
        for element in case.iter():
            place = f"{element.get('filename')}:{element.get('line')}: " if element.get("filename") else ""
            said = " ".join([element.get("name", ""), *(element.text or "").split()]).strip()
            if place or said:
                lines.append(f"  {place}{element.tag} {said}")
    return "\n".join(lines)


def host_test(program: Path) -> Tally:
    """Runs a Catch2 program; counts its test cases."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.xml"
        status, output = _run([str(program), "-r", "xml", "-o", str(result)], _HOST_LIMIT)
        try:
            root = xml.parse(result).getroot()
            cases = root.find("OverallResultsCases")
        except (OSError, xml.ParseError):
            cases = None
        if cases is None:
            return Tally(failed=1, report=f"not ok {program.name} ended with status {status} in mid-run:\n{output}")
    passed, failed = int(cases.get("successes", "0")), int(cases.get("failures", "0"))
    if failed:
        # A program that a signal ended has written its result, but not run what came after.
        end = f", and it ended in mid-run, with status {status}" if status < 0 else ""
        return Tally(passed, failed, report=f"not ok {program.name}: {failed} test cases failed{end}\n{_failures(root)}\n{output}".rstrip())
    if passed == 0 or status != 0:
        return Tally(passed, 1, report=f"not ok {program.name}: {passed} test cases ran, status {status}\n{output}")
    return Tally(passed, report=f"ok {program.name}: {passed} test cases")


def script_test(script: Path) -> Tally:
    """Runs a script of checks; counts its lines. A script that says nothing, or dies, is a failure."""
    status, output = _run([sys.executable, str(script)], _SCRIPT_LIMIT)
    lines = output.splitlines()
    passed = sum(line.startswith("ok ") for line in lines)
    failed = sum(line.startswith("not ok ") for line in lines)
    skipped = sum(line.startswith("skip ") for line in lines)
    name = script.relative_to(ROOT)
    if (status != 0 and failed == 0) or passed + failed + skipped == 0:
        return Tally(passed, failed + 1, skipped, f"-- {name}\n{output}\nnot ok {name} ended with status {status}")
    return Tally(passed, failed, skipped, f"-- {name}\n{output.rstrip()}")


def test_scripts() -> list[Path]:
    """Those that look at the scripts themselves, and those that boot a machine."""
    return [path for folder in ("scripts", "boot", "guest") for path in sorted((ROOT / "tests" / folder).glob("*.py"))]


def main() -> int:
    (OUT / "tests").mkdir(parents=True, exist_ok=True)
    total = Tally()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        tallies = [pool.submit(host_test, Path(program)) for program in sys.argv[1:]]
        tallies.append(pool.submit(script_test, ROOT / "scripts/check_floors.py"))
        tallies += [pool.submit(script_test, script) for script in test_scripts()]
        for future in tallies:
            tally = future.result()
            print(tally.report, flush=True)
            total += tally
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
