# SPDX-License-Identifier: Apache-2.0
"""What cannot work is refused with one clear message, exit status 1, and nothing left behind."""
import sys
from dataclasses import dataclass

from machine.bench import Hardware, booted, skip_without_hypervisor
from machine.checks import Checks, require
from machine.host_state import HostState, host_state, require_same
from machine.shell import Shell
from scenario import STATE

_FILE = "/tmp/bad.xml"


@dataclass(frozen=True)
class BadInput:
    """A sed script that spoils examples/web.xml (or what to prepare), and words that the message must have."""
    sentence: str
    spoil: str
    words: tuple[str, ...]
    prepare: str = ":"
    clean_up: str = ":"


CASES = (
    BadInput("malformed XML", "s|</devices>||", ("bad.xml:", "devices")),
    BadInput("a misspelt element", "s|<vcpu>1</vcpu>|<vpcu>1</vpcu>|", ("bad.xml:", "vpcu", "vcpu")),
    BadInput("an element that is nobody's", "s|<vcpu>1</vcpu>|<teapot/>|", ("bad.xml:", "teapot")),
    BadInput("an element that is not supported", "s|<console type|<graphics type='vnc'/><hostdev mode='subsystem' "
             "type='pci'/><console type|", ("bad.xml:", "hostdev")),
    BadInput("a kernel that is not there", "s|kernels/vmlinuz|kernels/nothing|", ("bad.xml:", "kernels/nothing")),
    BadInput("a truncated kernel image", "s|kernels/vmlinuz|kernels/short|", ("kernels/short",),
             f"head -c 3000000 {STATE}/kernels/vmlinuz >{STATE}/kernels/short", f"rm {STATE}/kernels/short"),
    BadInput("a kernel that is not for Xen", "s|/var/lib/hospes/kernels/vmlinuz|/bin/busybox|", ("/bin/busybox",)),
    BadInput("a kernel that is no kernel", "s|/var/lib/hospes/kernels/vmlinuz|/etc/profile|", ("/etc/profile",)),
    BadInput("a disk that is not there", "s|images/web.img|images/nothing.img|", ("bad.xml:", "images/nothing.img")),
    BadInput("a disk that dom0 uses", "", ("bad.xml:", "images/web.img", "loop"),
             f"losetup /dev/loop7 {STATE}/images/web.img", "losetup -d /dev/loop7"),
    BadInput("a bridge that is not there", "s|hospes0|nobridge0|", ("bad.xml:", "nobridge0", "bridge")),
    BadInput("more memory than is free", "s|<memory unit='MiB'>256|<memory unit='GiB'>64|", ("64", "free")),
)


def refuse(dom0: Shell, case: BadInput, before: HostState) -> None:
    """Tries the spoilt file."""
    dom0.check(case.prepare)
    dom0.check(f'sed "{case.spoil}" {STATE}/web.xml >{_FILE}')
    answer = dom0.run(f"hospes create {_FILE}")
    dom0.check(case.clean_up)
    require(answer.status == 1, f"exit status {answer.status}: {answer.output}")
    for word in case.words:
        require(word in answer.output, f"the message does not name '{word}': {answer.output}")
    require(len(answer.output.splitlines()) <= 3, f"that is not one clear message: {answer.output}")
    require_same(dom0, before, "after the refusal")


def refuse_second(dom0: Shell, spoil: str, words: tuple[str, ...]) -> None:
    """Tries a file that collides with the domain that runs."""
    dom0.check(f'sed "{spoil}" {STATE}/web.xml >{_FILE}')
    answer = dom0.run(f"hospes create {_FILE}")
    require(answer.status == 1, f"exit status {answer.status}: {answer.output}")
    for word in words:
        require(word in answer.output, f"the message does not name '{word}': {answer.output}")


def main() -> int:
    checks = Checks()
    skip_without_hypervisor(checks, "hospes create refuses bad input and leaves nothing behind")
    with checks.check("hospes create refuses bad input: the machine boots and ends"):
        with booted("bad-input", Hardware()) as (_, scenario):
            scenario.daemons_run()
            before = host_state(scenario.dom0)
            for case in CASES:
                checks.run(f"hospes create refuses {case.sentence} and leaves nothing behind",
                           lambda case=case: refuse(scenario.dom0, case, before))
            scenario.create_domain()
            checks.run("hospes create refuses the name of a domain that runs",
                       lambda: refuse_second(scenario.dom0, "", ("web",)))
            checks.run("hospes create refuses the disk of a domain that runs",
                       lambda: refuse_second(scenario.dom0, "s|<name>web|<name>other|", ("bad.xml:", "images/web.img", "web")))
            scenario.dom0.check("hospes destroy web")
            scenario.power_off()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
