#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots dom0 with our programs on real Xen or on Hospes in QEMU, runs shell commands there, prints what they say.

    python3 scripts/lab.py --hypervisor xen --run 'ls /dev/xen; cat /var/log/hospes/xenstored.log'
    python3 scripts/lab.py --hypervisor xen --file commands.sh      (a file of shell commands)
    python3 scripts/lab.py --hypervisor xen                         (a shell on the terminal; Ctrl-] ends QEMU)
"""
import argparse
import os
import sys
import tempfile
from pathlib import Path

from images import make_images
from imaging.kernels import FLAVOURS
from imaging.paths import OUT
from machine.qemu import Machine, MachineConfig, MachineError
from machine.shell import Shell

_SECTOR = 512


def arguments_of_command() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hypervisor", choices=("hospes", "xen"), default="hospes")
    parser.add_argument("--run", help="shell commands to run in dom0")
    parser.add_argument("--file", type=Path, help="a file of shell commands to run in dom0")
    parser.add_argument("--kernel", choices=FLAVOURS, default="amd64", help="the domains' kernel flavour")
    parser.add_argument("--memory", type=int, default=2048, help="MiB of the machine")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--disk", choices=("virtio", "ahci", "nvme"), default="virtio", help="of the data disk")
    parser.add_argument("--network", choices=("virtio", "e1000e"), default="virtio")
    parser.add_argument("--debian-tools", action="store_true",
                        help="put Debian's xl, xenstored and xenstore clients into dom0 at /opt/debian/bin")
    parser.add_argument("--hypervisor-options", default="", help="added to the hypervisor's command line")
    parser.add_argument("--kernel-options", default="", help="added to dom0's kernel command line")
    parser.add_argument("--boot-limit", type=float, default=300, help="seconds until dom0's shell must be there")
    parser.add_argument("--limit", type=float, default=600, help="seconds that the commands may take")
    parser.add_argument("--log", type=Path, default=OUT / "lab.log", help="the complete serial log")
    parser.add_argument("--qemu", action="append", default=[], help="one more word for QEMU's command line")
    return parser.parse_args()


def script_disk(text: str) -> Path:
    """A raw disk that holds shell commands, filled up with newlines: `sh /dev/vdX` runs them."""
    content = text.encode() + b"\n"
    content += b"\n" * (-len(content) % _SECTOR)
    with tempfile.NamedTemporaryFile(prefix="commands", suffix=".img", delete=False) as disk:
        disk.write(content)
    return Path(disk.name)


def run(arguments: argparse.Namespace, commands: str | None) -> int:
    images = make_images(arguments.hypervisor, arguments.kernel, arguments.memory,
                         debian_tools=arguments.debian_tools, hypervisor_options=arguments.hypervisor_options,
                         kernel_options=arguments.kernel_options)
    disk = script_disk(commands) if commands else None
    config = MachineConfig(images.esp, images.data, arguments.memory, arguments.smp, arguments.disk,
                           arguments.network, [disk] if disk else [], arguments.qemu)
    try:
        with Machine(config, arguments.log) as machine:
            shell = Shell(machine, "dom0 # ")
            shell.wait_for_prompt("dom0's shell", arguments.boot_limit)
            print(f"-- dom0's shell after {machine.elapsed():.1f} s", file=sys.stderr)
            if commands is None:
                print("-- Ctrl-] ends QEMU", file=sys.stderr)
                machine.child.interact(escape_character="\x1d")
                return 0
            name = "vdc" if arguments.disk == "virtio" else "vdb"
            shell.run("wait-for-daemons", 60)
            answer = shell.run(f"sh /dev/{name}", arguments.limit)
            print(answer.output)
            machine.type("poweroff\n")
            machine.expect_end("power off", 60)
            return answer.status
    finally:
        if disk:
            os.unlink(disk)


def main() -> int:
    arguments = arguments_of_command()
    commands = arguments.file.read_text() if arguments.file else arguments.run
    try:
        return run(arguments, commands)
    except MachineError as error:
        print(f"lab: {error}\n---- the end of {arguments.log}\n{error.tail}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
