# SPDX-License-Identifier: Apache-2.0
"""The core's own mappings, seen from QEMU: nothing is writable and executable, guests reach nothing but the table that is
theirs to read, and below each stack is a hole that stops an overflow."""
import re
import subprocess
import sys
from dataclasses import dataclass

from harness.guest_machine import machine_of
from harness.verdicts import HYPERVISOR, skip_without_images
from imaging.paths import OUT
from machine.checks import Checks, require
from machine.inspect import Debugger, Monitor
from machine.qemu import Machine

# hypervisor/x86/layout.hpp and machine/pcpu.hpp
_CORE = range(0xffff800000000000, 0xffff880000000000)
_M2P = range(0xffff800000000000, 0xffff804000000000)
_DIRECT_MAP = range(0xffff830000000000, 0xffff880000000000)
_IMAGE = range(0xffff82d080200000, 0xffff82d081000000)
_STACKS = 0xffff810000040000
_STACK_BYTES = 64 << 10
_GUARDS = (0x0, 0x2000, 0x4000, 0x6000, 0x8000)
_PAGE = 4096
_CR4_SMEP = 1 << 20
_CORE_ELF = OUT / "hypervisor/core.elf"


@dataclass(frozen=True)
class Mapping:
    """A leaf of the page tables: its address and the letters of `info tlb`."""
    address: int
    flags: str

    @property
    def writable(self) -> bool:
        return "W" in self.flags

    @property
    def executable(self) -> bool:
        return "X" not in self.flags  # the letter stands for the no-execute bit

    @property
    def open_to_guests(self) -> bool:
        return "U" in self.flags


def ask_monitor(question: str, hypervisor_options: str = "") -> str:
    """What QEMU's monitor answers while a guest runs."""
    monitor = Monitor(OUT / "tests/guest/monitor")
    config, log = machine_of(HYPERVISOR, "heartbeat", "ticks=100000 period=100", extra=tuple(monitor.words()),
                             hypervisor_options=hypervisor_options)
    with Machine(config, log) as machine, monitor:
        machine.expect("heartbeat 3,", "the guest runs")
        return monitor.ask(question)


def core_mappings() -> list[Mapping]:
    """What the tables in CR3 map in the core's range."""
    lines = re.findall(r"^([0-9a-f]{16}): [0-9a-f]{16} (\S{9})$", ask_monitor("info tlb"), re.MULTILINE)
    return [Mapping(int(address, 16), flags) for address, flags in lines if int(address, 16) in _CORE]


def is_smep_on(hypervisor_options: str) -> bool:
    found = re.search(r"CR4=([0-9a-f]+)", ask_monitor("info registers", hypervisor_options))
    require(found is not None, "the monitor does not tell CR4")
    return (int(found.group(1), 16) & _CR4_SMEP) != 0 if found else False


def no_guest_code_with_rights_of_the_core() -> None:
    require(is_smep_on(""), "CR4.SMEP is clear")
    require(not is_smep_on("smep=off"), "CR4.SMEP is set in spite of smep=off")


def write_xor_execute(mappings: list[Mapping]) -> None:
    both = [hex(mapping.address) for mapping in mappings if mapping.writable and mapping.executable]
    require(not both, f"writable and executable: {both[:8]}")
    code = [mapping for mapping in mappings if mapping.executable]
    require(any(mapping.address in _IMAGE for mapping in code), "the core's own code is not in the list")
    stray = [hex(mapping.address) for mapping in code if mapping.address in _DIRECT_MAP]
    require(not stray, f"executable in the direct map: {stray[:8]}")


def guests_read_one_table(mappings: list[Mapping]) -> None:
    shared = [mapping for mapping in mappings if mapping.open_to_guests]
    require(len(shared) > 0, "the machine-to-physical table is not in the list")
    wrong = [hex(mapping.address) for mapping in shared
             if mapping.address not in _M2P or mapping.writable or mapping.executable]
    require(not wrong, f"open to guests: {wrong[:8]}")


def stacks_have_holes(mappings: list[Mapping]) -> None:
    mapped = {mapping.address - _STACKS for mapping in mappings}
    missing = [hex(offset) for offset in range(0, _STACK_BYTES, _PAGE) if (offset in mapped) == (offset in _GUARDS)]
    require(not missing, f"pages of the stacks that should be mapped and are not, or the reverse: {missing}")


def address_of(symbol: str) -> int:
    names = subprocess.run(["nm", str(_CORE_ELF)], check=True, capture_output=True, text=True).stdout
    found = re.search(rf"^([0-9a-f]+) \w {symbol}$", names, re.MULTILINE)
    require(found is not None, f"core.elf has no {symbol}")
    return int(found.group(1), 16) if found else 0


def overflow_is_told() -> None:
    debugger = Debugger(OUT / "tests/guest/debugger")
    config, log = machine_of(HYPERVISOR, "heartbeat", "ticks=100000 period=100", extra=tuple(debugger.words()))
    with Machine(config, log) as machine:
        machine.expect("heartbeat 3,", "the guest runs")
        with debugger:
            debugger.run_to(address_of("guest_trap_entry"))
            debugger.set_register(Debugger.RSP, _STACKS + _GUARDS[-1] + _PAGE)
            debugger.leave()
            machine.expect("PANIC on pcpu 0: stack overflow", "the core notices", 60)
            machine.expect("The machine is stopped", "the panic comes to its end", 60)


def leaky_processor_is_told() -> None:
    warning = r"any domain can read all memory"
    for vendor, options, expected in (("GenuineIntel", "", [warning, "heartbeat 1,"]),
                                      ("GenuineIntel", "leaky_cpu=refuse", [warning, "leaky_cpu=refuse: stopped here"]),
                                      ("AuthenticAMD", "leaky_cpu=refuse", ["heartbeat 1,"])):
        config, log = machine_of(HYPERVISOR, "heartbeat", "ticks=100000 period=100", hypervisor_options=options,
                                 extra=("-cpu", f"max,-smap,vendor={vendor}"))
        with Machine(config, log) as machine:
            for line in expected:
                machine.expect(line, f"{vendor} {options}: {line}", 60)
        told = warning in log.read_text(errors="replace")
        require(told == (vendor == "GenuineIntel"), f"{vendor} {options}: the warning is {'' if told else 'not '}given")


def main() -> int:
    checks = Checks()
    skip_without_images(checks, "heartbeat")
    if HYPERVISOR != "hospes":
        checks.skip("protection", "it looks at addresses of Hospes")
        return 0
    mappings = core_mappings()
    checks.run("protection: no page of the core is writable and executable", lambda: write_xor_execute(mappings))
    checks.run("protection: guests may only read the machine-to-physical table", lambda: guests_read_one_table(mappings))
    checks.run("protection: below each stack of the core is a hole", lambda: stacks_have_holes(mappings))
    checks.run("protection: SMEP is on unless the option says otherwise", no_guest_code_with_rights_of_the_core)
    checks.run("protection: a processor that leaks is told of, and refused on demand", leaky_processor_is_told)
    checks.run("protection: a stack overflow is told as such", overflow_is_told)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
