"""Look at the headsets one by one: what they do now, or a recording that makes a new model a fixture.

watch   what happens at them, event by event; where the service holds one, that service's events are followed
record  descriptor and reports of one, its serial number struck out, for `callfloor replay` and for a test

Nothing is ever written to a headset by these, and nothing detached.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from appliance.cli.main import add_config

EXAMPLES = """
  callfloor headset watch
  callfloor headset watch a-101 --reports
  callfloor headset watch 1-1.2 --json
  callfloor headset record 1-1.2 -o new-model.jsonl --for 60
  callfloor replay new-model.jsonl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """watch and record."""
    kinds = parser.add_subparsers(dest="what", required=True, metavar="watch|record")
    watch = kinds.add_parser(
        "watch", help="follow what happens at headsets", description="Follow until Ctrl-C; without a name all of them."
    )
    watch.add_argument("name", nargs="?", metavar="SEAT|PORT", help="a seat, a port as 1-1.2, an identity, or sim:/path/of/a.sock")
    watch.add_argument("--reports", action="store_true", help="each report too, in hex, with what it says")
    watch.add_argument("--json", action="store_true", help="one object a line")
    watch.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")
    add_config(watch)
    record = kinds.add_parser("record", help="record a headset", description="Record one headset until Ctrl-C, or for so long.")
    record.add_argument("name", metavar="SEAT|PORT", help="a seat, a port as 1-1.2, an identity, or sim:/path/of/a.sock")
    add_record(record)


def add_record(parser: argparse.ArgumentParser) -> None:
    """What a recording takes besides the headset's name."""
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a new file")
    parser.add_argument("--for", dest="for_s", type=float, metavar="SECONDS", help="end after so long (default: on Ctrl-C)")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """Raises MisconfiguredError for a headset that there is not, and what opening one raises."""
    from appliance.cli.devices import configuration  # noqa: PLC0415

    config = configuration(Path(args.config))
    if args.what == "record":
        from appliance.cli.headset_record import record  # noqa: PLC0415

        return record(args.name, config, args.output, args.for_s)
    from appliance.cli.headset_watch import Watch  # noqa: PLC0415

    return asyncio.run(Watch(config, args.name, reports=args.reports, as_json=args.json).run(args.for_s))
