"""The durable journal: group commit by one appender thread, a lock that queues writers, the bell, and retention.

Every writer process takes `flock(journal.lock)`, gathers its batch only then, commits, lets go: the kernel queues
the waiters and frees a killed holder's lock (SQLite's own busy handler is no queue: docs/decisions/0002).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar

from appliance.core.bell import Bell, Ringer
from appliance.core.catalogue import JournalStarted, kind_of
from appliance.core.clock import NS, Clock, SystemClock
from appliance.core.cursor_file import CursorFile
from appliance.core.disk import size_bytes
from appliance.core.errors import CallfloorError, CorruptError, FullError, TransientError
from appliance.core.event import Entry, Event, Position, body_from_event
from appliance.core.journal import BATCH, PAGE, Account, Cursor, Due, Head, Limits, new_epoch
from appliance.core.pace import Pace
from appliance.core.store import Row, Store, error_from_sqlite, identity_of, is_blank, refuse_network_path
from appliance.core.ticket import Ticket, TicketQueue
from appliance.core.upkeep import Callers, Upkeep

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from msgspec import Struct

_T = TypeVar("_T")
#: Events that may wait for the appender in one process; more is refused, never silently dropped.
QUEUE: Final = 20_000
_POLL_S: Final = 1.0
_LOOK_NS: Final = NS
_NOT_UNDER_PRESSURE: Final = frozenset({"headset.hook", "headset.mute", "headset.minute"})


class SqliteJournal:
    """A journal in a file, shared by every process of the box."""

    def __init__(self, path: Path, run_dir: Path, due: Due, clock: Clock, max_bytes: int, upkeep: Callable[..., Upkeep]) -> None:
        self.path = path
        self.run_dir = run_dir
        self.max_bytes = max_bytes
        self._due = due
        self._clock = clock
        self._lock_file = os.open(path.parent / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        self._turnstile = os.open(path.parent / "journal.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        self._tickets = TicketQueue(QUEUE)
        self._starting, self._reading, self._writing = threading.Lock(), threading.Lock(), threading.Lock()
        self._ringer = Ringer(run_dir / "bells")
        self._cursors: dict[str, CursorFile] = {}
        self._bell: Bell | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._thread: threading.Thread | None = None
        self._full = self._pressure = False
        self._looked_ns = self._not_recorded = 0
        self.met: CallfloorError | None = None  # what a read met last: housekeeping sees to damage
        self._upkeep = upkeep(self._row)
        with self._locked():
            self._store = self._opened()
            self._upkeep.limit(self._store)
        self._reader = Store.open(path, check_rows=0)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        run_dir: Path | None = None,
        due: Due | None = None,
        keep_days: float = 7.0,
        headset_days: float | None = None,
        callers: Callers | None = None,
        max_bytes: int = 2 * 1024**3,
        clock: Clock | None = None,
    ) -> Self:
        """Open or create the journal; a damaged one is set aside whole and a new epoch begun. `headset_days`, `callers`: `core.upkeep`.

        Raises UnsupportedError on a network file system or a newer format, TransientError when the folder cannot be
        written, FullError when there is no room for a new file.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            refuse_network_path(path)
            place = run_dir or path.parent / "run"
            (place / "bells").mkdir(parents=True, exist_ok=True)
            clock = clock or SystemClock()
            upkeep = partial(Upkeep, clock, path, keep_days, max_bytes, headset_days, callers=callers)
            return cls(path, place, due or (lambda _event: True), clock, max_bytes, upkeep)
        except OSError as fault:
            if isinstance(fault, CallfloorError):
                raise
            raise TransientError(f"the journal at {path} cannot be opened: {fault}; check the folder's owner and rights") from fault

    @property
    def epoch(self) -> str:
        """The random name of this journal."""
        return self._reader.epoch

    # -- writing -----------------------------------------------------------------------------------------------

    def append(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        """See `Journal.append`."""
        gate = threading.Lock()
        gate.acquire()
        ticket = self._submit(events, advance, gate.release)
        gate.acquire()
        if ticket.fault is not None:
            raise ticket.fault
        return ticket.seq

    def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> asyncio.Future[int]:
        """See `Journal.appended`. Committed whether or not anybody waits for it."""
        import asyncio  # noqa: PLC0415 - the first event of a process is durable before asyncio is imported

        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()

        def settle() -> None:
            if future.done():
                return
            if ticket.fault is not None:
                future.set_exception(ticket.fault)
            else:
                future.set_result(ticket.seq)

        def done() -> None:
            with suppress(RuntimeError):  # the loop was closed while the commit was under way
                loop.call_soon_threadsafe(settle)

        try:
            ticket = self._submit(events, advance, done)
        except CallfloorError as fault:
            future.set_exception(fault)
        return future

    def _submit(self, events: Sequence[Event], advance: tuple[str, int] | None, done: Callable[[], object]) -> Ticket:
        if len(events) > BATCH:
            raise ValueError(f"{len(events)} events in one append; at most {BATCH} commit together")
        due = self._due
        rows = [(body_from_event(event), due(event)) for event in (self._recorded(events) if self._pressure else events)]
        self._tickets.put(ticket := Ticket(rows, advance, done))
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._work, name="journal-appender", daemon=True)
                    self._thread.start()
        return ticket

    def _recorded(self, events: Sequence[Event]) -> list[Event]:
        with suppress(CallfloorError):  # another process may have ended it since this one last committed
            self._pressure = self._query(Store.books).pressure
        kept = [event for event in events if not self._pressure or event.kind not in _NOT_UNDER_PRESSURE]
        self._not_recorded += len(events) - len(kept)
        return kept

    def _work(self) -> None:
        """The appender thread: commit at once, then commit all that queued meanwhile."""
        grown = False
        while self._tickets.wait():
            self._commit()
            if not grown:
                grown = True
                self._grow()

    def _grow(self) -> None:
        with suppress(OSError, sqlite3.Error), self._locked():
            self._store.grow_wal()

    def _commit(self) -> None:
        batch: list[Ticket] = []
        try:
            with self._locked():
                self._follow_file()
                batch = self._tickets.gather(BATCH)
                if not batch:
                    return
                if self._full:
                    self._upkeep.limit(self._store)  # it may be another disk by now
                with self._upkeep.pace.measured():
                    seq = self._inserted(batch)
                with suppress(sqlite3.Error, OSError, CallfloorError):
                    self._look_around()
        except sqlite3.Error as fault:
            self._refuse(batch, error_from_sqlite(fault, self.path))
        except CallfloorError as fault:
            self._refuse(batch, fault)
        except OSError as fault:
            self._refuse(batch, TransientError(f"the journal at {self.path} cannot be used: {fault}"))
        else:
            self._committed(batch, seq)
        for ticket in batch:
            ticket.done()

    def _committed(self, batch: list[Ticket], seq: int) -> None:
        """From the commit on nothing may refuse: who is told so appends again, and the event stands twice."""
        self._full = False
        newest = seq
        for ticket in reversed(batch):
            ticket.seq = seq
            seq -= len(ticket.rows)
        self._ringer.ring(newest)

    def _inserted(self, batch: list[Ticket]) -> int:
        """Commit under the lock; in a file found damaged only now, commit to its successor."""
        rows = [row for ticket in batch for row in ticket.rows]
        missed, self._not_recorded = self._not_recorded, 0
        try:
            return self._store.insert(rows, [ticket.advance for ticket in batch if ticket.advance], missed)[0]
        except sqlite3.DatabaseError as fault:
            error = error_from_sqlite(fault, self.path)
            if not isinstance(error, CorruptError):
                raise
            self._succeed(str(error))
            return self._store.insert(rows, ())[0]  # a transformer's cursor was a place in the old file

    def _look_around(self) -> None:
        """Once a second: is there pressure, and may the file grow?"""
        if self._clock.mono_ns() - self._looked_ns > _LOOK_NS:
            self._looked_ns = self._clock.mono_ns()
            self._pressure = self._store.books().pressure
            self._upkeep.limit(self._store)

    def _refuse(self, batch: list[Ticket], error: CallfloorError) -> None:
        self._full = isinstance(error, FullError)
        if not batch:
            batch.extend(self._tickets.gather())
        for ticket in batch:
            ticket.fault = error

    # -- the file's life ---------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._writing:  # flock knows processes, not threads
            # Who lets go wakes all that wait, and whoever runs first has the lock; a turnstile before it keeps a busy
            # writer, which runs already, from coming first again and again.
            fcntl.flock(self._turnstile, fcntl.LOCK_EX)
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            finally:
                fcntl.flock(self._turnstile, fcntl.LOCK_UN)
            try:
                yield
            finally:
                fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _opened(self) -> Store:
        """Open the file under the lock; begin a new epoch where there is none or the old one is damaged."""
        if is_blank(self.path):
            return self._begun("new", None)
        try:
            return Store.open(self.path)
        except CorruptError as fault:
            self._set_aside()
            return self._begun("damaged", str(fault))

    def _begun(self, reason: Literal["new", "damaged", "deleted"], previous: str | None) -> Store:
        store = Store.create(self.path, new_epoch())
        with suppress(OSError):
            self.path.chmod(0o660)
        store.insert([self._row(JournalStarted(reason=reason, previous=previous))], ())
        return store

    def replace_damaged(self, reason: str) -> None:
        """Set the file aside whole and begin a new epoch, because a check found it damaged. Blocks."""
        with self._locked():
            self._follow_file()
            self._succeed(reason)

    def _succeed(self, reason: str) -> None:
        """Under the lock: a new epoch instead of a damaged one."""
        self._store.close()
        self._store.identity = None  # should the next steps fail, the next commit opens what is there then
        self._set_aside()
        self._store = self._begun("damaged", reason)
        self._reopen_reader()

    def _set_aside(self) -> None:
        stamp = f"{self._clock.wall_ns() // NS}"
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{self.path}.damaged-{stamp}{suffix}")

    def _follow_file(self) -> None:
        """Under the lock: reopen when another process set the file aside or somebody deleted it."""
        there = identity_of(self.path)
        if there is not None and there == self._store.identity:
            return
        previous = self._store.epoch
        self._store.close()
        if there is not None:
            self._store = self._opened()
        else:
            for suffix in ("-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            self._store = self._begun("deleted", previous)
        self._reopen_reader()

    def _reopen_reader(self) -> None:
        with self._reading:
            self._reader.close()
            self._reader = Store.open(self.path, check_rows=0)

    def _row(self, data: Struct) -> Row:
        """An event of the journal's own, as it is stored."""
        clock = self._clock
        event = Event(kind_of(data), "journal/journal", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
        return body_from_event(event), self._due(event)

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self, after: int, limit: int = PAGE) -> list[Entry]:
        """See `Journal.read`."""
        return self._query(lambda store: store.read(after, limit))

    def read_n(self, first: int, last: int) -> list[Entry]:
        """See `Journal.read_n`."""

        def rows(store: Store) -> list[Entry]:
            at = store.seq_of_n(first) - 1
            out: list[Entry] = []
            while len(out) < PAGE and (page := store.read(at, PAGE)):
                out += [entry for entry in page if entry.n is not None and first <= entry.n <= last]
                at = page[-1].seq
                if any(entry.n is not None and entry.n >= last for entry in page):
                    break
            return out[:PAGE]

        return self._query(rows)

    def head(self) -> Head:
        """See `Journal.head`."""
        books = self._query(Store.books)
        return Head(self.epoch, books.seq, books.n)

    def first_seq(self) -> int:
        """See `Journal.first_seq`."""
        return self._query(Store.first_seq)

    def _query(self, ask: Callable[[Store], _T]) -> _T:
        with self._reading:
            try:
                return ask(self._reader)
            except sqlite3.Error as fault:
                self.met = error_from_sqlite(fault, self.path)
                raise self.met from fault

    async def wait(self, after: int, timeout_s: float) -> bool:
        """See `Journal.wait`."""
        import asyncio  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        if self._bell is None:
            self._bell = Bell(self.run_dir / "bells")
            loop.add_reader(self._bell.socket.fileno(), self._ring)
        deadline = loop.time() + timeout_s
        deadline -= deadline % _POLL_S if timeout_s >= _POLL_S else 0.0  # all who look every second wake at the same moment
        waited = False
        while self._query(Store.newest_seq) <= after:  # never the number rung: it may be of a journal that was set aside since
            left = deadline - loop.time()
            if waited or left <= 0:  # woken and nothing there: is it the right file?
                self._follow_reader()
                if (newest := self._query(Store.newest_seq)) != after and (waited or newest > after):
                    break  # less than that: this is another journal, in which the caller has nowhere to wait
            if left <= 0:
                return False
            waited = True
            future: asyncio.Future[None] = loop.create_future()
            self._waiters.add(future)
            timer = loop.call_at(min(deadline, (loop.time() // _POLL_S + 1) * _POLL_S), _settle, future)
            try:
                await future
            finally:
                timer.cancel()
                self._waiters.discard(future)
        return True

    def _ring(self) -> None:
        if self._bell is not None:
            self._bell.heard()
        for future in self._waiters:
            _settle(future)

    def _follow_reader(self) -> None:
        """Look at the new file when the one we read was set aside or deleted."""
        there = identity_of(self.path)  # where there is none, a writer makes the new one
        if there is not None and there != self._reader.identity:
            with suppress(CallfloorError):
                self._reopen_reader()

    # -- cursors and books -------------------------------------------------------------------------------------

    def cursor(self, name: str) -> Cursor:
        """See `Journal.cursor`."""
        return self._cursor_file(name).load() or Cursor(self.epoch, 0)

    def save(self, name: str, cursor: Cursor) -> None:
        """See `Journal.save`. Raises FullError when there is no room."""
        try:
            self._cursor_file(name).save(cursor)
        except OSError as fault:
            raise FullError(f"the cursor of {name} could not be saved beside {self.path}: {fault}") from fault

    def _cursor_file(self, name: str) -> CursorFile:
        if name not in self._cursors:
            self._cursors[name] = CursorFile(self.path.parent / "cursors" / name)
        return self._cursors[name]

    def transformed(self, name: str) -> Position:
        """See `Journal.transformed`."""
        return Position(self.epoch, self._query(lambda store: store.cursor(name)))

    def account(self, sink: str) -> Account:
        """See `Journal.account`."""
        cursor = self.cursor(sink)  # before the head, so that it can never be ahead of it
        return self._query(lambda store: store.account(cursor))

    def limits(self) -> Limits:
        """See `Journal.limits`."""
        pressure, wal = self._query(Store.books).pressure, size_bytes(Path(f"{self.path}-wal"))
        disk_bytes, has_room = self._query(self._upkeep.room)
        used, full = self._query(Store.bytes_used), self._full or not has_room
        return Limits(used, self.max_bytes, self.first_seq(), pressure, full, wal, disk_bytes, self._upkeep.pace.commit_s)

    @property
    def instruments(self) -> tuple[TicketQueue, Pace]:
        """Where this process counts how long its appends and commits take."""
        return self._tickets, self._upkeep.pace

    # -- upkeep ------------------------------------------------------------------------------------------------

    def upkeep(self) -> None:
        """One step of retention, shedding, reserve and purge; blocks. One process of the box calls it every few seconds.

        Announces what the CRM will miss (`journal.gap`) and what is not recorded (`journal.pressure`).
        Raises FullError or TransientError when the disk refuses.
        """
        cursor = self.cursor("uplink")
        settled = cursor.n if cursor.epoch == self.epoch else 0
        try:
            with self._locked():
                self._follow_file()
                told = self._upkeep.make_room(self._store, settled)
                self._pressure = self._store.books().pressure
                newest = self._store.newest_seq()
            if told:
                self._ringer.ring(newest)
            if not self._full:
                with self._locked():  # apart from the former, which makes room, and lets writers in between
                    self._upkeep.purge(self._store, settled)
        except sqlite3.Error as fault:
            raise error_from_sqlite(fault, self.path) from fault

    @contextmanager
    def locked_store(self) -> Iterator[Store]:
        """The file itself, while nobody else writes: for what no service does (`core.forget`). Blocks; be quick."""
        with self._locked():
            self._follow_file()
            yield self._store

    def check(self) -> list[str]:
        """The full check, in words; empty when sound. Reads the whole file."""
        store = Store.open_readonly(self.path)
        try:
            return store.check()
        finally:
            store.close()

    def close(self) -> None:
        """See `Journal.close`."""
        self._tickets.close()
        if self._thread is not None:
            self._thread.join(timeout=10)
        if self._bell is not None:
            with suppress(RuntimeError):
                import asyncio  # noqa: PLC0415

                asyncio.get_running_loop().remove_reader(self._bell.socket.fileno())
            self._bell.close()
            self._bell = None
        self._ringer.close()
        self._reader.close()
        self._store.close()
        os.close(self._lock_file)
        os.close(self._turnstile)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
