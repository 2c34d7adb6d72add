"""Decides how an SQLite file beside the journal is opened, kept to its owner, and what its faults mean for a person.

For files that are no journal: customers' cards, numbers that may not be called. Each names itself by an application id.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.core.errors import CorruptError, DeniedError, FullError, TransientError, UnsupportedError
from appliance.core.store import identity_of

#: Who writes waits so long for another who does.
_WRITER_S: Final = 10.0
#: Who only reads waits for nobody, but where the file is just opened after a power cut or closed by the last one: a call rings meanwhile.
READER_S: Final = 0.25
#: What SQLite says of rights, of others who hold the file, and of how it was called.
_NO_DAMAGE: Final = (
    *("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "SQLITE_SCHEMA", "SQLITE_INTERRUPT", "SQLITE_ABORT"),
    *("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_NOLFS", "SQLITE_NOMEM"),
    *("SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_TOOBIG"),
)
_CHECKPOINT_PAGES: Final = 1000
#: What is left of the write-ahead log behind a large transaction.
_WAL_BYTES: Final = 8 * 1024**2


def make_private(path: Path) -> None:
    """An empty file for its owner alone, where there is none: SQLite gives the files beside it the same rights."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except PermissionError as fault:
        raise DeniedError(f"{path} may not be written: {fault.strerror}; run this with sudo, or as the services' user") from fault
    except OSError as fault:
        raise fault_of(fault, path) from fault


def connect(path: Path, cache_kib: int, wait_s: float = _WRITER_S) -> sqlite3.Connection:
    """A connection without transactions of Python's own; it makes no file. Raises TransientError, CorruptError, FullError."""
    quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        db = sqlite3.connect(
            f"file:{quoted}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=wait_s, cached_statements=64
        )
    except sqlite3.Error as fault:
        raise fault_of(fault, path) from fault
    try:
        db.execute(f"PRAGMA cache_size=-{cache_kib}")
    except sqlite3.Error as fault:
        db.close()
        raise fault_of(fault, path) from fault
    return db


def standing(path: Path) -> tuple[int, int] | None:
    """Which file stands there (`store.identity_of`), None: none. Raises TransientError where its folder may not be looked into."""
    try:
        return identity_of(path)
    except OSError as fault:
        raise TransientError(f"{path} cannot be looked at: {fault.strerror}; check whose its folder is") from fault


def write_ahead(db: sqlite3.Connection) -> None:
    """Readers go on while one writes, and what was committed stands after a power cut."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    db.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
    db.execute("PRAGMA secure_delete=FAST")


def put_aside_beside(db: sqlite3.Connection, path: Path) -> None:
    """What SQLite sorts and makes anew lies beside the file, for the whole process.

    Its own choice is /var/tmp, which on a box is 64 MiB of memory: too little for a million customers. Raises sqlite3.Error.
    """
    folder = str(path.parent.absolute())
    row = db.execute("PRAGMA temp_store_directory").fetchone()
    if row is None or row[0] != folder:
        db.execute("PRAGMA temp_store_directory='{}'".format(folder.replace("'", "''")))


def is_blank(db: sqlite3.Connection) -> bool:
    """Whether nothing stands in it yet. Raises sqlite3.Error."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def check_kind(db: sqlite3.Connection, path: Path, application: int, version: int) -> None:
    """Whether it is ours. Raises CorruptError, TransientError where it is just being made, UnsupportedError for a newer version's."""
    if db.execute("PRAGMA application_id").fetchone()[0] != application:
        if is_blank(db):
            raise TransientError(f"{path} is just being made; try again")
        raise CorruptError(f"{path} is not a file of this kind")
    if db.execute("PRAGMA user_version").fetchone()[0] > version:
        raise UnsupportedError(f"{path} was written by a newer version; install that version again")


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """What is read within is of one moment."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT" if db.in_transaction else "SELECT 1")


def fault_of(fault: Exception, path: Path) -> CorruptError | FullError | TransientError:
    """Say what a fault means for a person: damage in the file, for which it may be thrown away, is only what can be nothing else."""
    if isinstance(fault, OSError):
        return FullError(f"{path} cannot be written: {fault.strerror}; check the disk and the folder's owner")
    name = getattr(fault, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL") or "disk is full" in str(fault):
        return FullError(f"no room for {path}: {fault}; free space on that disk")
    if name.startswith(_NO_DAMAGE) or isinstance(fault, sqlite3.ProgrammingError):
        return TransientError(f"{path} cannot be used now: {fault}; check that nobody holds it and that it belongs to the services' user")
    if name.startswith("SQLITE_IOERR"):
        return FullError(f"{path} could not be read or written: {fault} ({name}); check the disk")
    return CorruptError(f"{path} is damaged: {fault}")
