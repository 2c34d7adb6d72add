"""The keeper of days beside a real journal: written each half-hour, made again when lost, set aside when damaged, a week looked back."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from appliance.core.alive import Alive
from appliance.core.catalogue import BoxClockStepped, CallAbandoned, CallAnswered, CallQueued, PbxDown, PbxResynced, PbxUp, kind_of
from appliance.core.clock import NS, ManualClock
from appliance.core.config import Config, GroupConfig, JournalConfig, QueueConfig, Site, Tv
from appliance.core.day_files import DayFiles
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor.calendar import Calendar
from appliance.floor.history import Day, bytes_from_day, day_from_bytes, empty_day, queues_of, total
from appliance.floor_view import FloorView, cache_of
from appliance.report import day_report
from appliance.schema.trend import document as schema
from appliance.service import Context
from wallboard.board_set import BoardSet
from wallboard.history.last_week import last_week_of
from wallboard.history.run import HistoryRun
from wallboard.stream.feed import Feed
from wallboard.web.http import Server, open_server

ZONE = "Europe/Madrid"


class Silent:
    """A watch that nobody reads."""

    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


class Box:
    """A box of which the wallboard's history part runs when it is told to."""

    def __init__(self, folder: Path, start: date = date(2026, 10, 20), **more: Any) -> None:
        self.folder = folder
        groups = {"todo": GroupConfig(queues=("ventas", "oculta"))}
        queues = {"oculta": QueueConfig(hidden=True)}
        self.config = Config(
            site=Site(timezone=ZONE), journal=JournalConfig(path=folder / "journal.db", **more), groups=groups, queues=queues
        )
        self.calendar = Calendar(ZONE)
        self.clock = ManualClock(self.calendar.day_on(start)[0])
        self.files = DayFiles(folder / "summary")
        self.visits = 0
        self.open()
        self.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))

    def open(self) -> None:
        """Start, or start again after a death."""
        self.journal = SqliteJournal.open(self.folder / "journal.db", clock=self.clock)
        self.view = FloorView(self.journal, self.config, self.clock, cache_of(self.journal))
        self.view.catch_up()
        context = Context(config=self.config, journal=self.journal, clock=self.clock, watch=Silent(), service="wallboard")
        self.run = HistoryRun(context, self.view, Feed(self.view, self.clock, self.config.privacy))

    def die(self) -> None:
        """kill -9: nothing is written any more."""
        self.journal.close()

    def tell(self, *data: Any) -> None:
        clock = self.clock
        self.journal.append(
            [Event(kind_of(d), "gateway/p", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), d) for d in data]
        )

    def calls(self, answered: int, abandoned: int = 0, queue: str = "ventas") -> None:
        for number in range(answered + abandoned):
            self.visits += 1
            visit = f"v{self.visits}"
            self.tell(CallQueued(call=visit, pbx="p", visit=visit, queue=queue, title=queue.title()))
            if number < answered:
                self.tell(CallAnswered(call=visit, pbx="p", visit=visit, queue=queue, agent="ana", wait_s=4))
            else:
                self.tell(CallAbandoned(call=visit, pbx="p", visit=visit, queue=queue, wait_s=9))

    def until(self, day: date, hour: float) -> None:
        """Let time pass until that local time (of a day without a clock change)."""
        then = self.calendar.day_on(day)[0] + round(hour * 3600) * NS
        self.clock.advance((then - self.clock.wall_ns()) / NS)

    async def turn(self) -> None:
        self.view.catch_up()
        await self.run.turn()

    def kept(self, day: date) -> Day | None:
        data = self.files.read(day)
        return None if data is None else day_from_bytes(data, day)

    def offered(self, day: date) -> int | None:
        kept = self.kept(day)
        return None if kept is None else sum(total(queue.halves.values()).offered for queue in queues_of(kept).values())


@pytest.fixture
def make(tmp_path: Path):
    made: list[Box] = []

    def box(**more: Any) -> Box:
        made.append(Box(tmp_path, **more))
        return made[-1]

    yield box
    for each in made:
        each.die()


@pytest.fixture
def box(make: Callable[..., Box]) -> Box:
    return make()


DAY = date(2026, 10, 20)


