# SPDX-License-Identifier: Apache-2.0
"""kill -9 of hospesd, consoled, blkbackd or netbackd: the domain does not notice, the list tells the truth, the console, the
disk and the card come back."""
import sys

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from machine.host_state import domains
from scenario import Scenario

_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def kill(scenario: Scenario, daemon: str) -> None:
    """Kills a daemon, and waits until init has started another."""
    old = scenario.dom0.check(f"pidof {daemon}").strip()
    scenario.dom0.check(f"kill -9 {old}")
    scenario.dom0.check(f"n=0; while p=$(pidof {daemon}); [ -z \"$p\" ] || [ \"$p\" = {old} ]; do sleep 1; n=$((n+1)); "
                        f"[ $n -lt 60 ] || break; done; pidof {daemon}", f"{daemon} is started again")


def boot_id(scenario: Scenario) -> str:
    """The identity of the domain's boot, asked on the console that is attached; leaves it."""
    answer = scenario.web.check(_BOOT_ID).strip()
    scenario.leave_console()
    return answer


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "a domain survives kill -9 of hospesd, consoled, blkbackd and netbackd")
    with checks.check("a domain survives kill -9 of its daemons: the machine boots and ends"):
        with booted("daemons-killed", Hardware()) as (_, scenario):
            scenario.daemons_run()
            scenario.create_domain()
            scenario.watch_boot()
            before = boot_id(scenario)
            with checks.check("after kill -9 of hospesd the list is true and the domain runs on"):
                number = domains(scenario.dom0)["web"]
                kill(scenario, "hospesd")
                require(domains(scenario.dom0).get("web") == number, "the list has lost the domain")
                scenario.fetch_page()
            with checks.check("after kill -9 of consoled the console works again and the domain runs on"):
                kill(scenario, "consoled")
                scenario.enter_console()
                require(boot_id(scenario) == before, "the domain has booted again")
            with checks.check("after kill -9 of blkbackd in the middle of I/O the disk goes on, and takes what is written"):
                scenario.enter_console()
                # It ends by itself on the first error, and is not there to be killed then.
                scenario.web.check("{ while dd if=/dev/zero of=/root/busy bs=64k count=16 conv=fsync; do :; done & } >/dev/null 2>&1")
                scenario.leave_console()
                kill(scenario, "blkbackd")
                scenario.enter_console()
                scenario.write_file()
                scenario.web.check("kill $!; sync")
                require(boot_id(scenario) == before, "the domain has booted again")
            with checks.check("after kill -9 of netbackd the card goes on"):
                kill(scenario, "netbackd")
                scenario.fetch_page()
            with checks.check("blkbackd and netbackd that get no pages to grant from gntalloc say so, and serve the domain"):
                scenario.dom0.check("! grep -l 'copies from and to domains will be slower' /var/log/hospes/*", "until now they had them")
                scenario.dom0.check("echo 0 >/sys/module/xen_gntalloc/parameters/limit")
                for daemon in ("blkbackd", "netbackd"):
                    kill(scenario, daemon)
                scenario.enter_console()
                scenario.write_file()
                scenario.leave_console()
                scenario.fetch_page()
                for daemon in ("blkbackd", "netbackd"):
                    scenario.dom0.check(f"grep 'copies from and to domains will be slower' /var/log/hospes/{daemon}.log")
            with checks.check("after all of them the domain is shut down in order, and its disk holds what it wrote"):
                scenario.shut_down()
                scenario.compare_file()
            scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
