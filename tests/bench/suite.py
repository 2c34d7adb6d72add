"""Runs a set of measurements: which of them, one after the other, the table at the end, its JSON, its place in docs/performance.md."""

from __future__ import annotations

import argparse
import importlib
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.report import write_figures
from tests.bench.room import ROOT, Room, SkippedError
from tests.bench.table import Row, text_from_row, write


def run(benches: Mapping[str, Sequence[str]], results: Path, title: str, mark: str, usage: str | None) -> int:
    """Measure what the command line asks for. `benches`: `module:function` and the names of the rows that it makes; `mark`: the make target.

    Returns 0 when all was measured and every goal met, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog=f"make {mark} ARGS=…", description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[""], help="names, or beginnings of names")
    parser.add_argument("--quick", action="store_true", help="short and rough")
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/performance.md as well")
    args = parser.parse_args()
    chosen = [
        call
        for call, names in benches.items()
        if any(name.startswith(word) or word.startswith(name + ".") for name in names for word in args.only)
    ]
    if not chosen:
        parser.error(
            f"nothing is called {' or '.join(args.only)}; there are: {' '.join(name for names in benches.values() for name in names)}"
        )
    rows: list[Row] = []
    skipped: list[str] = []
    began = time.monotonic()
    with Room(quick=args.quick) as room:
        for call in chosen:
            room.name = name = benches[call][0]
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
            write(rows, results)
    for row in rows:
        print(text_from_row(row) + (f"  [{row.note}]" if row.note else ""))
    print(*skipped, sep="\n", end="\n" if skipped else "")
    shown = results.relative_to(ROOT)
    print(f"{title}: {sum(row.met for row in rows)} of {len(rows)} goals met; {time.monotonic() - began:.0f} s; {shown}")
    if args.docs:
        write_figures(results, mark, part=args.only != [""])
    return 0 if rows and all(row.met for row in rows) and not any(line.startswith("FAIL") for line in skipped) else 1
