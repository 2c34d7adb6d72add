"""How verbs write to the terminal: lines, JSON, colours only for a person, progress only on a long wait."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TextIO

import msgspec

_COLOURS: Final = {"red": "31", "green": "32", "amber": "33", "dim": "2", "bold": "1"}
#: A screen is drawn whole after so many draws: what another program wrote over it does not stay.
_WHOLE_EVERY: Final = 60
#: A line that is all of one colour, or of none.
_ONE_COLOUR: Final = re.compile(r"((?:\x1b\[[0-9;]*m)?)([^\x1b]*)((?:\x1b\[0m)?)")
#: So many signs it takes to go to another column.
_MOVE: Final = 8


def say(text: str = "") -> None:
    """One line on stdout."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(text + "\n")


def say_json(value: Any, *, pretty: bool = False) -> None:
    """One JSON document on stdout, on one line unless pretty."""
    encoded = msgspec.json.encode(value)
    sys.stdout.write((msgspec.json.format(encoded, indent=2) if pretty else encoded).decode() + "\n")


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Text in a colour when the stream is a terminal and NO_COLOR is not set, else as it is."""
    if not (stream or sys.stdout).isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


class Progress:
    """A counting line on stderr for work that takes longer than two seconds; silent when stderr is no terminal."""

    def __init__(self, what: str) -> None:
        self._what, self._next_s = what, time.monotonic() + 2.0
        self._shown = False

    def at(self, done: int, total: int | None = None) -> None:
        """Call as often as you like; it draws twice a second."""
        now_s = time.monotonic()
        if now_s < self._next_s or not sys.stderr.isatty():
            return
        self._next_s = now_s + 0.5
        self._shown = True
        share = f" of {total:,} ({done / total:.0%})" if total else ""
        sys.stderr.write(f"\r{self._what}: {done:,}{share}\x1b[K")
        sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")


class Writable(Protocol):
    """What a screen is drawn on."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


@contextmanager
def until_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C was pressed; pressed again, it is a KeyboardInterrupt.

    An exception that the first press raised amid a C library's callback would be swallowed there, and the press with it.
    """
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def full_screen(stream: Writable) -> Iterator[Callable[[Sequence[str]], None]]:
    """Give a function that draws lines over the last ones, on the terminal's second screen; without a terminal each time anew."""
    if not stream.isatty():
        yield lambda lines: _write(stream, "\n".join([*lines, "", ""]))
        return
    _write(stream, "\x1b[?1049h\x1b[?25l\x1b[2J")
    drawing = _Drawing()
    try:
        yield lambda lines: _write(stream, drawing.over(lines, shutil.get_terminal_size()))
    finally:
        _write(stream, "\x1b[?25h\x1b[?1049l")


class _Drawing:
    """What stands on a terminal: over a slow line only what changed is sent, so that what stands there is never seconds old."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size: tuple[int, int] | None = None
        self._draws = 0

    def over(self, lines: Sequence[str], size: tuple[int, int]) -> str:
        """What to send for these lines. All of it after the window was resized, and now and then for what others wrote there."""
        whole = size != self._size or self._draws % _WHOLE_EVERY == 0
        self._draws, self._size = self._draws + 1, size
        before = [] if whole else self._lines
        # A line is cleared before it is written: behind one that fills the window, clearing would take its last sign.
        out = [_redrawn(at, before[at - 1 : at], line) for at, line in enumerate(lines, 1) if before[at - 1 : at] != [line]]
        if whole or len(lines) < len(before):
            out.append(f"\x1b[{len(lines) + 1};1H\x1b[J")
        self._lines = list(lines)
        return "".join(out)


def _redrawn(row: int, before: Sequence[str], line: str) -> str:
    """What turns one row of the screen into this line."""
    old, new = _ONE_COLOUR.fullmatch(before[0]) if before else None, _ONE_COLOUR.fullmatch(line)
    pieces = changes(old[2], new[2]) if old and new and old[1] == new[1] else None
    if pieces is None or new is None:
        return f"\x1b[{row};1H\x1b[K{line}"
    return "".join(f"\x1b[{row};{column + 1}H{new[1]}{text}{new[3]}" for column, text in pieces)


def changes(before: str, line: str) -> list[tuple[int, str]] | None:
    """What differs between two lines of plain signs of equal length: columns from 0, and what stands there; None: other lines.

    Pieces nearer to each other than it takes to move there are one.

    >>> changes("ventas   12  0:41", "ventas   12  0:42"), changes("a", "\\x1b[1ma")
    ([(16, '2')], None)
    """
    if len(before) != len(line) or not (_is_plain(before) and _is_plain(line)):
        return None
    out: list[tuple[int, str]] = []
    at = 0
    for at, (old, new) in enumerate(zip(before, line, strict=True)):
        if old == new:
            continue
        if out and at - (out[-1][0] + len(out[-1][1])) < _MOVE:
            column = out[-1][0]
            out[-1] = (column, line[column : at + 1])
        else:
            out.append((at, new))
    return out


def _is_plain(line: str) -> bool:
    """Whether each of its signs takes one column: no escape, nothing combining, nothing wide."""
    return (line.isascii() and line.isprintable()) or all("\x20" <= sign < "\u0300" or sign in "–—…" for sign in line)


def _write(stream: Writable, text: str) -> None:
    stream.write(text)
    stream.flush()


@contextmanager
def keyboard(pressed: Callable[[str], None]) -> Iterator[None]:
    """Call `pressed` with each key, inside a running event loop, while the block runs; without a terminal never. Ctrl-C stays a signal."""
    if not sys.stdin.isatty():
        yield
        return
    import asyncio  # noqa: PLC0415 - only whoever watches keys has a loop
    import termios  # noqa: PLC0415
    import tty  # noqa: PLC0415

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()
    tty.setcbreak(descriptor)

    def read() -> None:
        for key in os.read(descriptor, 64).decode("utf-8", "replace"):
            pressed(key)

    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
