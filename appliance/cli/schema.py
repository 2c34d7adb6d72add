"""Print the contract's machine-readable forms, generated from the types.

They are JSON Schemas, AsyncAPI 3 for MQTT, and one example of every message. diff says what changed since a form was
published, and what of it breaks whoever built against it; exit code 1 where something does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from appliance.cli.terminal import coloured, say, say_json
from appliance.core.errors import MisconfiguredError
from appliance.schema import released
from appliance.schema.document import WHICH, schema_text

EXAMPLES = """
  callfloor schema config > callfloor.schema.json
  callfloor schema asyncapi
  callfloor schema diff events-of-last-year.json
  callfloor schema diff old/events.json new/events.json --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of them, or a comparison."""
    parser.add_argument("which", choices=(*WHICH, "diff"), metavar="WHICH", help=f"{', '.join(WHICH)}; or diff")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="diff: the older form, and the newer (default: this version's)")
    parser.add_argument("--json", action="store_true", help="diff: as one JSON object")


def main(args: argparse.Namespace) -> int:
    """Print it. Raises MisconfiguredError for a file that is none of ours."""
    if args.which == "diff":
        return _diff(args.files, as_json=args.json)
    if args.files:
        raise MisconfiguredError(f"{args.files[0]}: only diff takes files")
    say(schema_text(args.which).rstrip("\n"))
    return 0


def _diff(files: list[Path], *, as_json: bool) -> int:
    if len(files) not in (1, 2):
        raise MisconfiguredError("diff takes the older form, and the newer or none for this version's: callfloor schema diff OLD.json")
    old = released.read(files[0])
    name = released.name_of(old)
    new = released.read(files[1]) if files[1:] else released.today(name)
    if released.name_of(new) != name:
        raise MisconfiguredError(f"{files[0]} is {name} and {files[1]} is {released.name_of(new)}: only two of a kind compare")
    broken, added = released.changes(old, new, name)
    if as_json:
        say_json({"form": name, "breaks": [{"where": one.where, "what": one.what} for one in broken], "added": added}, pretty=True)
    else:
        for where in added:
            say(coloured(f"added   {where}", "green"))
        for one in broken:
            say(coloured(f"breaks  {one}", "red"))
        say(f"{name}: {len(added)} added, {len(broken)} that break")
    return 1 if broken else 0
