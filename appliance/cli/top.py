"""One screen of the floor that stays and follows, until Ctrl-C."""

from __future__ import annotations

import argparse
import shutil
import sys
import time

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.screen import Screen, checked_board
from appliance.cli.status import folded
from appliance.cli.terminal import full_screen
from wallboard.board_set import BoardSet

EXAMPLES = """
  callfloor top -c callfloor.toml
  callfloor top --board planta            # a board file, or queue.ventas, group.ventas
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --board, --every, --language."""
    add_config(parser)
    parser.add_argument("--board", default="floor", metavar="NAME", help="which board (default floor)")
    parser.add_argument("--every", type=float, default=0.5, metavar="SECONDS", help="how often to draw (default 0.5)")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="instead of the configuration's")


def main(args: argparse.Namespace) -> int:
    """Raises TransientError when there is no journal."""
    config = configured(args)
    checked_board(BoardSet(config), args.board)
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        view, screen = folded(journal, config), Screen(config, args.language, args.board)
        with full_screen(sys.stdout) as draw:
            while True:
                view.catch_up()
                now = view.now_ns()
                size = shutil.get_terminal_size()
                draw(screen.lines(view.snapshot(now), now, max(10, size.lines - 1), max(40, min(size.columns, 160))))
                time.sleep(max(0.05, args.every))
    except KeyboardInterrupt:
        return 0
    finally:
        journal.close()
