#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make coverage`: which lines and branches of the core the host tests run, by gcov's counts.

coverage.py --objects DIR --least PERCENT SOURCE_FOLDER...

Counted is every branch that gcov knows, but for the edges of C++ exceptions (the core has none: they are compiled in only because a failed
assertion throws on the host) and for lines with HV_ASSERT or HV_PANIC, whose cold side no input may reach."""
import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imaging.paths import ROOT

_ASSERTION = re.compile(r"\bHV_(ASSERT|PANIC)\(")


@dataclass
class Line:
    """One line of one function, over all objects that hold the function."""
    count: int = 0
    branches: list[int] = field(default_factory=list)

    def add(self, count: int, branches: list[int]) -> None:
        self.count += count
        longer, shorter = sorted((self.branches, branches), key=len, reverse=True)
        self.branches = [taken + (shorter[i] if i < len(shorter) else 0) for i, taken in enumerate(longer)]


@dataclass
class Tally:
    """How many there are, and how many of them ran."""
    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_taken: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.lines + other.lines, self.lines_run + other.lines_run, self.branches + other.branches,
                     self.branches_taken + other.branches_taken)


Place = tuple[str, int, str]  # file, line, function


def gcov(notes: Path) -> dict[str, Any]:
    """gcov's report on one object; one that never ran has all counts 0."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", str(notes)], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def conditional(branches: list[dict[str, Any]]) -> list[int]:
    """The counts of branches that decide something: a call that may throw is a pair of edges, of which neither counts."""
    kept: list[int] = []
    for branch in branches:
        if not branch["throw"]:
            kept.append(branch["count"])
        elif kept:
            kept.pop()
    return kept


def collect(objects: Path, folders: list[str]) -> dict[Place, Line]:
    lines: dict[Place, Line] = defaultdict(Line)
    with ThreadPoolExecutor() as pool:
        for report in pool.map(gcov, sorted(objects.rglob("*.gcno"))):
            for file in report["files"]:
                if not file["file"].startswith(tuple(folders)):
                    continue
                for line in file["lines"]:
                    place = (file["file"], line["line_number"], line.get("function_name", ""))
                    lines[place].add(line["count"], conditional(line["branches"]))
    return lines


def assertion_lines(name: str) -> set[int]:
    text = (ROOT / name).read_text().splitlines()
    return {number for number, line in enumerate(text, 1) if _ASSERTION.search(line)}


def tallies(lines: dict[Place, Line]) -> dict[str, Tally]:
    by_file: dict[str, Tally] = defaultdict(Tally)
    assertions = {name: assertion_lines(name) for name in {place[0] for place in lines}}
    for (name, number, _), line in lines.items():
        branches = [] if number in assertions[name] else line.branches
        by_file[name] += Tally(1, line.count > 0, len(branches), sum(taken > 0 for taken in branches))
    return by_file


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:6.1f} %" if whole else "       -"


def show(name: str, tally: Tally) -> None:
    print(f"{name:<52}{percent(tally.lines_run, tally.lines)} of {tally.lines:<5}"
          f"{percent(tally.branches_taken, tally.branches)} of {tally.branches}")


def show_misses(lines: dict[Place, Line]) -> None:
    """For who writes tests: each line that lacks a branch."""
    for (name, number, function), line in sorted(lines.items()):
        missing = [i for i, taken in enumerate(line.branches) if taken == 0]
        if missing and number not in assertion_lines(name):
            print(f"{name}:{number}: branches {missing} of {len(line.branches)} not taken ({function})")


def report_shortfall(by_folder: dict[str, Tally], least: float) -> int:
    """The exit status: 1 when a folder has less than it must."""
    short = {folder: tally for folder, tally in by_folder.items() if 100 * tally.branches_taken < least * tally.branches}
    for folder, tally in short.items():
        print(f"coverage: {percent(tally.branches_taken, tally.branches).strip()} of the branches of {folder}, at least {least:g} % are asked for",
              file=sys.stderr)
    return 1 if short else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=Path, required=True)
    parser.add_argument("--least", type=float, required=True, help="percent of the branches of a folder below which this fails")
    parser.add_argument("--misses", action="store_true", help="list the branches not taken")
    parser.add_argument("folders", nargs="+")
    arguments = parser.parse_args()
    folders = [folder.rstrip("/") + "/" for folder in arguments.folders]
    lines = collect(arguments.objects, folders)
    by_file = tallies(lines)
    if arguments.misses:
        show_misses(lines)
    print(f"{'':<52}   lines            branches")
    for name in sorted(by_file):
        show(name, by_file[name])
    by_folder = {folder: sum((tally for name, tally in by_file.items() if name.startswith(folder)), Tally()) for folder in folders}
    for folder, tally in by_folder.items():
        show(folder, tally)
    show("total", sum(by_file.values(), Tally()))
    print("not counted: edges of C++ exceptions, and the failing side of HV_ASSERT and HV_PANIC")
    return report_shortfall(by_folder, arguments.least)


if __name__ == "__main__":
    sys.exit(main())
