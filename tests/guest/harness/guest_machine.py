# SPDX-License-Identifier: Apache-2.0
"""A machine that boots a mini-guest as its initial domain, and what the guest said."""
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imaging.mini_guest import mini_guest_disk
from imaging.paths import OUT
from machine.qemu import Machine, MachineConfig, MachineError

_SUMMARY = r"GUEST (\S+): (\d+) ok, (\d+) failed, (\d+) skipped"
# How either hypervisor says that the initial domain is gone, and that it is itself in trouble.
_ENDED = r"Hardware Dom0 (?:halted|crashed|rebooted|shutdown)|dom0 asks for|domain 0 crashed"
_STOPPED = r"stopped here|not rebooting|halting machine"
# What the core's option "check" prints when the initial domain ends in order.
_VERDICT = r"check: \d+ frames.*: (\d+) differences|check: step .* cannot be run"
_PANIC = r"PANIC on pcpu|FATAL TRAP|Panic on CPU"


@dataclass
class Outcome:
    """What one boot of a guest showed. ended: "summary", "ended" (the domain is gone), "panic", "silent", "off",
    or behind a summary "differences" (found by the core's invariant checker) or "unchecked" (it gave no verdict)."""
    ended: str
    text: str
    verdicts: dict[str, str] = field(default_factory=dict)  # test: "" when ok, else the reason
    skipped: dict[str, str] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)  # what is printed only to be compared
    unfinished: str | None = None  # the test that was running when the log ended

    @property
    def tail(self) -> str:
        return "\n".join(self.text.splitlines()[-25:])


def read_verdicts(text: str) -> Outcome:
    """Sorts the RUN, TEST and VIEW lines of a log."""
    outcome = Outcome("silent", text)
    for line in text.splitlines():
        if match := re.match(r"RUN  (\w+)$", line):
            outcome.unfinished = match[1]
        elif match := re.match(r"VIEW (\w+): (.*)$", line):
            outcome.views[match[1]] = match[2]
        elif match := re.match(r"TEST (\w+): (ok|FAILED|skipped)(?: \((.*)\))?$", line):
            if match[2] == "skipped":
                outcome.skipped[match[1]] = match[3]
            else:
                outcome.verdicts[match[1]] = "" if match[2] == "ok" else match[3]
            outcome.unfinished = None
    return outcome


def machine_of(hypervisor: str, guest: str, options: str = "", *, hypervisor_options: str = "", memory: int = 512,
               processors: int = 1, extra: tuple[str, ...] = ()) -> tuple[MachineConfig, Path]:
    """A machine whose initial domain is the guest, and the file for its serial log. Each script has files of its own: two may run the
    same guest at the same time."""
    script = Path(sys.argv[0]).stem
    checked = f"check {hypervisor_options}".strip() if hypervisor == "hospes" else hypervisor_options
    image = mini_guest_disk(hypervisor, guest, options, checked, script)
    log = OUT / "tests/guest" / f"{script}-{guest}-{hypervisor}.log"
    return MachineConfig(image, None, memory, processors, extra=list(extra), parallel=True), log


def run_guest(hypervisor: str, guest: str, options: str = "", *, until: str = _SUMMARY, limit: float = 240,
              **machine_words: Any) -> Outcome:
    """Boots the guest as the initial domain and reads the console until `until` matches, the domain or the machine ends,
    or nothing of that kind happened within limit seconds."""
    config, log = machine_of(hypervisor, guest, options, **machine_words)
    ended = "silent"
    with Machine(config, log) as machine:
        try:
            ended = ("summary", "ended", "panic")[machine.expect([until, _ENDED, _PANIC], guest, limit)]
            if ended == "ended":  # the hypervisor's last words are to be in order
                ended = ("ended", "panic")[machine.expect([_STOPPED, _PANIC], guest, 20)]
            if ended == "summary" and until == _SUMMARY and hypervisor == "hospes":
                ended = "unchecked"
                machine.expect(_VERDICT, guest, 120)
                ended = "summary" if machine.child.match.group(1) == b"0" else "differences"
            machine.expect(r"\n", guest, 10)
        except MachineError as error:
            if error.reason == "QEMU ended":
                ended = "off" if ended == "silent" else ended
    text = log.read_bytes().decode("utf-8", "replace").replace("\r", "")
    outcome = read_verdicts(text)
    outcome.ended = ended
    return outcome
