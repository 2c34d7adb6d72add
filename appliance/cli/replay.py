"""Fold a recording offline at full speed and print the floor as it stood at its end.

Without -c: times of day in UTC and the default targets. The same parser, tracker and folds run as in the box.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.cli.headset_words import words_of_change
from appliance.cli.screen import headset_screen, screen
from appliance.cli.terminal import Progress, coloured, say, say_json
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.replay import events_from_capture, header_from_capture, replay

EXAMPLES = """
  callfloor replay morning.jsonl
  callfloor replay morning.jsonl -c callfloor.toml --json | jq .queues.ventas.today
  callfloor replay a-101.jsonl                    a headset's recording: what was understood, and its seat at the end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, -c, --json."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a capture (JSON Lines)")
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
    """What was understood of a headset's recording: each change with its seconds since the recording's start, and how it is known."""
    for event in events_from_capture(file, config):
        if (said := words_of_change(event.data)) is not None:
            text, colour = said
            say(f"{event.mono_ns / NS:10.3f} s  {coloured(text, colour) if colour else text}")
    say("")
