"""Boards without their hardware: which ones there are, what is wrong with a board file, and how it looks on every medium.

preview   shows a board on a TV, an LED chain, a serial sign or in the terminal, over a sample floor or (--live) this box's own
list      the boards of a configuration, with the faults of their files
"""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.screen import checked_board
from appliance.cli.status import folded
from appliance.cli.terminal import coloured, complain, say, say_json
from appliance.core.config import Config
from appliance.core.config import Wallboard as Boards
from appliance.core.config_file import Fault, load
from appliance.core.errors import MisconfiguredError
from appliance.floor.snapshot import Snapshot
from wallboard.board_set import BoardSet
from wallboard.layout import page_names
from wallboard.sample import FACES, NOW_NS, faced, sample_headsets, stocked

EXAMPLES = """
  callfloor board preview boards/planta.toml
  callfloor board preview boards/planta.toml --medium tv --size 3840x2160 -o planta.png
  callfloor board preview boards/planta.toml --medium led --size 64x8 --face link_down
  callfloor board preview queue.ventas --live -c callfloor.toml
  callfloor board list -c callfloor.toml --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """list, preview and their options."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="list|preview")
    listing = verbs.add_parser("list", help="the boards of a configuration")
    add_config(listing)
    listing.add_argument("--json", action="store_true", help="one JSON object: boards, faults")
    preview = verbs.add_parser("preview", help="show a board without its hardware")
    preview.add_argument("board", metavar="FILE|NAME", help="a board file, or the name of a board of the configuration")
    preview.add_argument("--medium", choices=["text", "led", "sign", "tv"], default="text", help="what it is shown on (default text)")
    preview.add_argument("--size", metavar="WxH", help="pixels (tv 1920x1080, led 64x8), or columns x lines of text")
    preview.add_argument("-o", "--output", metavar="PNG", type=Path, help="write a picture instead (tv, led)")
    preview.add_argument("--face", choices=FACES, default="normal", help="what the sample floor goes through (default normal)")
    preview.add_argument("--live", action="store_true", help="this box's own floor instead of the sample")
    preview.add_argument("--page", metavar="NAME", help="this page alone")
    preview.add_argument("--language", choices=["es", "en", "pt"], help="instead of the board's")
    add_config(preview)


def main(args: argparse.Namespace) -> int:
    """Raises MisconfiguredError for a board that there is not, a size that is none, a medium that has no picture."""
    return _list(args) if args.what == "list" else _preview(args)


def _list(args: argparse.Namespace) -> int:
    boards = BoardSet(configured(args))
    if args.json:
        names = {name: (spec.title if (spec := boards.spec(name)) else None) for name in boards.names()}
        say_json({"boards": names, "faults": boards.faults}, pretty=True)
        return 1 if boards.faults else 0
    width = max(len(name) for name in boards.names())
    for name in boards.names():
        spec = boards.spec(name)
        pages = ", ".join(page_names(spec)) if spec else ""
        said = f'"{spec.title}", ' if spec and spec.title else ""
        say(f"{coloured(name.ljust(width), 'bold')}  {said}{coloured(f'pages {pages}', 'dim')}")
    say(coloured("and queue.KEY, group.KEY for each queue and group", "dim"))
    _tell(boards.faults)
    return 1 if boards.faults else 0


def _preview(args: argparse.Namespace) -> int:
    from appliance.cli import board_preview  # noqa: PLC0415 - pictures need more than a list does

    config, name = _config(args)
    boards = BoardSet(config)
    _tell(tuple(fault for fault in boards.faults if Path(fault.file).stem == name))
    checked_board(boards, name)
    snapshot, now_ns = _floor(args, config)
    show = board_preview.Preview(config, boards, name, snapshot, now_ns, args.language, args.page)
    width, height = _size(args.size, args.medium)
    if args.output is not None and args.medium not in ("tv", "led"):
        fault = f"--medium {args.medium} has no picture; leave -o out, or choose tv or led"
        raise MisconfiguredError(fault)
    if args.medium == "tv":
        return show.tv(width, height, args.output)
    if args.medium == "led":
        return show.led(width, height, args.output)
    return show.sign() if args.medium == "sign" else show.text(width, height)


def _config(args: argparse.Namespace) -> tuple[Config, str]:
    """The configuration and the board's name: of a file, its folder's boards over the configuration's, or over none where there is none."""
    path = Path(args.board)
    if path.suffix != ".toml":
        return configured(args) if args.live or Path(args.config).is_file() else Config(), args.board
    if not path.is_file():
        fault = f"{path}: there is no such board file; name one, or a board of the configuration (callfloor board list)"
        raise MisconfiguredError(fault)
    base = load(Path(args.config)) if args.live or Path(args.config).is_file() else Config()
    wallboard = Boards(tv=None, boards=path.absolute().parent)
    return msgspec.structs.replace(base, wallboard=wallboard), path.stem


def _floor(args: argparse.Namespace, config: Config) -> tuple[Snapshot, int]:
    if not args.live:
        shot = faced(args.face)
        if args.face not in ("vip", "unknown"):
            stocked(shot)
        if config.privacy.headsets and args.face != "unknown":  # as on a box: never where they may not be shown
            shot.headsets = sample_headsets()
        return shot, NOW_NS
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        view = folded(journal, config)
        now_ns = view.now_ns()
        return view.snapshot(now_ns), now_ns
    finally:
        journal.close()


def _size(text: str | None, medium: str) -> tuple[int, int]:
    if text is None:
        return {"tv": (1920, 1080), "led": (64, 8)}.get(medium, (80, 24))
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and 8 <= int(width) <= 8192 and 4 <= int(height) <= 8192):
        fault = f"--size {text}: write it as 1920x1080"
        raise MisconfiguredError(fault)
    return int(width), int(height)


def _tell(faults: tuple[Fault, ...]) -> None:
    for fault in faults:
        complain(coloured(str(fault), "red"))
