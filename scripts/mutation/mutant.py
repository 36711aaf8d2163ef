# SPDX-License-Identifier: Apache-2.0
"""The descriptors of tests/mutants: a known mistake as a change of our source."""
import tomllib
from dataclasses import dataclass
from pathlib import Path

from imaging.paths import ROOT

FOLDER = ROOT / "tests/mutants"


class Unfit(Exception):
    """A descriptor that is malformed, or does not fit the source any more."""


@dataclass(frozen=True)
class Change:
    """In `file`, the text `old`, which is there exactly once, becomes `new`."""
    file: str
    old: str
    new: str

    def applied_to(self, text: str) -> str:
        found = text.count(self.old)
        if found != 1:
            raise Unfit(f"{self.file} has {found} places with the text to change:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    name: str
    advisory: str        # the public advisory whose mistake this is
    mistake: str         # in one sentence
    changes: tuple[Change, ...]
    compiler_says: str   # part of the message of a guard that does not even let it compile; empty: a test must notice it

    def files(self) -> list[str]:
        return list(dict.fromkeys(change.file for change in self.changes))

    def mutated(self, tree: Path) -> dict[str, str]:
        """The changed files, by their names, with their new text. Unfit: the source is not what the descriptor expects."""
        texts = {name: (tree / name).read_text() for name in self.files()}
        for change in self.changes:
            texts[change.file] = change.applied_to(texts[change.file])
        return texts


def _load(path: Path) -> Mutant:
    try:
        raw = tomllib.loads(path.read_text())
        changes = tuple(Change(c["file"], c["old"].strip("\n"), c["new"].strip("\n")) for c in raw.pop("change"))
        mutant = Mutant(path.stem, raw.pop("advisory"), raw.pop("mistake"), changes, raw.pop("compiler_says", ""))
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise Unfit(f"{path.name}: {error}") from error
    if raw:
        raise Unfit(f"{path.name}: unknown keys {', '.join(raw)}")
    return mutant


def load_mutants() -> list[Mutant]:
    return [_load(path) for path in sorted(FOLDER.glob("*.toml"))]
