"""Repeated calls: a caller is known again in any spelling, for as long as configured, by a hash that the salt alone can make."""

from __future__ import annotations

import os
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from appliance.core.callers import SALT_BYTES, Marks, digits_of, held_salt, salt_of, same_number
from appliance.core.catalogue import CallAnswered, CallQueued, kind_of
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Config, JournalConfig, Kpi
from appliance.core.event import Event
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor import visit
from appliance.floor.caller import CallerKeys
from appliance.floor.floor import Floor, bytes_from_state, state_from_bytes
from appliance.floor.tally import Tally
from appliance.floor_view import FloorView, cache_of

KEYS = CallerKeys(b"a salt")
HOUR = 3600


def served(day: Any, at_s: float, key: str, caller: str, queue: str = "ventas") -> None:
    day.queued(at_s, key, queue, caller=caller)
    day.tell(at_s + 5, CallAnswered(call=f"c-{key}", pbx="p", visit=key, queue=queue, agent="ana", wait_s=5, caller=caller))
    day.ended(at_s + 10, key, 5, queue)


def share(day: Any, at_s: float, queue: str = "ventas") -> tuple[int, int] | None:
    parts: tuple[int, int] | None = day.queue(at_s, queue).today.repeat_call_share_of
    return parts


@pytest.mark.parametrize("again", ["0991234567", "+593991234567", "00593 99 123 4567", "+593 (0)99 123-4567", "991234567", "9-0991234567"])
def test_any_spelling_is_the_same_caller(make_day, again: str) -> None:
    day = make_day()
    served(day, 0, "v1", "+593991234567")
    day.queued(100, "v2", caller=again)
    day.queued(101, "v3", caller="+593991234568")
    assert share(day, 102) == (1, 3)


def test_who_tells_no_number_is_nobody_and_comes_back_as_nobody(make_day) -> None:
    day = make_day()
    served(day, 0, "v1", "anonymous")
    day.queued(100, "v2", caller="anonymous")
    assert share(day, 101) == (0, 0)
    assert not day.floor.state.queues["ventas"].callers


@pytest.mark.parametrize(("hours", "repeated"), [(24.0, 1), (23.0, 0), (48.0, 1)])
def test_for_as_long_as_configured(make_day, hours: float, repeated: int) -> None:
    day = make_day(Config(kpi=Kpi(repeat_hours=hours)))
    served(day, 0, "v1", "0991234567")
    day.queued(24 * HOUR + 5, "v2", caller="0991234567")
    assert share(day, 24 * HOUR + 6) == (repeated, 1)


def test_a_hash_is_kept_no_longer_than_it_may_count(make_day) -> None:
    day = make_day(Config(kpi=Kpi(repeat_hours=2)))
    for queue in ("ventas", "soporte"):
        served(day, 0, f"v-{queue}", "0991234567", queue)
    callers = [day.floor.state.queues[queue].callers for queue in ("ventas", "soporte")]
    day.queue(2 * HOUR)
    assert all(callers)
    day.floor.advance(day.clock.wall_ns() + round(2.6 * HOUR * NS))  # the clock's half-hour after the two hours
    assert not any(callers), "without a call as well"


NUMBERS = st.from_regex(r"[1-9][0-9]{5,11}", fullmatch=True)
SPELLED = st.tuples(st.sampled_from(["", "+", "0", "00", "+593", "00593", "0055", "9-0"]), NUMBERS).map("".join)


@given(SPELLED, SPELLED)
@example("+593991234567", "0991234567")
def test_what_is_one_number_is_one_key_and_other_endings_are_others(one: str, other: str) -> None:
    if same_number(digits_of(one), digits_of(other)):
        assert KEYS.of(one) == KEYS.of(other)
    elif digits_of(one)[-8:] != digits_of(other)[-8:]:
        assert KEYS.of(one) != KEYS.of(other)


@given(NUMBERS, st.sampled_from(["+593", "00593", "0", ""]), st.sampled_from(["", " ", "-", "."]))
def test_however_it_is_written(number: str, front: str, between: str) -> None:
    assume(len(number) >= 8)
    assert KEYS.of(front + between.join(number)) == KEYS.of(number)


@given(SPELLED, st.binary(max_size=64), st.binary(max_size=64))
def test_without_the_salt_a_key_tells_nothing(number: str, salt: bytes, other: bytes) -> None:
    assume(salt != other and len(salt) != len(other))
    one, two = CallerKeys(salt), CallerKeys(other)
    assert one.of(number) != two.of(number)
    assert one.mark != two.mark
    assert one.of(number) == CallerKeys(salt).of(number)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 20_000)), max_size=20))
