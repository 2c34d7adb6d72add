"""Decides what the tables say that `callcenter_config … list` prints: names in the first row, values between bars, +OK at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

_MAX_ROWS: Final = 50_000
#: More digits than any number of a table has; Python itself refuses to read thousands of them.
_MAX_DIGITS: Final = 20
#: Columns whose text may hold the bar itself: dial strings of several phones, a caller's name.
_FREE: Final = ("contact", "cid_name", "record_template", "moh_sound")
Row = dict[str, str]


class Table(Struct):
    """An answer's rows; `denied`: an error instead of them."""

    rows: list[Row] = []
    denied: str | None = None


def table_from_answer(text: str) -> Table:
    r"""Read an answer.

    >>> table_from_answer("queue|agent|state\nventas@default|1000@default|Ready\n+OK\n").rows
    [{'queue': 'ventas@default', 'agent': '1000@default', 'state': 'Ready'}]
    >>> table_from_answer("-ERR callcenter_config Command not found!\n").denied
    '-ERR callcenter_config Command not found!'
    """
    lines = text.split("\n")
    if lines[0].startswith(("-ERR", "-USAGE")):
        return Table(denied=lines[0].strip())
    return Table(rows=list(_rows(lines)))


def _rows(lines: list[str]) -> Iterator[Row]:
    names = lines[0].split("|")
    if len(names) < 2:  # a table without rows has no names either
        return
    free = next((names.index(name) for name in _FREE if name in names), 0)
    for line in lines[1 : _MAX_ROWS + 1]:
        if not line or line.startswith("+OK"):
            continue
        values = line.split("|")
        more = len(values) - len(names)
        if more > 0:
            values[free : free + more + 1] = ["|".join(values[free : free + more + 1])]
        if len(values) == len(names):
            yield {name: "" if value == "(null)" else value for name, value in zip(names, values, strict=True)}


def number(text: str) -> int:
    """A whole number of a table, 0 where there is none.

    >>> number("1700000000"), number("")
    (1700000000, 0)
    """
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else 0
