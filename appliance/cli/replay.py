"""Fold a recording offline at full speed and print the floor as it stood at its end.

Without -c: times of day in UTC and the default targets. The same parser, tracker and folds run as in the box.
"""

from __future__ import annotations

import argparse
from heapq import merge
from pathlib import Path

from appliance.cli.headset_words import words_of_change, words_of_report
from appliance.cli.screen import headset_screen, screen
from appliance.cli.terminal import Progress, coloured, say, say_json
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.replay import capture_lines, events_from_capture, header_from_capture, replay

EXAMPLES = """
  callfloor replay morning.jsonl
  callfloor replay morning.jsonl -c callfloor.toml --json | jq .queues.ventas.today
  callfloor replay morning.jsonl.gz
  callfloor replay a-101.jsonl                    a headset's recording: what was understood, and its seat at the end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, -c, --json."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a capture (JSON Lines), also packed with gzip")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration to fold it with")
    parser.add_argument("--json", action="store_true", help="the whole floor snapshot as JSON")


def main(args: argparse.Namespace) -> int:
    """Raises CorruptError when the file is no capture."""
    config = load(args.config) if args.config else None
    progress = Progress("events folded")
    snapshot = replay(args.file, config, progress.at)
    progress.end()
    if args.json:
        say_json(snapshot)
    else:
        of_headset = header_from_capture(args.file).kind == "hid"
        if of_headset:
            _say_changes(args.file, config or Config())
        say((headset_screen if of_headset else screen)(snapshot, config, None if config else "en"))
    return 0


def _say_changes(file: Path, config: Config) -> None:
    """What was understood of a headset's recording, by seconds since its start: each report as its descriptor has it, then what changed."""
    from headsets.replay_feed import reports_from_capture  # noqa: PLC0415 - for these recordings alone

    with capture_lines(file) as lines:
        reports = ((t_s, (words_of_report(report, said), "dim")) for t_s, report, said in reports_from_capture(lines))
        changes = ((event.mono_ns / NS, words_of_change(event.data)) for event in events_from_capture(file, config))
        for t_s, told in merge(reports, changes, key=lambda each: round(each[0], 6)):
            if told is not None:
                text, colour = told
                say(f"{t_s:10.3f} s  {coloured(text, colour) if colour else text}")
    say("")
