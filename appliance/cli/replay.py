"""Fold a recording offline at full speed and print the floor as it stood at its end.

Without -c: times of day in UTC and the default targets. The same parser, tracker and folds run as in the box.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.cli.screen import headset_screen, screen
from appliance.cli.terminal import Progress, say, say_json
from appliance.core.config_file import load
from appliance.replay import header_from_capture, replay

EXAMPLES = """
  callfloor replay morning.jsonl
  callfloor replay morning.jsonl -c callfloor.toml --json | jq .queues.ventas.today
  callfloor replay a-101.jsonl                    a headset's recording: its seat as it stood at the end
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
        show = headset_screen if header_from_capture(args.file).kind == "hid" else screen
        say(show(snapshot, config, None if config else "en"))
    return 0
