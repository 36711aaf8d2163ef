# SPDX-License-Identifier: Apache-2.0
"""How a test script tells scripts/test.py what it found: one line a check, "ok", "not ok" or "skip"."""
from collections.abc import Callable
from types import TracebackType

from .qemu import MachineError


class CheckFailed(Exception):
    """What a check says when the subject did not do what it should."""


def require(condition: bool, complaint: str) -> None:
    """Fails the check that is under way, with one sentence, unless the condition holds."""
    if not condition:
        raise CheckFailed(complaint)


class Checks:
    """The checks of one script: `with checks.check("dom0 sees its disk"): ...`; ends with `sys.exit(checks.status())`."""

    def __init__(self) -> None:
        self.failed = 0

    def check(self, sentence: str) -> "_Check":
        """A block that is one check. A failure ends the check, not the script."""
        return _Check(self, sentence)

    def run(self, sentence: str, body: Callable[[], None]) -> None:
        """The same for a function."""
        with self.check(sentence):
            body()

    def skip(self, sentence: str, reason: str) -> None:
        """Says that a check was not made, and why."""
        print(f"skip {sentence}: {reason}", flush=True)

    def status(self) -> int:
        return 1 if self.failed else 0


class _Check:
    def __init__(self, checks: Checks, sentence: str) -> None:
        self._checks = checks
        self._sentence = sentence

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> bool:
        if error is None:
            print(f"ok {self._sentence}", flush=True)
            return False
        if not isinstance(error, Exception):
            return False
        self._checks.failed += 1
        print(f"not ok {self._sentence}: {error}", flush=True)
        if isinstance(error, MachineError):
            print("---- the end of the serial log", error.tail, "----", sep="\n", flush=True)
        return True
