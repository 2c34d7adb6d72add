"""Changes of hook and mute go after their days; the last of each seat stays, the journal's numbers hold, and nothing is left in the pages."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import (
    CallHeld,
    HeadsetAttached,
    HeadsetDetached,
    HeadsetFault,
    HeadsetHook,
    HeadsetMinute,
    HeadsetMute,
    kind_of,
)
from appliance.core.clock import ManualClock
from appliance.core.config import Config
from appliance.core.event import Event, Origin, stored_from_body
from appliance.core.journal import Cursor
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView

DAY = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def event(clock: ManualClock, data: msgspec.Struct, box: str | None = None) -> Event:
    origin = Origin("e-1", box, clock.wall_ns(), "synced") if box else None
    return Event(kind_of(data), "headsets/headsets", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data, origin)


def opened(folder: Path, clock: ManualClock, due: bool = False) -> SqliteJournal:
    return SqliteJournal.open(folder / "journal.db", keep_days=7, headset_days=2, clock=clock, due=lambda _event: due)


def tended(journal: SqliteJournal, steps: int = 12) -> None:
    for _ in range(steps):
        journal.upkeep()


def held(journal: SqliteJournal, kind: str = "headset.*") -> list[tuple[int, str]]:
    found, after = [], 0
    while page := journal.read(after):
        rows = [(row.seq, stored_from_body(row.body)) for row in page]
        found += [(seq, row.kind) for seq, row in rows if row.kind.startswith(kind.rstrip("*"))]
        after = page[-1].seq
    return found


def test_the_last_change_of_each_seat_stays_and_the_fold_is_the_same(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    journal.append([event(clock, HeadsetAttached(seat=seat, product="P")) for seat in ("a1", "a2")])
    for _ in range(30):
        clock.advance(60)
        for hook in ("off", "on"):
            told = [HeadsetHook(seat="a1", hook=hook), HeadsetMute(seat="a1", mute=hook == "off"), HeadsetMinute(seat="a1", told_s=60)]
            journal.append([event(clock, data) for data in told])
            journal.append([event(clock, HeadsetHook(seat="a1", hook=hook), "isla-4")])
    tended(journal)
    assert len(held(journal, "headset.hook")) == 120, "none is old yet"
    before = FloorView(journal, Config(), clock)
    before.catch_up()
    clock.advance(2.5 * DAY)
    tended(journal)
    assert [len(held(journal, kind)) for kind in ("headset.hook", "headset.mute", "headset.minute", "headset.attached")] == [2, 1, 60, 2]
    assert len(held(journal, "journal.purged")) == 59 * 3
    after = FloorView(journal, Config(), clock)
    after.catch_up()
    assert after.floor.state.headsets == before.floor.state.headsets
    assert {key: one.hook for key, one in after.floor.state.headsets.items()} == {"a1": "on", "a2": "unknown", "isla-4.a1": "on"}
    # A new change behind them lets the former one go, in its time and not before.
    journal.append([event(clock, HeadsetHook(seat="a1", hook="off"))])
    tended(journal)
    assert len(held(journal, "headset.hook")) == 3
    clock.advance(2.5 * DAY)
    tended(journal)
    assert len(held(journal, "headset.hook")) == 2
    journal.close()


def test_its_place_outlives_a_restart_and_verify_is_content(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock, due=True)
    for number in range(1200):
        journal.append([event(clock, HeadsetHook(seat=f"a{number % 3}", hook="off")), event(clock, CallHeld(call=f"c{number}", pbx="p"))])
    epoch, head = journal.epoch, journal.head()
    journal.save("uplink", Cursor(epoch, head.seq, head.n))
    clock.advance(3 * DAY)
    journal.upkeep()
    some = len(held(journal, "journal.purged"))
    assert 0 < some <= 500, "a small step at a time"
    journal.close()
    journal = opened(tmp_path, clock, due=True)
    tended(journal)
    assert len(held(journal, "journal.purged")) == 1197
    assert journal.epoch == epoch
    assert journal.check() == []
    assert [row.n for row in journal.read_n(1, 400)] == list(range(1, 401)), "the numbers stay dense"
    books = journal.account("uplink")
    assert (books.recorded, books.shed) == (2401, 0)
    only = ReadonlyJournal(tmp_path / "journal.db")
    assert only.check() == []
    only.close()
    # What retention let go of is not remembered for ever.
    for _ in range(5):
        journal.append([event(clock, CallHeld(call="x", pbx="p"))] * 500)
    clock.advance(30 * DAY)
    tended(journal, 2)
    assert journal.first_seq() > 2400
    told = journal.append([event(clock, HeadsetHook(seat="a9", hook="on"))])
    journal.save("uplink", Cursor(epoch, journal.head().seq, journal.head().n))
    clock.advance(3 * DAY)
    tended(journal)
    assert journal._store.purged_to() == (told, {"headset.hook//a9": told})
    journal.close()


def test_what_the_crm_is_still_to_get_stays(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock, due=True)
    for hook in itertools.islice(itertools.cycle(("off", "on")), 100):
        journal.append([event(clock, HeadsetHook(seat="a1", hook=hook))])
    clock.advance(3 * DAY)
    for settled in (0, 41):
        row = next((row for row in journal.read(0) if row.n == settled), None)
        journal.save("uplink", Cursor(journal.epoch, row.seq if row else 0, settled))
        tended(journal)
        # The first number is the journal's own beginning; the last change that the CRM has got stays as the seat's.
        assert len(held(journal, "journal.purged")) == max(0, settled - 2)
    journal.close()


def test_not_while_the_clock_is_unset_nor_by_a_date_mistyped(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    journal.append([event(clock, HeadsetHook(seat="a1", hook="off"))] * 5)
    clock.step_wall(40 * DAY)
    tended(journal)
    assert held(journal, "journal.purged") == [], "of this boot the monotonic clock tells the age"
    clock.reboot("next")
    clock.step_wall(0, "unset")
    tended(journal)
    assert held(journal, "journal.purged") == []
    clock.step_wall(0, "synced")
    tended(journal)
    assert len(held(journal, "journal.purged")) == 4
    journal.close()


def test_what_went_is_not_in_the_file_and_its_time_is_the_hour(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    for number in range(200):
        clock.advance(7)
        journal.append([event(clock, HeadsetHook(seat="a1", agent=f"somebody-{number}", hook="off"))])
    clock.advance(3 * DAY)
    tended(journal)
    rows = [stored_from_body(row.body) for row in journal.read(0) if b"purged" in row.body]
    assert len(rows) == 199
    assert {row.wall_ns % (3600 * 10**9) for row in rows} == {0}
    assert len({row.wall_ns - row.mono_ns for row in rows}) == 1
    assert {(row.source, bytes(row.data)) for row in rows} == {("journal/journal", b"{}")}
    journal.close()  # the last writer's close moves the log into the file
    data = (tmp_path / "journal.db").read_bytes()
    assert b"somebody-198" not in data
    assert b"somebody-199" in data


def test_a_step_that_is_refused_changes_nothing(tmp_path: Path, clock: ManualClock) -> None:
    journal = opened(tmp_path, clock)
    journal.append([event(clock, HeadsetHook(seat="a1", hook="off"))] * 5)
    clock.advance(3 * DAY)
    with pytest.raises(sqlite3.Error):
        journal._store.purge([(b"x", 2), ({}, 3)], 3, {})  # type: ignore[list-item]
    assert journal._store.purged_to() == (0, {})
    assert len(held(journal, "headset.hook")) == 5
    tended(journal)
    assert len(held(journal, "headset.hook")) == 1
    journal.close()


TOLD = st.one_of(
    st.builds(HeadsetHook, seat=st.sampled_from(["a1", "a2"]), agent=st.sampled_from([None, "ana"]), hook=st.sampled_from(["off", "on", "unknown"])),
    st.builds(HeadsetMute, seat=st.sampled_from(["a1", "a2"]), mute=st.sampled_from([True, False, None])),
    st.builds(HeadsetAttached, seat=st.sampled_from(["a1", "a2"])),
    st.builds(HeadsetDetached, seat=st.just("a1")),
    st.builds(HeadsetFault, seat=st.just("a1"), fault=st.just("it stalls")),
    st.builds(CallHeld, call=st.just("c"), pbx=st.just("p")),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(TOLD, st.sampled_from([None, "isla-4"]), st.floats(0, 1.5), st.booleans()), min_size=1, max_size=30), st.booleans()
)
def test_whatever_was_told_the_fold_after_is_the_fold_before(told: list[tuple[msgspec.Struct, str | None, float, bool]], due: bool) -> None:
    clock = ManualClock()
    with TemporaryDirectory() as folder:
        journal = opened(Path(folder), clock, due)
        for data, box, days, tend in told:
            clock.advance(days * DAY)
            journal.append([event(clock, data, box if data.__class__.__name__.startswith("Headset") else None)])
            before = _known(journal, clock)
            if tend:
                head = journal.head()
                journal.save("uplink", Cursor(head.epoch, head.seq, head.n))
                journal.upkeep()
            assert _known(journal, clock) == before
        assert journal.check() == []
        clock.advance(2.1 * DAY)
        journal.save("uplink", Cursor(journal.epoch, journal.head().seq, journal.head().n))
        tended(journal)
        left = [stored_from_body(row.body) for row in journal.read(0)]
        changes = [
            (row.kind, row.origin and row.origin.box, msgspec.json.decode(row.data)["seat"])
            for row in left
            if row.kind in ("headset.hook", "headset.mute")
        ]
        assert len(changes) == len(set(changes)), "of each seat the last one alone"
        journal.close()


def _known(journal: SqliteJournal, clock: ManualClock) -> dict[str, tuple[object, ...]]:
    view = FloorView(journal, Config(), clock)
    view.catch_up()
    return {key: (one.attached, one.hook, one.mute, one.fresh, one.agent) for key, one in view.floor.state.headsets.items()}
