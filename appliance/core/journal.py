"""What services see of the journal: append, read, wait, cursors, account; and the in-memory implementation.

The journal is the bus (docs/architecture.md). Positions are (epoch, seq); what is due to the CRM also carries a
dense delivery number n. The durable implementation is `appliance.core.journal_sqlite`.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec

from appliance.core.event import Entry, Event, Position, stored_from_body

#: A read never returns more rows than this, so that no reader pins the write-ahead log.
PAGE: Final = 500
#: An append takes so many events at most: they are one commit, and above it SQLite is CPU-bound and only delays its first event.
BATCH: Final = 500

Due = Callable[[Event], bool]


class Head(msgspec.Struct, frozen=True, gc=False):
    """The newest position: last sequence number and last delivery number given out (0 when none)."""

    epoch: str
    seq: int
    n: int


class Cursor(msgspec.Struct, frozen=True, gc=False):
    """How far a sink has come: last row passed, last delivery number settled, how many of those were skipped."""

    epoch: str
    seq: int
    n: int = 0
    skipped: int = 0


class Account(msgspec.Struct, frozen=True, gc=False):
    """The books of one epoch over what is due: recorded = delivered + waiting + shed + skipped, always.

    `oldest_wall_ns` is when the oldest waiting event was recorded, None when nothing waits.
    """

    recorded: int
    delivered: int
    waiting: int
    shed: int
    skipped: int
    oldest_wall_ns: int | None = None


class Limits(msgspec.Struct, frozen=True, gc=False):
    """How full the journal is: bytes used and allowed, first row held, and whether events are being refused or shed.

    `disk_bytes` is what its disk has for events before the oldest go for that, `commit_s` how long a commit takes; None: not known.
    """

    bytes_used: int
    max_bytes: int
    first_seq: int
    pressure: bool = False
    full: bool = False
    wal_bytes: int = 0
    disk_bytes: int | None = None
    commit_s: float | None = None


class Journal(Protocol):
    """One durable, append-only log shared by every service of the box."""

    @property
    def epoch(self) -> str:
        """The random name of this journal; it changes only when a new one is started."""
        ...

    def append(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        """Append in order, atomically, and return the last seq when it is durable. Blocks; safe from any thread.

        `advance=(cursor name, seq)` moves a transformer's cursor in the same transaction; not beyond the end: that is a place in another
        journal, which was set aside meanwhile.
        Raises FullError when the disk or the queue is full (nothing was stored), CorruptError when the file is damaged.
        """
        ...

    def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> Awaitable[int]:
        """`append` for coroutines, as a coroutine or a future: done when durable, without blocking the loop."""
        ...

    def read(self, after: int, limit: int = PAGE) -> list[Entry]:
        """Rows with seq > after, oldest first, at most min(limit, PAGE)."""
        ...

    def read_n(self, first: int, last: int) -> list[Entry]:
        """Rows with first <= n <= last that are still held, oldest first, at most PAGE."""
        ...

    async def wait(self, after: int, timeout_s: float) -> bool:
        """Return True as soon as a row with seq > after may be visible, False after timeout_s.

        True within a second or so also where another journal that has fewer rows took its place: look at `epoch`.
        """
        ...

    def head(self) -> Head:
        """The newest position."""
        ...

    def first_seq(self) -> int:
        """The oldest row still held; 0 when there is none."""
        ...

    def cursor(self, name: str) -> Cursor:
        """A sink's saved cursor; of another epoch when the journal was replaced; seq 0 of this epoch when never saved."""
        ...

    def save(self, name: str, cursor: Cursor) -> None:
        """Save a sink's cursor durably in a file of its own. Call lazily: every 500 acknowledgements or second."""
        ...

    def transformed(self, name: str) -> Position:
        """A transformer's cursor, as `append(advance=…)` left it."""
        ...

    def account(self, sink: str) -> Account:
        """The books towards the CRM, from the head, the sink's cursor and what was shed."""
        ...

    def limits(self) -> Limits:
        """How full it is."""
        ...

    def close(self) -> None:
        """Flush what is queued and let go of the files."""
        ...


def new_epoch() -> str:
    """A random name for a new journal.

    >>> len(new_epoch())
    10
    """
    return os.urandom(5).hex()


def begins_ns(journal: Journal) -> int | None:
    """When the oldest event was told, by the wall clock; None where the journal is empty. Rows that cannot be read are passed over."""
    for row in journal.read(journal.first_seq() - 1):
        try:
            return stored_from_body(row.body).wall_ns
        except msgspec.DecodeError:
            continue
    return None
