# SPDX-License-Identifier: Apache-2.0
"""Mini-guests as domains beside dom0, and the heartbeat by which one of them tells that nobody disturbs it."""
import re

from machine.checks import require
from scenario import STATE, Scenario

_LOGS = "/var/log/hospes/console"
# A tick later than this many ms has been missed by more than two.
_LATEST = 2000


class Domains:
    """Mini-guests made and watched by dom0's tools."""

    def __init__(self, scenario: Scenario) -> None:
        self.dom0 = scenario.dom0

    def create(self, guest: str, name: str, options: str) -> None:
        self.dom0.check(f"sed 's|<name>.*|<name>{name}</name>|; s|<cmdline>.*|<cmdline>{options}</cmdline>|' "
                         f"{STATE}/guests/{guest}.xml >/tmp/{name}.xml")
        self.dom0.check(f"hospes create /tmp/{name}.xml", f"hospes create {name}", 120)

    def wait_for_line(self, name: str, pattern: str, seconds: int) -> None:
        self.dom0.check(f"n=0; until grep -qE '{pattern}' {_LOGS}/{name}.log || [ $n -ge {seconds} ]; do sleep 1; "
                         f"n=$((n+1)); done; grep -qE '{pattern}' {_LOGS}/{name}.log", f"{name} prints {pattern}", 600)

    def wait_for_end(self, name: str, seconds: int) -> None:
        self.dom0.check(f"n=0; while hospes list | grep -qw {name} && [ $n -lt {seconds} ]; do sleep 1; n=$((n+1)); "
                         f"done; ! hospes list | grep -qw {name}", f"{name} leaves the list", 600)

    def is_there(self, name: str) -> bool:
        return self.dom0.run(f"hospes list | grep -qw {name}", 120).status == 0

    def destroy(self, name: str) -> None:
        self.dom0.check(f"hospes destroy {name}", f"hospes destroy {name}", 120)

    def last_lines(self, name: str, count: int) -> str:
        return self.dom0.check(f"tail -n {count} {_LOGS}/{name}.log", f"the end of {name}'s console log", 120)

    def log(self, name: str) -> str:
        return self.dom0.check(f"cat {_LOGS}/{name}.log", f"the console log of {name}", 120)


def heart_beats(domains: Domains, seen: int) -> int:
    """Checks all ticks so far; returns how many there are, more than the seen ones."""
    domains.wait_for_line("heartbeat", f"^heartbeat {seen + 2},", 60)
    ticks = re.findall(r"^heartbeat (\d+), (\d+) ms late", domains.log("heartbeat"), re.MULTILINE)
    numbers = [int(number) for number, _ in ticks]
    require(numbers == list(range(1, len(numbers) + 1)), f"ticks are missing: {numbers}")
    late = max(int(delay) for _, delay in ticks)
    require(late <= _LATEST, f"a tick was {late} ms late")
    return len(numbers)
