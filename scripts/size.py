#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make size`: lines of code without blanks and comments, and the share of the core that no host test compiles."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_C_FAMILY = (".hpp", ".cpp", ".c", ".h", ".S", ".ld")
_SUFFIXES = (*_C_FAMILY, ".py", ".sh", ".mk")
_CORE_LIMIT = 15_000  # lines: the budget of the core
_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_LINE_COMMENT = re.compile(r"//.*")
_HASH_COMMENT = re.compile(r"^\s*#.*", re.M)


def lines_in(text: str, path: Path) -> int:
    """Lines of a file's text that hold more than blanks and comments."""
    if path.suffix in _C_FAMILY:
        text = _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", text))
    else:
        text = _HASH_COMMENT.sub("", text)
    return sum(bool(line.strip()) for line in text.splitlines())


def lines_of_code(path: Path) -> int:
    return lines_in(path.read_text(errors="replace"), path)


def files_of(*folders: str) -> list[Path]:
    """The source files below folders, each one once."""
    return sorted({path for folder in folders for path in (ROOT / folder).rglob("*")
                   if path.suffix in _SUFFIXES and path.is_file()})


def sum_of(files: list[Path]) -> int:
    return sum(lines_of_code(path) for path in files)


def compiled_for_the_host() -> set[Path]:
    """The files of hypervisor/ that a host test compiles, by the dependency files of the tests' objects."""
    seen: set[Path] = set()
    tests = [path for path in (ROOT / "out/obj").rglob("*.d") if "test" in path.relative_to(ROOT / "out/obj").parts[0]]
    for path in tests:
        words = path.read_text(errors="replace").replace("\\\n", " ").replace(":", " ").split()
        seen.update((ROOT / word).resolve() for word in words if word.startswith("hypervisor/"))
    return seen


def main() -> int:
    loader = files_of("hypervisor/loader")
    core = [path for path in files_of("hypervisor") if path not in loader]
    rest = {name: files_of(name) for name in ("dom0-tools", "xenstore", "guest-shims", "tests", "scripts")}
    core_lines = sum_of(core)
    print(f"{'core (hypervisor/ without loader/)':<40}{core_lines:>8}   budget {_CORE_LIMIT}")
    for floor in sorted(path for path in (ROOT / "hypervisor").iterdir() if path.is_dir() and path.name != "loader"):
        print(f"    {floor.name:<36}{sum_of(files_of(str(floor.relative_to(ROOT)))):>8}")
    print(f"{'loader':<40}{sum_of(loader):>8}")
    for name, files in rest.items():
        print(f"{name:<40}{sum_of(files):>8}")

    machine = [path for path in core if path.relative_to(ROOT).parts[1] in ("machine", "boot")]
    print(f"\nonly a machine can test (machine/, boot/): {sum_of(machine)} of {core_lines} lines of the core, "
          f"{100 * sum_of(machine) / max(core_lines, 1):.0f} %")
    reached = compiled_for_the_host()
    if reached:
        unreached = sum_of([path for path in core if path not in reached])
        print(f"no host test compiles:                     {unreached} of {core_lines} lines of the core, "
              f"{100 * unreached / max(core_lines, 1):.0f} %")
    else:
        print("no host test has been built: `make test` first, to see what the host tests compile")
    return 0 if core_lines <= _CORE_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
