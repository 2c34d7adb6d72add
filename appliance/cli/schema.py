"""Print the contract's machine-readable forms, generated from the types: JSON Schema, and AsyncAPI 3 for MQTT."""

from __future__ import annotations

import argparse

from appliance.cli.terminal import say
from appliance.schema.document import WHICH, schema_text

EXAMPLES = """
  callfloor schema config > callfloor.schema.json
  callfloor schema asyncapi
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which of them."""
    parser.add_argument("which", choices=WHICH)


def main(args: argparse.Namespace) -> int:
    """Print it."""
    say(schema_text(args.which).rstrip("\n"))
    return 0
