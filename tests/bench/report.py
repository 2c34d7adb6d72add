"""The figures in docs/performance.md: written between two marks of that page, from the rows of the last run."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from pathlib import Path

import msgspec

from tests.bench.room import ROOT
from tests.bench.table import Row, number

PAGE = ROOT / "docs" / "performance.md"
_BEGIN, _END = "<!-- figures: written by `make {} ARGS=--docs` -->", "<!-- end of figures -->"


def write_figures(results: Path, target: str = "bench", *, part: bool = False) -> None:
    """Replace the figures of a make target in the page by those in the JSON file. `part`: figures that are not in it stay."""
    rows = msgspec.json.decode(results.read_bytes(), type=list[Row])
    begin = _BEGIN.format(target)
    before, _, rest = PAGE.read_text().partition(begin)
    standing, _, after = rest.partition(_END)
    lines = {row.name: _line(row) for row in rows}
    if part:
        lines = merged([line for line in standing.splitlines() if line.startswith("| `")], lines)
    PAGE.write_text(before + begin + "\n" + _head() + "\n".join(lines.values()) + "\n" + _END + after)


def merged(standing: list[str], new: dict[str, str]) -> dict[str, str]:
    """The table's lines by name: new ones in their places, or behind the last of their family.

    >>> list(merged(["| `a.x` | 1 |", "| `b.x` | 2 |"], {"b.x": "| `b.x` | 3 |", "a.y": "| `a.y` | 4 |"}).values())
    ['| `a.x` | 1 |', '| `a.y` | 4 |', '| `b.x` | 3 |']
    """
    lines = {line.split("`")[1]: line for line in standing}
    names = list(lines)
    for name in new:
        if name not in lines:
            family = [at for at, other in enumerate(names) if other.partition(".")[0] == name.partition(".")[0]]
            names.insert(family[-1] + 1 if family else len(names), name)
    lines |= new
    return {name: lines[name] for name in names}


def _head() -> str:
    lines = [
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Linux {platform.release()}, {platform.machine()}, {os.cpu_count()} cores"
        f"{_processor()}. Medians; in brackets the lowest and the highest of the runs.",
        "",
        "| name | value | ratio | goal | beside | runs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    low, high = (number(value) for value in row.spread)
    ratio = f"{row.ratio:.2f} [{low} – {high}]" if row.ratio is not None else f"[{low} – {high}]"
    beside = row.against + (f" ({row.note})" if row.note else "")
    mark = "" if row.met else " **missed**"
    return f"| `{row.name}` | {number(row.value)} {row.unit} | {ratio} | {row.goal}{mark} | {beside} | {row.runs} |"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))), "")
    return f" ({name})" if name else ""


if __name__ == "__main__":
    write_figures(Path(sys.argv[1]), *sys.argv[2:])
