# SPDX-License-Identifier: Apache-2.0
"""The rows as a table for the terminal."""
from .rows import Row


def number(value: float | None) -> str:
    """Three digits that count, without an exponent; "–" for what was not measured."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def ratio(row: Row) -> str:
    return "–" if row.ratio is None else f"{row.ratio:.2f}"


def verdict(row: Row) -> str:
    """What the target says: empty without one."""
    if row.target is None:
        return ""
    return f"{row.target} {'not measured' if row.met is None else 'met' if row.met else 'MISSED'}"


def table(rows: list[Row]) -> str:
    """One line a row, groups apart."""
    cells = [("figure", "unit", "ours", "Xen", "ratio", "target")]
    cells += [(row.name, row.unit, number(row.ours), number(row.xen), ratio(row), verdict(row)) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(6)]
    groups = ["", *(row.group for row in rows)]
    lines = []
    for index, (group, line) in enumerate(zip(groups, cells)):
        if index and group != groups[index - 1]:
            lines += ["", group.upper()]
        text = [line[0].ljust(widths[0]), line[1].ljust(widths[1])]
        text += [cell.rjust(width) for cell, width in zip(line[2:5], widths[2:5])]
        lines.append("  ".join([*text, line[5]]).rstrip())
    return "\n".join(lines)
