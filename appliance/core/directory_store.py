"""How the directory's file is written: one of the modules with SQL. One connection's worth of operations.

Cards stand in one of two generations of tables (`card1`, `number1` or `card2`, `number2`), so that a full load is written beside the one
that answers and takes its place in one transaction. A number is an integer, the key of a table without anything else in it; a card is one
blob. A load is written in the order it comes and its indexes are built once, sorted, at its end: filing a million cards one by one would
write every page of an index hundreds of times, which a memory card does not bear. Readers hold no transaction open, so that the
write-ahead log is used again from its beginning.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from appliance.core.directory_card import Filed, Held, bytes_from_held, held_from_bytes
from appliance.core.directory_reader import APPLICATION_ID, SCHEMA_VERSION, Books, books_of
from appliance.core.errors import TransientError
from appliance.core.sqlite_file import check_kind, connect, fault_of, is_blank, make_private, put_aside_beside, write_ahead
from appliance.core.store import identity_of, refuse_network_path

_CACHE_KIB: Final = 4096
#: So many deletions are remembered; of more the oldest are given up, those of people who are forgotten last.
TOMBSTONES_MOST: Final = 100_000
#: So many commands that were carried out are remembered here: far more than may be without an end in the journal.
_SETTLED_MOST: Final = 2_000


class Cards:
    """The writer's connection: one at a time holds `turn`. Its operations are within `writing`."""

    def __init__(self, path: Path) -> None:
        """Opens the file or makes it. Raises CorruptError, FullError, TransientError, UnsupportedError."""
        self.path = path
        refuse_network_path(path)
        make_private(path)
        self._db = connect(path, _CACHE_KIB)
        try:
            put_aside_beside(self._db, path)
            _set_up(self._db, path)
            self._salt: bytes = self._db.execute("SELECT salt FROM state").fetchone()[0]
        except (sqlite3.Error, TypeError) as fault:
            self._db.close()
            raise fault_of(fault, path) from fault
        except Exception:
            self._db.close()
            raise
        self.identity = identity_of(path)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All of what is done within, or nothing. Raises FullError, CorruptError, TransientError."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as fault:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise fault_of(fault, self.path) from fault

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one who files, other processes included. Raises TransientError at once when another does."""
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as fault:
                raise TransientError("busy: somebody else files into the directory; try again when he is done") from fault
            yield
        finally:
            os.close(lock)

    def books(self) -> Books:
        """Where it stands."""
        return books_of(self._db)

    def note(self, version: int, wall_ns: int) -> None:
        """It is at this version now."""
        self._db.execute("UPDATE state SET version=?, as_of_ns=?", (version, wall_ns))

    # What became of commands.

    def settle(self, command: str, digest: bytes, version: int, told: bytes, wall_ns: int) -> None:
        """A command is done with: which page was filed (`digest` empty: none) and what was told of it is remembered."""
        db = self._db
        row = (command, digest, version, told, wall_ns)
        db.execute("INSERT INTO settled(command, digest, version, told, wall_ns) VALUES(?,?,?,?,?)", row)
        db.execute("DELETE FROM settled WHERE id<=(SELECT max(id) FROM settled)-?", (_SETTLED_MOST,))

    def settled(self, command: str) -> bytes | None:
        """What was told of a command; None: it was not carried out, or long ago."""
        try:
            row = self._db.execute("SELECT told FROM settled WHERE command=?", (command,)).fetchone()
        except sqlite3.Error as fault:
            raise fault_of(fault, self.path) from fault
        return row[0] if row else None

    def was_filed(self, version: int, digest: bytes) -> bool:
        """Whether the same page was filed, as the same version."""
        return self._db.execute("SELECT 1 FROM settled WHERE version=? AND digest=? LIMIT 1", (version, digest)).fetchone() is not None

    # Cards.

    def upsert(self, cards: Sequence[Filed], version: int, *, newest: bool, as_of: int | None = None) -> dict[str, int]:
        """File cards in the place of their customers' last ones: how many were `filed`, were `older` than what is held, or `deleted` since.

        `newest`: they are newer than all that is held (a page that follows); else each is held against card and tombstone (that by
        `as_of`, the version unless told).
        A card without a number takes the customer's last one away.
        """
        db, generation = self._db, self._generation()
        told = {"filed": 0, "older": 0, "deleted": 0}
        graves = self._has_graves()
        age = version if as_of is None else as_of
        entries = 0
        for card in cards:
            numbers = card.held.numbers
            if graves:
                if newest:
                    self._unbury(card.customer, numbers)
                elif self._is_buried(card.customer, age):
                    told["deleted"] += 1
                    continue
                else:
                    numbers = tuple(key for key in numbers if not self._is_buried(_spelled(key), age))
            held = card.held if numbers == card.held.numbers else _with_numbers(card, numbers)
            found = db.execute(f"SELECT id, version, body FROM card{generation} WHERE customer=?", (card.customer,)).fetchone()  # noqa: S608
            if found and not newest and found[1] > version:
                told["older"] += 1
                continue
            told["filed"] += 1
            if found:
                before = held_from_bytes(found[2]).numbers
                gone = [(key, found[0]) for key in before if key not in numbers]
                db.executemany(f"DELETE FROM number{generation} WHERE number=? AND card=?", gone)  # noqa: S608
                at = found[0]
                if not numbers:
                    db.execute(f"DELETE FROM card{generation} WHERE id=?", (at,))  # noqa: S608
                    entries -= 1
                    continue
                db.execute(f"UPDATE card{generation} SET version=?, body=? WHERE id=?", (version, bytes_from_held(held), at))  # noqa: S608
                new = [(key, at) for key in numbers if key not in before]
            elif not numbers:
                continue
            else:
                made = (card.customer, version, bytes_from_held(held))
                at = db.execute(f"INSERT INTO card{generation}(customer, version, body) VALUES(?,?,?)", made).lastrowid
                entries += 1
                new = [(key, at) for key in numbers]
            db.executemany(f"INSERT OR IGNORE INTO number{generation} VALUES(?,?)", new)
        db.execute("UPDATE state SET entries=entries+?", (entries,))
        return told

    def delete(self, customers: Iterable[str], numbers: Iterable[int], version: int, *, forgotten: bool = False) -> int:
        """Take customers away, and numbers off their cards; a card without a number goes. How many cards went.

        Both are remembered with the version, so that nothing older brings them back.
        """
        db, generation, went = self._db, self._generation(), 0
        for customer in customers:
            self._bury(customer, version, forgotten)
            found = db.execute(f"SELECT id, body FROM card{generation} WHERE customer=?", (customer,)).fetchone()  # noqa: S608
            if found:
                self._drop(generation, found[0], held_from_bytes(found[1]).numbers)
                went += 1
        for number in numbers:
            self._bury(_spelled(number), version, forgotten)
            for card, customer, body in db.execute(_OWNERS[generation], (number,)).fetchall():
                held = held_from_bytes(body)
                left = tuple(key for key in held.numbers if key != number)
                if left:
                    kept = bytes_from_held(_with_numbers(Filed(customer, held), left))
                    db.execute(f"UPDATE card{generation} SET body=?, version=? WHERE id=?", (kept, version, card))  # noqa: S608
                    db.execute(f"DELETE FROM number{generation} WHERE number=? AND card=?", (number, card))  # noqa: S608
                else:
                    self._drop(generation, card, held.numbers)
                    went += 1
        db.execute("UPDATE state SET entries=entries-?", (went,))
        # The oldest are given up, the forgotten last.
        over = db.execute("SELECT count(*) FROM tombstone").fetchone()[0] - TOMBSTONES_MOST
        if over > 0:
            db.execute("DELETE FROM tombstone WHERE key IN (SELECT key FROM tombstone ORDER BY forgotten, version LIMIT ?)", (over,))
        return went

    def unknown(self, cards: Sequence[Filed]) -> int:
        """Of how many of these customers nothing is held."""
        ask = f"SELECT 1 FROM card{self._generation()} WHERE customer=?"  # noqa: S608 - one of two
        return sum(1 for customer in {card.customer for card in cards} if self._db.execute(ask, (customer,)).fetchone() is None)

    def owners(self, number: int) -> list[str]:
        """Every customer who has a number."""
        return [row[1] for row in self._db.execute(_OWNERS[self._generation()], (number,)).fetchall()]

    # A full load, beside what answers.

    def begin_load(self, version: int) -> bool:
        """Make room for a new generation: whether another load was given up for it."""
        had = self.give_up_load()
        other = 3 - self._generation()
        _make_generation(self._db, other, indexed=False)
        self._db.execute("UPDATE state SET load_version=?, load_entries=0", (version,))
        return had

    def load(self, cards: Sequence[Filed], version: int) -> dict[str, int]:
        """Add cards to the load. Told as by `upsert`: who was forgotten in this version or a later one stays away, not who was deleted."""
        other, told, pairs = 3 - self._generation(), {"filed": 0, "older": 0, "deleted": 0}, []
        graves = self._db.execute("SELECT 1 FROM tombstone WHERE forgotten AND version>=? LIMIT 1", (version,)).fetchone() is not None
        for card in cards:
            numbers = card.held.numbers
            if graves:
                if self._is_buried(card.customer, version, forgotten=True):
                    told["deleted"] += 1
                    continue
                numbers = tuple(key for key in numbers if not self._is_buried(_spelled(key), version, forgotten=True))
            told["filed"] += 1
            if not numbers:
                continue
            held = card.held if numbers == card.held.numbers else _with_numbers(card, numbers)
            made = (card.customer, version, bytes_from_held(held))
            at = self._db.execute(f"INSERT INTO card{other}(customer, version, body) VALUES(?,?,?)", made).lastrowid
            pairs += [(key, at) for key in numbers]
        self._db.executemany("INSERT INTO loading VALUES(?,?)", pairs)
        self._db.execute("UPDATE state SET load_version=?, load_entries=load_entries+?", (version, told["filed"]))
        return told

    def end_load(self, version: int, wall_ns: int) -> None:
        """Build what the load is looked up by, and let it answer. Of two cards of one customer the later one counts."""
        db, old = self._db, self._generation()
        new = 3 - old
        db.execute(f"CREATE INDEX card{new}_customer ON card{new}(customer)")
        if db.execute(f"SELECT 1 FROM card{new} GROUP BY customer HAVING count(*)>1 LIMIT 1").fetchone():  # noqa: S608
            db.execute(f"DELETE FROM card{new} WHERE id NOT IN (SELECT max(id) FROM card{new} GROUP BY customer)")  # noqa: S608
            db.execute(f"DELETE FROM loading WHERE card NOT IN (SELECT id FROM card{new})")  # noqa: S608
        db.execute(f"INSERT OR IGNORE INTO number{new} SELECT number, card FROM loading ORDER BY number, card")  # noqa: S608
        entries = db.execute(f"SELECT count(*) FROM card{new}").fetchone()[0]  # noqa: S608
        db.execute("DROP TABLE loading")
        db.execute(
            "UPDATE state SET generation=?, version=?, as_of_ns=?, entries=?, load_version=NULL, load_entries=0",
            (new, version, wall_ns, entries),
        )
        # A full load is the last word on who was deleted before, also where it counts from a lower version.
        db.execute("DELETE FROM tombstone WHERE NOT forgotten")

    def drop_old(self) -> None:
        """Take away the generation that a load took the place of. In a transaction of its own: nobody waits for it."""
        if self.books().load_version is None:
            _drop_generation(self._db, 3 - self._generation())

    def give_up_load(self) -> bool:
        """Take away a load under way: whether there was one."""
        had = self.books().load_version is not None
        _drop_generation(self._db, 3 - self._generation())
        self._db.execute("UPDATE state SET load_version=NULL, load_entries=0")
        return had

    def scrub(self) -> bool:
        """Overwrite what went, in free pages and in the write-ahead log: whether no reader kept that."""
        db = self._db
        try:
            if db.execute("PRAGMA freelist_count").fetchone()[0] > 0:
                db.execute("VACUUM")
            return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as fault:
            raise fault_of(fault, self.path) from fault

    def overwrite(self) -> None:
        """From now on what goes is overwritten at once, also where that costs a page more."""
        self._db.execute("PRAGMA secure_delete=ON")

    def _generation(self) -> int:
        return int(self._db.execute("SELECT generation FROM state").fetchone()[0])

    def _drop(self, generation: int, card: int, numbers: Iterable[int]) -> None:
        pairs = [(key, card) for key in numbers]
        self._db.executemany(f"DELETE FROM number{generation} WHERE number=? AND card=?", pairs)  # noqa: S608
        self._db.execute(f"DELETE FROM card{generation} WHERE id=?", (card,))  # noqa: S608

    def _mark(self, text: str) -> int:
        """What stands in a tombstone for a customer or a number: it tells nobody who it was."""
        return int.from_bytes(hashlib.blake2b(text.encode(), key=self._salt, digest_size=8).digest(), "big", signed=True)

    def _has_graves(self) -> bool:
        return self._db.execute("SELECT 1 FROM tombstone LIMIT 1").fetchone() is not None

    def _bury(self, text: str, version: int, forgotten: bool) -> None:
        self._db.execute(
            "INSERT INTO tombstone VALUES(?,?,?) "
            "ON CONFLICT DO UPDATE SET version=max(version, excluded.version), forgotten=forgotten|excluded.forgotten",
            (self._mark(text), version, forgotten),
        )

    def _unbury(self, customer: str, numbers: Iterable[int]) -> None:
        marks = [(self._mark(customer),), *((self._mark(_spelled(key)),) for key in numbers)]
        self._db.executemany("DELETE FROM tombstone WHERE key=?", marks)

    def _is_buried(self, text: str, version: int, *, forgotten: bool = False) -> bool:
        row = self._db.execute("SELECT version, forgotten FROM tombstone WHERE key=?", (self._mark(text),)).fetchone()
        return row is not None and row[0] >= version and row[1] >= forgotten


_OWNERS: Final = {
    n: f"SELECT card{n}.id, card{n}.customer, card{n}.body FROM number{n} JOIN card{n} ON card{n}.id=number{n}.card "  # noqa: S608
    f"WHERE number{n}.number=?"
    for n in (1, 2)
}


def _spelled(number: int) -> str:
    return f"+{number}"


def _with_numbers(card: Filed, numbers: tuple[int, ...]) -> Held:
    held = card.held
    return Held(numbers, held.name, held.segment, held.language, held.last_case, held.do_not_call)


def _set_up(db: sqlite3.Connection, path: Path) -> None:
    if is_blank(db):
        write_ahead(db)
        db.execute("BEGIN IMMEDIATE")
        if is_blank(db):  # nobody else made it meanwhile
            _make(db)
        db.execute("COMMIT")
    check_kind(db, path, APPLICATION_ID, SCHEMA_VERSION)
    write_ahead(db)


def _make(db: sqlite3.Connection) -> None:
    db.execute(
        "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one=1), version INTEGER NOT NULL, entries INTEGER NOT NULL, as_of_ns INTEGER, "
        "generation INTEGER NOT NULL, load_version INTEGER, load_entries INTEGER NOT NULL, salt BLOB NOT NULL)"
    )
    db.execute("INSERT INTO state VALUES(1, 0, 0, NULL, 1, NULL, 0, ?)", (os.urandom(32),))
    _make_generation(db, 1, indexed=True)
    db.execute("CREATE TABLE tombstone(key INTEGER PRIMARY KEY, version INTEGER NOT NULL, forgotten INTEGER NOT NULL)")
    db.execute(
        "CREATE TABLE settled(id INTEGER PRIMARY KEY, command TEXT NOT NULL UNIQUE, digest BLOB NOT NULL, version INTEGER NOT NULL, "
        "told BLOB NOT NULL, wall_ns INTEGER NOT NULL)"
    )
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _make_generation(db: sqlite3.Connection, n: int, *, indexed: bool) -> None:
    db.execute(f"CREATE TABLE card{n}(id INTEGER PRIMARY KEY, customer TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL)")
    db.execute(f"CREATE TABLE number{n}(number INTEGER, card INTEGER, PRIMARY KEY(number, card)) WITHOUT ROWID")
    if indexed:
        db.execute(f"CREATE INDEX card{n}_customer ON card{n}(customer)")
    else:
        db.execute("CREATE TABLE loading(number INTEGER NOT NULL, card INTEGER NOT NULL)")


def _drop_generation(db: sqlite3.Connection, n: int) -> None:
    for table in (f"card{n}", f"number{n}", "loading"):
        db.execute(f"DROP TABLE IF EXISTS {table}")


def remove_damaged(path: Path) -> None:
    """Take away a file that cannot be read, with what SQLite keeps beside it."""
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
