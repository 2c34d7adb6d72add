"""What only the durable journal has to survive: damage, deletion, other processes, budgets, a full disk."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from appliance.core.catalogue import CallHeld, HeadsetMute, kind_of
from appliance.core.clock import ManualClock
from appliance.core.cursor_file import CursorFile
from appliance.core.errors import CorruptError, TransientError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Cursor
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.store import WAL_BYTES, Store


def held(number: int, clock: ManualClock | None = None, size: int = 0) -> Event:
    clock = clock or ManualClock()
    data = CallHeld(call=f"c{number}" + "x" * size, pbx="p")
    return Event(kind_of(data), "t/t", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)


def muted(clock: ManualClock) -> Event:
    data = HeadsetMute(seat="a1", mute=True)
    return Event(kind_of(data), "headsets/a1", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)


def kinds(journal: SqliteJournal) -> list[str]:
    out, after = [], 0
    while page := journal.read(after):
        out += [stored_from_body(row.body).kind for row in page]
        after = page[-1].seq
    return out


def test_a_new_journal_opens_with_its_own_event_and_a_restart_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first = SqliteJournal.open(path)
    first.append([held(1)])
    epoch = first.epoch
    first.close()
    again = SqliteJournal.open(path)
    assert kinds(again) == ["journal.started", "call.held"]
    assert again.epoch == epoch
    assert again.append([held(2)]) == 3
    again.close()


def test_a_journal_whose_maker_was_killed_half_way_is_begun_as_new(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    half = sqlite3.connect(path)
    half.execute("PRAGMA journal_mode=WAL")
    half.execute("BEGIN IMMEDIATE")
    half.execute("CREATE TABLE event(seq INTEGER PRIMARY KEY)")
    with pytest.raises(TransientError, match="being made"):
        ReadonlyJournal(path)
    half.close()
    assert path.stat().st_size > 0
    journal = SqliteJournal.open(path)
    assert msgspec.json.decode(journal.read(0)[0].body)["d"] == {}, "nothing was lost, so nothing is said to be damaged"
    journal.close()
    assert list(tmp_path.glob("journal.db.damaged*")) == []


def test_a_file_that_is_no_database_is_set_aside_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is not a database at all" * 100)
    journal = SqliteJournal.open(path)
    (row,) = journal.read(0)
    assert b'"reason":"damaged"' in row.body
    aside = list(tmp_path.glob("journal.db.damaged-*"))
    assert len(aside) == 1
    assert aside[0].read_bytes().startswith(b"this is not")
    journal.close()


def test_a_damaged_page_is_found_by_the_start_check(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    for k in range(30):
        journal.append([held(k * 100 + j) for j in range(100)])
    epoch = journal.epoch
    journal.close()
    data = bytearray(path.read_bytes())
    data[-6000:-200] = b"\xa5" * 5800
    path.write_bytes(data)
    again = SqliteJournal.open(path)
    assert again.epoch != epoch
    assert kinds(again) == ["journal.started"]
    again.close()


def test_the_full_check_names_a_missing_row(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    journal.append([held(k) for k in range(10)])
    assert journal.check() == []
    with sqlite3.connect(path) as raw:
        raw.execute("DELETE FROM event WHERE seq=5")
    assert any("row 5 is missing" in fault for fault in journal.check())
    journal.close()


def test_a_place_in_a_journal_that_is_gone_is_none_in_its_successor(tmp_path: Path) -> None:
    """Whoever reads on from it there would pass over all that happens until then."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    journal.append([held(number) for number in range(300)], ("reader", 300))
    path.unlink()
    journal.append([held(1)], ("reader", 301))
    assert (journal.head().seq, journal.transformed("reader").seq) == (2, 0)
    journal.append([held(2)], ("reader", 3))
    assert journal.transformed("reader").seq == 3
    journal.close()


