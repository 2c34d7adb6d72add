"""One suite for every journal: what a service may rely on, in memory and in SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.core.catalogue import BoxHealth, BoxStarted, CallHeld, CommandReceived, kind_of
from appliance.core.clock import ManualClock
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import PAGE, Cursor, Journal
from appliance.core.journal_memory import MemoryJournal
from appliance.core.journal_sqlite import SqliteJournal


def event(data, clock=None) -> Event:
    clock = clock or ManualClock()
    return Event(kind_of(data), "test/test", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)


def held(number: int) -> Event:
    return event(CallHeld(call=f"c{number}", pbx="p"))


def local(number: int) -> Event:
    return event(CommandReceived(id=f"id{number}", verb="ping"))


def due(e: Event) -> bool:
    return e.group == "call"


@pytest.fixture(params=["memory", "sqlite"])
def journal(request, tmp_path: Path):
    if request.param == "memory":
        made: Journal = MemoryJournal(due)
    else:
        made = SqliteJournal.open(tmp_path / "journal.db", due=due)
    yield made
    made.close()


def begin(journal: Journal) -> int:
    """A new durable journal opens with `journal.started`; counts below start after it."""
    return journal.head().seq


def test_appends_in_order_and_gives_dense_delivery_numbers(journal: Journal) -> None:
    start = begin(journal)
    assert journal.append([held(1), local(2), held(3)]) == start + 3
    assert journal.append([local(4)]) == start + 4
    assert journal.append([held(5)]) == start + 5
    rows = journal.read(start)
    assert [row.seq for row in rows] == [start + k for k in range(1, 6)]
    assert [row.n for row in rows] == [1, None, 2, None, 3]
    assert stored_from_body(rows[1].body).kind == "command.received"
    assert (journal.head().seq, journal.head().n) == (start + 5, 3)


def test_pages_are_bounded_and_complete(journal: Journal) -> None:
    start = begin(journal)
    for k in range(13):
        journal.append([held(k * 100 + j) for j in range(100)])
    seen, after = [], start
    while page := journal.read(after, 10_000):
        assert len(page) <= PAGE
        seen += [row.seq for row in page]
        after = page[-1].seq
    assert seen == list(range(start + 1, start + 1301))


def test_finds_rows_by_delivery_number(journal: Journal) -> None:
    for k in range(300):
        journal.append([local(k), held(k), local(k)])
    assert [row.n for row in journal.read_n(120, 140)] == list(range(120, 141))
    assert [row.n for row in journal.read_n(299, 999)] == [299, 300]
    assert journal.read_n(301, 400) == []


def test_books_balance_while_a_sink_advances(journal: Journal) -> None:
    start = begin(journal)
    for k in range(50):
        journal.append([held(k), local(k)])
    assert journal.account("crm").waiting == 50
    rows = [row for row in journal.read(start) if row.n]
    for at in (0, 10, 49):
        journal.save("crm", Cursor(journal.epoch, rows[at].seq, rows[at].n, skipped=min(at, 3)))
        books = journal.account("crm")
        assert books.recorded == 50
        assert books.recorded == books.delivered + books.waiting + books.shed + books.skipped
        assert books.waiting == 49 - at
    assert journal.account("crm").oldest_wall_ns is None


def test_oldest_waiting_is_the_first_due_after_the_cursor(journal: Journal) -> None:
    clock = ManualClock()
    journal.append([event(CallHeld(call="a", pbx="p"), clock)])
    clock.advance(60)
    journal.append([event(BoxHealth(id="x", level="ok"), clock), event(CallHeld(call="b", pbx="p"), clock)])
    first = journal.account("crm").oldest_wall_ns
    row = next(row for row in journal.read(0) if row.n == 1)
    journal.save("crm", Cursor(journal.epoch, row.seq, 1))
    assert first is not None
    assert journal.account("crm").oldest_wall_ns == first + 60_000_000_000


def test_a_transformer_advances_with_its_output(journal: Journal) -> None:
    assert journal.transformed("worker").seq == 0
    journal.append([held(1), held(2)], advance=("worker", 1))
    journal.append([], advance=("worker", 2))
    assert journal.transformed("worker").seq == 2
    journal.append([held(3)], advance=("worker", 99))
    assert journal.transformed("worker").seq == 2, "beyond the end: a place in another journal"


def test_an_unsaved_cursor_stands_at_the_beginning(journal: Journal) -> None:
    assert journal.cursor("nobody") == Cursor(journal.epoch, 0)


async def test_wait_returns_when_something_is_appended(journal: Journal) -> None:
    seq = journal.append([held(1)])
    assert not await journal.wait(seq, 0.05)
    waiter = asyncio.create_task(journal.wait(seq, 30))
    await asyncio.sleep(0.02)
    await journal.appended([held(2)])
    assert await asyncio.wait_for(waiter, 5)
    assert await journal.wait(seq, 0)


async def test_appended_reports_the_position_of_its_own_last_row(journal: Journal) -> None:
    start = begin(journal)
    seqs = await asyncio.gather(*(journal.appended([held(k), held(k)]) for k in range(40)))
    assert sorted(seqs) == [start + 2 * k for k in range(1, 41)]
    for seq in seqs:
        first, second = journal.read(seq - 2, 2)
        assert stored_from_body(first.body).data == stored_from_body(second.body).data


def test_limits_tell_the_first_row_and_bytes(journal: Journal) -> None:
    journal.append([event(BoxStarted(version="1"))])
    limits = journal.limits()
    assert limits.first_seq == 1
    assert limits.bytes_used > 0
