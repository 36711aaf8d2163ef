# SPDX-License-Identifier: Apache-2.0
"""Mini-guests as domains beside dom0: one tries every hypercall, one crashes in many ways, and a heartbeat beside them
shows that nobody else noticed."""
import re
import sys

from harness.guest_machine import read_verdicts
from harness.verdicts import report, skip_without_images
from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from scenario import STATE, Scenario

_LOGS = "/var/log/hospes/console"
CRASHES = ("null", "page-table", "triple-fault", "hypervisor-stack", "panic", "no-user-root", "iret", "handler",
           "virtual-8086")
# A tick later than this many ms has been missed by more than two.
_LATEST = 2000


class Domains:
    """Mini-guests made and watched by dom0's tools."""

    def __init__(self, scenario: Scenario) -> None:
        self._dom0 = scenario.dom0

    def create(self, guest: str, name: str, options: str) -> None:
        self._dom0.check(f"sed 's|<name>.*|<name>{name}</name>|; s|<cmdline>.*|<cmdline>{options}</cmdline>|' "
                         f"{STATE}/guests/{guest}.xml >/tmp/{name}.xml")
        self._dom0.check(f"hospes create /tmp/{name}.xml", f"hospes create {name}", 120)

    def wait_for_line(self, name: str, pattern: str, seconds: int) -> None:
        self._dom0.check(f"n=0; until grep -qE '{pattern}' {_LOGS}/{name}.log || [ $n -ge {seconds} ]; do sleep 1; "
                         f"n=$((n+1)); done; grep -qE '{pattern}' {_LOGS}/{name}.log", f"{name} prints {pattern}", 600)

    def wait_for_end(self, name: str, seconds: int) -> None:
        self._dom0.check(f"n=0; while hospes list | grep -qw {name} && [ $n -lt {seconds} ]; do sleep 1; n=$((n+1)); "
                         f"done; ! hospes list | grep -qw {name}", f"{name} leaves the list", 600)

    def destroy(self, name: str) -> None:
        self._dom0.check(f"hospes destroy {name}", f"hospes destroy {name}", 120)

    def log(self, name: str) -> str:
        return self._dom0.check(f"cat {_LOGS}/{name}.log", f"the console log of {name}", 120)


def heart_beats(domains: Domains, seen: int) -> int:
    """Checks all ticks so far; returns how many there are, more than the seen ones."""
    domains.wait_for_line("heartbeat", f"^heartbeat {seen + 2},", 60)
    ticks = re.findall(r"^heartbeat (\d+), (\d+) ms late", domains.log("heartbeat"), re.MULTILINE)
    numbers = [int(number) for number, _ in ticks]
    require(numbers == list(range(1, len(numbers) + 1)), f"ticks are missing: {numbers}")
    late = max(int(delay) for _, delay in ticks)
    require(late <= _LATEST, f"a tick was {late} ms late")
    return len(numbers)


def crash(domains: Domains, way: str) -> None:
    name = f"crash-{way}"
    domains.create("crash", name, f"way={way}")
    domains.wait_for_end(name, 30)


def loop(domains: Domains, seen: int) -> int:
    domains.create("crash", "crash-loop", "way=loop")
    domains.wait_for_line("crash-loop", "looping", 30)
    seen = heart_beats(domains, seen)
    domains.destroy("crash-loop")
    domains.wait_for_end("crash-loop", 30)
    return seen


def hypercalls(checks: Checks, domains: Domains) -> None:
    domains.create("hypercalls", "hypercalls", "domain")
    domains.wait_for_line("hypercalls", "^GUEST", 120)
    outcome = read_verdicts(domains.log("hypercalls"))
    outcome.ended = "summary"
    report(checks, "domain", outcome)
    domains.wait_for_end("hypercalls", 30)


def play(checks: Checks, scenario: Scenario, processors: int) -> None:
    domains, seen = Domains(scenario), 0
    what = f"domains, {processors} processors"
    with checks.check(f"{what}: a heartbeat starts"):
        scenario.daemons_run()
        domains.create("heartbeat", "heartbeat", "")
        seen = heart_beats(domains, seen)
    for way in CRASHES:
        with checks.check(f"{what}: a crash by {way} stays where it is"):
            crash(domains, way)
            seen = heart_beats(domains, seen)
    with checks.check(f"{what}: an endless loop starves nobody"):
        seen = loop(domains, seen)
    with checks.check(f"{what}: the hypercalls guest runs as a domain"):
        hypercalls(checks, domains)
    with checks.check(f"{what}: the heartbeat obeys hospes shutdown"):
        heart_beats(domains, seen)
        scenario.dom0.check("hospes shutdown heartbeat --wait", "hospes shutdown", 120)
        domains.wait_for_end("heartbeat", 30)


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "mini-guests as domains")
    skip_without_images(checks, "crash")
    for processors in (1, 2):
        with booted(f"mini-guests-smp{processors}", Hardware(processors=processors, memory=1024)) as (_, scenario):
            play(checks, scenario, processors)
            scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
