"""Draws figures over hours as one SVG: a small picture each, one under the other, troubles as grey bands. Pure, without a library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from msgspec import Struct

Point = tuple[float, float]
#: Told apart also by who sees no red and green (Okabe and Ito).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_WIDE, _LEFT, _RIGHT, _HIGH, _GAP, _TOP = 860, 62, 130, 120, 44, 26
_MOST_POINTS = 600


class Picture(Struct, frozen=True, kw_only=True):
    """One picture: lines by name, over seconds since the start. `from_zero`: its scale begins at nothing."""

    title: str
    lines: Mapping[str, Sequence[Point]]
    from_zero: bool = True


def svg_of(pictures: Sequence[Picture], span_s: float, bands: Sequence[tuple[float, float]] = (), warm_s: float = 0.0) -> str:
    """The whole drawing. `bands`: from when to when there was trouble; before `warm_s` nothing is judged."""
    high = _TOP + len(pictures) * (_HIGH + _GAP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {high}" font-family="sans-serif" font-size="12" role="img">',
        f'<rect width="{_WIDE}" height="{high}" fill="#fff"/>',
    ]
    for index, picture in enumerate(pictures):
        out += _drawn(picture, _TOP + index * (_HIGH + _GAP), span_s, bands, warm_s)
    return "\n".join([*out, "</svg>", ""])


def _drawn(picture: Picture, top: float, span_s: float, bands: Sequence[tuple[float, float]], warm_s: float) -> list[str]:
    wide = _WIDE - _LEFT - _RIGHT
    values = [value for line in picture.lines.values() for _, value in line]
    low, most, step = scale_of(min(values, default=0.0), max(values, default=1.0), from_zero=picture.from_zero)

    def x(at_s: float) -> float:
        return _LEFT + wide * min(1.0, at_s / span_s)

    def y(value: float) -> float:
        return top + _HIGH * (1 - (value - low) / (most - low))

    out = [f'<text x="{_LEFT}" y="{top - 8}" font-weight="bold">{escape(picture.title)}</text>']
    if warm_s:
        out.append(f'<rect x="{_LEFT}" y="{top}" width="{x(warm_s) - _LEFT:.1f}" height="{_HIGH}" fill="#f4f1e8"/>')
    out += [f'<rect x="{x(a):.1f}" y="{top}" width="{max(0.6, x(b) - x(a)):.1f}" height="{_HIGH}" fill="#ddd"/>' for a, b in bands]
    value = low
    while value <= most + step / 2:
        out.append(f'<line x1="{_LEFT}" x2="{_LEFT + wide}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#bbb" stroke-width="0.5"/>')
        out.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#444">{value:g}</text>')
        value = round(value + step, 9)
    every_s = 1800.0 if span_s > 3600.0 else 600.0 if span_s > 1200.0 else 60.0
    for at in range(int(span_s // every_s) + 1):
        place = x(at * every_s)
        out.append(f'<text x="{place:.1f}" y="{top + _HIGH + 15}" text-anchor="middle" fill="#444">{at * every_s / 60:g} min</text>')
    for number, (name, line) in enumerate(picture.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{x(at):.1f},{y(min(value, most)):.1f}" for at, value in thinned(line))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        out.append(f'<text x="{_LEFT + wide + 10}" y="{top + 12 + 16 * number}" fill="{colour}">{escape(name)}</text>')
    return out


def scale_of(low: float, most: float, *, from_zero: bool = True) -> tuple[float, float, float]:
    """Begin, end and step of a scale with round numbers.

    >>> scale_of(3.0, 47.0)
    (0.0, 60.0, 20.0)
    """
    low = 0.0 if from_zero else low
    span = max(most - low, abs(most) * 0.05, 1e-6)
    rough = span / 3
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * next(factor for factor in (1, 2, 5, 10) if factor * size >= rough)
    begin = math.floor(low / step) * step
    return begin, begin + step * max(1, math.ceil((most - begin) / step - 1e-9)), step


def thinned(line: Sequence[Point]) -> list[Point]:
    """At most so many points as a screen can show: of each stretch the highest and the lowest."""
    if len(line) <= _MOST_POINTS:
        return list(line)
    size = math.ceil(2 * len(line) / _MOST_POINTS)
    out: list[Point] = []
    for at in range(0, len(line), size):
        stretch = line[at : at + size]
        out += sorted({min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])})
    return out
