"""The journal's SQLite file: the only module with SQL. One connection's worth of operations, no threads, no locks.

Measured and decided in docs/decisions/0002: WAL with synchronous=FULL, `BEGIN IMMEDIATE` for every write, one blob
per event and no index, a write-ahead log that never shrinks, passive checkpoints only, deletion in small chunks and
no vacuum. The sign of `n` carries whether an event is due to the CRM: a due row holds its delivery number, any other
row minus the last number given out so far, so that the newest row alone tells both counters.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from appliance.core.errors import CorruptError, DeniedError, FullError, TransientError, UnsupportedError
from appliance.core.event import Entry, stored_from_body
from appliance.core.journal import PAGE, Account, Cursor

APPLICATION_ID: Final = 0x43464C52  # "CFLR"
SCHEMA_VERSION: Final = 1
#: Pages after which SQLite checkpoints passively; the write-ahead log is grown to this size once and then reused.
CHECKPOINT_PAGES: Final = 1000
_PAGE_BYTES: Final = 4096
#: A connection's page cache: a full batch fits; more would only fill with pages of a long journal that nobody reads again.
_CACHE_KIB: Final = 384
WAL_BYTES: Final = CHECKPOINT_PAGES * (_PAGE_BYTES + 24) + 32
_CHECKED_ROWS: Final = 1000
_NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "afs"}
)


class Books(msgspec.Struct, frozen=True, gc=False):
    """What the file alone knows of the account: newest seq and n, what was shed, an open gap, and pressure."""

    seq: int
    n: int
    shed_to: int
    shed: int
    gap_from: int
    pressure: bool


#: A body, and whether it is due to the CRM.
Row = tuple[bytes, bool]
_T = TypeVar("_T")


class Store:
    """One open connection to a journal file."""

    def __init__(self, connection: sqlite3.Connection, path: Path, epoch: str) -> None:
        self._db = connection
        self.path = path
        self.epoch = epoch
        self.identity = identity_of(path)

    @classmethod
    def create(cls, path: Path, epoch: str) -> Store:
        """Make a new journal file. Raises FullError or TransientError when the place cannot take it."""
        db = _connect(path, f"file:{_quoted(path)}?mode=rwc")
        try:
            db.execute(f"PRAGMA page_size={_PAGE_BYTES}")
            _set_up(db)
            db.execute("BEGIN IMMEDIATE")
            db.execute("CREATE TABLE event(seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, body BLOB NOT NULL)")
            db.execute("CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID")
            db.execute("CREATE TABLE cursor(name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID")
            db.execute("INSERT INTO meta VALUES('epoch', ?)", (epoch,))
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            db.execute("COMMIT")
        except sqlite3.Error as fault:
            db.close()
            raise error_from_sqlite(fault, path) from fault
        return cls(db, path, epoch)

    @classmethod
    def open(cls, path: Path, check_rows: int = _CHECKED_ROWS) -> Store:
        """Open an existing journal for reading and writing, checking header, epoch and the newest rows.

        Raises CorruptError when it is no journal or is damaged, UnsupportedError when a newer version wrote it,
        TransientError when it cannot be written (read-only file or file system).
        """
        db = _connect(path, f"file:{_quoted(path)}?mode=rw")
        try:
            epoch = _checked_epoch(db, path, check_rows)
            _set_up(db)
        except sqlite3.Error as fault:
            db.close()
            raise error_from_sqlite(fault, path) from fault
        except Exception:
            db.close()
            raise
        return cls(db, path, epoch)

    @classmethod
    def open_readonly(cls, path: Path) -> Store:
        """Open for reading, never creating a file beside it, so that root may look while services run.

        Raises CorruptError when it is no journal, TransientError when it is not there or cannot be read, DeniedError where its folder
        may not be looked into.
        """
        try:
            there = path.exists()
        except PermissionError as fault:
            raise DeniedError(f"no right to look for the journal at {path}; run this with sudo, or as a member of its group") from fault
        if not there:
            raise TransientError(f"no journal at {path}; is the box's service running, and is [journal] path right?")
        live = Path(f"{path}-wal").exists()
        db = _connect(path, f"file:{_quoted(path)}?mode=ro" + ("" if live else "&immutable=1"))
        try:
            epoch = _checked_epoch(db, path, 0)
        except sqlite3.Error as fault:
            db.close()
            raise error_from_sqlite(fault, path) from fault
        except Exception:
            db.close()
            raise
        return cls(db, path, epoch)

    def asked(self, question: Callable[[Store], _T]) -> _T:
        """Ask something of this store; SQLite's errors come out as ours, naming the file and the mend."""
        try:
            return question(self)
        except sqlite3.Error as fault:
            raise error_from_sqlite(fault, self.path) from fault

    def close(self) -> None:
        """Close the connection; the last writer's close checkpoints the log."""
        self._db.close()

    def grow_wal(self) -> None:
        """Grow the write-ahead log to its working size once, so that commits overwrite instead of extending it.

        A transaction that spills its pages into the log and is rolled back leaves the file grown and the database
        untouched (3.4 times fewer bytes and half the flushes per commit afterwards: docs/decisions/0002).
        """
        wal = Path(f"{self.path}-wal")
        if wal.exists() and wal.stat().st_size >= WAL_BYTES:
            return
        self._db.execute("PRAGMA cache_size=16")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute("CREATE TABLE grow(body BLOB)")
            for _ in range(CHECKPOINT_PAGES // 50):
                self._db.execute("INSERT INTO grow VALUES(zeroblob(?))", (50 * _PAGE_BYTES,))
        except sqlite3.OperationalError:
            pass  # No room to grow: commits will find that out and say so.
        finally:
            self._db.execute("ROLLBACK")
            self._db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")

    def insert(self, rows: Sequence[Row], advances: Iterable[tuple[str, int]], missed: int = 0) -> tuple[int, int]:
        """Append (body, due) rows and move transformer cursors in one durable transaction; returns the newest (seq, n).

        `missed` adds to the count of events not recorded under pressure. A place beyond the end is one in another journal, and none here.

        Raises sqlite3.Error as it comes (nothing was stored); the caller holds the journal's lock.
        """
        with self._writing() as db:
            at = self._add(rows)
            for name, place in (advance for advance in advances if advance[1] <= at[0]):
                db.execute("INSERT INTO cursor VALUES(?,?) ON CONFLICT(name) DO UPDATE SET seq=excluded.seq", (name, place))
            if missed:
                db.execute("INSERT INTO meta VALUES('not_recorded',?) ON CONFLICT(key) DO UPDATE SET value=value+excluded.value", (missed,))
        return at

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction; whatever goes wrong in it or at its commit, nothing of it stays."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _add(self, rows: Sequence[Row]) -> tuple[int, int]:
        """Number and insert rows, inside a transaction; the newest (seq, n)."""
        seq, n = self._db.execute("SELECT seq, abs(n) FROM event ORDER BY seq DESC LIMIT 1").fetchone() or (0, 0)
        out = []
        for body, due in rows:
            seq += 1
            n += due
            out.append((seq, n if due else -n, body))
        self._db.executemany("INSERT INTO event VALUES(?,?,?)", out)
        return seq, n

    def read(self, after: int, limit: int) -> list[Entry]:
        """Rows with seq > after, oldest first, at most min(limit, PAGE)."""
        rows = self._db.execute("SELECT seq, n, body FROM event WHERE seq>? ORDER BY seq LIMIT ?", (after, min(limit, PAGE))).fetchall()
        return [Entry(seq, n if n > 0 else None, body) for seq, n, body in rows]

    def seq_of_n(self, n: int) -> int:
        """The first seq still held whose counter has reached n (its row, or later if that row is gone); head + 1 if none."""
        low, high = self.first_seq(), self.books().seq + 1
        while low < high:
            middle = (low + high) // 2
            seq, at = self._db.execute("SELECT seq, abs(n) FROM event WHERE seq>=? ORDER BY seq LIMIT 1", (middle,)).fetchone()
            if at >= n:
                high = middle
            else:
                low = seq + 1
        return low

    def books(self) -> Books:
        """The newest counters and what was shed, read in one snapshot."""
        rows = self._db.execute(
            "SELECT (SELECT seq FROM event ORDER BY seq DESC LIMIT 1), (SELECT abs(n) FROM event ORDER BY seq DESC LIMIT 1),"
            " (SELECT value FROM meta WHERE key='shed_to'), (SELECT value FROM meta WHERE key='shed'),"
            " (SELECT value FROM meta WHERE key='gap_from'), (SELECT value FROM meta WHERE key='pressure')"
        ).fetchone()
        seq, n, shed_to, shed, gap_from, pressure = rows
        return Books(seq or 0, n or 0, shed_to or 0, shed or 0, gap_from or 0, bool(pressure))

    def newest_seq(self) -> int:
        """The newest row; 0 when there is none."""
        row = self._db.execute("SELECT seq FROM event ORDER BY seq DESC LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def first_seq(self) -> int:
        """The oldest row still held; 0 when there is none."""
        row = self._db.execute("SELECT seq FROM event ORDER BY seq LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def oldest_due(self, after: int) -> Entry | None:
        """The first due row with seq > after."""
        row = self._db.execute("SELECT seq, n, body FROM event WHERE seq>? AND n>0 ORDER BY seq LIMIT 1", (after,)).fetchone()
        return Entry(*row) if row else None

    def account(self, cursor: Cursor) -> Account:
        """The books towards the CRM for a sink's cursor, which must have been read before this call."""
        if cursor.epoch != self.epoch:
            cursor = Cursor(self.epoch, 0)
        books = self.books()
        waiting = books.n - max(cursor.n, books.shed_to)
        oldest = self.oldest_due(cursor.seq) if waiting else None
        return Account(
            recorded=books.n,
            delivered=books.n - waiting - books.shed - cursor.skipped,
            waiting=waiting,
            shed=books.shed,
            skipped=cursor.skipped,
            oldest_wall_ns=stored_from_body(oldest.body).wall_ns if oldest else None,
        )

    def cursor(self, name: str) -> int:
        """A transformer's position; 0 when it never advanced."""
        row = self._db.execute("SELECT seq FROM cursor WHERE name=?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def bytes_used(self) -> int:
        """Bytes of the file that hold something (free pages are reused, never given back)."""
        pages = self._db.execute("PRAGMA page_count").fetchone()[0]
        free = self._db.execute("PRAGMA freelist_count").fetchone()[0]
        return int(pages - free) * _PAGE_BYTES

    def bytes_free(self) -> int:
        """Bytes of the file that hold nothing any more, and take what comes next."""
        return int(self._db.execute("PRAGMA freelist_count").fetchone()[0]) * _PAGE_BYTES

    def prune(self, rows: int, settled: int, gap: Callable[[int], Row]) -> tuple[int, int]:
        """Delete at most `rows` of the oldest rows, never the newest, keeping account of what was not delivered.

        `settled` is the last delivery number the CRM has settled. `gap` makes the row that says from which number on events are gone; it
        is appended in the same transaction as the first of them goes. Returns (rows deleted, delivery numbers shed).
        """
        with self._writing() as db:
            edge = db.execute(
                "SELECT max(seq) FROM (SELECT seq FROM event WHERE seq<(SELECT max(seq) FROM event) ORDER BY seq LIMIT ?)", (rows,)
            ).fetchone()[0]
            if edge is None:
                return 0, 0
            last_n = db.execute("SELECT abs(n) FROM event WHERE seq<=? ORDER BY seq DESC LIMIT 1", (edge,)).fetchone()[0]
            books = self.books()
            shed = max(0, last_n - max(settled, books.shed_to))
            deleted = db.execute("DELETE FROM event WHERE seq<=?", (edge,)).rowcount
            if shed:
                gap_from = books.gap_from or max(settled, books.shed_to) + 1
                self._set({"shed_to": last_n, "shed": books.shed + shed, "gap_from": gap_from})
                if not books.gap_from:
                    self._add([gap(gap_from)])
        return deleted, shed

    def tell(self, row: Row, facts: Mapping[str, int]) -> None:
        """Append the row that announces a change of small facts (`pressure`, `gap_from`) in the transaction that makes the change."""
        with self._writing():
            self._set(facts)
            self._add([row])

    def _set(self, facts: Mapping[str, int]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES(?,?)", facts.items())

    def try_disk(self) -> None:
        """Commit next to nothing, to see how long that takes."""
        with self._writing():
            self._set({"tried": self.fact("tried") + 1})

    def fact(self, key: str) -> int:
        """A small fact; 0 where it was never told."""
        row = self._db.execute("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def checkpoint(self) -> None:
        """Bring the log's pages into the file as far as readers allow, so that the log is used again from its beginning."""
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def purged_to(self) -> tuple[int, dict[str, int]]:
        """How far `purge` has come, and what it was told to remember on the way."""
        if not self._db.execute("SELECT count(*) FROM sqlite_master WHERE name='passed'").fetchone()[0]:
            return 0, {}
        place = self._db.execute("SELECT value FROM meta WHERE key='purged_to'").fetchone()
        return int(place[0]) if place else 0, dict(self._db.execute("SELECT key, seq FROM passed").fetchall())

    def place(self, name: str) -> int:
        """How far a walk that `purge` remembers under a name has come."""
        row = self._db.execute("SELECT value FROM meta WHERE key=?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def purge(self, rows: Sequence[tuple[bytes, int]], to: int, passed: Mapping[str, int], name: str = "purged_to") -> None:
        """Put other bodies in the place of those of some rows (body, seq), and remember a place and (key, seq) pairs, all or nothing.

        What stood in a page is overwritten, not only forgotten (docs/decisions/0009 says what remains elsewhere).
        """
        with self._writing() as db:
            db.execute("CREATE TABLE IF NOT EXISTS passed(key TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID")
            db.executemany("UPDATE event SET body=? WHERE seq=?", rows)
            db.executemany("INSERT OR REPLACE INTO passed VALUES(?,?)", passed.items())
            db.execute("DELETE FROM passed WHERE seq<(SELECT min(seq) FROM event)")
            self._set({name: to})

    def scrub(self, most_pages: int = 4096) -> tuple[bool, int]:
        """Overwrite what rows that went left in free pages, and empty the write-ahead log: whether no reader kept that, and the bytes free
        beyond `most_pages`, which stay as they are until they are used. For `core.forget`; writers wait meanwhile.
        """
        db = self._db
        db.execute("PRAGMA secure_delete=ON")
        pages = int(db.execute("PRAGMA freelist_count").fetchone()[0])
        free = min(pages, most_pages)
        with self._writing():
            db.execute("CREATE TABLE scrub(body BLOB)")
            for at in range(0, free, 50):
                db.execute("INSERT INTO scrub VALUES(zeroblob(?))", (min(50, free - at) * _PAGE_BYTES,))
            db.execute("DROP TABLE scrub")
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], (pages - free) * _PAGE_BYTES

    def set_budget(self, max_bytes: int) -> None:
        """Refuse to grow beyond this size, or at all where the file is larger already, whatever happens to upkeep."""
        self._db.execute(f"PRAGMA max_page_count={max(max_bytes // _PAGE_BYTES, 256)}")

    def check(self) -> list[str]:
        """The full check of the file, in words; empty when it is sound. Minutes on a full card: for the background."""
        faults = [str(row[0]) for row in self._db.execute("PRAGMA quick_check(20)").fetchall() if row[0] != "ok"]
        last, n = 0, 0
        while rows := self.read_raw(last):
            if last and rows[0][0] != last + 1 and self.first_seq() >= rows[0][0]:
                last = 0  # pruned meanwhile from the oldest on, as it should be: the count begins anew
            for seq, number, body in rows:
                if seq != last + 1 and last:
                    faults.append(f"row {last + 1} is missing")
                if last and (number if number > 0 else -number) != n + (number > 0):
                    faults.append(f"row {seq}: delivery number {number} after {n}")
                last, n = seq, abs(number)
                if fault := _fault_in(body):
                    faults.append(f"row {seq}: {fault}")
                if len(faults) >= 20:
                    return faults
        return faults

    def read_raw(self, after: int) -> list[tuple[int, int, bytes]]:
        """A page of rows as they are stored, the sign of n included."""
        return self._db.execute("SELECT seq, n, body FROM event WHERE seq>? ORDER BY seq LIMIT ?", (after, PAGE)).fetchall()


def error_from_sqlite(fault: sqlite3.Error, path: Path) -> FullError | CorruptError | TransientError:
    """Say what an SQLite error means for a person."""
    name = getattr(fault, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL") or "disk is full" in str(fault):
        return FullError(f"no room for the journal at {path}: {fault}; free space on that disk or raise [journal] max_bytes")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "malformed" in str(fault) or "not a database" in str(fault):
        return CorruptError(f"the journal at {path} is damaged: {fault}; it is set aside and a new one begun at the next start")
    if name.startswith("SQLITE_READONLY"):
        return TransientError(
            f"the journal at {path} cannot be written: {fault}; check the file's owner and whether the card went read-only"
        )
    if name.startswith("SQLITE_IOERR"):
        return FullError(f"the journal at {path} could not be written: {fault} ({name}); check the disk")
    return TransientError(f"the journal at {path} cannot be used: {fault}; check that its folder exists and belongs to the service")


def refuse_network_path(path: Path) -> None:
    """Raise UnsupportedError when the path is on a network file system: SQLite's shared memory does not work there."""
    try:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return
    folder = os.path.realpath(path.parent)
    best, kind = "", ""
    for line in mounts:
        _, point, fs, *_ = line.split(" ")
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fs
    if kind in _NETWORK_FILE_SYSTEMS:
        raise UnsupportedError(f"the journal at {path} would be on a network file system ({kind} at {best}); put it on a local disk")


def _connect(path: Path, uri: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=10.0, cached_statements=32)
    except sqlite3.Error as fault:
        raise error_from_sqlite(fault, path) from fault


def identity_of(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path: its device, since a file system mounted anew has the same numbers, and inode; None: none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - once per commit
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_blank(path: Path) -> bool:
    """Whether there is no journal yet: no file, an empty one, or one whose maker was killed before anything stood in it."""
    if not path.exists() or path.stat().st_size == 0:
        return True
    db = _connect(path, f"file:{_quoted(path)}?mode=ro")
    try:
        return _is_empty(db)
    except sqlite3.Error:
        return False  # whatever it is, opening it tells
    finally:
        db.close()


def _is_empty(db: sqlite3.Connection) -> bool:
    unmarked = db.execute("PRAGMA application_id").fetchone()[0] == 0
    return bool(unmarked and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _set_up(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    # What goes is overwritten where its page is written anyway; Debian's own setting would write every page that gets free once more.
    db.execute("PRAGMA secure_delete=FAST")


def _checked_epoch(db: sqlite3.Connection, path: Path, rows: int) -> str:
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        if _is_empty(db):
            raise TransientError(f"the journal at {path} is just being made; try again")
        raise CorruptError(f"{path} is not a journal of this product")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION and not _usable_by_older(db):
        raise UnsupportedError(f"the journal at {path} was written by a newer version (format {version}); install that version again")
    row = db.execute("SELECT value FROM meta WHERE key='epoch'").fetchone()
    if row is None:
        raise CorruptError(f"the journal at {path} has no epoch")
    last = None
    for seq, body in db.execute("SELECT seq, body FROM event ORDER BY seq DESC LIMIT ?", (rows,)).fetchall():
        if last is not None and seq != last - 1:
            raise CorruptError(f"the journal at {path} lacks rows between {seq} and {last}")
        last = seq
        if fault := _fault_in(body):
            raise CorruptError(f"the journal at {path} is damaged at row {seq}: {fault}")
    return str(row[0])


def _usable_by_older(db: sqlite3.Connection) -> bool:
    """Whether a newer version says that this one may go on with the file, as after an update that was rolled back.

    A migration that only adds writes `oldest_format` into meta: the oldest format whose programs still read and write the file rightly.
    """
    row = db.execute("SELECT value FROM meta WHERE key='oldest_format'").fetchone()
    return row is not None and isinstance(row[0], int) and row[0] <= SCHEMA_VERSION


def _fault_in(body: bytes) -> str | None:
    try:
        stored_from_body(body)
    except msgspec.DecodeError as fault:
        return str(fault)
    return None
