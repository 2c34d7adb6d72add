"""Decides what a box is to provisioning: a root folder, whose users its files name, and whether its systemd runs now.

With a root folder other than `/` (an image being built, a card in a reader, a test) nothing is started and nothing is asked of a bus:
files and links say it all, and the next boot does the rest.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.errors import MisconfiguredError, TransientError

#: No command of a step takes longer; systemctl is asked not to wait.
_LIMIT_S: Final = 120.0


class Account(Struct, frozen=True):
    """One line of passwd(5)."""

    name: str
    uid: int
    gid: int
    home: str


class Machine:
    """A box by its root folder. `live`: its systemd runs here and now, and may be told."""

    def __init__(self, root: Path = Path("/"), *, live: bool | None = None) -> None:
        self.root = root.absolute()
        self.live = self.root == Path("/") and Path("/run/systemd/system").is_dir() if live is None else live

    def path(self, place: str | Path) -> Path:
        """Where an absolute path of the box lies. Raises MisconfiguredError for one that leaves it."""
        text = str(place)
        if not text.startswith("/") or ".." in text.split("/"):
            raise MisconfiguredError(f'"{text}" is no path on a box; it begins with / and has no ..')
        return self.root / text.lstrip("/")

    def account(self, name: str) -> Account | None:
        """A user of the box."""
        for line in self._lines("/etc/passwd"):
            part = line.split(":")
            if len(part) >= 6 and part[0] == name and part[2].isdigit() and part[3].isdigit():
                return Account(name, int(part[2]), int(part[3]), part[5])
        return None

    def group(self, name: str) -> int | None:
        """A group's number."""
        for line in self._lines("/etc/group"):
            part = line.split(":")
            if len(part) >= 3 and part[0] == name and part[2].isdigit():
                return int(part[2])
        return None

    def owner(self, user: str, group: str) -> tuple[int, int] | None:
        """Both by number; None where the box does not know them (yet)."""
        account, number = self.account(user), self.group(group)
        uid = 0 if user == "root" else account.uid if account else None
        gid = 0 if group == "root" else number
        return None if uid is None or gid is None else (uid, gid)

    def run(self, words: Sequence[str]) -> None:
        """Run a command of the box. Raises TransientError with what it said."""
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=_LIMIT_S, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as fault:
            raise TransientError(f"{' '.join(words)}: {fault}; run it by hand to see why") from fault
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise TransientError(f"{' '.join(words)} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")

    def told(self, words: Sequence[str]) -> str:
        """What a command of the box says; nothing where it cannot be run."""
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=_LIMIT_S, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip()

    def _lines(self, place: str) -> list[str]:
        try:
            return self.path(place).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def as_root(self) -> bool:
        """Whether owners can be set here at all."""
        return os.geteuid() == 0
