# SPDX-License-Identifier: Apache-2.0
"""Copies of the core and its host tests, with what is built of them. In a scratch copy lives one mutant at a time; only what it changes is
built anew, and afterwards sources and objects are put back as they were. The working tree is never touched."""
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from imaging.paths import OUT, ROOT
from mutation.mutant import Mutant

# The test programs, in the order they are run: the first that fails is the killer.
PROGRAMS = ("out/tests/hypervisor-unit", "out/tests/memory-orders", "out/tests/hypervisor-property")
_SOURCES = ("Makefile", "tests", "xenstore/sources.mk", *(f"hypervisor/{floor}" for floor in ("abi", "base", "x86", "ports", "core", "hypercall")))
_OBJECTS = ("out/obj/hypervisor-test", "out/obj/lost-wakeups")
# A program hangs when it computes so many times longer than without a mutant, and so many seconds at least; or when it waits so long.
_HANG_FACTOR = 10
_HANG_CPU_SECONDS = 60
_HANG_SECONDS = 1200.0

_TEST_CASE = re.compile(r'<TestCase name="([^"]*)"')
_EXPRESSION = re.compile(r"<Expanded>\s*(.*?)\s*</Expanded>|<(?:Exception|FatalErrorCondition|Failure)[^>]*>\s*(.*?)\s*</", re.DOTALL)
_SANITIZER = re.compile(r"(?:SUMMARY: \w+: |runtime error: )(.*)")


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""
    killer: str  # a test case, "the compiler", or empty: it lives, or is no proper mutant
    how: str     # what the killer saw, or why there is none


def _last_test(report: str) -> str:
    names = _TEST_CASE.findall(report)
    return unescape(names[-1]) if names else "before the first test"


def _reason(report: str, errors: str) -> str:
    if summary := _SANITIZER.search(errors):
        return summary.group(1).strip()
    if expression := _EXPRESSION.search(report):
        return " ".join(unescape(expression.group(1) or expression.group(2)).split())
    return "the program ended"


class Snapshot:
    """What the working tree is at this moment, and how long its tests take. AssertionError: they fail."""

    def __init__(self) -> None:
        self.tree = OUT / "mutants/snapshot"
        shutil.rmtree(self.tree, ignore_errors=True)
        for name in (*_SOURCES, *_OBJECTS, *PROGRAMS):
            source, target = ROOT / name, self.tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
        self._cpu_limits: dict[str, int] = {}
        self.program_of = {name: program for program in PROGRAMS for name in self._test_names(program)}

    def _test_names(self, program: str) -> list[str]:
        command = [program, "--list-test-names-only"]
        return subprocess.run(command, cwd=self.tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout.splitlines()

    def cpu_limit(self, program: str) -> int:
        """How long all tests of a program may compute, with a mutant."""
        if program not in self._cpu_limits:
            self._cpu_limits[program] = max(_HANG_CPU_SECONDS, _HANG_FACTOR * self._cpu_time(program))
        return self._cpu_limits[program]

    def _cpu_time(self, program: str) -> int:
        before = os.times().children_user
        done = subprocess.run([program], cwd=self.tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program} fails without any mutant:\n{done.stdout[-2000:]}"
        return int(os.times().children_user - before)


class Scratch:
    def __init__(self, number: int, snapshot: Snapshot) -> None:
        self._tree = OUT / "mutants" / str(number)
        self._snapshot = snapshot
        shutil.rmtree(self._tree, ignore_errors=True)
        shutil.copytree(snapshot.tree, self._tree)  # with their times: nothing needs building
        self._times = {path: path.stat().st_mtime_ns for path in (self._tree / "out").rglob("*") if path.is_file()}

    def try_out(self, mutant: Mutant, suspect: str = "") -> Verdict:
        """Builds and runs the tests with a mutant until one fails, `suspect` before all others."""
        try:
            for name, text in mutant.mutated(self._tree).items():
                (self._tree / name).write_text(text)
            tries = [(self._snapshot.program_of[suspect], suspect)] if suspect in self._snapshot.program_of else []
            for program, test in [*tries, *((program, "") for program in PROGRAMS)]:
                verdict = self._build(program, mutant) or self._run(program, test)
                if verdict:
                    return verdict
            return Verdict("", "every test passes")
        finally:
            self._put_back(mutant)

    def _build(self, program: str, mutant: Mutant) -> Verdict | None:
        done = subprocess.run(["make", "--no-print-directory", program], cwd=self._tree, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
        if mutant.compiler_says and mutant.compiler_says in done.stderr:
            return Verdict("the compiler", mutant.compiler_says)
        errors = [line for line in done.stderr.splitlines() if "error:" in line] or [done.stderr]
        return Verdict("", f"does not compile: {errors[0]}")

    def _run(self, program: str, test: str) -> Verdict | None:
        """Runs one test, or all. None: they pass."""
        report = self._tree / "out/report.xml"
        limit = _HANG_CPU_SECONDS if test else self._snapshot.cpu_limit(program)
        command = ["prlimit", f"--cpu={limit}", program, "--abort", "-r", "xml"]
        command += [re.sub(r"([\\,\[])", r"\\\1", test)] if test else []
        with report.open("w") as output:
            try:
                done = subprocess.run(command, cwd=self._tree, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, text=True,
                                      timeout=_HANG_SECONDS, check=False)
                status, errors = done.returncode, done.stderr
            except subprocess.TimeoutExpired:
                status, errors = -signal.SIGXCPU, ""
        text = report.read_text(errors="replace")
        if status == -signal.SIGXCPU:
            return Verdict(_last_test(text), "does not come to an end")
        return None if status == 0 else Verdict(_last_test(text), _reason(text, errors))

    def _put_back(self, mutant: Mutant) -> None:
        for name in mutant.files():
            shutil.copy2(self._snapshot.tree / name, self._tree / name)
        for path, changed in self._times.items():
            if not path.exists() or path.stat().st_mtime_ns != changed:
                shutil.copy2(self._snapshot.tree / path.relative_to(self._tree), path)
