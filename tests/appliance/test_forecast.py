"""An outage of days on a simulated clock, with a real journal: what was told of its end before it came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import NS, ManualClock
from appliance.core.event import Event
from appliance.core.journal import Account, Cursor, Limits
from appliance.core.journal_sqlite import SqliteJournal
from appliance.forecast import Forecast, Held, held_of

STEP_S = 900.0
DAY_S = 86_400.0


def of_a_step(clock: ManualClock, at_s: float, busy: int) -> list[Event]:
    """A quarter of an hour of a floor that is open from eight to eight, and nearly silent in the night."""
    open_now = 8 <= at_s % DAY_S / 3600 < 20
    data = CallHeld(call="c" * 200, pbx="p")
    event = Event(kind_of(data), "t/t", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
    return [event] * (busy if open_now else busy // 20)


def days(journal: SqliteJournal, clock: ManualClock, keep_days: float, busy: int) -> Iterator[tuple[float, float | None]]:
    """Two days with the CRM, then without, until the first event goes that it has not got; each quarter what the box tells."""
    forecast, at_s = Forecast(), 0.0
    while journal.account("uplink").shed == 0:
        journal.append(of_a_step(clock, at_s, busy))
        journal.upkeep()
        if at_s < 2 * DAY_S:
            head = journal.head()
            journal.save("uplink", Cursor(head.epoch, head.seq, head.n))
        else:
            account, limits = journal.account("uplink"), journal.limits()
            forecast.feed(clock.mono_ns(), account, limits)
            held = held_of(journal, account, clock, keep_days)
            assert held is not None
            yield at_s, forecast.full_in_s(limits, held)
        clock.advance(STEP_S)
        at_s += STEP_S
        assert at_s < 60 * DAY_S


def judged(told: list[tuple[float, float | None]], factor: float, slack_days: float) -> float:
    """Every forecast is right within the factor or the slack; for how many days the outage could last."""
    end_s = told[-1][0]
    for at_s, in_s in told[:-1]:
        assert in_s is not None
        left, said = (end_s - at_s) / DAY_S, in_s / DAY_S
        near = left / factor < said < left * factor or abs(left - said) < slack_days
        assert near, f"after {at_s / DAY_S:.2f} days it told {said:.2f} more, and it was {left:.2f}"
    return (end_s - told[0][0]) / DAY_S


def test_an_outage_of_days_ends_when_it_was_told_to(tmp_path: Path) -> None:
    """The budget ends it: what the CRM has goes first, and was counted as room from the beginning."""
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", max_bytes=4_000_000, keep_days=3660, clock=clock)
    lasted_days = judged(list(days(journal, clock, 3660, 60)), 1.4, 0.5)  # a night
    assert 3 < lasted_days < 6
    books = journal.account("uplink")
    assert books.recorded == books.delivered + books.waiting + books.shed
    journal.close()


def test_where_age_takes_them_first_that_is_told(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", max_bytes=40_000_000, keep_days=4, clock=clock)
    lasted_days = judged(list(days(journal, clock, 4, 60)), 1.1, 0.75)  # whole chunks go, and so few rows are a chunk of most of a day
    assert 4 <= lasted_days < 4.75
    journal.close()


def test_a_flood_is_told_by_the_last_minute_and_a_small_disk_is_a_small_budget() -> None:
    forecast = Forecast()
    limits = Limits(bytes_used=10_000_000, max_bytes=100_000_000, first_seq=1)
    week = Held(rows=30_000, waiting_rows=3_000, oldest_s=10 * DAY_S, oldest_waiting_s=DAY_S, keep_s=100 * DAY_S)
    assert forecast.full_in_s(limits, week) == round(99_000_000 * 10 * DAY_S / 10_000_000)
    assert forecast.full_in_s(replace(limits, disk_bytes=1_000_000), week) == 10 * DAY_S, "and what the CRM has is room"
    account = Account(recorded=1, delivered=0, waiting=1, shed=0, skipped=0)
    for second in range(30):
        limits = replace(limits, bytes_used=10_000_000 + second * 1_000_000)
        forecast.feed(second * NS, account, limits)
    in_s = forecast.full_in_s(limits, week)
    assert in_s is not None
    assert 90 < in_s < 100
