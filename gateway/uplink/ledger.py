"""Which commands this box has seen, for seven days, whatever becomes of the journal: a small file of its own.

The file is a projection: it is brought up to date from the journal before any command is taken, so that the journal stays
the only place where a command becomes durable. One JSON object a line, the latest line of an id counts.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import REMEMBER_NS, Reply, State
from gateway.uplink.figures import Ended

_log = logging.getLogger(__name__)
#: More commands than this within seven days are not remembered but refused.
MOST: Final = 100_000
_COMPACT_FROM: Final = 2_000
_TORN: Final = 1 << 40


class Known(Struct, frozen=True, omit_defaults=True):
    """What is remembered of one command. `state` None: not finished; `epoch`, `seq`: the row of its `command.received`."""

    id: str
    verb: str
    digest: str
    wall_ns: int
    epoch: str
    seq: int
    by: str = "crm"
    state: State | None = None
    reason: str | None = None
    result: dict[str, Any] | None = None
    response_topic: str | None = None
    correlation: str | None = None

    @property
    def reply(self) -> Reply:
        """The latest word on it."""
        return Reply(self.id, self.state or "accepted", self.reason, self.result)


_decoder: Final = msgspec.json.Decoder(Known)


class Ledger:
    """The commands remembered. Not shared between processes: one uplink runs per box."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: remembered in memory only. Raises OSError when the file is there and cannot be read."""
        self._path = path
        self._known: dict[str, Known] = {}
        self._unsaved: list[Known] = []
        self._saving = threading.Lock()
        self._lines = 0
        #: How commands ended since the start.
        self.ended = Ended()
        if path is not None and path.exists():
            self._load(path)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, command: str) -> Known | None:
        """What is known of an id; None when it was never seen or is older than seven days."""
        return self._known.get(command)

    def unfinished(self) -> list[Known]:
        """Commands without a terminal state, oldest first."""
        return [known for known in self._known.values() if known.state is None]

    def received(self, data: CommandReceived, wall_ns: int, epoch: str, seq: int) -> bool:
        """Remember a command; False when its id is known already."""
        if data.id in self._known:
            return False
        known = Known(
            data.id, data.verb, data.digest, wall_ns, epoch, seq, data.by, None, None, None, data.response_topic, data.correlation
        )  # fmt: skip
        self._put(known)
        return True

    def finished(self, data: CommandFinished) -> Known | None:
        """Remember how it ended; None when the id is not known or had ended before."""
        known = self._known.get(data.id)
        if known is None or known.state is not None:
            return None
        known = msgspec.structs.replace(known, state=data.state, reason=data.reason, result=data.result)
        self.ended.add(known.verb, data.state)
        self._put(known)
        return known

    def forget(self, now_ns: int) -> None:
        """Drop what is older than seven days. Not to be called while the clock is unset."""
        old = [key for key, known in self._known.items() if now_ns - known.wall_ns > REMEMBER_NS and known.state is not None]
        for key in old:
            del self._known[key]

    @property
    def is_durable(self) -> bool:
        """Has `sync` nothing to do?"""
        return not self._unsaved

    def sync(self) -> None:
        """Make what was remembered durable; rewrite the file when most of it is out of date. Raises OSError.

        May be called from any thread, beside the others: what is remembered meanwhile waits for the next time.
        """
        with self._saving:
            saved = list(self._unsaved)
            if not saved:
                return
            if self._path is None:
                pass
            elif self._lines + len(saved) > _COMPACT_FROM + 4 * len(self._known):
                self._rewrite(self._path)
            else:
                try:
                    with self._path.open("ab") as file:
                        file.write(b"".join(msgspec.json.encode(known) + b"\n" for known in saved))
                        file.flush()
                        os.fsync(file.fileno())
                except OSError:
                    self._lines = _TORN  # a line may be half there: the next would be glued to it
                    raise
                self._lines += len(saved)
            del self._unsaved[: len(saved)]

    def _put(self, known: Known) -> None:
        self._known[known.id] = known
        self._unsaved.append(known)

    def _load(self, path: Path) -> None:
        lines = path.read_bytes().split(b"\n")
        torn = lines.pop() != b""
        for line in lines:
            try:
                known = _decoder.decode(line)
            except msgspec.DecodeError:
                torn = True
                continue
            self._known[known.id] = known
        self._lines = len(lines)
        if torn:
            _log.warning("%s had a torn line, as after a power cut; it is rewritten from what could be read", path)
            self._rewrite(path)

    def _rewrite(self, path: Path) -> None:
        part, all_ = path.with_suffix(".part"), list(self._known.values())
        with part.open("wb") as file:
            file.write(b"".join(msgspec.json.encode(known) + b"\n" for known in all_))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._lines = len(all_)
