# SPDX-License-Identifier: Apache-2.0
"""What a create and destroy must leave as it was: free memory, the store's nodes, the list of domains."""
import json
import time
from dataclasses import dataclass

from .checks import require
from .shell import Shell

@dataclass(frozen=True)
class HostState:
    """free_memory in bytes; nodes of xenstore; network devices of dom0; domains as `hospes list --json` has them."""
    free_memory: int
    nodes: tuple[str, ...]
    network: tuple[str, ...]
    domains: tuple[str, ...]


def domains(dom0: Shell) -> dict[str, int]:
    """The domains' names and numbers."""
    listed = json.loads(dom0.check("hospes list --json"))
    return {row["name"]: row["id"] for row in listed["domains"]}


def host_state(dom0: Shell) -> HostState:
    """Asks the hypervisor, xenstored and dom0's kernel."""
    free = json.loads(dom0.check("hospes info --json"))["free_memory_bytes"]
    nodes = dom0.check("xenstore-ls -f / | sed 's/ = .*//'").split()
    network = dom0.check("ls /sys/class/net").split()
    return HostState(free, tuple(sorted(nodes)), tuple(sorted(network)), tuple(sorted(domains(dom0))))


def require_same(dom0: Shell, before: HostState, what: str, patience: float = 30) -> None:
    """Fails unless the host is as it was, at the latest after some seconds: backends let go a moment later."""
    deadline = time.monotonic() + patience
    after = host_state(dom0)
    while after != before and time.monotonic() < deadline:
        time.sleep(1)
        after = host_state(dom0)
    require(after.domains == before.domains, f"{what}: the domains are {after.domains}, were {before.domains}")
    changed = sorted(set(after.nodes) ^ set(before.nodes))
    require(not changed, f"{what}: these nodes of xenstore came or went: {' '.join(changed)}")
    require(after.network == before.network, f"{what}: network devices {after.network}, were {before.network}")
    lost = before.free_memory - after.free_memory
    require(lost == 0, f"{what}: {lost} bytes less are free ({after.free_memory}, were {before.free_memory})")