async def test_each_half_hour_is_on_disk_soon_after_it_ended(box: Box) -> None:
    box.calls(3)
    await box.turn()
    assert box.kept(DAY) is None  # the half-hour has just begun, and its first seconds are not worth a write
    box.clock.advance(10)
    await box.turn()
    assert box.offered(DAY) == 3
    written = box.files.path(DAY).stat().st_mtime_ns
    box.calls(2)
    box.clock.advance(600)
    await box.turn()
    assert (box.offered(DAY), box.files.path(DAY).stat().st_mtime_ns) == (3, written)
    box.clock.advance(1200)
    await box.turn()
    assert box.offered(DAY) == 5


async def test_killed_between_half_hours_and_begun_again_nothing_is_missing(box: Box) -> None:
    box.until(DAY, 9)
    box.calls(3)
    box.clock.advance(10)
    await box.turn()
    box.calls(4)
    box.until(DAY, 10)
    box.die()
    box.open()
    box.calls(1)
    box.clock.advance(10)
    await box.turn()
    kept = box.kept(DAY)
    assert kept is not None
    assert len(kept.parts) == 1
    halves = {box.calendar.time_of_day(half * NS): tally.offered for half, tally in queues_of(kept)["ventas"].halves.items()}
    assert halves == {"09:00": 7, "10:00": 1}
    assert box.view.snapshot().floor.today.offered == 8


async def test_yesterday_is_finished_and_then_left_alone(box: Box) -> None:
    box.until(DAY, 23.9)
    box.tell(CallQueued(call="late", pbx="p", visit="late", queue="ventas"))
    box.until(DAY + timedelta(days=1), 0.1)
    await box.turn()
    kept = box.kept(DAY)
    assert kept is not None
    assert not kept.parts[0].final
    box.tell(CallAnswered(call="late", pbx="p", visit="late", queue="ventas", agent="ana", wait_s=600))
    box.until(DAY + timedelta(days=1), 13.1)
    await box.turn()
    kept = box.kept(DAY)
    assert kept is not None
    assert kept.parts[0].final
    (tally,) = queues_of(kept)["ventas"].halves.values()
    assert (tally.offered, tally.answered, tally.waiting) == (1, 1, 0)
    written = box.files.path(DAY).stat().st_mtime_ns
    box.until(DAY + timedelta(days=1), 14.1)
    await box.turn()
    assert box.files.path(DAY).stat().st_mtime_ns == written


async def days(box: Box, count: int, *, turning: bool = True) -> None:
    """So many days, each with as many calls at ten as its number."""
    for _ in range(count):
        local = box.calendar.date_of(box.clock.wall_ns())
        for hour in (10, 18, 24):
            end = box.calendar.day_on(local)[1] if hour == 24 else box.calendar.day_on(local)[0] + hour * 3600 * NS
            box.clock.advance((end - box.clock.wall_ns()) / NS)
            if hour == 10:
                box.calls(local.day)
            if turning:
                box.clock.advance(10)
                await box.turn()


async def test_lost_summaries_are_made_again_from_the_journal(box: Box) -> None:
    await days(box, 6)
    assert [box.offered(DAY + timedelta(days=back)) for back in range(6)] == [20, 21, 22, 23, 24, 25]
    before = {day: box.files.read(day) for day in box.files.days()}
    for day in list(before)[:3]:
        box.files.path(day).unlink()
    box.files.path(DAY + timedelta(days=3)).write_bytes(b"\0" * 100)
    box.die()
    box.open()
    await box.run.rebuild()
    for back in range(5):
        day = DAY + timedelta(days=back)
        made, was = box.kept(day), day_from_bytes(before[day] or b"", day)
        assert made is not None
        assert made.parts[0].final
        assert queues_of(made) == queues_of(was)
        assert made.parts[0].covered == was.parts[0].covered
    assert len(list(box.files.folder.glob("*.damaged"))) == 1
    untouched = {day: box.files.path(day).stat().st_mtime_ns for day in box.files.days()}
    await box.run.rebuild()
    assert {day: box.files.path(day).stat().st_mtime_ns for day in box.files.days()} == untouched


