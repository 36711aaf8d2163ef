# SPDX-License-Identifier: Apache-2.0
"""What the mini-guest "sched" prints: how domains share one processor. Under -icount the machine's clock is the number of
instructions (8 ns each): the figures do not depend on what else the host does."""
import re
from dataclasses import dataclass

ICOUNT = ("-icount", "shift=3,sleep=off")
_LINE = re.compile(r"^sched (\w+) (\d+)$", re.M)
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Shares:
    """What the guest printed ("sched NAME FIGURE"): ns, but for cap_50_alone, which is in thousandths of the processor."""
    values: dict[str, int]

    @classmethod
    def of(cls, text: str) -> "Shares":
        return cls({name: int(value) for name, value in _LINE.findall(text)})

    def _part(self, one: str, other: str) -> float:
        return self.values[one] / (self.values[one] + self.values[other])

    @property
    def weights_off(self) -> float:
        """By how many percent the domain of weight 256 misses its third beside that of weight 512."""
        return abs(self._part("weight_256", "weight_512") * 3 - 1) * 100

    @property
    def equal_off(self) -> float:
        """By how many percent one of two equal domains misses its half."""
        return abs(self._part("weight_equal", "weight_equal_too") * 2 - 1) * 100

    @property
    def cap_off_alone(self) -> float:
        """Points by which a domain with a cap of 50 % misses it when nobody else wants the processor."""
        return abs(self.values["cap_50_alone"] / 10 - 50)

    @property
    def cap_off_beside(self) -> float:
        """The same beside another that spins, and whose weight would leave it four fifths."""
        return abs(self._part("cap_50", "cap_50_other") * 100 - 50)

    @property
    def wake_most(self) -> float:
        """ms from the end of a sleep until the vcpu runs, beside four domains that spin: the longest."""
        return self.values["wake_busy_most"] / _NS_PER_MS

    @property
    def ping_ratio(self) -> float:
        """An event to a domain that sends one back: the median beside four that spin, of that on an idle machine."""
        return self.values["ping_busy_median"] / self.values["ping_idle_median"]
