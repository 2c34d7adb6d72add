"""Measures the headsets' part of docs/performance.md: prints a table, writes build/bench-headsets.json.

python -m tests.bench.headsets                         everything, about five minutes
python -m tests.bench.headsets --only headsets.event   names that begin so
python -m tests.bench.headsets --quick                 does it work at all; no figures to keep
"""

from __future__ import annotations

import sys

from tests.bench.room import ROOT
from tests.bench.suite import run

#: What is measured, in this order: the function, and the names of the rows that it makes.
BENCHES: dict[str, tuple[str, ...]] = {
    "headsets_path:own": ("headsets.event_p50", "headsets.event_p99", "headsets.mute_p99", "headsets.misread", "headsets.cpu_200"),
    "headsets_path:watch": ("headsets.watch_p50", "headsets.watch_p99", "headsets.watch_misread", "headsets.watch_cpu_200"),
    "headsets_idle:idle": (
        "headsets.start",
        "headsets.idle_wakes",
        "headsets.idle_cpu",
        "headsets.memory",
        "headsets.pull_p99",
        "headsets.plug_p99",
    ),
}


def main() -> int:
    """Exit code 0 when all was measured and every goal met, 1 otherwise."""
    return run(BENCHES, ROOT / "build" / "bench-headsets.json", "bench-headsets", "bench-headsets", __doc__)


if __name__ == "__main__":
    sys.exit(main())