async def test_days_on_which_the_boards_were_off_or_nothing_happened_are_made_too(box: Box) -> None:
    await days(box, 1, turning=False)
    box.clock.advance(3 * 86_400)
    await days(box, 2, turning=False)
    box.view.catch_up()
    await box.run.rebuild()
    assert [box.offered(DAY + timedelta(days=back)) for back in range(5)] == [20, 0, 0, 0, 24]
    again = {day: box.files.path(day).stat().st_mtime_ns for day in box.files.days()}
    await box.run.rebuild()
    assert {day: box.files.path(day).stat().st_mtime_ns for day in box.files.days()} == again


async def test_a_damaged_file_is_set_aside_told_and_made_anew(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.calls(3)
    box.clock.advance(10)
    await box.turn()
    whole = box.files.read(DAY) or b""
    box.files.path(DAY).write_bytes(whole[:50])
    box.clock.advance(1800)
    with caplog.at_level(logging.ERROR):
        await box.turn()
    assert box.offered(DAY) == 3
    assert box.files.path(DAY).with_suffix(".damaged").read_bytes() == whole[:50]
    assert "2026-10-20.json was damaged" in caplog.text


async def test_a_folder_that_cannot_be_written_is_told_once_and_costs_nothing_else(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    (box.folder / "summary").write_text("in the way")
    box.calls(3)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            box.clock.advance(1810)
            await box.turn()
    assert len([record for record in caplog.records if "cannot be kept" in record.message]) == 1
    (box.folder / "summary").unlink()
    box.clock.advance(1810)
    await box.turn()
    assert box.offered(DAY) == 3


async def test_a_journal_begun_anew_keeps_what_was_kept(box: Box) -> None:
    box.until(DAY, 9)
    box.calls(5)
    box.clock.advance(10)
    await box.turn()
    box.die()
    for path in box.folder.glob("journal.db*"):
        path.unlink()
    box.until(DAY, 10)
    box.open()
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    box.calls(2)
    box.clock.advance(10)
    await box.turn()
    assert box.offered(DAY) == 7
    await box.run.leave()
    assert box.offered(DAY) == 7


async def test_a_boot_with_an_old_clock_does_not_spoil_the_days_before(box: Box) -> None:
    await days(box, 2)
    whole = box.files.read(DAY)
    box.die()
    # Off for four days; without a battery the clock stands at the evening of the first day, and nobody says that it is wrong.
    box.clock.step_wall(-86_400 - 4 * 3600, "holdover")
    box.clock.reboot("second")
    box.open()
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    box.calls(50)
    box.clock.advance(1800)
    await box.turn()
    assert box.offered(DAY) == 20 + 50
    ahead_s = 5 * 86_400.0
    box.clock.step_wall(ahead_s, "synced")
    offset = box.clock.wall_ns() - box.clock.mono_ns()
    box.tell(BoxClockStepped(offset_ns=offset, by_s=ahead_s, quality="synced"))
    box.clock.advance(60)
    await box.turn()
    await box.run.rebuild()
    now = box.calendar.date_of(box.clock.wall_ns())
    kept = box.kept(DAY)
    assert kept is not None
    assert queues_of(kept) == queues_of(day_from_bytes(whole or b"", DAY))
    assert (box.offered(DAY + timedelta(days=1)), box.offered(now)) == (21, 50)


async def test_a_clock_that_nobody_set_dates_no_file(box: Box) -> None:
    box.clock.step_wall(-box.clock.wall_ns() / NS, "unset")
    box.calls(3)
    box.clock.advance(10)
    await box.turn()
    await box.run.leave()
    assert box.files.days() == []


async def test_so_many_days_are_kept(make: Callable[..., Box]) -> None:
    box = make(summary_days=3)
    await days(box, 6)
    assert len(box.files.days()) == 3
    none = make(summary_days=0, start=date(2026, 11, 10))
    for path in none.files.folder.iterdir():
        path.unlink()
    await days(none, 1)
    assert none.files.days() == []


async def test_the_first_week_shows_nothing_and_the_second_the_first(box: Box) -> None:
    for _ in range(7):
        await days(box, 1)
        box.clock.advance(20 * 60)
        await box.turn()
        assert last_week_of(box.run.week, "offered") is None or box.calendar.date_of(box.clock.wall_ns()) >= DAY + timedelta(days=7)
    # 27 October, a week after 20 October: in between the clock was put back.
    week_later = DAY + timedelta(days=7)
    box.until(week_later, 10.1)
    await box.turn()
    week = box.run.week
    assert week is not None
    assert (week.then.day, box.calendar.time_of_day(week.then.half_ns)) == (DAY, "10:00")
    assert (last_week_of(week, "offered", window="interval"), last_week_of(week, "offered")) == (20, 0)
    assert last_week_of(week, "service_level", "queue.ventas", "interval") == 1.0
    assert last_week_of(week, "offered", "queue.ventas", "rolling") == 20
    assert last_week_of(week, "asa", "group.todo", "interval") == 4.0
    assert last_week_of(week, "waiting", window="interval") is None
    assert last_week_of(week, "offered", "queue.nowhere") is None
    assert last_week_of(None, "offered") is None
    box.until(week_later, 10.4)  # past the middle of the half-hour: the day then so far counts it whole
    await box.turn()
    assert last_week_of(box.run.week, "offered") == 20
    document = msgspec.json.decode(box.run.answer("today", frozenset(), frozenset())[0])
    Draft202012Validator(schema(), format_checker=FormatChecker()).validate(document)
    assert document["last_week"]["day"] == "2026-10-20"
    assert document["last_week"]["queues"]["ventas"]["interval"]["answered"] == 20
    narrow = msgspec.json.decode(box.run.answer("today", frozenset({"floor"}), frozenset({"asa"}))[0])
    assert narrow["last_week"]["floor"] == {"interval": {"asa": 4.0}, "today": {"asa": 4.0}}
    assert narrow["last_week"]["queues"] == {}


async def test_a_hidden_queue_is_in_its_group_and_not_on_the_floor(box: Box) -> None:
    box.until(DAY, 10)
    box.calls(2, 1)
    box.calls(4, 0, "oculta")
    await days(box, 7)
    box.until(DAY + timedelta(days=7), 10.01)
    await box.turn()
    assert last_week_of(box.run.week, "offered", "floor", "interval") == 23
    assert last_week_of(box.run.week, "offered", "group.todo", "interval") == 27


async def test_what_was_out_of_sight_a_week_ago_is_not_shown(box: Box) -> None:
    box.until(DAY, 9)
    box.tell(PbxDown(pbx="p", reason="lost"))
    box.until(DAY, 12)
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    await days(box, 7)
    box.until(DAY + timedelta(days=7), 9.6)
    await box.turn()
    assert last_week_of(box.run.week, "offered", "floor", "interval") is None


async def test_a_morning_half_seen_is_no_figure_of_a_week_ago(box: Box) -> None:
    """Five calls were seen, and nobody knows how many more there were."""
    box.until(DAY, 8)
    box.calls(5)
    box.until(DAY, 9)
    box.tell(PbxDown(pbx="p", reason="lost"))
    box.until(DAY, 12)
    box.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
    box.calls(2)
    await days(box, 7)
    box.until(DAY + timedelta(days=7), 9.1)  # 27 October: the clock was put back in between
    await box.turn()
    assert last_week_of(box.run.week, "offered") == 5
    box.until(DAY + timedelta(days=7), 12.4)
    await box.turn()
    assert last_week_of(box.run.week, "offered") is None
    assert last_week_of(box.run.week, "offered", "floor", "interval") is not None


async def test_of_two_pbxs_one_that_was_out_of_sight_leaves_the_floor_s_figure_unknown(box: Box) -> None:
    box.tell(PbxUp(pbx="q"), PbxResynced(pbx="q"))
    box.until(DAY, 8.5)
    box.calls(2)
    box.tell(CallQueued(call="q1", pbx="q", visit="q1", queue="otra"), PbxDown(pbx="q", reason="lost"))
    box.until(DAY, 10.1)
    box.calls(1)
    await days(box, 7)
    box.until(DAY + timedelta(days=7), 10.2)
    await box.turn()
    assert last_week_of(box.run.week, "offered", "queue.ventas", "interval") == 21
    assert last_week_of(box.run.week, "offered", "queue.otra", "interval") is None
    assert last_week_of(box.run.week, "offered", "floor", "interval") is None


async def test_the_answer_is_made_once_a_minute_and_the_lines_outlive_the_service(box: Box) -> None:
    box.calls(1)
    for _ in range(5):
        await box.turn()
        box.clock.advance(60)
    body, etag = box.run.answer("today", frozenset(), frozenset())
    assert box.run.answer("today", frozenset(), frozenset()) == (body, etag)
    assert box.run.answer("rolling", frozenset(), frozenset())[1] != etag
    box.clock.advance(60)
    await box.turn()
    assert box.run.answer("today", frozenset(), frozenset())[1] != etag
    for number in range(200):
        box.run.answer("today", frozenset({f"queue.{number}"}), frozenset())
    assert len(box.run._answers) <= 64
    await box.run.leave()
    lines = box.run.trend.points("floor", "offered")
    box.die()
    box.open()
    assert box.run.trend.points("floor", "offered") == lines


async def test_it_runs_until_cancelled(box: Box) -> None:
    box.calls(1)
    box.clock.advance(10)
    box.view.catch_up()
    running = asyncio.create_task(box.run.run())
    async with asyncio.timeout(20):
        while box.kept(DAY) is None:
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_an_empty_day_is_small() -> None:
    assert len(bytes_from_day(empty_day(DAY, ZONE))) < 600


async def test_over_http_with_an_etag(box: Box) -> None:
    gateway = Alive.open(box.journal.run_dir, "gateway")
    box.calls(2)
    await box.turn()
    gateway.close()
    tv = Tv(listen="127.0.0.1:0")
    feed = Feed(box.view, box.clock, box.config.privacy)
    server = Server(box.config, tv, feed, BoardSet(box.config), box.clock, {}, box.run)
    async with open_server(server, tv) as (host, port), aiohttp.ClientSession() as session:
        address = f"http://{host}:{port}/api/trend"
        async with session.get(address, params={"scope": "floor,queue.ventas", "figure": ["offered", "waiting"]}) as answer:
            document, etag = await answer.json(), answer.headers["ETag"]
            assert answer.headers["Cache-Control"] == "no-cache"
        async with session.get(address, params={"scope": "floor,queue.ventas", "figure": ["offered", "waiting"]}) as whole:
            assert whole.headers["ETag"] == etag
        headers = {"If-None-Match": etag}
        async with session.get(address, params={"scope": "floor,queue.ventas", "figure": ["offered", "waiting"]}, headers=headers) as same:
            assert (same.status, await same.read()) == (304, b"")
        async with session.get(address, params={"window": "yesterday"}) as refused:
            assert refused.status == 400
        async with session.get(address, params={"scope": "queue.<script>", "figure": "nothing"}) as nothing:
            assert (await nothing.json())["floor"] == {}
    assert document["v"] == 1
    assert document["queues"].keys() == {"ventas"}
    assert document["queues"]["ventas"].keys() == {"offered", "waiting"}


async def test_a_summary_that_speaks_of_what_is_not_known_is_set_aside(box: Box) -> None:
    """A newer version's, or a hand's: the boards go on."""
    box.until(DAY, 12.1)
    box.calls(3)
    await box.turn()
    kept = box.kept(DAY)
    assert kept is not None
    queue = msgspec.structs.replace(queues_of(kept)["ventas"], variant="best_effort")
    part = msgspec.structs.replace(kept.parts[0], queues={"ventas": queue})
    box.files.write(DAY, bytes_from_day(msgspec.structs.replace(kept, parts=[part])))
    box.until(DAY + timedelta(days=7), 12.4)
    await box.turn()
    assert last_week_of(box.run.week, "offered") is None
    assert list(box.files.folder.glob("*.damaged"))


async def test_a_first_row_that_cannot_be_read_costs_neither_the_boards_nor_the_report(box: Box) -> None:
    """Damaged later, or left as the first one when those before it were pruned."""
    box.until(DAY, 12)
    box.calls(3)
    box.until(DAY + timedelta(days=3), 12)
    box.calls(1)
    with sqlite3.connect(box.folder / "journal.db") as database:
        database.execute("UPDATE event SET body = ? WHERE seq = 1", (b'{"k":5}',))
    database.close()
    await box.run.rebuild()
    assert box.offered(DAY) == 3
    assert box.offered(DAY + timedelta(days=1)) == 0
    report = day_report(box.journal, box.config, box.clock, DAY)
    assert sum(total(queue.halves.values()).offered for queue in queues_of(report.day).values()) == 3
