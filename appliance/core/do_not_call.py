"""The numbers that nobody here may call: a file of its own, so that neither a new load of customers nor damage to it takes it away.

One of the modules with SQL. Whoever looks a number up in a list that cannot be read gets an error, never a no.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from appliance.core.errors import CallfloorError
from appliance.core.sqlite_file import READER_S, check_kind, connect, fault_of, is_blank, make_private, standing, write_ahead
from appliance.core.store import refuse_network_path

LIST_FILE: Final = "do_not_call.db"
APPLICATION_ID: Final = 0x4346444E  # "CFDN"
SCHEMA_VERSION: Final = 1
REASON_MOST: Final = 200
_CACHE_KIB: Final = 512
_CHUNK: Final = 1000


class Listed(Struct, frozen=True, omit_defaults=True):
    """One number (`e164.key_of`), since when (wall clock), and why."""

    number: int
    since_ns: int
    reason: str | None = None


class DoNotCall:
    """The list. Opened for writing it is made where there is none; else it may come, go and be replaced. Use from one thread."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        """Raises, when writing, FullError, CorruptError, TransientError, DeniedError, UnsupportedError."""
        self.path, self._write = path, write
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        if write:
            refuse_network_path(path)
            make_private(path)
            self._connection()

    @property
    def is_there(self) -> bool:
        """Whether there is a list, be it empty."""
        return standing(self.path) is not None

    def has(self, number: int) -> bool:
        """Whether a number is on it. Raises TransientError, CorruptError."""
        return bool(self._asked("SELECT 1 FROM listed WHERE number=?", (number,)))

    def get(self, number: int) -> Listed | None:
        """What is known of a number on it. Raises as `has`."""
        rows = self._asked("SELECT number, since_ns, reason FROM listed WHERE number=?", (number,))
        return Listed(*rows[0]) if rows else None

    def __len__(self) -> int:
        """How many are on it. Raises as `has`."""
        rows = self._asked("SELECT count(*) FROM listed")
        return int(rows[0][0]) if rows else 0

    def walk(self) -> Iterator[Listed]:
        """All of them, by number. Raises as `has`."""
        last = -1
        while rows := self._asked("SELECT number, since_ns, reason FROM listed WHERE number>? ORDER BY number LIMIT ?", (last, _CHUNK)):
            last = rows[-1][0]
            yield from (Listed(*row) for row in rows)

    def add(self, rows: Iterable[Listed]) -> int:
        """Put numbers on it, all or none: how many were not on it before; since when and why stay as they are for those that were."""
        return self._changed("INSERT OR IGNORE INTO listed VALUES(?,?,?)", [(row.number, row.since_ns, row.reason) for row in rows])

    def remove(self, numbers: Iterable[int]) -> int:
        """Take numbers off it, all or none: how many were on it."""
        return self._changed("DELETE FROM listed WHERE number=?", [(number,) for number in numbers])

    def faults(self) -> list[str]:
        """The full check of the file, in words; empty when it is sound."""
        try:
            return [str(row[0]) for row in self._asked("PRAGMA quick_check(20)") if row[0] != "ok"]
        except CallfloorError as fault:
            return [str(fault)]

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = self._identity = None

    def _asked(self, question: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        db = self._connection()
        if db is None:
            return []
        try:
            return db.execute(question, values).fetchall()
        except sqlite3.Error as fault:
            self.close()
            raise fault_of(fault, self.path) from fault

    def _changed(self, statement: str, rows: list[tuple[object, ...]]) -> int:
        db = self._connection()
        assert db is not None
        assert self._write
        try:
            db.execute("BEGIN IMMEDIATE")
            changed = db.executemany(statement, rows).rowcount if rows else 0
            db.execute("COMMIT")
        except sqlite3.Error as fault:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise fault_of(fault, self.path) from fault
        # The file is whole by itself, so that a backup copies it as it is; a reader may keep that until the next time.
        with suppress(sqlite3.Error):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return changed

    def _connection(self) -> sqlite3.Connection | None:
        identity = standing(self.path)
        if identity is None:
            self.close()
            return None
        if self._db is None or identity != self._identity:
            self.close()
            db = connect(self.path, _CACHE_KIB) if self._write else connect(self.path, _CACHE_KIB, READER_S)
            try:
                if self._write:
                    _set_up(db)
                else:
                    db.execute("PRAGMA query_only=ON")
                check_kind(db, self.path, APPLICATION_ID, SCHEMA_VERSION)
            except sqlite3.Error as fault:
                db.close()
                raise fault_of(fault, self.path) from fault
            except Exception:
                db.close()
                raise
            self._db, self._identity = db, identity
        return self._db


def _set_up(db: sqlite3.Connection) -> None:
    write_ahead(db)
    if not is_blank(db):
        return
    db.execute("BEGIN IMMEDIATE")
    if is_blank(db):  # nobody else made it meanwhile
        db.execute("CREATE TABLE listed(number INTEGER PRIMARY KEY, since_ns INTEGER NOT NULL, reason TEXT)")
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    db.execute("COMMIT")
