# SPDX-License-Identifier: Apache-2.0
"""A stock domain with two vcpus: used, unplugged and plugged, pinned, weighed and capped while it is busy, and gone without a trace.

VCPUS_ROUNDS=1000 pins, unplugs and plugs that often; then nothing may be missing: no event, no vcpu."""
import json
import os
import re
import sys
import time

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from machine.host_state import host_state, require_same
from scenario import STATE, Scenario

_PROCESSORS = 2
_ROUNDS = int(os.environ.get("VCPUS_ROUNDS", "5"))
_BATCH = 25
_XML = "/tmp/vcpus.xml"
_TUNE = "<vcpu current='2'>2<\\/vcpu><cputune><shares>512<\\/shares><vcpupin vcpu='1' cpuset='0-1'\\/><\\/cputune>"
# Linux leaves it to udev to use a processor that has come; the domain's small root has none. Both vcpus compute; the disk is written;
# on each vcpu a process wakes up by the vcpu's own timer, and counts.
_LOAD = ("(while usleep 200000; do echo 1 >/sys/devices/system/cpu/cpu1/online; done) 2>/dev/null & for i in 1 2; do (while :; do :; done) & done; "
         "(while :; do dd if=/dev/urandom of=/root/load bs=4k count=16 2>/dev/null; sync; done) & "
         "for v in 1 2; do (n=0; while usleep 20000; do n=$((n+1)); echo $n >/run/beat$v; done) & taskset -p $v $! >/dev/null; done")
# One round: where a vcpu may run changes, it goes and comes, and may run anywhere again.
_ROUND = ("hospes vcpu-pin web all $((n % 2)) && hospes vcpu-set web 1 --wait && hospes vcpu-pin web 0 $(((n + 1) % 2)) && "
          "hospes vcpu-set web 2 --wait && hospes vcpu-pin web all all 0")


class Vcpus:
    """What hospes says of the domain's vcpus, and what is done to them."""

    def __init__(self, scenario: Scenario) -> None:
        self._dom0 = scenario.dom0

    def listed(self) -> list[dict]:
        return json.loads(self._dom0.check("hospes vcpu-list web --json"))["vcpus"]

    def top(self) -> dict:
        """The second of two looks, a second apart."""
        return json.loads(self._dom0.check("hospes top --json -n 2 -d 1").splitlines()[-1])

    def wait_until(self, what: str, holds) -> None:
        """Waits until the list of vcpus is as it should be."""
        deadline = time.monotonic() + 60
        while not holds(listed := self.listed()):
            require(time.monotonic() < deadline, f"not so after a minute: {what}; vcpus: {listed}")
            time.sleep(0.5)


def in_domain(scenario: Scenario, *commands: str) -> list[str]:
    """Runs commands on the domain's console; back in dom0's shell afterwards."""
    scenario.enter_console()
    answers = [scenario.web.check(command, limit=180) for command in commands]
    scenario.leave_console()
    return answers


def create(scenario: Scenario) -> None:
    scenario.dom0.check(f"sed \"s/<vcpu>.*<.vcpu>/{_TUNE}/\" {STATE}/web.xml >{_XML} && hospes check --strict {_XML}")
    scenario.dom0.check(f"hospes create {_XML}", limit=300)
    scenario.watch_boot()
    count = scenario.web.check("nproc").strip()
    scenario.leave_console()
    require(count == "2", f"nproc in the domain says {count}")


def plug(scenario: Scenario, vcpus: Vcpus) -> None:
    for _ in range(2):
        scenario.dom0.check("hospes vcpu-set web 1 --wait", limit=180)
        require([each["state"] == "offline" for each in vcpus.listed()] == [False, True], f"vcpu 1 is not offline: {vcpus.listed()}")
        scenario.dom0.check("hospes vcpu-set web 2 --wait", limit=180)
    require("offline" not in [each["state"] for each in vcpus.listed()], f"a vcpu is missing: {vcpus.listed()}")
    answer = scenario.dom0.run("hospes vcpu-set web 3")
    require(answer.status != 0 and "has 2 vcpus" in answer.output, f"a third vcpu: {answer}")


def pin(scenario: Scenario, vcpus: Vcpus) -> None:
    scenario.dom0.check("hospes vcpu-pin web all 1 -")
    vcpus.wait_until("both run on processor 1", lambda listed: all(each["cpu"] == 1 for each in listed))
    require(all(each["hard_affinity"] == [1] for each in vcpus.listed()), f"not pinned to 1: {vcpus.listed()}")
    scenario.dom0.check("hospes vcpu-pin web 0 0 1")
    vcpus.wait_until("vcpu 0 runs on processor 0", lambda listed: listed[0]["cpu"] == 0)
    require(vcpus.listed()[0]["soft_affinity"] == [1], f"the soft affinity is another: {vcpus.listed()}")
    answer = scenario.dom0.run("hospes vcpu-pin web 0 7")
    require(answer.status != 0 and "the machine has 0-1" in answer.output, f"pinned to processor 7: {answer}")
    scenario.dom0.check("hospes vcpu-pin web all all all")


def share(scenario: Scenario) -> None:
    def now() -> tuple[int, int]:
        row = json.loads(scenario.dom0.check("hospes sched web --json"))["domains"][0]
        return row["weight"], row["cap_percent"]
    require(now() == (512, 0), f"weight and cap are {now()}, the description says 512 and none")
    scenario.dom0.check("hospes sched web --weight 300 --cap 150")
    require(now() == (300, 150), f"weight and cap are {now()}")
    scenario.dom0.check("hospes sched web --cap 0")
    require(now() == (300, 0), f"weight and cap are {now()}")