async def test_a_deleted_journal_heals_with_a_new_epoch(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    writer, reader = SqliteJournal.open(path), SqliteJournal.open(path)
    writer.append([held(1)])
    epoch = writer.epoch
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink()
    writer.append([held(2)])
    assert writer.epoch != epoch
    assert kinds(writer) == ["journal.started", "call.held"]
    await reader.wait(10, 0.01)
    assert reader.epoch == writer.epoch
    assert kinds(reader) == ["journal.started", "call.held"]
    writer.close()
    reader.close()


def test_a_read_only_folder_is_a_clear_word(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "journal.db"
    (tmp_path / "nowhere").write_text("a file where the folder should be")
    with pytest.raises(TransientError, match="cannot be opened"):
        SqliteJournal.open(path)


def test_reading_only_needs_no_writer_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    journal.append([held(1)])
    journal.close()
    before = sorted(entry.name for entry in tmp_path.iterdir())
    store = Store.open_readonly(path)
    assert len(store.read(0, 10)) == 2
    with pytest.raises(sqlite3.OperationalError):
        store.insert([(b"{}", True)], ())
    store.close()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before
    with pytest.raises(TransientError, match="no journal at"):
        Store.open_readonly(tmp_path / "other.db")
    (tmp_path / "text.db").write_text("x" * 5000)
    with pytest.raises(CorruptError):
        Store.open_readonly(tmp_path / "text.db")


def test_the_log_is_grown_once_and_keeps_its_size(tmp_path: Path) -> None:
    journal = SqliteJournal.open(tmp_path / "journal.db")
    for k in range(200):
        journal.append([held(k)])
    wal = (tmp_path / "journal.db-wal").stat().st_size
    assert wal >= WAL_BYTES - 50 * 4120
    for k in range(4000):
        journal.append([held(k), held(k)])
    assert (tmp_path / "journal.db-wal").stat().st_size <= 2 * WAL_BYTES
    journal.close()


WRITER = """
import sys
from pathlib import Path
from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.event import Event
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
name, path, ledger = sys.argv[1], Path(sys.argv[2]), open(sys.argv[3], "ab", buffering=0)
journal = SqliteJournal.open(path)
for k in range(100000):
    data = CallHeld(call=f"{name}-{k}", pbx="p")
    journal.append([Event(kind_of(data), "t/t", 1, 1, "b", "synced", data)])
    ledger.write(f"{name}-{k}\\n".encode())
"""


def test_four_processes_killed_at_random_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    SqliteJournal.open(path).close()
    for turn in range(3):
        writers = [
            subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER), f"w{turn}{k}", str(path), str(tmp_path / f"ledger{turn}{k}")])
            for k in range(4)
        ]
        deadline = 200
        while not all((tmp_path / f"ledger{turn}{k}").exists() for k in range(4)) and deadline:
            deadline -= 1
            signal.sigtimedwait([], 0.05)
        signal.sigtimedwait([], 0.3)
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
    journal = SqliteJournal.open(path)
    seen, after, last = set(), 0, 0
    while page := journal.read(after):
        for row in page:
            assert row.seq == last + 1
            last = row.seq
            if row.n is not None and row.seq > 1:
                seen.add(bytes(stored_from_body(row.body).data))
        after = page[-1].seq
    calls = {data.split(b'"')[3].decode() for data in seen}
    acknowledged = {line for ledger in tmp_path.glob("ledger*") for line in ledger.read_text().split()}
    assert acknowledged
    assert acknowledged <= calls
    assert journal.check() == []
    journal.close()


def test_budget_sheds_the_oldest_with_a_gap_and_the_books_balance(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, clock=clock)
    number = 0
    for _ in range(60):
        journal.append([held(number + k, clock, 400) for k in range(200)])
        number += 200
        journal.upkeep()
        clock.advance(1)
        books = journal.account("uplink")
        assert books.recorded == books.delivered + books.waiting + books.shed + books.skipped
    assert journal.limits().bytes_used <= 4_400_000
    books = journal.account("uplink")
    assert books.shed > 0
    assert books.delivered == 0
    told = kinds(journal)
    assert "journal.gap" in told or "journal.pressure" in told
    clock.advance(60)
    journal.upkeep()
    (gap,) = [row.body for row in journal.read(journal.head().seq - 1)]
    assert b'"journal.gap"' in gap
    assert f'"to":{books.shed}'.encode() in gap
    journal.close()


def test_what_the_crm_has_goes_first_without_a_gap(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, clock=clock)
    for turn in range(60):
        journal.append([held(turn * 200 + k, clock, 400) for k in range(200)])
        head = journal.head()
        journal.save("uplink", Cursor(journal.epoch, head.seq, head.n))
        journal.upkeep()
    books = journal.account("uplink")
    assert books.shed == 0
    assert books.delivered == books.recorded - books.waiting
    assert "journal.gap" not in kinds(journal)
    assert journal.first_seq() > 1
    journal.close()


def test_under_pressure_headset_transitions_are_counted_instead_of_recorded(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, clock=clock)
    while journal.limits().bytes_used < 3_400_000:
        journal.append([held(k, clock, 400) for k in range(200)])
    journal.upkeep()
    assert kinds(journal)[-1] == "journal.pressure"
    head = journal.head().seq
    assert journal.append([muted(clock)]) <= head + 1
    assert journal.head().seq == head
    journal.close()


