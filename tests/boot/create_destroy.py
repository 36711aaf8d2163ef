# SPDX-License-Identifier: Apache-2.0
"""Create and destroy, 25 times, the last one killed while it boots: memory and the store are what they were."""
import sys
import time

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from machine.host_state import HostState, domains, host_state, require_same
from machine.shell import Shell
from scenario import STATE

ROUNDS = 25
_FULL_LIFE = 6  # every so many rounds the domain may boot to its end; the others die while their kernel starts
_LOG = "/var/log/hospes/console/web.log"


def wait_for_log(dom0: Shell, text: str, limit: float) -> None:
    """Waits until the domain has written a text on its console since its log was emptied."""
    dom0.check(f"n=0; until grep -q '{text}' {_LOG} || [ $n -ge 200 ]; do usleep 500000; n=$((n+1)); done; "
               f"grep -q '{text}' {_LOG}", f"the domain says '{text}'", limit)


def settled(dom0: Shell) -> HostState:
    """The state once the back ends have let go of the last domain."""
    last = host_state(dom0)
    time.sleep(3)
    while (now := host_state(dom0)) != last:
        last = now
        time.sleep(3)
    return now


def one_round(dom0: Shell, until: str) -> None:
    """One life, as long as the console's log has not shown a text."""
    dom0.check(f"[ ! -e {_LOG} ] || : >{_LOG}")
    dom0.check(f"hospes create {STATE}/web.xml", limit=300)
    require("web" in domains(dom0), "the domain is not in the list after its create")
    wait_for_log(dom0, until, 300)
    dom0.check("hospes destroy web")


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "25 times create and destroy leave the host as it was")
    with checks.check(f"{ROUNDS} times create and destroy leave the host as it was"):
        with booted("create-destroy", Hardware()) as (_, scenario):
            scenario.daemons_run()
            # The first life of all leaves the store's fixed folders, and two pages for dom0's own mappings, once.
            one_round(scenario.dom0, "web: ready")
            before = settled(scenario.dom0)
            for number in range(ROUNDS - 2):
                one_round(scenario.dom0, "web: ready" if number % _FULL_LIFE == 0 else "Linux version")
                require_same(scenario.dom0, before, "after a round")
            one_round(scenario.dom0, "Booting kernel on Xen")
            require_same(scenario.dom0, before, "after a domain that was killed while it booted")
            scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
