"""The calls behind a figure and why each counted: above the line, below it, or not at all."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.clock import SystemClock
from appliance.floor.explain import FIGURES, Explanation, explain
from appliance.floor_view import FloorView

EXAMPLES = """
  callfloor explain service_level --queue ventas
  callfloor explain abandon_rate --window rolling --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FIGURE, --queue, --window, -c, --json, --language."""
    parser.add_argument("figure", choices=FIGURES, metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--queue", metavar="Q", help="one queue (default: the whole floor)")
    parser.add_argument("--window", choices=["today", "interval", "rolling"], default="today", help="default: today")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="instead of the configuration's")
    add_config(parser)
    parser.add_argument("--json", action="store_true")


def main(args: argparse.Namespace) -> int:
    """2 for a queue that is not there."""
    config = configured(args)
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        view, progress = FloorView(journal, config, SystemClock()), Progress("events folded")
        view.floor.visits.keep = True
        while view.catch_up(pages=4):
            progress.at(view.seq, journal.head().seq)
        progress.end()
        told = explain(view.floor, args.figure, view.now_ns(), args.queue, args.window, args.language or config.site.language)
    except KeyError as fault:
        complain(f"callfloor explain: {fault.args[0]}")
        return 2
    finally:
        journal.close()
    if args.json:
        say_json(told, pretty=sys.stdout.isatty())
    else:
        _show(told, ZoneInfo(config.site.timezone))
    return 0


def _show(told: Explanation, zone: ZoneInfo) -> None:
    for row in told.rows:
        mark = "+" if row.above else "·" if row.below else " "
        where = f"{row.queue}{'/' + row.agent if row.agent else ''}"
        say(f"{wall_time(row.joined, zone)}  {row.above:>8g} / {row.below:<8g} {mark} {where:<28} {row.why}")
    variant = f" ({told.variant}, T = {told.target_s:g} s)" if told.variant and told.target_s is not None else ""
    value = "–" if told.value is None else f"{told.value:g}"
    of = f" = {told.numerator:g} / {told.denominator:g}" if told.denominator else ""
    say(coloured(f"{told.figure}{variant}, {told.queue or 'floor'}, {told.window}: {value}{of}", "bold"))


def wall_time(time: str, zone: ZoneInfo) -> str:
    """A time as the clock on the site's wall had it, to the second, as in `callfloor alarms`.

    >>> wall_time("2026-11-22T02:09:13.250Z", ZoneInfo("America/Guayaquil"))
    '21:09:13'
    """
    return f"{datetime.fromisoformat(time).astimezone(zone):%H:%M:%S}"
