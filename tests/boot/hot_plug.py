# SPDX-License-Identifier: Apache-2.0
"""Processors leave the running machine and come back, under load, while dom0's clock and timers go on."""
import sys

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks
from scenario import Scenario

_ROUNDS = 5
_CPUS = "/sys/devices/system/xen_cpu"
_LIMIT = 60  # s
_LOAD = "for i in 1 2 3 4; do (while :; do :; done) & done"


def switch(scenario: Scenario, cpu: int, online: bool) -> None:
    """Through dom0's own driver (platform_op): writes its file; waits until it reads so. What the file reads is what the driver found
    when it last asked, in a worker thread that VIRQ_PCPU_STATE has started (drivers/xen/pcpu.c): soon after the write, not with it."""
    path, state = f"{_CPUS}/xen_cpu{cpu}/online", int(online)
    step = f"processor {cpu} goes {'on' if online else 'off'}line"
    scenario.dom0.check(f"echo {state} >{path}", step, _LIMIT)
    scenario.dom0.check(f"n=0; until [ $(cat {path}) = {state} ] || [ $n -ge {_LIMIT}0 ]; do sleep 0.1; n=$((n+1)); done; "
                        f"[ $(cat {path}) = {state} ]", f"{step}, and dom0 hears of it", 4 * _LIMIT)


def come_and_go(scenario: Scenario, processors: int, rounds: int) -> None:
    others = range(1, processors)
    for _ in range(rounds):
        for cpu in others:
            switch(scenario, cpu, False)
        scenario.dom0.check("sleep 0.2", "a timer of dom0 fires")
        for cpu in others:
            switch(scenario, cpu, True)


def vcpus_answer(scenario: Scenario, processors: int) -> None:
    """Each vcpu of dom0 runs what is bound to it, and wakes from a sleep there."""
    for vcpu in range(processors):
        scenario.dom0.check(f"taskset {1 << vcpu:x} sleep 0.1", f"vcpu {vcpu} of dom0 sleeps and wakes up", 60)


def play(checks: Checks, scenario: Scenario, processors: int) -> None:
    what = f"{processors} processors"
    with checks.check(f"{what}: dom0 knows them all"):
        scenario.dom0.check(f"ls -d {_CPUS}/xen_cpu{processors - 1} && ! ls -d {_CPUS}/xen_cpu{processors} 2>/dev/null")
    with checks.check(f"{what}: all but one go offline and come back, idle"):
        come_and_go(scenario, processors, _ROUNDS)
        vcpus_answer(scenario, processors)
    with checks.check(f"{what}: the same with four busy loops in dom0"):
        scenario.dom0.check(_LOAD)
        come_and_go(scenario, processors, _ROUNDS)
        vcpus_answer(scenario, processors)
        scenario.dom0.check("kill $(jobs -p)")
    with checks.check(f"{what}: the machine switches off with one processor offline"):
        switch(scenario, processors - 1, False)
        scenario.power_off()


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "processors that come and go")
    for processors in (2, 4):
        with booted(f"hot-plug-smp{processors}", Hardware(processors=processors, memory=1024)) as (_, scenario):
            play(checks, scenario, processors)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
