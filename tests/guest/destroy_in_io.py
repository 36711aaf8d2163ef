# SPDX-License-Identifier: Apache-2.0
"""A Linux domain destroyed in the middle of disk and network I/O, beside a heartbeat: nobody else notices, and nothing is left behind."""
import sys

from domains import Domains, heart_beats
from harness.verdicts import skip_without_images
from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks
from machine.host_state import host_state, require_same
from scenario import Scenario

_ROUNDS = 3
# In the domain: a reader and a writer of its disk. In dom0: somebody who fetches its page again and again.
_DISK = ("(while :; do dd if=/dev/xvda of=/dev/null bs=64k; done) >/dev/null 2>&1 & "
         "(while :; do dd if=/dev/zero of=/root/fill bs=64k count=64; sync; done) >/dev/null 2>&1 & true")
_FETCH = "(while [ ! -e /tmp/stop ]; do timeout 5 wget -q -O /dev/null http://web/; done) >/dev/null 2>&1 & true"
_MOVED = "cat /sys/block/xvda/stat"


def live(scenario: Scenario) -> None:
    """The domain boots, its page is fetched: it works."""
    scenario.create_domain()
    scenario.watch_boot()
    scenario.leave_console()
    scenario.fetch_page()


def one_round(scenario: Scenario) -> None:
    """A life that ends while requests are on both rings."""
    live(scenario)
    scenario.enter_console()
    scenario.web.check(_DISK)
    scenario.web.check(f"a=$({_MOVED}); sleep 3; [ \"$a\" != \"$({_MOVED})\" ]", "the domain's disk is busy")
    scenario.leave_console()
    scenario.dom0.check(f"rm -f /tmp/stop; {_FETCH}")
    scenario.dom0.check("sleep 2; hospes destroy web", "hospes destroy", 120)
    scenario.dom0.check("touch /tmp/stop; sleep 6")


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "destroyed in the middle of I/O")
    skip_without_images(checks, "heartbeat")
    with booted("destroy-in-io", Hardware()) as (_, scenario):
        domains, seen = Domains(scenario), 0
        with checks.check("destroy in I/O: a heartbeat and a first life"):
            scenario.daemons_run()
            domains.create("heartbeat", "heartbeat", "")
            one_round(scenario)
            seen = heart_beats(domains, seen)
            scenario.dom0.check("sleep 5")
        before = host_state(scenario.dom0)
        for number in range(1, _ROUNDS + 1):
            with checks.check(f"destroy in I/O: round {number} leaves nothing behind, and the heartbeat goes on"):
                one_round(scenario)
                require_same(scenario.dom0, before, "after a domain that was destroyed in the middle of I/O")
                seen = heart_beats(domains, seen)
        with checks.check("destroy in I/O: the next domain works"):
            live(scenario)
            scenario.shut_down()
        scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
