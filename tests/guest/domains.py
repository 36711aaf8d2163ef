# SPDX-License-Identifier: Apache-2.0
"""Mini-guests as domains beside dom0: one tries every hypercall, one crashes in many ways, and a heartbeat beside them
shows that nobody else noticed."""
import sys

from harness.domains import Domains, heart_beats
from harness.guest_machine import read_verdicts
from harness.verdicts import report, skip_without_images
from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks
from scenario import Scenario

CRASHES = ("null", "page-table", "triple-fault", "hypervisor-stack", "panic", "no-user-root", "iret", "handler",
           "virtual-8086")


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


def registers(domains: Domains) -> None:
    """Two that fill their registers and give the processor away meet nothing of each other's."""
    names = ("registers-1", "registers-2")
    for number, name in enumerate(names, 1):
        domains.create("registers", name, f"pattern={number} rounds=200")
    for name in names:
        domains.wait_for_line(name, "^GUEST registers: 1 ok, 0 failed", 60)
        domains.wait_for_end(name, 30)


def debug_keys(scenario: Scenario) -> None:
    """Ctrl-A three times leads the serial line to the core and back; dom0 has its console again."""
    scenario.press_debug_key("h", r"key c: check")
    scenario.press_debug_key("q", r"d0: alive")
    scenario.press_debug_key("r", r"d0v0: ")
    scenario.press_debug_key("c", r": 0 differences")
    scenario.dom0.check("hospes debug keys g")
    scenario.dom0.check("hospes dmesg | grep 'grant frames'", "hospes dmesg shows what a debug key says")


def play(checks: Checks, scenario: Scenario, processors: int) -> None:
    domains, seen = Domains(scenario), 0
    what = f"domains, {processors} processors"
    with checks.check(f"{what}: a heartbeat starts"):
        scenario.daemons_run()
        domains.create("heartbeat", "heartbeat", "")
        seen = heart_beats(domains, seen)
    with checks.check(f"{what}: the core answers debug keys on the serial line"):
        debug_keys(scenario)
    for way in CRASHES:
        with checks.check(f"{what}: a crash by {way} stays where it is"):
            crash(domains, way)
            seen = heart_beats(domains, seen)
    with checks.check(f"{what}: an endless loop starves nobody"):
        seen = loop(domains, seen)
    with checks.check(f"{what}: the hypercalls guest runs as a domain"):
        hypercalls(checks, domains)
    with checks.check(f"{what}: two that fill all their registers find them unchanged"):
        registers(domains)
    with checks.check(f"{what}: the heartbeat obeys hospes shutdown"):
        heart_beats(domains, seen)
        scenario.dom0.check("hospes shutdown heartbeat --wait", "hospes shutdown", 120)
        domains.wait_for_end("heartbeat", 30)


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "mini-guests as domains")
    skip_without_images(checks, "crash")
    for processors in (1, 2):
        with booted(f"mini-guests-smp{processors}", Hardware(processors=processors, memory=1024, parallel=True)) as (_, scenario):
            play(checks, scenario, processors)
            scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
