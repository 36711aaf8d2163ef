# SPDX-License-Identifier: Apache-2.0
"""The scenario of `make run`, step by step: dom0 comes up, the domain "web" is made, used, ended, and looked into."""
import re
from collections.abc import Callable

from machine.checks import require
from machine.qemu import Machine
from machine.shell import Shell

DAEMONS = ("xenstored", "hospesd", "consoled", "blkbackd", "netbackd")
STATE = "/var/lib/hospes"
_LEAVE_CONSOLE = "\x1d"  # Ctrl-]


class Scenario:
    """Every step raises MachineError or CheckFailed when the machine does not do what it should."""

    def __init__(self, machine: Machine, is_hospes: bool = True) -> None:
        self._machine = machine
        self._is_hospes = is_hospes
        self.dom0 = Shell(machine, "dom0 # ")
        self.web = Shell(machine, "web # ")
        self._sum = ""

    def boot(self, stage: Callable[[str, str], None], limit: float) -> None:
        """Waits from power-on to dom0's shell; tells stage(name, what) about each part."""
        self._machine.expect(r"Linux version [^\s]+", "the hypervisor starts dom0's kernel", limit)
        stage("boot", "firmware, loader and core; dom0's kernel has started")
        self._machine.expect("dom0: init", "dom0's kernel reaches its init", limit)
        stage("dom0", "the kernel is up, its init runs")
        self._machine.expect("dom0: ready", "dom0's init finishes", limit)
        self.dom0.wait_for_prompt("dom0's shell", limit)
        stage("dom0", "disks, network cards and bridge are up; here is its shell")

    def daemons_run(self) -> str:
        """Each daemon is there, and hospesd answers."""
        self.dom0.check("wait-for-daemons", "the daemons start")
        lines = [f"{name} {self.dom0.check(f'pidof {name}', f'{name} runs')}" for name in DAEMONS]
        self.dom0.check("hospes list")
        return "\n".join(lines)

    def create_domain(self) -> str:
        """`hospes create` on the example."""
        output = self.dom0.check(f"hospes create {STATE}/web.xml", "hospes create", 300)
        return output + "\n" + self.dom0.check("hospes list")

    def watch_boot(self) -> None:
        """Attaches to the domain's console while it boots, and waits for the shell there."""
        self._machine.type("hospes console web\n")
        self._machine.expect("web: ready", "the domain boots and its init finishes", 300)
        self._machine.type("\n")
        self.web.wait_for_prompt("the domain's shell")

    def enter_console(self) -> None:
        """Attaches to the console of the domain that has booted."""
        self._machine.type("hospes console web\n")
        self._machine.expect("leaves it", "hospes console attaches")
        self._machine.type("\n")
        self.web.wait_for_prompt("the domain's shell")

    def leave_console(self) -> None:
        """Back to dom0's shell."""
        self._machine.type(_LEAVE_CONSOLE)
        self.dom0.wait_for_prompt("Ctrl-] leaves the console")

    def booted_paravirtualized(self) -> str:
        """What the domain's kernel says about the machine, its disk and its network card."""
        log = self.web.check("dmesg | grep -E 'Booting kernel on|Hypervisor detected|xvda'", "the domain's kernel log")
        require("Booting kernel on Xen" in log and "Xen PV" in log, f"the kernel log does not say it runs on Xen: {log}")
        require("xvda" in log, f"the kernel log does not name xvda: {log}")
        card = self.web.check("ip addr show eth0", "the domain has eth0")
        require("10.77.0.2/24" in card, f"eth0 does not have its address: {card}")
        return f"{log}\n{card}"

    def fetch_page(self) -> str:
        """dom0 fetches the domain's page."""
        page = self.dom0.check("n=0; until timeout 10 wget -q -O /tmp/page http://web/ || [ $n -ge 10 ]; do sleep 1; "
                               "n=$((n+1)); done; cat /tmp/page", "wget http://web/")
        require("Hello from the domain web" in page, f"that is not the domain's page: {page}")
        return page

    def write_file(self) -> str:
        """Writes random bytes to the domain's disk."""
        self.web.check("dd if=/dev/urandom of=/root/proof bs=1024 count=256 2>/dev/null")
        line = self.web.check("sha256sum /root/proof")
        match = re.search(r"[0-9a-f]{64}", line)
        require(match is not None, f"sha256sum said: {line}")
        self._sum = match.group(0) if match else ""
        return line

    def shut_down(self) -> str:
        """Ends the domain in order; none is left in the list."""
        output = self.dom0.check("hospes shutdown web --wait", "hospes shutdown", 180)
        left = self.dom0.check("hospes list")
        require(not re.search(r"\bweb\b", left), f"the domain is still listed: {left}")
        return f"{output}\n{left}".strip()

    def compare_file(self) -> str:
        """Finds the file in the disk image, with the same checksum."""
        self.dom0.check(f"mount -t ext4 -o loop,ro {STATE}/images/web.img /mnt", "dom0 mounts the disk image")
        line = self.dom0.check("sha256sum /mnt/root/proof")
        self.dom0.check("umount /mnt")
        require(self._sum in line, f"written {self._sum}, found {line}")
        return line

    def press_debug_key(self, key: str, answer: str) -> None:
        """A key for the core, on the serial line."""
        for text, what in (("\x01\x01\x01", ""), (key, answer), ("\x01\x01\x01", "")):
            self._machine.type(text)
            if what:
                self._machine.expect(what, f"debug key {key}", 120)

    def check_core(self) -> None:
        """The core recounts owners, types and references of all frames: a check of every test by itself."""
        answer = self.dom0.run("hospes debug check")
        print(f"{'ok' if answer.status == 0 else 'not ok'} the invariant checker: {answer.output}", flush=True)
        require(answer.status == 0, f"hospes debug check: {answer.output}")

    def power_off(self) -> None:
        """The core is sound; dom0 ends, and the machine with it."""
        if self._is_hospes:
            self.check_core()
        self._machine.type("poweroff\n")
        self._machine.expect_end("poweroff switches the machine off", 120)
