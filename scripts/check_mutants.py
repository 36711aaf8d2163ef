#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks, in `make test`, that every mutant of tests/mutants still fits the source it changes. `make mutants` tries them out."""
import sys

from imaging.paths import ROOT
from mutation.mutant import Unfit, load_mutants


def main() -> int:
    wrong = 0
    mutants = load_mutants()
    for mutant in mutants:
        try:
            mutant.mutated(ROOT)
        except (Unfit, OSError) as error:
            wrong += 1
            print(f"tests/mutants/{mutant.name}.toml: {error}")
    print(f"{'not ok' if wrong else 'ok'} {len(mutants)} mutants fit the source")
    return 1 if wrong or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
