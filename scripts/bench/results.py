# SPDX-License-Identifier: Apache-2.0
"""out/bench.json (the rows) and out/bench-samples.json (what each was made from, when, and how): written and read back."""
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imaging.paths import OUT

from .rows import Row, Target

ROWS, SAMPLES = OUT / "bench.json", OUT / "bench-samples.json"


@dataclass(frozen=True)
class Measured:
    """One group's rows, when they were measured, whether QUICK, and with what."""
    group: str
    date: str
    quick: bool
    load: float  # the host's load average when the group began
    versions: dict[str, str]
    rows: tuple[Row, ...]


def _row(stored: dict[str, Any]) -> Row:
    target = Target(**stored.pop("target")) if stored["target"] else stored.pop("target")
    return Row(**stored, target=target)


def load(path: Path = SAMPLES) -> dict[str, Measured]:
    """What earlier runs measured, by group; nothing when there was none."""
    if not path.exists():
        return {}
    stored = json.loads(path.read_text())
    return {group["group"]: Measured(**{**group, "rows": tuple(_row(row) for row in group["rows"])}) for group in stored}


def save(groups: dict[str, Measured]) -> None:
    """Replaces both files."""
    SAMPLES.parent.mkdir(parents=True, exist_ok=True)
    SAMPLES.write_text(json.dumps([asdict(group) for group in groups.values()], indent=1, ensure_ascii=False) + "\n")
    rows = [row.public() for group in groups.values() for row in group.rows]
    ROWS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
