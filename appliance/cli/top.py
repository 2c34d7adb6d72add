"""The live floor in one terminal: services, links, backlog, what is wrong, queues and headsets, in 80 by 24 signs, until
Ctrl-C.

Over a slow SSH line it sends what changed and no more than --bytes-per-s on average; a screen that would need more
comes later, and is then the newest. It reads the journal alone, so it stays when services die, and says so.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

from appliance import registry
from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.screen import Screen, checked_board
from appliance.cli.status import folded
from appliance.cli.terminal import coloured, full_screen, until_ctrl_c
from appliance.cli.top_page import Facts, Line, page
from appliance.core.config import Config
from appliance.core.errors import CallfloorError
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.doctor.running import runs
from appliance.floor.snapshot import Snapshot
from appliance.floor_view import FloorView
from appliance.provision.words import Language, language
from appliance.runner import run_dir_of
from wallboard.board_set import BoardSet

EXAMPLES = """
  callfloor top -c callfloor.toml
  callfloor top --bytes-per-s 300               # a line of 2400 baud has no more than 240
  callfloor top --board planta                  # a board instead: a board file, or queue.ventas, group.ventas
"""

_LOOK_S: Final = 0.1
_AGAIN_S: Final = 2.0
#: Who holds the lock that says that a service runs.
_LOCKS: Final = {"gateway": "gateway", "headsets": "headsets", "wallboard": "alarms", "uplink": "uplink"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """-c, --board, --every, --bytes-per-s, --language."""
    add_config(parser)
    parser.add_argument("--board", metavar="NAME", help="this board instead of the technician's screen")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="how often to draw at most (default 1)")
    parser.add_argument("--bytes-per-s", type=int, default=600, metavar="N", help="what the line may be sent on average (default 600)")
    parser.add_argument("--language", choices=["es", "en", "pt"], help="default: the terminal's; of a board the configuration's")


class _Metered(io.TextIOBase):
    """A terminal, and how many bytes it was sent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.sent = stream, 0

    def write(self, text: str, /) -> int:
        self.sent += len(text.encode())
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def main(args: argparse.Namespace) -> int:
    """Raises TransientError when there is no journal at the start; one that goes away later is waited for."""
    config = configured(args)
    if args.board is not None:
        checked_board(BoardSet(config), args.board)
    top = _Top(config, _board(config, args) if args.board is not None else None, language(args.language))
    metered = _Metered(sys.stdout)
    try:
        with until_ctrl_c() as is_over, full_screen(metered) as draw:
            while not is_over():
                before, began_s = metered.sent, time.monotonic()
                size = shutil.get_terminal_size()
                draw(top.lines(max(40, min(size.columns, 160)), max(10, size.lines - 1)))
                _rest(began_s + max(_LOOK_S, args.every, (metered.sent - before) / max(1, args.bytes_per_s)), is_over)
    except KeyboardInterrupt:
        return 0
    finally:
        top.close()
    return 0


def _rest(until_s: float, is_over: Callable[[], bool]) -> None:
    """Until then, or until the window was resized."""
    size = shutil.get_terminal_size()
    while (left_s := until_s - time.monotonic()) > 0 and shutil.get_terminal_size() == size and not is_over():
        time.sleep(min(_LOOK_S, left_s))


def _board(config: Config, args: argparse.Namespace) -> Callable[[Snapshot, int, int, int], list[str]]:
    screen = Screen(config, args.language, args.board)
    return lambda shot, now_ns, width, height: screen.lines(shot, now_ns, height, width)


class _Top:
    """The floor as it is now, folded from a journal that may come and go."""

    def __init__(self, config: Config, board: Callable[[Snapshot, int, int, int], list[str]] | None, tongue: Language) -> None:
        """Raises TransientError when there is no journal."""
        self._config, self._board, self._tongue = config, board, tongue
        self._journal: ReadonlyJournal = open_readonly(config.journal.path, config.journal.run_dir)
        self._view: FloorView = folded(self._journal, config)
        self._fault, self._retry_s = "", 0.0
        self._file = self._file_now()
        self._shot: tuple[Snapshot, int] | None = None

    def lines(self, width: int, height: int) -> list[str]:
        """The screen that is due."""
        try:
            self._follow()
        except (CallfloorError, OSError) as fault:
            self._fault = str(fault)
        if self._shot is None:
            return [self._fault[:width]]
        shot, now_ns = self._shot
        if self._board is not None:
            return self._board(shot, now_ns, width, height)
        return list(map(_drawn, page(shot, self._facts(), now_ns, width, height)))

    def _follow(self) -> None:
        """Fold what is new. Raises what reading a journal raises; then it is opened anew after a while."""
        if self._fault or self._file != self._file_now():
            if time.monotonic() < self._retry_s:
                return
            self._retry_s = time.monotonic() + _AGAIN_S
            self.close()
            self._file = self._file_now()
            self._journal = open_readonly(self._config.journal.path, self._config.journal.run_dir)
            self._view = folded(self._journal, self._config)
        self._view.catch_up()
        now_ns = self._view.now_ns()
        self._shot, self._fault = (self._view.snapshot(now_ns), now_ns), ""

    def _file_now(self) -> tuple[int, int] | None:
        """Which file the journal is: one that was deleted and begun anew goes on being read as it was, and would stand still here."""
        try:
            found = self._config.journal.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _facts(self) -> Facts:
        run_dir = run_dir_of(self._config)
        services = {name: runs(run_dir, _LOCKS[name]) for name in registry.enabled(self._config) if name in _LOCKS}
        try:
            limits = None if self._fault else self._journal.limits()
        except (CallfloorError, OSError):
            limits = None  # what is wrong with it the next look says
        return Facts(services, limits, self._fault, self._tongue)

    def close(self) -> None:
        """Let the journal go."""
        with suppress(CallfloorError, OSError):
            self._journal.close()


def _drawn(line: Line) -> str:
    return "".join(coloured(span.text, span.colour) if span.colour else span.text for span in line).rstrip()
