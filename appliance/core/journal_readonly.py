"""A journal that can only be read: what the command line sees, beside running services or without any. It makes no file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.core.cursor_file import CursorFile
from appliance.core.errors import DeniedError
from appliance.core.event import Entry, Event, Position
from appliance.core.journal import PAGE, Account, Cursor, Head, Limits
from appliance.core.store import Store

_POLL_S: Final = 0.2


class ReadonlyJournal:
    """The reading half of `Journal`; what would write raises DeniedError. Use from one thread."""

    def __init__(self, path: Path, run_dir: Path | None = None, max_bytes: int = 0) -> None:
        """Raises CorruptError when the file is no journal, TransientError when it is not there or may not be read."""
        self.path, self.run_dir = path, run_dir or path.parent / "run"
        self._max_bytes = max_bytes
        self._store = Store.open_readonly(path)

    @property
    def epoch(self) -> str:
        """The random name of this journal."""
        return self._store.epoch

    def append(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        """Always raises DeniedError."""
        raise DeniedError(f"the journal at {self.path} was opened to read only")

    async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        """Always raises DeniedError."""
        return self.append(events, advance)

    def read(self, after: int, limit: int = PAGE) -> list[Entry]:
        """See `Journal.read`."""
        return self._store.asked(lambda store: store.read(after, limit))

    def read_n(self, first: int, last: int) -> list[Entry]:
        """See `Journal.read_n`."""
        at, out = self._store.asked(lambda store: store.seq_of_n(first)) - 1, list[Entry]()
        while len(out) < PAGE and (page := self.read(at)):
            out += [entry for entry in page if entry.n is not None and first <= entry.n <= last]
            at = page[-1].seq
            if any((entry.n or 0) >= last for entry in page):
                break
        return out[:PAGE]

    async def wait(self, after: int, timeout_s: float) -> bool:
        """See `Journal.wait`; looks five times a second, for it may not make a bell of its own."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + timeout_s
        while self.head().seq <= after:
            if loop.time() >= end_s:
                return False
            await asyncio.sleep(min(_POLL_S, max(0.0, end_s - loop.time())))
        return True

    def head(self) -> Head:
        """See `Journal.head`."""
        books = self._store.asked(Store.books)
        return Head(self.epoch, books.seq, books.n)

    def first_seq(self) -> int:
        """See `Journal.first_seq`."""
        return self._store.asked(Store.first_seq)

    def cursor(self, name: str) -> Cursor:
        """See `Journal.cursor`."""
        return CursorFile(self.path.parent / "cursors" / name).load() or Cursor(self.epoch, 0)

    def save(self, name: str, cursor: Cursor) -> None:
        """Always raises DeniedError."""
        raise DeniedError(f"the journal at {self.path} was opened to read only")

    def transformed(self, name: str) -> Position:
        """See `Journal.transformed`."""
        return Position(self.epoch, self._store.asked(lambda store: store.cursor(name)))

    def account(self, sink: str) -> Account:
        """See `Journal.account`."""
        cursor = self.cursor(sink)  # before the head, so that it can never be ahead of it
        return self._store.asked(lambda store: store.account(cursor))

    def limits(self) -> Limits:
        """See `Journal.limits`; whether the disk is full only a writer knows."""
        wal = Path(f"{self.path}-wal")
        books, used = self._store.asked(Store.books), self._store.asked(Store.bytes_used)
        wal_bytes = wal.stat().st_size if wal.exists() else 0
        return Limits(used, self._max_bytes, self.first_seq(), pressure=books.pressure, wal_bytes=wal_bytes)

    def check(self) -> list[str]:
        """The full check, in words; empty when sound. Reads the whole file."""
        return self._store.asked(Store.check)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()
