"""Decides which older configurations are kept: numbered copies with when and why, in a folder of root's below the state directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.errors import DeniedError, MisconfiguredError
from appliance.provision.atomic import write

#: Older ones go; a page of text each.
KEEP: Final = 100


class Kept(Struct, frozen=True, kw_only=True):
    """One copy: its number, when it was set aside (seconds since 1970 by the box's clock), by which act."""

    number: int
    at_s: float
    why: str


class History:
    """The numbered copies in one folder. A number is given once: the largest is the newest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self) -> tuple[Kept, ...]:
        """All copies, the newest first."""
        own_folder(self._folder)
        found = []
        for path in self._folder.glob("*.json") if self._folder.is_dir() else ():
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Kept))
            except (OSError, msgspec.DecodeError):
                continue  # half a note: its text is listed by nobody and goes with the oldest
        return tuple(sorted(found, key=lambda each: -each.number))

    def text(self, number: int) -> str:
        """A copy's text. Raises MisconfiguredError for a number that is not kept."""
        own_folder(self._folder)
        try:
            return (self._folder / f"{number}.toml").read_text(encoding="utf-8")
        except OSError as fault:
            there = ", ".join(str(each.number) for each in self.kept()) or "none yet"
            raise MisconfiguredError(f"there is no configuration {number}; kept are: {there} (callfloor config log)") from fault

    def keep(self, text: str, why: str, at_s: float) -> int:
        """Set a text aside and return its number; the same text twice in a row is one copy. Raises OSError."""
        known = self.kept()
        if known and self.text(known[0].number) == text:
            return known[0].number
        number = known[0].number + 1 if known else 1
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(self._folder / f"{number}.toml", text.encode(), 0o600)
        write(self._folder / f"{number}.json", msgspec.json.encode(Kept(number=number, at_s=at_s, why=why)), 0o600)
        for old in known[KEEP - 1 :]:
            (self._folder / f"{old.number}.json").unlink(missing_ok=True)
            (self._folder / f"{old.number}.toml").unlink(missing_ok=True)
        return number


def own_folder(folder: Path) -> None:
    """Raises DeniedError when the folder is not ours: the service's user owns the folder above, and could have put another there."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return
    except PermissionError as fault:
        raise DeniedError(f"{folder} is root's; run it with sudo") from fault
    if os.geteuid() != 0 and status.st_uid == 0:
        raise DeniedError(f"{folder} is root's; run it with sudo")
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
        raise DeniedError(f"{folder} is not root's own folder; look who made it (ls -ld {folder}) and move it away")