@example([(0, 0, 15_000)] * 11)
def test_the_share_is_what_a_plain_list_of_calls_gives(make_day_class: Any, steps: list[tuple[int, int, int]]) -> None:
    fronts = ("0", "+593", "00593", "")
    day, at, log, by_day, by_half = make_day_class(), 1.0, [], Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    calendar, start_ns = day.floor.calendar, day.clock.wall_ns()
    for number, (who, front, wait) in enumerate(steps):
        at += wait
        queue, joined_ns = ("ventas", "soporte")[who % 2], start_ns + round(at * NS)
        repeated = any(other == who and at - then <= 24 * HOUR for other, then in log)
        by_day[queue, calendar.day(joined_ns)[0]] += repeated
        by_half[queue, calendar.half_hour(joined_ns)] += repeated
        served(day, at, f"v{number}", f"{fronts[front]}99123456{who}", queue)
        log.append((who, at + 5))
        at += 10
    today = calendar.day(day.clock.wall_ns())[0]
    for key, queue in day.floor.state.queues.items():
        assert {start: tally.repeat for start, tally in queue.days.items()} == {start: by_day[key, start] for start in queue.days}
        assert {start: tally.repeat for start, tally in queue.halves.items()} == {start: by_half[key, start] for start in queue.halves}
        assert queue.days.get(today, Tally()).repeat == by_day[key, today]


def test_a_mark_in_a_numbers_place_is_a_caller_too(make_day) -> None:
    """After `[privacy] callers_days` the journal holds marks; check sees to it that these days are a day more than `repeat_hours`."""
    mark = Marks(b"other salt").of("991234567")
    assert mark is not None
    day = make_day()
    served(day, 0, "v1", mark)
    day.queued(100, "v2", caller=mark)
    assert share(day, 101) == (1, 2)


def test_a_cache_of_another_salt_is_no_use(make_day) -> None:
    floor = Floor(Config(), salt=b"one")
    kept = bytes_from_state(floor.state)
    assert state_from_bytes(kept, Config(), "", b"one") == floor.state
    assert state_from_bytes(kept, Config(), "", b"two") is None


def test_the_salt_is_the_boxs_and_readers_make_none(tmp_path: Path) -> None:
    config, clock = Config(journal=JournalConfig(path=tmp_path / "journal.db")), ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", clock=clock)
    data = CallQueued(call="c", pbx="p", visit="v", queue="ventas", caller="0991234567")
    journal.append([Event(kind_of(data), "gateway/p", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)])
    reader = FloorView(ReadonlyJournal(tmp_path / "journal.db"), config, clock)
    assert not (tmp_path / "privacy.salt").exists()
    view = FloorView(journal, config, clock, cache_of(journal))
    assert view.catch_up()
    assert reader.catch_up()
    assert view.floor.state.salt == CallerKeys(salt_of(tmp_path)).mark != reader.floor.state.salt
    view.save()
    assert FloorView(journal, config, clock, cache_of(journal)).seq == view.seq, "the cache is taken up"
    (tmp_path / "privacy.salt").unlink()
    again = FloorView(journal, config, clock, cache_of(journal))
    assert again.seq == 0, "made with a salt that is gone"
    assert again.catch_up()
    held = (tmp_path / "cache" / "floor.fold").read_bytes()
    assert b"991234567" not in held
    journal.close()


def test_the_callers_of_a_large_floor_take_bounded_room(make_day, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept of each is a number and a time: of a hundred thousand in a queue 13 MB, and 1.8 MB in the cache."""
    monkeypatch.setattr(visit, "_CALLERS_KEPT", 5_000)
    day = make_day()
    served(day, 0, "v0", "0990000000")
    visits, queue = day.floor.visits, day.floor.state.queues["ventas"]
    tracemalloc.start()
    for number in range(6_000):
        visits._remember(queue, f"09{number:08d}", START + number)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(queue.callers) == 5_000
    assert size < 5_000 * 250
    assert len(bytes_from_state(day.floor.state)) < 5_000 * 25


START = 1_795_270_000 * NS


def test_of_two_processes_that_make_the_salt_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds none, and the first's when it puts its own there: both have the same."""
    first: list[bytes] = []

    def late(part: Path, path: Path) -> None:
        monkeypatch.undo()
        first.append(salt_of(tmp_path))
        raise FileExistsError(path)

    monkeypatch.setattr(os, "link", late)
    assert [salt_of(tmp_path)] == first
    assert [path.name for path in tmp_path.iterdir()] == ["privacy.salt"]
    (tmp_path / "privacy.salt").write_bytes(b"torn")

    def never(part: Path, path: Path) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", never)
    assert salt_of(tmp_path) == held_salt(tmp_path) != first[0]
    assert len(held_salt(tmp_path)) == SALT_BYTES
