# SPDX-License-Identifier: Apache-2.0
"""What `make bench` makes of samples: medians, ratios, verdicts, files, document, chart."""
import json
import sys
import tempfile
import xml.etree.ElementTree as xml
from pathlib import Path

from bench import chart, document, results
from bench.rows import OURS, XEN, Row, at_least, at_most, ours_at_most
from bench.table import number, table
from machine.checks import Checks, require

LESS = Row("start", "to dom0's init", "s", {OURS: [3.0, 2.0, 9.0], XEN: [6.0, 5.0]}, at_most(0.6))
MORE = Row("store", "reads", "1/s", {OURS: [150.0], XEN: [100.0]}, at_least(2), more_is_better=True)
ALONE = Row("size", "lines", "lines", {OURS: [14_000]}, ours_at_most(15_000), note="counted without comments")
MISSING = Row("store", "writes", "1/s", {OURS: [], XEN: [100.0]}, at_least(2))
ROWS = (LESS, MORE, ALONE, MISSING)


def measured(group: str) -> results.Measured:
    rows = tuple(row for row in ROWS if row.group == group)
    return results.Measured(group, "2026-01-01 00:00 UTC", True, 0.5, {"Xen": "4.17"}, rows)


def verdicts() -> None:
    require(LESS.ours == 3.0 and LESS.xen == 5.5, f"medians {LESS.ours} and {LESS.xen}")
    require(LESS.met is True and MORE.met is False, f"{LESS.ratio} at most 0.6: {LESS.met}; {MORE.ratio} at least 2: {MORE.met}")
    require(ALONE.met is True and ALONE.ratio is None, "a target on our own figure needs none of Xen's")
    require(MISSING.met is None and MISSING.ratio is None, "what was not measured has missed nothing and met nothing")


def files() -> None:
    groups = {group: measured(group) for group in ("start", "store", "size")}
    with tempfile.TemporaryDirectory() as folder:
        results.SAMPLES, results.ROWS = Path(folder) / "samples.json", Path(folder) / "rows.json"
        require(results.load(results.SAMPLES) == {}, "nothing was measured before")
        results.save(groups)
        require(results.load(results.SAMPLES) == groups, "what is read back is not what was written")
        stored = json.loads(results.ROWS.read_text())
    require([set(row) for row in stored] == [{"group", "name", "unit", "ours", "xen", "ratio", "target", "met"}] * 4,
            f"the rows' keys are {stored}")


def texts() -> None:
    groups = {group: measured(group) for group in ("start", "store", "size")}
    text = document.document(groups)
    for part in ("not hardware times", "3 (2–9)", "**missed**", "- counted without comments", "4.17"):
        require(part in text, f"the document does not say {part!r}")
    lines = table(list(ROWS))
    require("≥ 2 MISSED" in lines and "≥ 2 not measured" in lines, lines)
    written = [number(value) for value in (None, 0.1234, 12.34, 4.0, 123456.7)]
    require(written == ["–", "0.123", "12.34", "4", "123,457"], f"numbers are written {written}")


def picture() -> None:
    drawing = xml.fromstring(chart.chart(list(ROWS)))
    bars = [part for part in drawing if part.tag.endswith("rect") and part.get("fill", "").startswith("#") and part.get("width") != "100%"]
    require(len(bars) == 2, f"{len(bars)} bars for two ratios with a target")


def main() -> int:
    checks = Checks()
    checks.run("bench: medians, ratios and verdicts", verdicts)
    checks.run("bench: its files hold what was measured", files)
    checks.run("bench: the document and the table say it", texts)
    checks.run("bench: the chart has a bar for each ratio with a target", picture)
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
