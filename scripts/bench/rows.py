# SPDX-License-Identifier: Apache-2.0
"""What a measurement leaves: a row with ours, Xen's and the ratio, and the samples it was made from."""
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

# A rate as it is, and in a second of the processor time of the QEMU process: suffix of the sample's key, of the row's name, note.
RATES = (("", "", ""), ("/processor", ", by QEMU's processor time",
                        "Rates by QEMU's processor time: in a second of it, as all of it was used meanwhile; other work on the host hardly moves them."))
OURS, XEN = "hospes", "xen"
SYSTEMS = (OURS, XEN)

Samples = Mapping[str, list[float]]  # system -> what each run gave


@dataclass(frozen=True)
class Target:
    """A bound on the ratio ours / Xen, or on our own figure."""
    bound: float
    at_least: bool = False
    of_ours: bool = False

    def __str__(self) -> str:
        return f"{'ours ' if self.of_ours else ''}{'≥' if self.at_least else '≤'} {self.bound:g}"

    def met(self, ours: float | None, ratio: float | None) -> bool | None:
        """None when what the bound is on was not measured."""
        value = ours if self.of_ours else ratio
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


def at_most(bound: float) -> Target:
    """On the ratio: less is better."""
    return Target(bound)


def at_least(bound: float) -> Target:
    """On the ratio: more is better."""
    return Target(bound, at_least=True)


def ours_at_most(bound: float) -> Target:
    """On our own figure, where Xen has none to compare with or the issue asks for an absolute one."""
    return Target(bound, of_ours=True)


@dataclass(frozen=True)
class Row:
    """One figure. ours and xen are medians; None: that system has no such figure. more_is_better says which way it counts."""
    group: str
    name: str
    unit: str
    samples: Samples
    target: Target | None = None
    more_is_better: bool = False
    note: str = field(default="", compare=False)

    def median(self, system: str) -> float | None:
        values = self.samples.get(system)
        return statistics.median(values) if values else None

    @property
    def ours(self) -> float | None:
        return self.median(OURS)

    @property
    def xen(self) -> float | None:
        return self.median(XEN)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.xen if self.ours is not None and self.xen else None

    @property
    def met(self) -> bool | None:
        return self.target.met(self.ours, self.ratio) if self.target else None

    def public(self) -> dict[str, object]:
        """The row of out/bench.json."""
        return {"group": self.group, "name": self.name, "unit": self.unit, "ours": self.ours, "xen": self.xen,
                "ratio": self.ratio, "target": str(self.target) if self.target else None, "met": self.met}
