"""Measures the wallboards' part of docs/performance.md: prints a table, writes build/bench-wallboard.json.

python -m tests.bench.wallboard                      everything, about four minutes
python -m tests.bench.wallboard --only board.paint   names that begin so
python -m tests.bench.wallboard --quick              does it work at all; no figures to keep
"""

from __future__ import annotations

import sys

from tests.bench.room import ROOT
from tests.bench.suite import run

#: What is measured, in this order: the function, and the names of the rows that it makes.
BENCHES: dict[str, tuple[str, ...]] = {
    "wallboard_paint:paint": ("board.paint_p50", "board.paint_p99"),
    "wallboard_spi:spi": ("board.spi_p50", "board.spi_p99"),
    "wallboard_load:load": ("board.cpu_1", "board.cpu_50", "board.cpu_500", "board.memory_1", "board.memory_50", "board.memory_500"),
    "wallboard_crowd:crowd": ("board.tvs_cpu", "board.tvs_p99", "board.tvs_flood", "board.tvs_memory", "board.tvs_join"),
    "wallboard_load:idle": ("board.idle",),
}


def main() -> int:
    """Exit code 0 when all was measured and every goal met, 1 otherwise."""
    return run(BENCHES, ROOT / "build" / "bench-wallboard.json", "bench-wallboard", "bench-wallboard", __doc__)


if __name__ == "__main__":
    sys.exit(main())
