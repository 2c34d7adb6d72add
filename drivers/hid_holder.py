"""Decides who has device files open: the processes, by what /proc tells of each; root sees all of them, others only their own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

_PROC = Path("/proc")
#: No name in /proc is longer; one is bounded all the same, for it goes to terminals and boards.
_NAME_CHARS = 32


class Holder(Struct, frozen=True, order=True):
    """A process that has a file open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


class Held(Struct, frozen=True):
    """Each path's holders, newest process first; `unseen` is how many processes would not show what they have open."""

    by_path: dict[str, tuple[Holder, ...]]
    unseen: int = 0


def held(paths: Iterable[str]) -> Held:
    """Who has these files open, this process left out. One walk through /proc for all of them. Raises nothing."""
    wanted: dict[tuple[int, int], str] = {}
    found: dict[str, list[Holder]] = {}
    for each in paths:
        found[each] = []
        with suppress(OSError):  # it is gone: nobody has it
            status = Path(each).stat()
            wanted[status.st_dev, status.st_ino] = each
    unseen = 0
    own = str(os.getpid())
    for process in sorted((each for each in _entries(_PROC) if each.isdecimal()), key=int, reverse=True) if wanted else ():
        if process == own:
            continue
        try:
            files = os.listdir(_PROC / process / "fd")  # noqa: PTH208 - a Path for each open file of the machine costs more than the look
        except PermissionError:
            unseen += 1
            continue
        except OSError:  # it ended meanwhile
            continue
        has = {path for file in files if (path := wanted.get(_place(f"{_PROC}/{process}/fd/{file}")))}
        for path in sorted(has):
            found[path].append(Holder(int(process), _name(process)))
    return Held({path: tuple(holders) for path, holders in found.items()}, unseen)


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _place(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return (-1, -1)
    return status.st_dev, status.st_ino


def _name(process: str) -> str:
    try:
        text = (_PROC / process / "comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "a program that has ended"
    return "".join(each for each in text if each.isprintable()).strip()[:_NAME_CHARS] or "?"
