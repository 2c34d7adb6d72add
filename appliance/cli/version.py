"""The version of callfloor and of what it stands on."""

from __future__ import annotations

import argparse
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version

from appliance.cli.terminal import say, say_json
from appliance.version import VERSION

EXAMPLES = """
  callfloor version
  callfloor version --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true")


def main(args: argparse.Namespace) -> int:
    """Print it."""
    found = {"callfloor": VERSION, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for package in ("msgspec", "paho-mqtt", "aiohttp"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    if args.json:
        say_json(found)
    else:
        say(f"callfloor {VERSION} ({', '.join(f'{name} {number}' for name, number in list(found.items())[1:])})")
    return 0
