"""Run the named services (all that the configuration enables when none is named) in one process until SIGTERM.

The first SIGTERM or Ctrl-C drains within five seconds, a second one leaves at once. A service that crashes is
restarted with back-off and says so. Logs go to stderr, one line each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from appliance import registry
from appliance.cli.main import add_config
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.runner import run, run_dir_of

EXAMPLES = """
  callfloor run -c callfloor.toml            everything that the file enables
  callfloor run gateway -c callfloor.toml    one service; run the others elsewhere
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """SERVICE…, -c, -v."""
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="gateway, headsets, wallboard, uplink, or an installed one")
    add_config(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="log tracebacks and details")


def main(args: argparse.Namespace) -> int:
    """Raises what loading the configuration and opening the journal raise."""
    path = Path(args.config)
    config = load(path)
    _note(config, path, args.services)
    return run(config, args.services, verbose=args.verbose)


def _note(config: Config, path: Path, services: Sequence[str]) -> None:
    """Leave a copy of what these services run with, for `callfloor config diff --running`. Without it they run all the same."""
    folder = run_dir_of(config) / "running"
    with suppress(OSError):
        text = path.read_bytes()
        folder.mkdir(parents=True, exist_ok=True)
        for name in services or registry.enabled(config):
            (folder / f"{name}.toml").write_bytes(text)
