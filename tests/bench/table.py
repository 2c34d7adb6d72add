"""What a result is: one row of the table, judged against its goal, as text for people and as JSON for whoever compares."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Goal(msgspec.Struct, frozen=True):
    """A bound on the ratio, or on the value itself where there is nothing to compare with."""

    sign: str
    bound: float
    of: str
    on_value: bool = False

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g} {self.of}"

    def met(self, value: float, ratio: float | None) -> bool:
        """Whether a row keeps it."""
        told = value if self.on_value or ratio is None else ratio
        return told <= self.bound if self.sign == "≤" else told >= self.bound


class Row(msgspec.Struct, kw_only=True):
    """One measured quantity. `value` and `ratio` are medians over `runs`; `spread` is the lowest and highest ratio (or value)."""

    name: str
    value: float
    unit: str
    against: str
    ratio: float | None
    goal: str
    runs: int
    met: bool
    spread: tuple[float, float]
    note: str = ""


def at_least(bound: float, of: str = "×") -> Goal:
    """The ratio must reach the bound."""
    return Goal("≥", bound, of)


def at_most(bound: float, of: str = "×") -> Goal:
    """The ratio must not pass the bound."""
    return Goal("≤", bound, of)


def no_more_than(bound: float, unit: str) -> Goal:
    """The value itself must not pass the bound."""
    return Goal("≤", bound, unit, on_value=True)


def compared(name: str, unit: str, pairs: Sequence[tuple[float, float]], against: str, goal: Goal, note: str = "") -> Row:
    """A row of (ours, the peer's) pairs, each pair measured side by side; the ratio is the median of the pairs' ratios."""
    ratios = [ours / peer for ours, peer in pairs]
    value = statistics.median(ours for ours, _ in pairs)
    peer = statistics.median(peer for _, peer in pairs)
    ratio = statistics.median(ratios)
    return Row(
        name=name,
        value=rounded(value),
        unit=unit,
        against=f"{against}: {number(peer)} {unit}",
        ratio=round(ratio, 3),
        goal=str(goal),
        runs=len(pairs),
        met=goal.met(value, ratio),
        spread=(round(min(ratios), 3), round(max(ratios), 3)),
        note=note,
    )


def alone(name: str, unit: str, values: Sequence[float], goal: Goal, note: str = "", against: str = "") -> Row:
    """A row with an absolute goal."""
    value = statistics.median(values)
    return Row(
        name=name,
        value=rounded(value),
        unit=unit,
        against=against,
        ratio=None,
        goal=str(goal),
        runs=len(values),
        met=goal.met(value, None),
        spread=(rounded(min(values)), rounded(max(values))),
        note=note,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of all lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rounded(value: float) -> float:
    """Four significant digits: no measurement here is better."""
    return float(f"{value:.4g}")


def number(value: float) -> str:
    """For people.

    >>> number(123456.7), number(0.01234)
    ('123 500', '0.01234')
    """
    return f"{rounded(value):,.10g}".replace(",", " ")


def text_from_row(row: Row) -> str:
    """One line of the table."""
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
    mark = "ok  " if row.met else "MISS"
    value = f"{number(row.value)} {row.unit}"
    return f"{mark} {row.name:<28} {value:>20} {ratio:>10}   {row.goal:<30} {row.against}"


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(list(rows)), indent=1) + b"\n")
