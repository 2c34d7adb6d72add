"""Decides how the way back is kept: numbered states, each one file with what stood at every path before it was changed.

A state is written, and flushed to the disk, before the first change that it can undo. One that was cut off is gone on with: what it
already holds of a path stays, for that is how the box was before.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from appliance.core.errors import CorruptError, MisconfiguredError, TransientError
from appliance.provision.atomic import write
from appliance.provision.history import own_folder
from appliance.provision.machine import Machine
from appliance.provision.thing import Was

FOLDER: Final = "/var/lib/callfloor/provision"
#: Older ones go with the oldest.
KEEP: Final = 20

Stage = Literal["begun", "done", "going-back", "undone"]


class State(Struct, frozen=True, kw_only=True):
    """One run: when (seconds since 1970 by the box's clock), of which sheet, how far, the steps not finished, and how it was before."""

    number: int
    at_s: float
    sheet: str
    stage: Stage
    unfinished: tuple[str, ...]
    before: tuple[Was, ...]


class States:
    """The states of a box."""

    def __init__(self, machine: Machine) -> None:
        self._folder = machine.path(FOLDER)

    def all(self) -> tuple[State, ...]:
        """The newest first. Raises CorruptError for one that cannot be read."""
        own_folder(self._folder)
        found = [self._read(path) for path in self._folder.glob("*.json")] if self._folder.is_dir() else []
        return tuple(sorted(found, key=lambda state: -state.number))

    def unfinished(self) -> State | None:
        """The run that was cut off, if the last one was."""
        newest = next(iter(self.all()), None)
        return newest if newest is not None and newest.stage in ("begun", "going-back") else None

    def begin(self, before: tuple[Was, ...], steps: tuple[str, ...], sheet: str, at_s: float) -> State:
        """A new state, or the one that was cut off with what is new added. It is on the disk when this returns. Raises OSError."""
        cut = self.unfinished()
        known = self.all()
        if cut is not None:
            seen = {old.path for old in cut.before}
            more = tuple(old for old in before if old.path not in seen)
            state = replace(cut, stage="begun", unfinished=tuple(dict.fromkeys((*cut.unfinished, *steps))), before=(*cut.before, *more))
        else:
            number = known[0].number + 1 if known else 1
            state = State(number=number, at_s=at_s, sheet=sheet, stage="begun", unfinished=steps, before=before)
        self.save(state)
        for old in known[KEEP - 1 :]:
            (self._folder / f"{old.number}.json").unlink(missing_ok=True)
        return state

    def save(self, state: State) -> None:
        """On the disk when this returns. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own_folder(self._folder)
        write(self._folder / f"{state.number}.json", msgspec.json.encode(state), 0o600)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One change at a time. Raises TransientError while another runs; a killed one's lock is let go by the kernel."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            os.close(descriptor)
            raise TransientError("another callfloor provision is at work on this box; wait until it ends") from fault
        try:
            yield
        finally:
            os.close(descriptor)

    def down_to(self, number: int | None) -> tuple[State, ...]:
        """The states to undo, the newest first, until the box is as it was before `number` (None: the newest that is not undone)."""
        standing = tuple(state for state in self.all() if state.stage != "undone")
        if number is None:
            return standing[:1]
        if number not in {state.number for state in standing}:
            there = ", ".join(str(state.number) for state in standing) or "none"
            raise MisconfiguredError(f"there is no state {number} to undo; there are: {there} (callfloor provision log)")
        return tuple(state for state in standing if state.number >= number)

    def _read(self, path: Path) -> State:
        try:
            return msgspec.json.decode(path.read_bytes(), type=State)
        except (OSError, msgspec.DecodeError) as fault:
            raise CorruptError(f"{path} cannot be read ({fault}); move it away: the box then cannot go back behind it") from fault
