# SPDX-License-Identifier: Apache-2.0
"""Group "memory": what the hypervisor takes of a machine, and what each idle domain costs beyond its own memory."""
from .control import Dom0, dom0_of
from .domains import mini
from .rows import SYSTEMS, Row, at_most
from .session import Session

GROUP = "memory"
_DOMAINS = 8
_KIB = 1024
_SMALL, _LARGE = 2048, 8192  # MiB
# Of all processes, KiB that are theirs alone or their share of what several map (proc(5), smaps_rollup).
_PROCESSES = "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ { sum += $2 } END { print \"FIGURE processes\", sum }'"

# Why a larger machine is nearer to 0.6: both sides' fixed part weighs less there.
_FRAMES_NOTE = ("A frame of 4 KiB costs ours 24 bytes, 8 of them of the machine-to-physical table that the ABI asks for, and Xen 40: the ratio "
                "goes towards 0.6 as machines grow. For 0.5 an entry of the frame table would have to fit 12 bytes instead of 16.")


def _taken(now: dict[str, float]) -> float:
    """KiB of usable memory that are neither free nor a domain's."""
    return now["usable_kib"] - now["free_kib"] - now["domains_kib"]


def _state(dom0: Dom0) -> dict[str, float]:
    return dom0.measure("machine_memory", "the hypervisor's count of memory") | dom0.measure(_PROCESSES, "the processes' memory")


def _per_domain(dom0: Dom0) -> tuple[float, float]:
    """KiB of one idle mini-guest beyond its memory: taken by the hypervisor; and by dom0's processes."""
    dom0.create(mini(1).name)  # what the first one costs once is not counted
    before = _state(dom0)
    for number in range(2, _DOMAINS + 2):
        dom0.create(mini(number).name)
    after = _state(dom0)
    return (_taken(after) - _taken(before)) / _DOMAINS, (after["processes"] - before["processes"]) / _DOMAINS


def _one_machine(session: Session, system: str, mib: int) -> dict[str, float]:
    """Figures of one machine: "taken" in MiB; on the small one also "core" and "processes", KiB a domain."""
    domains = [mini(number) for number in range(1, _DOMAINS + 2)]
    with dom0_of(session, system, domains, memory=mib, name=f"{mib}") as dom0:
        found = {"taken": _taken(_state(dom0)) / _KIB}
        if mib == _SMALL:
            found["core"], found["processes"] = _per_domain(dom0)
        return found


def run(session: Session) -> list[Row]:
    found: dict[int, dict[str, list[dict[str, float]]]] = {mib: {system: [] for system in SYSTEMS} for mib in (_SMALL, _LARGE)}
    for mib, of_size in found.items():
        for system in session.alternate(2, 1, f"{mib} MiB"):
            of_size[system].append(session.once_more(lambda: _one_machine(session, system, mib)))

    def samples(mib: int, *keys: str) -> dict[str, list[float]]:
        return {system: [sum(one[key] for key in keys) for one in found[mib][system]] for system in SYSTEMS}

    rows = [Row(GROUP, f"taken by the hypervisor of {mib // _KIB} GiB", "MiB", samples(mib, "taken"), at_most(0.5), note=_FRAMES_NOTE)
            for mib in found]
    return [*rows,
            Row(GROUP, "per idle domain, hypervisor", "KiB", samples(_SMALL, "core")),
            Row(GROUP, "per idle domain, dom0's processes", "KiB", samples(_SMALL, "processes")),
            Row(GROUP, "per idle domain, both", "KiB", samples(_SMALL, "core", "processes"), at_most(0.5), note="Memory of an idle domain: "
                f"beyond the domain's own, mean of {_DOMAINS} mini-guests; dom0's part is the growth of its processes' "
                "proportional set size.")]