def test_the_first_transition_after_pressure_is_recorded_by_whoever_was_silent_meanwhile(tmp_path: Path) -> None:
    """Another process of the box sheds and tells of the end; a headset that nobody touched for hours is told all the same."""
    clock = ManualClock()
    runner = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, clock=clock)
    while runner.limits().bytes_used < 3_400_000:
        runner.append([held(k, clock, 400) for k in range(200)])
    runner.upkeep()
    headsets = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, clock=clock)
    clock.advance(5)
    headsets.append([held(0, clock)])
    headsets.append([muted(clock)])
    assert kinds(runner)[-1] != "headset.mute", "pressed"
    runner.close()
    runner = SqliteJournal.open(tmp_path / "journal.db", max_bytes=40_000_000, clock=clock)
    runner.upkeep()
    assert kinds(runner)[-1] == "journal.pressure"
    headsets.append([muted(clock)])
    assert kinds(runner)[-1] == "headset.mute"
    runner.close()
    headsets.close()


def test_old_events_go_by_age_but_not_while_the_clock_is_unset(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", keep_days=7, clock=clock)
    for k in range(30):
        journal.append([held(k * 100 + j, clock) for j in range(100)])
    clock.advance(8 * 86_400)
    clock.step_wall(0, "unset")
    journal.upkeep()
    assert journal.first_seq() == 1
    clock.step_wall(0, "synced")
    journal.append([held(1, clock)])
    journal.upkeep()
    assert journal.first_seq() > 1
    journal.close()


def test_a_torn_cursor_slot_loses_one_step_at_most(tmp_path: Path) -> None:
    path = tmp_path / "uplink"
    file = CursorFile(path)
    for n in range(1, 6):
        file.save(Cursor("e", n, n))
    data = bytearray(path.read_bytes())
    newest = next(at for at in (0, 256) if b'"n":5' in data[at : at + 256])
    data[newest + 20 : newest + 60] = b"\0" * 40
    path.write_bytes(data)
    assert CursorFile(path).load() == Cursor("e", 4, 4)
    again = CursorFile(path)
    again.save(Cursor("e", 6, 6))
    assert CursorFile(path).load() == Cursor("e", 6, 6)


def test_damage_found_while_running_begins_a_new_epoch_and_loses_no_append(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    for k in range(40):
        journal.append([held(k * 50 + j) for j in range(50)])
    epoch = journal.epoch
    with journal._locked():
        journal._store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    writer = SqliteJournal.open(path)  # finds it at its start
    assert writer.epoch != epoch
    seq = journal.append([held(1)])  # follows to the new file
    assert journal.epoch == writer.epoch
    assert seq == writer.head().seq == 2
    writer.close()
    journal.close()


def test_what_a_check_found_damaged_is_set_aside_on_request(tmp_path: Path) -> None:
    journal = SqliteJournal.open(tmp_path / "journal.db")
    journal.append([held(1)])
    epoch = journal.epoch
    journal.replace_damaged("row 7 is missing")
    assert journal.epoch != epoch
    (row,) = journal.read(0)
    assert b"row 7 is missing" in row.body
    assert journal.append([held(2)]) == 2
    assert list(tmp_path.glob("journal.db.damaged-*"))
    journal.close()


def test_damage_met_by_a_commit_is_survived(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    for k in range(40):
        journal.append([held(k * 50 + j) for j in range(50)])
    journal.close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")
    journal = SqliteJournal.open(path)
    epoch = journal.epoch
    with path.open("r+b") as file:  # the schema's root pages: everything that touches them now fails
        file.seek(4096)
        file.write(b"\xa5" * 4096 * 3)
    journal._store._db.execute("PRAGMA cache_size=0")
    seq = journal.append([held(1)])
    rows = journal.read(seq - 1)
    assert stored_from_body(rows[0].body).kind == "call.held"
    assert journal.epoch != epoch or journal.check() == []
    journal.close()


def test_what_is_committed_is_never_refused_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    journal.append([held(1)])
    with sqlite3.connect(path) as raw:
        raw.execute("ALTER TABLE meta RENAME TO elsewhere")  # the look at the pressure, after the commit, fails now
    journal._looked_ns = -(10**12)
    assert journal.append([held(2)]) == 3
    assert kinds(journal) == ["journal.started", "call.held", "call.held"]
    journal.close()


def test_a_succession_that_failed_half_way_is_made_good_by_the_next_append(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal.open(path)
    journal.append([held(1)])
    blocker = Path(f"{path}.damaged-{ManualClock().wall_ns() // 10**9}")
    (blocker / "full").mkdir(parents=True)  # the damaged file cannot be moved over a folder that holds something
    journal._clock = ManualClock()
    with pytest.raises(OSError, match="directory"):
        journal.replace_damaged("row 7 is missing")
    assert journal.append([held(2)]) == 3
    assert kinds(journal) == ["journal.started", "call.held", "call.held"]
    journal.close()
