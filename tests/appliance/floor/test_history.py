"""Kept days: half-hours sum up to the day exactly, over midnight, clock changes, re-dating and journals begun anew."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import BoxClockStepped, PbxDown, PbxResynced, PbxUp
from appliance.core.clock import NS
from appliance.core.config import Config, Kpi, Site
from appliance.core.errors import CorruptError
from appliance.floor.build import window_of
from appliance.floor.calendar import HALF_HOUR_NS, Calendar
from appliance.floor.collector import Collector
from appliance.floor.floor import Floor
from appliance.floor.history import (
    Day,
    KeptQueue,
    Part,
    agents_of,
    bytes_from_day,
    day_from_bytes,
    empty_day,
    is_same,
    part_from_floor,
    queues_of,
    total,
    with_part,
)
from appliance.floor.tally import Tally

STEP = st.tuples(
    st.floats(0, 9000), st.sampled_from(["queue", "answer", "abandon", "leave", "lose", "end", "wrap", "talk"]), st.integers(0, 12)
)


def kept(day, now_ns: int | None = None, back: int = 0) -> Day:
    """The kept day around now, or so many days before."""
    now = now_ns or day.clock.wall_ns()
    day.floor.advance(now)
    calendar = day.floor.calendar
    local = calendar.date_of(now) - timedelta(days=back)
    return with_part(empty_day(local, day.floor.config.site.timezone), part_from_floor(day.floor, calendar.day_on(local), now))


def told(steps, make_day_class, config: Config):
    day, at = make_day_class(config), 0.0
    for gap, what, number in steps:
        at += gap
        visit = f"v{number}"
        match what:
            case "queue":
                day.queued(at, visit, waited_s=gap / 9)
            case "answer":
                day.answered(at, visit, min(gap, 30))
            case "abandon":
                day.abandoned(at, visit, min(gap, 30))
            case "leave":
                day.left(at, visit, gap, "timeout" if number % 2 else "not_told")
            case "lose":
                day.lost(at, visit)
            case "end":
                day.ended(at, visit, gap, hold_s=gap / 3)
            case _:
                day.agent(at, "wrap_up" if what == "wrap" else "talking")
    return day


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=60), by_completion=st.booleans(), zone=st.sampled_from(["UTC", "America/Guayaquil", "Asia/Kathmandu"]))
def test_half_hours_sum_up_to_the_day_whatever_is_told(make_day_class, steps, by_completion: bool, zone: str) -> None:
    config = Config(site=Site(timezone=zone), kpi=Kpi(window="completion" if by_completion else "arrival"))
    day = told(steps, make_day_class, config)
    now = day.clock.wall_ns()
    for back in (0, 1):
        whole = kept(day, now, back)
        start = day.floor.calendar.day_on(date.fromisoformat(whole.day))[0]
        for key, queue in day.floor.state.queues.items():
            today = queue.days.get(start)
            halves = queues_of(whole)[key].halves if key in queues_of(whole) else {}
            assert total(halves.values()) == (today or Tally())
        assert day_from_bytes(bytes_from_day(whole), date.fromisoformat(whole.day)) == whole
        for agent in agents_of(whole).values():
            assert sum(agent.ms) <= 25 * 3_600_000


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEP, min_size=10, max_size=60))
def test_days_taken_out_of_a_running_fold_are_those_of_the_day_itself(make_day_class, steps) -> None:
    live = make_day_class()
    at_end: dict[date, Part] = {}
    day = told(steps, make_day_class, Config())
    calendar = Calendar("UTC")
    first = calendar.date_of(day.events[0].wall_ns)
    wanted = {first + timedelta(days=back) for back in range(9)}
    collector, again = Collector(wanted), Floor(Config())
    collector.watch(again)
    for seq, event in enumerate(day.events, 1):
        live.floor.apply(seq, event)
        span = calendar.day(event.wall_ns)
        for each in (calendar.day(span[0] - 1), span):
            at_end[calendar.date_of(each[0])] = part_from_floor(live.floor, each, event.wall_ns)
        again.apply(seq, event)
    last = max(at_end)
    for local, part in at_end.items():
        if first <= local < last - timedelta(days=1):
            taken = collector.parts[local]
            for key, queue in part.queues.items():
                assert sum(t.offered for t in queue.halves.values()) == sum(t.offered for t in taken.queues[key].halves.values())
            assert taken.final
            assert {key: agent.answered for key, agent in part.agents.items()} == {
                key: agent.answered for key, agent in taken.agents.items()
            }


def test_a_call_that_ends_after_midnight_belongs_to_its_half_hour_and_the_agent_who_left_stays(day) -> None:
    to_midnight = 86_400 - 14 * 3600 - 400  # the story begins at 14:06:40
    day.logged_in(0, "eva")
    day.agent(0, "available", "eva")
    day.agent(3600, "logged_out", "eva")
    day.queued(to_midnight - 60, "late")
    day.answered(to_midnight - 50, "late", 10)
    day.ended(to_midnight + 900, "late", 950)
    day.queued(to_midnight + 1000, "new")
    yesterday, today = kept(day, back=1), kept(day)
    half = (day.floor.calendar.day(day.clock.wall_ns())[0] - HALF_HOUR_NS) // NS
    assert {h: (t.offered, t.answered_ended, t.talk_ms) for h, t in queues_of(yesterday)["ventas"].halves.items()} == {
        half: (1, 1, 950_000)
    }
    assert [(t.offered, t.waiting) for t in queues_of(today)["ventas"].halves.values()] == [(1, 1)]
    assert agents_of(yesterday)["eva"].ms[0] == 3_600_000
    assert "eva" not in agents_of(today)
    assert "eva" not in day.floor.state.agents
    assert agents_of(yesterday)["ana"].answered == 1


def test_the_day_before_yesterday_is_forgotten(day) -> None:
    for at in range(0, 5 * 86_400, 1800):
        day.queued(at, f"v{at}")
        day.abandoned(at + 5, f"v{at}", 5)
    assert len(day.floor.state.queues["ventas"].halves) <= 96
    assert len(day.floor.state.queues["ventas"].days) == 2
    assert len(kept(day, back=1).parts[0].queues["ventas"].halves) == 48


@pytest.mark.parametrize(
    ("zone", "local", "count", "last"),
    [
        ("Europe/Madrid", "2026-03-29", 46, "23:30"),
        ("Europe/Madrid", "2026-10-25", 50, "23:30"),
        ("America/Santiago", "2026-09-06", 46, "23:30"),  # midnight itself is put forward
        ("America/Santiago", "2026-04-05", 48, "23:30"),  # its 24th hour is the day before's
        ("America/Santiago", "2026-04-04", 50, "23:30"),
        ("Australia/Lord_Howe", "2026-10-04", 47, "23:30"),  # by half an hour
        ("Asia/Kathmandu", "2026-11-21", 48, "23:30"),
        ("America/Guayaquil", "2026-11-21", 48, "23:30"),
    ],
)
def test_a_day_has_its_half_hours_across_clock_changes(zone: str, local: str, count: int, last: str) -> None:
    calendar = Calendar(zone)
    day = calendar.day_on(date.fromisoformat(local))
    halves = calendar.halves(day)
    assert (len(halves), calendar.time_of_day(halves[-1])) == (count, last)
    assert halves[0] == day[0]
    assert halves[-1] + HALF_HOUR_NS == day[1]
    assert all(calendar.half_hour(half) == half and calendar.day(half) == day for half in halves)
    assert len({calendar.local_text(half) for half in halves}) == count


def test_a_week_before_is_the_same_local_time_where_it_existed() -> None:
    calendar = Calendar("Europe/Madrid")

    def ns(local: str, hour: int, minute: int = 0) -> int:
        return calendar.day_on(date.fromisoformat(local))[0] + (hour * 3600 + minute * 60) * NS

    winter = ns("2026-10-28", 10)
    assert calendar.time_of_day(calendar.days_before(winter, 7) or 0) == "10:00"
    assert winter - (calendar.days_before(winter, 7) or 0) == (7 * 24 + 1) * 3600 * NS
    assert calendar.days_before(ns("2026-04-05", 2, 30), 7) is None  # 02:30 was put forward over on 29 March
    assert calendar.days_before(ns("2026-04-05", 3, 30), 7) is not None


@settings(max_examples=60, deadline=None)
@given(st.integers(1_700_000_000, 1_900_000_000), st.sampled_from(["Europe/Madrid", "America/Santiago", "Asia/Kathmandu"]))
def test_half_hours_of_two_days_meet(at_s: int, zone: str) -> None:
    calendar = Calendar(zone)
    day = calendar.day(at_s * NS)
    assert calendar.half_hour(at_s * NS) in calendar.halves(day)
    assert calendar.day_on(calendar.date_of(at_s * NS)) == day


def test_a_stepped_clock_moves_the_half_hours_with_it(make_day) -> None:
    day = make_day()
    day.queued(10, "a")
    day.answered(20, "a", 10)
    day.clock.step_wall(-86_400 * 3)
    offset = day.clock.wall_ns() - day.clock.mono_ns()
    day.tell(30, BoxClockStepped(offset_ns=offset, by_s=-86_400.0 * 3, quality="synced"))
    again = Floor(Config())
    again.state.timeline = msgspec.structs.replace(day.floor.state.timeline)
    for seq, event in enumerate(day.events, 1):
        again.apply(seq, event)
    now = day.clock.wall_ns()
    span = again.calendar.day(now)
    part = part_from_floor(again, span, now)
    assert [(half, tally.answered) for half, tally in part.queues["ventas"].halves.items()] == [(again.calendar.half_hour(now) // NS, 1)]


def test_what_was_not_seen_is_not_covered(make_day) -> None:
    day = make_day()
    day.tell(600, PbxDown(pbx="p", reason="lost"))
    day.tell(600 + 3600, PbxUp(pbx="p"), PbxResynced(pbx="p"))
    part = kept(day, day.clock.wall_ns() + 1800 * NS).parts[0]
    shares = {day.floor.calendar.time_of_day(half * NS): share for half, share in part.covered["p"].items()}
    # Seen from 14:06:40 to 14:16:40 and from 15:16:40 on.
    assert shares == {"14:00": round(600 / 1400, 4), "14:30": 0.0, "15:00": round(800 / 1800, 4), "15:30": 1.0}


def test_parts_of_two_journals_add_up_and_a_poorer_one_changes_nothing() -> None:
    half = 1_795_270_200
    one = Part(epoch="a", as_of_ns=1, seq=100)
    one.queues["ventas"] = msgspec.convert({"title": "Ventas", "pbx": "p", "halves": {half: [3, 2]}}, KeptQueue)
    day = with_part(empty_day(date(2026, 11, 21), "UTC"), one)
    two = Part(epoch="b", as_of_ns=2, seq=5)
    two.queues["ventas"] = msgspec.convert({"title": "Ventas 2", "pbx": "p", "halves": {half: [1, 1], half + 1800: [4]}}, KeptQueue)
    both = with_part(day, two)
    queue = queues_of(both)["ventas"]
    assert (queue.title, {h: t.offered for h, t in queue.halves.items()}) == ("Ventas 2", {half: 4, half + 1800: 4})
    assert {h: t.offered for h, t in queues_of(day)["ventas"].halves.items()} == {half: 3}
    assert with_part(both, Part(epoch="a", as_of_ns=9, seq=200, from_ns=7)) is both  # a journal pruned meanwhile
    assert is_same(day, with_part(day, msgspec.structs.replace(one, as_of_ns=5, seq=101)))
    assert not is_same(day, both)


def test_a_file_of_another_kind_is_told(day) -> None:
    day.queued(0, "a")
    data = bytes_from_day(kept(day))
    local = date(2026, 11, 21)
    assert day_from_bytes(data, local).day == "2026-11-21"
    for damage in (data[: len(data) // 2], b"\0" * len(data), b"", data.replace(b'"v":1', b'"v":2'), data.replace(b'"offered"', b'"x"')):
        with pytest.raises(CorruptError):
            day_from_bytes(damage, local)
    with pytest.raises(CorruptError, match="2026-11-21"):
        day_from_bytes(data, date(2026, 11, 22))


def test_the_figures_of_a_kept_day_are_those_of_the_board(day) -> None:
    waits = [(3, True), (9, True), (14, True), (22, True), (2, False), (40, False)]
    for number in range(len(waits)):
        day.queued(0, f"v{number}")
    for number, (wait, answered) in enumerate(waits):
        (day.answered if answered else day.abandoned)(100 + number, f"v{number}", wait)
    queue = day.queue(200)
    kept_queue = queues_of(kept(day))["ventas"]
    window = window_of(total(kept_queue.halves.values()), kept_queue.variant, kept_queue.target_s, queue.today.coverage)
    assert window == queue.today


def test_nothing_about_callers_is_kept(day) -> None:
    day.queued(0, "a", caller="0987654321")
    day.answered(5, "a", 5)
    assert b"0987654321" not in bytes_from_day(kept(day))
