# SPDX-License-Identifier: Apache-2.0
"""A hostile guest: random hypercalls, page-table writes, ring garbage, exceptions and user code from a seed. Alone as
initial domain, and beside a heartbeat with which it exchanges grants. The hypervisor stays whole and grants nothing that
it may not; no heartbeat is missed by more than two ticks, no frame is lost, and the invariant checker finds nothing.

`make soak CALLS=n SEED=s` sets SOAK_CALLS and SOAK_SEED: then only the latter is run, that long."""
import os
import re
import sys
import time

from harness.domains import Domains, heart_beats
from harness.guest_machine import run_guest
from harness.verdicts import HYPERVISOR, skip_without_images
from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from machine.host_state import host_state, require_same
from scenario import Scenario

SEED = int(os.environ.get("SOAK_SEED") or 1)
CALLS = int(os.environ.get("SOAK_CALLS") or 0)
_SHORT = 20000
_CALLS_A_SECOND = 200  # on a machine that is busy with other things
_LOOK = 60  # seconds between two looks at a long run


def alone(seed: int, calls: int) -> None:
    outcome = run_guest(HYPERVISOR, "soak", f"seed={seed} calls={calls}", limit=240 + calls / _CALLS_A_SECOND)
    require(outcome.ended == "summary", f"the log ends with ({outcome.ended}):\n{outcome.tail}")
    require("1 ok, 0 failed" in outcome.text, f"a breach:\n{outcome.tail}")


def wait_for_soak(domains: Domains, limit: float) -> str:
    """Looks at the hostile guest until its summary; meanwhile at the heartbeat."""
    deadline = time.monotonic() + limit
    while True:
        was_there = domains.is_there("soak")
        lines = domains.last_lines("soak", 3)
        if re.search("^GUEST soak:", lines, re.MULTILINE):
            return lines
        require(time.monotonic() < deadline and was_there, f"no summary, but: {domains.last_lines('soak', 25)}")
        beat = domains.last_lines("heartbeat", 1)
        print(f"     {lines.splitlines()[-1] if lines else ''}; {beat}", flush=True)
        time.sleep(min(_LOOK, 5 + limit / 200))


def beside(scenario: Scenario, seed: int, calls: int) -> str:
    domains = Domains(scenario)
    domains.create("hello", "hello", "")  # the first domain leaves what is made once: folders in the store, tables of dom0's
    domains.wait_for_end("hello", 60)
    before = host_state(scenario.dom0)
    domains.create("heartbeat", "heartbeat", "partner=3")
    domains.create("soak", "soak", f"domain seed={seed} calls={calls} neighbour=2")
    lines = wait_for_soak(domains, 240 + calls / _CALLS_A_SECOND)
    require("1 ok, 0 failed" in lines, f"a breach: {lines}")
    domains.wait_for_end("soak", 60)
    ticks = heart_beats(domains, 1)
    require("BREACH" not in domains.log("heartbeat"), "the heartbeat's own memory has changed")
    beat = domains.last_lines("heartbeat", 1)
    domains.destroy("heartbeat")
    domains.wait_for_end("heartbeat", 60)
    require_same(scenario.dom0, before, "two guests that have gone")
    return f"{lines.splitlines()[0]}; {ticks} ticks, {beat}"


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "soak")
    if not CALLS:
        checks.run(f"soak: {_SHORT} hostile calls from seed {SEED}", lambda: alone(SEED, _SHORT))
    if HYPERVISOR != "hospes":
        return checks.status()
    skip_without_hypervisor(checks, "soak beside a heartbeat")
    calls = CALLS or _SHORT
    with booted(f"soak-{SEED}", Hardware(memory=1024)) as (_, scenario):
        with checks.check(f"soak beside a heartbeat: {calls} hostile calls from seed {SEED}"):
            scenario.daemons_run()
            print(f"     {beside(scenario, SEED, calls)}", flush=True)
        scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
