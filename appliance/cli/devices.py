"""What is plugged into this box: USB headsets, serial ports, LED chains, GPIO chips, as seen now, and what is not readable.

`url` is what the configuration takes, for copying. Hook and mute are what the service `headsets` knows; `?` while nobody looks.
Without a configuration everything is listed all the same. Nothing is opened that makes a device do anything.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.cli.devices_row import Seen
from appliance.cli.devices_seen import Look
from appliance.cli.devices_text import lines_of
from appliance.cli.main import add_config
from appliance.cli.seat_journal import SeatJournal
from appliance.cli.terminal import complain, full_screen, say, say_json, until_ctrl_c
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.errors import CallfloorError, MisconfiguredError

EXAMPLES = """
  callfloor devices
  callfloor devices --follow -c callfloor.toml
  callfloor devices --json | jq -r '.rows[] | select(.kind == "headset") | .url'
"""

_EVERY_S: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --json, --follow."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object; with --follow one a line, at each change")
    parser.add_argument("--follow", action="store_true", help="stay, and show each change, until Ctrl-C")


def main(args: argparse.Namespace) -> int:
    """Raises MisconfiguredError for a configuration that was asked for and is not there."""
    config = configuration(Path(args.config))
    journal = SeatJournal(config)
    try:
        look = Look(config, journal)
        if args.follow:
            _follow(look, as_json=args.json)
        elif args.json:
            say_json(look.seen())
        else:
            say("\n".join(lines_of(look.seen())))
    finally:
        journal.close()
    return 0


def configuration(path: Path) -> Config | None:
    """The configuration; None where the usual place has none, or a faulty one. Raises MisconfiguredError for another that is not there."""
    from appliance.cli.main import DEFAULT_CONFIG  # noqa: PLC0415

    try:
        return load(path)
    except CallfloorError as fault:
        try:
            there = path.exists()
        except PermissionError:
            there = True
        if there:
            complain(f"{path} has faults or may not be read (see callfloor check): it is left aside")
            return None
        if str(path) != DEFAULT_CONFIG:
            raise MisconfiguredError(f"{path}: no such file; name the configuration with -c, or leave -c out") from fault
        return None


def _changes(look: Look) -> Iterator[Seen]:
    before: Seen | None = None
    with until_ctrl_c() as is_over:
        while not is_over():
            seen = look.seen()
            if seen != before:
                before = seen
                yield seen
            time.sleep(_EVERY_S)


def _follow(look: Look, *, as_json: bool) -> None:
    if as_json:
        for seen in _changes(look):
            say_json(seen)
            sys.stdout.flush()
        return
    with full_screen(sys.stdout) as draw:
        for seen in _changes(look):
            draw(lines_of(seen))
