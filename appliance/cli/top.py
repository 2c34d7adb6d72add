"""One screen of the floor that stays and follows, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.screen import Screen
from appliance.cli.status import folded
from appliance.cli.terminal import full_screen

EXAMPLES = """
  callfloor top -c callfloor.toml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --every, --language."""
    add_config(parser)
    parser.add_argument("--every", type=float, default=0.5, metavar="SECONDS", help="how often to draw (default 0.5)")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="instead of the configuration's")


def main(args: argparse.Namespace) -> int:
    """Raises TransientError when there is no journal."""
    config = configured(args)
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        view, screen = folded(journal, config), Screen(config, args.language)
        with full_screen(sys.stdout) as draw:
            while True:
                view.catch_up()
                now = view.now_ns()
                draw(screen.lines(view.snapshot(now), now))
                time.sleep(max(0.05, args.every))
    except KeyboardInterrupt:
        return 0
    finally:
        journal.close()