def usage(vcpus: Vcpus) -> None:
    shown = vcpus.top()
    web = next(each for each in shown["domains"] if each["name"] == "web")
    require(any(each["name"] == "Domain-0" for each in shown["domains"]), f"dom0 is missing: {shown}")
    require(shown["processors"] == _PROCESSORS and 0 < shown["busy_percent"] <= 100, f"the machine: {shown}")
    require(0 < web["cpu_percent"] <= 100 * _PROCESSORS + 10, f"the domain's processor time: {web}")
    require(web["vcpus"] == 2 and web["memory_bytes"] == 256 << 20 and web["state"] == "running", f"the domain: {web}")


def disk_is_counted(vcpus: Vcpus) -> None:
    deadline = time.monotonic() + 120
    while not any(each["disk_write_bytes_per_s"] > 0 for each in vcpus.top()["domains"]):
        require(time.monotonic() < deadline, "top shows nothing written to the disk in two minutes")


def machine_is_shown(scenario: Scenario) -> None:
    machine = json.loads(scenario.dom0.check("hospes info --json"))
    require(machine["cpus"] == _PROCESSORS, f"hospes info: {machine}")
    require([each["online"] for each in machine["topology"]] == [True] * _PROCESSORS, f"topology: {machine['topology']}")
    places = {(each["socket"], each["core"]) for each in machine["topology"]}
    require(len(places) == _PROCESSORS, f"two processors in one place: {machine['topology']}")


def beats(scenario: Scenario) -> list[int]:
    # A file is empty for a moment while it is written anew.
    read = "until read n </run/beat{0} && [ -n \"$n\" ]; do :; done; echo $n"
    return [int(text) for text in in_domain(scenario, read.format(1), read.format(2))]


def nothing_is_lost(scenario: Scenario) -> None:
    """All of the domain still runs: both vcpus, their timers, the network, the disk; and its kernel has no complaint."""
    count, complaints = in_domain(scenario, "nproc", "dmesg | grep -E 'rcu.* stall|soft lockup|blocked for more|BUG:|Oops|WARNING:' || true")
    require(count.strip() == "2", f"nproc in the domain says {count}")
    require(not complaints.strip(), f"the domain's kernel complains: {complaints}")
    before = beats(scenario)
    time.sleep(1)
    deadline = time.monotonic() + 60
    while True:
        after = beats(scenario)
        if all(now > was for was, now in zip(before, after)):
            break
        require(time.monotonic() < deadline, f"a process that sleeps does not wake up any more: {before}, then {after}")
    in_domain(scenario, *(f"taskset {1 << vcpu} sleep 0.1" for vcpu in range(2)), "sync")
    scenario.fetch_page()


class LongPing:
    """dom0's ping to the domain, five a second, until it is asked how many came back."""

    _LOG, _PID = "/tmp/ping.log", "/tmp/ping.pid"

    def __init__(self, scenario: Scenario) -> None:
        self._dom0 = scenario.dom0
        self._dom0.check(f"ping -i 0.2 -c 1000000 web >{self._LOG} 2>&1 & echo $! >{self._PID}")

    def require_all(self) -> None:
        self._dom0.check(f"kill -INT $(cat {self._PID}) && wait")
        summary = self._dom0.check(f"grep transmitted {self._LOG}")
        counts = re.match(r"(\d+) packets transmitted, (\d+) packets received", summary)
        require(counts is not None, f"ping's summary: {summary}")
        sent, received = int(counts[1]), int(counts[2])
        require(received > 0 and sent - received <= 1, f"pings lost: {summary}")  # the last one may be on its way


def come_and_go(scenario: Scenario, rounds: int) -> None:
    ping = LongPing(scenario)
    for first in range(0, rounds, _BATCH):
        last = min(first + _BATCH, rounds)
        scenario.dom0.check(f"n={first}; while [ $n -lt {last} ] && {_ROUND}; do n=$((n+1)); done; [ $n -eq {last} ]", limit=1200)
        scenario.fetch_page()
    ping.require_all()


def play(checks: Checks, scenario: Scenario) -> None:
    vcpus = Vcpus(scenario)
    with checks.check("hospes info shows the processors"):
        machine_is_shown(scenario)
    scenario.dom0.check(f"hospes create --paused {STATE}/web.xml && hospes destroy web", limit=300)  # the store's folders
    before = host_state(scenario.dom0)
    with checks.check("a stock domain has two vcpus"):
        create(scenario)
    in_domain(scenario, _LOAD)
    with checks.check("a vcpu goes and comes while the domain is busy"):
        plug(scenario, vcpus)
    with checks.check("vcpus run where they are pinned"):
        pin(scenario, vcpus)
    with checks.check("weight and cap are as described, are set, and shown"):
        share(scenario)
    with checks.check("hospes top shows what the domain uses"):
        usage(vcpus)
        disk_is_counted(vcpus)
    with checks.check(f"pinned, unplugged and plugged {_ROUNDS} times under load, it loses no event and no vcpu"):
        come_and_go(scenario, _ROUNDS)
        nothing_is_lost(scenario)
    with checks.check("the domain leaves nothing behind"):
        scenario.shut_down()
        require_same(scenario.dom0, before, "after the domain")
    scenario.power_off()


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "a domain with two vcpus")
    with booted("vcpus", Hardware(processors=_PROCESSORS, memory=1024)) as (_, scenario):
        scenario.daemons_run()
        play(checks, scenario)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
