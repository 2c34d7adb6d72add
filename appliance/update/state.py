"""Decides what is remembered of an update over restarts and power cuts: one small file, replaced whole, flushed before it counts."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from appliance.core.errors import DeniedError

#: `idle`: nothing. `writing`: the other slot, or the package, is being written. `staged`: written, tried at the next activation.
#: `trying`: the box was restarted into it, or the package was changed, and nobody has judged it yet.
Phase = Literal["idle", "writing", "staged", "trying"]
Outcome = Literal["good", "rolled-back", "interrupted"]
_KEPT: Final = 10


class Facts(Struct, frozen=True):
    """What worked at one moment. `services`: unit → systemd's ActiveState; `reach`: what is connected to → whether it answered;
    `board`: whether one was served, None where there is none; `restarts`: of all services since they were loaded."""

    services: dict[str, str] = {}
    reach: dict[str, bool] = {}
    board: bool | None = None
    restarts: int = 0


class Past(Struct, frozen=True):
    """How an update ended. `at`: RFC 3339."""

    version: str
    outcome: Outcome
    reason: str = ""
    at: str = ""


class State(Struct, frozen=True):
    """The file. `slot` is None for a package; `activate`: whether whoever asked wanted the restart too; `before`: facts at that moment."""

    phase: Phase = "idle"
    kind: Literal["image", "deb"] = "image"
    version: str = ""
    was: str = ""
    slot: str | None = None
    sha256: str = ""
    source: str = ""
    activate: bool = False
    resumed: int = 0
    boot: str = ""
    before: Facts | None = None
    past: tuple[Past, ...] = ()

    def ended(self, outcome: Outcome, reason: str, at: str) -> State:
        """Idle again, with one more of the past."""
        past = (*self.past, Past(self.version, outcome, reason, at))[-_KEPT:]
        return State(kind=self.kind, slot=self.slot, version=self.version, was=self.was, past=past)


def load(folder: Path) -> State:
    """What is remembered; nothing, where the file is missing or was damaged."""
    try:
        return msgspec.json.decode((folder / "state.json").read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State()


def save(folder: Path, state: State) -> None:
    """Durable when it returns. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    write_whole(folder / "state.json", msgspec.json.format(msgspec.json.encode(state), indent=1))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One update at a time, for as long as the block; a process that dies lets go. Raises DeniedError while another is at work."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise DeniedError("another update is at work on this box; see how far it is: callfloor update status") from fault
        yield


def at_work(folder: Path) -> bool:
    """Whether a process is at an update now; asked without rights over it."""
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # there was never one
    return False


def write_whole(file: Path, content: bytes) -> None:
    """Replace a file so that after a power cut it holds the old content or the new one. Raises OSError."""
    new = file.with_name(file.name + ".new")
    with new.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
    flush_folder(file.parent)


def flush_folder(folder: Path) -> None:
    """Make a rename or a removal in it durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
