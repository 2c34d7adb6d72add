"""Measures what docs/performance.md lists: prints a table, writes build/bench.json.

python -m tests.bench                      everything, about twelve minutes
python -m tests.bench --only journal ami   names that begin so
python -m tests.bench --quick              does it work at all; no figures to keep
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback

from tests.bench.report import write_figures
from tests.bench.room import ROOT, Room, SkippedError
from tests.bench.table import Row, text_from_row, write

#: What is measured, in this order: the function, and the names of the rows that it makes.
BENCHES: dict[str, tuple[str, ...]] = {
    "journal_append:append_100": ("journal.append_100",),
    "journal_append:append_1": ("journal.append_1",),
    "journal_append:append_fair": ("journal.append_fair",),
    "journal_bytes:bytes_per_event": ("journal.bytes_per_event",),
    "journal_backlog:backlog_growth": ("journal.backlog_growth",),
    "tail:latency": ("tail.latency",),
    "ami_parse:parse": ("ami.parse",),
    "fold:events": ("fold.events", "fold.events_flat"),
    "startup:first_event": ("startup.first_event", "startup.first_event_10m"),
    "startup_board:board_100k": ("startup.board_100k", "startup.board_100k_cold"),
    "path:pbx_to_board": ("path.pbx_to_board",),
    "uplink_drain:drain": ("uplink.drain", "uplink.drain_bridge", "uplink.drain_cpu"),
    "memory:memory": ("memory.service", "memory.all", "memory.growth"),
    "cpu:cpu": ("cpu.idle", "cpu.50"),
}


def main() -> int:
    """Exit code 0 when all was measured and every goal met, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[""], help="names, or beginnings of names")
    parser.add_argument("--quick", action="store_true", help="short and rough")
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/performance.md as well")
    args = parser.parse_args()
    chosen = [
        call
        for call, names in BENCHES.items()
        if any(name.startswith(word) or word.startswith(name + ".") for name in names for word in args.only)
    ]
    if not chosen:
        parser.error(
            f"nothing is called {' or '.join(args.only)}; there are: {' '.join(name for names in BENCHES.values() for name in names)}"
        )
    rows: list[Row] = []
    skipped: list[str] = []
    began = time.monotonic()
    with Room(quick=args.quick) as room:
        for call in chosen:
            room.name = name = BENCHES[call][0]
            at = time.monotonic()
            module, _, function = call.partition(":")
            try:
                made = getattr(importlib.import_module(f"tests.bench.{module}"), function)(room)
            except SkippedError as reason:
                skipped.append(f"SKIP {name:<28} {reason}")
                continue
            except Exception:  # one broken measurement must not take the others' figures along
                traceback.print_exc()
                skipped.append(f"FAIL {name:<28} see above")
                continue
            rows += made
            room.say(f"took {time.monotonic() - at:.0f} s")
            write(rows, ROOT / "build" / "bench.json")
    for row in rows:
        print(text_from_row(row) + (f"  [{row.note}]" if row.note else ""))
    print(*skipped, sep="\n", end="\n" if skipped else "")
    print(f"{sum(row.met for row in rows)} of {len(rows)} goals met; {time.monotonic() - began:.0f} s; build/bench.json")
    if args.docs:
        write_figures(ROOT / "build" / "bench.json")
    return 0 if rows and all(row.met for row in rows) and not any(line.startswith("FAIL") for line in skipped) else 1


if __name__ == "__main__":
    sys.exit(main())
