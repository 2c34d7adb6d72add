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


def write_figures(results: Path, target: str = "bench") -> None:
    """Replace the figures of a make target in the page by those in the JSON file."""
    rows = msgspec.json.decode(results.read_bytes(), type=list[Row])
    begin = _BEGIN.format(target)
    before, _, rest = PAGE.read_text().partition(begin)
    after = rest.partition(_END)[2]
    PAGE.write_text(before + begin + "\n" + _figures(rows) + "\n" + _END + after)


def _figures(rows: list[Row]) -> str:
    lines = [
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, Linux {platform.release()}, {platform.machine()}, {os.cpu_count()} cores"
        f"{_processor()}. Medians; in brackets the lowest and the highest of the runs.",
        "",
        "| name | value | ratio | goal | beside | runs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        low, high = (number(value) for value in row.spread)
        ratio = f"{row.ratio:.2f} [{low} – {high}]" if row.ratio is not None else f"[{low} – {high}]"
        beside = row.against + (f" ({row.note})" if row.note else "")
        mark = "" if row.met else " **missed**"
        lines.append(f"| `{row.name}` | {number(row.value)} {row.unit} | {ratio} | {row.goal}{mark} | {beside} | {row.runs} |")
    return "\n".join(lines)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))), "")
    return f" ({name})" if name else ""


if __name__ == "__main__":
    write_figures(Path(sys.argv[1]), *sys.argv[2:])
