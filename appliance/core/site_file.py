"""Decides how another site's floor is handed from the uplink to the boards: one small file per site in the run folder, the newest only.

State, not events: nobody needs yesterday's, so it is not in the journal and wears no card (decision 0008).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

_FOLDER = "sites"


class SiteFile(Struct, frozen=True, kw_only=True):
    """The newest word of one box. `floor` is the sum of its queues as JSON, `time` when it said so by its own clock.

    `floor_ns` is when this floor came and `heard_ns` when it was last known to be the newest, both monotonic in `boot` of the
    receiver; None while the broker has only replayed it. It counts as live for `live_s` after `heard_ns`.
    """

    site: str
    box: str
    boot: str
    state: Literal["online", "offline"] | None
    epoch: str | None
    seq: int
    time: str
    live_s: float
    floor_ns: int | None
    heard_ns: int | None
    open: bool | None
    floor: msgspec.Raw


class SiteFiles:
    """The files of one run folder, by the sites' keys. Written by the uplink alone."""

    def __init__(self, run_dir: Path) -> None:
        self._folder = run_dir / _FOLDER
        self._seen: dict[str, tuple[tuple[int, int], SiteFile | None]] = {}

    def read(self, key: str) -> SiteFile | None:
        """What is known of a site; None where nothing is. A file that did not change since is not read again, and is the same object."""
        path = self._path(key)
        try:
            stat = path.stat()
            stamp = (stat.st_ino, stat.st_mtime_ns)
            known = self._seen.get(key)
            if known is not None and known[0] == stamp:
                return known[1]
            found = _read(path)
        except OSError:
            self._seen.pop(key, None)
            return None
        self._seen[key] = (stamp, found)
        return found

    def write(self, key: str, file: SiteFile) -> None:
        """Put it in place in one step. Raises OSError; what was there before then stays."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._path(key).with_suffix(".part")
        try:
            part.write_bytes(msgspec.json.encode(file))
            part.replace(self._path(key))
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise

    def forget(self, key: str) -> None:
        """Nothing is known of this site any more. Raises OSError."""
        self._path(key).unlink(missing_ok=True)

    def keep_only(self, keys: frozenset[str]) -> None:
        """Take away the files of sites that nobody names any more, and unfinished ones. Raises OSError."""
        for path in self._folder.glob("*"):
            if path.suffix != ".json" or path.stem not in keys:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _read(path: Path) -> SiteFile | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SiteFile)
    except msgspec.DecodeError:
        return None  # of another version of the program: the uplink writes it anew
