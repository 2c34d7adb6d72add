"""Who is alive: one lock file per service, held while it runs, with the last sight of each source inside.

The kernel drops a dead process's lock, so a reader knows at once, without heartbeats in the journal. The stamps are
written through a shared mapping of the page cache: nothing reaches the card when the folder is on tmpfs (`/run`).
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

_SIZE = 4096
#: Under this key stands when the holder took the lock; no source is called so.
_BEGAN = ""
_TRIES, _TRY_S = 5, 0.01


class Sight(msgspec.Struct, frozen=True):
    """When a source was last heard: monotonic and wall nanoseconds of the boot named, and its state in a word."""

    boot: str
    mono_ns: int
    wall_ns: int
    state: str = "up"


class Alive:
    """Held by a service while it runs.

    Raises BlockingIOError from `open` when another process already runs this service.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._sights: dict[str, Sight] = {}

    @classmethod
    def open(cls, run_dir: Path, service: str, now: Sight | None = None) -> Self:
        """Take the service's lock; the stamps that the last holder left are kept in the file until the first `saw`.

        `now`: what `began` tells of this holder; None: nobody can tell its words from its predecessor's.
        """
        folder = run_dir / "alive"
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / f"{service}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        for again in range(_TRIES, -1, -1):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not again:
                    os.close(descriptor)
                    raise
                time.sleep(_TRY_S)  # a reader's look holds the lock for microseconds
        made = cls(descriptor)
        left = _stamps(run_dir, service)
        left.pop(_BEGAN, None)
        made._write(left if now is None else {**left, _BEGAN: now})
        if now is not None:
            made._sights[_BEGAN] = now
        return made

    def saw(self, source: str, sight: Sight) -> None:
        """Stamp that a source was heard now. On a full disk the stamp is lost: the last sight then seems older, and nothing else."""
        self._sights[source] = sight
        self._write(self._sights)

    def _write(self, sights: dict[str, Sight]) -> None:
        with suppress(OSError):
            os.pwrite(self._descriptor, msgspec.json.encode(sights).ljust(_SIZE), 0)

    def close(self) -> None:
        """Let the lock go."""
        os.close(self._descriptor)


def is_alive(run_dir: Path, service: str) -> bool:
    """Whether some process runs the service now."""
    try:
        descriptor = os.open(run_dir / "alive" / f"{service}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sights(run_dir: Path, service: str) -> dict[str, Sight]:
    """The last stamps of a service's sources, also when it is dead; empty when it never ran in this run_dir."""
    return {source: sight for source, sight in _stamps(run_dir, service).items() if source != _BEGAN}


def began(run_dir: Path, service: str) -> Sight | None:
    """When the process that holds the lock took it; None when it did not say, or nobody ever held it."""
    return _stamps(run_dir, service).get(_BEGAN)


def _stamps(run_dir: Path, service: str) -> dict[str, Sight]:
    try:
        text = (run_dir / "alive" / f"{service}.lock").read_bytes().rstrip(b" \0")
        return msgspec.json.decode(text, type=dict[str, Sight]) if text else {}
    except (OSError, msgspec.DecodeError):
        return {}
