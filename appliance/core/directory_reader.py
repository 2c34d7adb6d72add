"""What is read of the directory's file, beside a writer and without waiting for him: one of the modules with SQL.

No transaction stays open between two questions: a reader that held one would let the write-ahead log grow without an end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.directory_card import held_from_bytes
from appliance.core.errors import CorruptError, FullError, TransientError
from appliance.core.sqlite_file import READER_S, check_kind, connect, fault_of, snapshot, standing

CARDS_FILE: Final = "directory.db"
APPLICATION_ID: Final = 0x43464449  # "CFDI"
SCHEMA_VERSION: Final = 1
_CACHE_KIB: Final = 1024
_CHUNK: Final = 500
_SHOWN: Final = {
    n: f"SELECT card{n}.customer, card{n}.body FROM number{n} JOIN card{n} ON card{n}.id=number{n}.card "  # noqa: S608 - one of two
    f"WHERE number{n}.number=? ORDER BY number{n}.card DESC LIMIT ?"
    for n in (1, 2)
}
_WALKED: Final = {n: f"SELECT id, customer, version, body FROM card{n} WHERE id>? ORDER BY id LIMIT ?" for n in (1, 2)}  # noqa: S608


class Books(Struct, frozen=True):
    """Where the directory stands. `load_version`: how far a full load under way has come, None: none is."""

    version: int
    entries: int
    as_of_ns: int | None
    generation: int
    load_version: int | None
    load_entries: int


class Row(Struct, frozen=True):
    """One card found; `version` is the directory's."""

    customer: str
    body: bytes
    version: int


class Reader:
    """Looks cards up, in a file that may come, go and be replaced. Use from one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a file."""
        return standing(self.path) is not None

    def cards(self, number: int, most: int) -> list[Row]:
        """Those who have a number, the one filed last first. Raises TransientError, CorruptError."""
        db = self._connection()
        if db is None:
            return []
        try:
            with snapshot(db):
                version, generation = db.execute("SELECT version, generation FROM state").fetchone()
                found = db.execute(_SHOWN[generation], (number, most)).fetchall()
        except (sqlite3.Error, TypeError, KeyError) as fault:
            raise self._lost(fault) from fault
        return [Row(customer, body, version) for customer, body in found]

    def books(self) -> Books | None:
        """Where it stands; None: there is no file. Raises TransientError, CorruptError."""
        db = self._connection()
        if db is None:
            return None
        try:
            return books_of(db)
        except (sqlite3.Error, TypeError) as fault:
            raise self._lost(fault) from fault

    def walk(self) -> Iterator[tuple[str, int, bytes]]:
        """Every card (customer, version, body) in the order they were filed, as of one moment or the next. Raises as `cards`."""
        last, generation = 0, None
        while (db := self._connection()) is not None:
            try:
                with snapshot(db):
                    now = db.execute("SELECT generation FROM state").fetchone()[0]
                    if generation not in (None, now):
                        raise TransientError(f"the directory at {self.path} was loaded anew meanwhile; try again")
                    generation = now
                    page = db.execute(_WALKED[generation], (last, _CHUNK)).fetchall()
            except (sqlite3.Error, TypeError) as fault:
                raise self._lost(fault) from fault
            if not page:
                return
            last = page[-1][0]
            yield from ((customer, version, body) for _, customer, version, body in page)

    def faults(self) -> list[str]:
        """The full check of the file, in words; empty when it is sound. Raises TransientError."""
        try:
            db = self._connection()
            if db is None:
                return []
            with snapshot(db):
                found = [str(row[0]) for row in db.execute("PRAGMA quick_check(20)") if row[0] != "ok"]
                if found:
                    return found
                entries, generation = db.execute("SELECT entries, generation FROM state").fetchone()
                counted = db.execute(f"SELECT count(*) FROM card{generation}").fetchone()[0]  # noqa: S608 - one of two
                if counted != entries:
                    found.append(f"{counted} cards are filed and {entries} are counted")
                astray = db.execute(
                    f"SELECT count(*) FROM number{generation} WHERE card NOT IN (SELECT id FROM card{generation})"  # noqa: S608
                ).fetchone()[0]
                if astray:
                    found.append(f"{astray} numbers belong to no card")
                bodies = db.execute(f"SELECT body FROM card{generation}")  # noqa: S608
                if unreadable := sum(1 for (body,) in bodies if not _is_card(body)):
                    found.append(f"{unreadable} cards cannot be read")
        except (sqlite3.Error, TypeError) as fault:
            return [str(self._lost(fault))]
        except CorruptError as fault:
            return [str(fault)]
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = self._identity = None

    def _connection(self) -> sqlite3.Connection | None:
        identity = standing(self.path)
        if identity is None:
            self.close()
            return None
        if self._db is None or identity != self._identity:
            self.close()
            self._db = connect(self.path, _CACHE_KIB, READER_S)
            self._identity = identity
            try:
                self._db.execute("PRAGMA query_only=ON")
                check_kind(self._db, self.path, APPLICATION_ID, SCHEMA_VERSION)
            except sqlite3.Error as fault:
                raise self._lost(fault) from fault
            except Exception:
                self.close()
                raise
        return self._db

    def _lost(self, fault: Exception) -> CorruptError | FullError | TransientError:
        self.close()
        return fault_of(fault, self.path)


def _is_card(body: bytes) -> bool:
    try:
        held_from_bytes(body)
    except CorruptError:
        return False
    return True


def books_of(db: sqlite3.Connection) -> Books:
    """Where it stands, by one connection. Raises sqlite3.Error, TypeError where there is no state."""
    return Books(*db.execute("SELECT version, entries, as_of_ns, generation, load_version, load_entries FROM state").fetchone())
