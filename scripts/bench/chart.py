# SPDX-License-Identifier: Apache-2.0
"""docs/benchmarks.svg: the ratios of the figures that have a target, as bars on a logarithmic scale around 1."""
import math
from xml.sax.saxutils import escape

from .rows import Row

_LINE, _LEFT, _BAR, _TOP, _RIGHT = 20, 400, 340, 58, 70  # pixels
_SPAN = 16.0  # the scale's ends: 1/16 and 16
_BETTER, _WORSE, _TEXT, _FAINT = "#2a7f62", "#b4532a", "#333333", "#999999"


def _x(ratio: float) -> float:
    share = math.log(min(max(ratio, 1 / _SPAN), _SPAN)) / math.log(_SPAN)
    return _LEFT + _BAR * (1 + share) / 2


def _text(x: float, y: float, text: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(text)}</text>'


def _bar(row: Row, ratio: float, y: float) -> list[str]:
    better = ratio >= 1 if row.more_is_better else ratio <= 1
    left, right = sorted((_x(1), _x(ratio)))
    colour = _BETTER if better else _WORSE
    parts = [_text(_LEFT - 8, y + 12, f"{row.group}: {row.name}", 'text-anchor="end"'),
             f'<rect x="{left:.1f}" y="{y + 2:.1f}" width="{max(right - left, 1):.1f}" height="{_LINE - 6}" fill="{colour}"/>',
             _text(_LEFT + _BAR + 6, y + 12, f"{ratio:.2f}")]
    if row.target and not row.target.of_ours:
        x = _x(row.target.bound)
        parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{y + _LINE - 2:.1f}" stroke="{_TEXT}" stroke-width="2"/>')
    return parts


def chart(rows: list[Row]) -> str:
    """An SVG document."""
    shown = [(row, row.ratio) for row in rows if row.target and row.ratio]
    width, height = _LEFT + _BAR + _RIGHT, _TOP + _LINE * len(shown) + 12
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             f'font-family="sans-serif" font-size="11" fill="{_TEXT}">',
             '<rect width="100%" height="100%" fill="#ffffff"/>',
             _text(8, 18, "Hospes / Xen 4.17 on QEMU's TCG (not hardware times)", 'font-size="14" font-weight="bold"'),
             _text(8, 34, "green: better than Xen; black mark: the target")]
    for tick in (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8, 16):
        name = f"{tick:g}" if tick >= 1 else f"1/{1 / tick:.0f}"
        parts.append(_text(_x(tick), _TOP - 6, name, 'text-anchor="middle"'))
        parts.append(f'<line x1="{_x(tick):.1f}" y1="{_TOP - 2}" x2="{_x(tick):.1f}" y2="{height - 8}" stroke="{_FAINT}" '
                     f'stroke-width="{1.5 if tick == 1 else 0.4}"/>')
    for index, (row, ratio) in enumerate(shown):
        parts += _bar(row, ratio, _TOP + _LINE * index)
    return "\n".join([*parts, "</svg>", ""])
