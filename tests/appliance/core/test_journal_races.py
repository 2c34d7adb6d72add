"""What happens to the journal between two steps of somebody else: pruning under a check, a bell of a journal set aside."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import ManualClock
from appliance.core.event import Event, body_from_event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.retention import PRUNE_ROWS
from appliance.core.store import Store

DAY_S = 86_400.0


def held(count: int, clock: ManualClock) -> list[Event]:
    data = CallHeld(call="c", pbx="p")
    return [Event(kind_of(data), "t/t", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)] * count


def fill(journal: SqliteJournal, rows: int, clock: ManualClock) -> None:
    for _ in range(rows // 500):
        journal.append(held(500, clock))


def test_rows_pruned_while_the_full_check_reads_are_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    fill(journal, 3000, clock)
    pruner, pages = Store.open(journal.path, check_rows=0), 0
    read_raw = Store.read_raw

    def interrupted(store: Store, after: int) -> list[tuple[int, int, bytes]]:
        nonlocal pages
        pages += 1
        if pages == 2:
            pruner.prune(2000, 0, lambda _first: (body_from_event(held(1, clock)[0]), True))
        return read_raw(store, after)

    monkeypatch.setattr(Store, "read_raw", interrupted)
    assert journal.check() == []
    assert pages > 3
    pruner.close()
    journal.close()
    db = sqlite3.connect(journal.path)
    db.execute("DELETE FROM event WHERE seq=2500")
    db.commit()
    db.close()
    store = Store.open_readonly(journal.path)
    assert store.check()[0] == "row 2500 is missing"
    store.close()


async def test_a_ring_of_a_journal_set_aside_wakes_nobody_for_ever(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    other = SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    assert not await journal.wait(journal.head().seq, 0.01)
    other.append(held(100, clock))
    journal.replace_damaged("a check said so")
    assert journal.head().seq == 1
    assert not await journal.wait(journal.head().seq, 0.2)
    assert not await journal.wait(journal.head().seq, 0.05)
    assert other.append(held(1, clock)) == 2
    assert await journal.wait(1, 2.0)
    other.close()
    journal.close()


async def test_who_waits_far_on_is_told_of_a_journal_that_took_its_place(tmp_path: Path) -> None:
    """A board that had folded a hundred rows would stand still until the new journal had as many."""
    clock = ManualClock()
    board, writer = (SqliteJournal.open(tmp_path / "journal.db", clock=clock) for _ in range(2))
    writer.append(held(100, clock))
    epoch, at = board.epoch, board.head().seq
    assert not await board.wait(at, 0.01)
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink()
    writer.append(held(1, clock))
    assert await board.wait(at, 5.0)
    assert board.epoch == writer.epoch != epoch
    assert not await board.wait(board.head().seq, 0.01)
    board.close()
    writer.close()


def test_a_wall_clock_set_days_ahead_ages_nothing_of_this_boot(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", keep_days=7, clock=clock)
    fill(journal, 2 * PRUNE_ROWS, clock)
    clock.advance(60)
    clock.step_wall(30 * DAY_S)
    journal.upkeep()
    assert journal.first_seq() == 1
    clock.advance(8 * DAY_S)
    journal.upkeep()
    assert journal.first_seq() > PRUNE_ROWS
    journal.close()
