"""The desks and a journal in trouble: one that takes nothing for a while, one that is begun anew; and what a press asks, as events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from desk_floor import ANA, SOON, Silence, state
from msgspec import Struct
from sim_desk import LONG_S, until

from appliance.core import catalogue as c
from appliance.core.clock import ManualClock, SystemClock, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.core.errors import FullError
from appliance.core.event import Event, stored_from_body
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal import new_epoch
from appliance.core.journal_memory import MemoryJournal
from appliance.outbox import Outbox
from appliance.service import Context
from appliance.sim.headset_layout import JABRA_LIKE
from headsets.desk import Desk
from headsets.found import GRACE_S
from headsets.keeper import SeatKeeper
from headsets.model import layout_from
from headsets.seat import Device, Intent
from headsets.service import Headsets
from headsets.wish import EXPIRES_S, commands_of


class Troubled(MemoryJournal):
    """Takes nothing from the headsets while it is full."""

    full = False

    async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        if self.full and events[0].source.startswith("headsets/"):
            raise FullError("no room")
        return await super().appended(events, advance)

    def begin_anew(self) -> None:
        self._epoch = new_epoch()
        self._rows.clear()

    def told(self) -> list[Struct]:
        events = [c.event_from_stored(stored_from_body(row.body)) for row in self.read(0)]
        return [event.data for event in events if event is not None]

    def findings(self) -> list[tuple[str, bool]]:
        return [(each.finding, each.over) for each in self.told() if isinstance(each, c.HeadsetFinding)]


@pytest.fixture
def journal() -> Troubled:
    return Troubled()


@asynccontextmanager
async def service(journal: Troubled, folder: Path) -> AsyncIterator[Context]:
    seat = SeatConfig(url=f"sim:{folder / 'a.sock'}", interface="PJSIP/101")
    config = Config(headsets=HeadsetsConfig(minutes=False, hold_s=SOON, seat={"a": seat}))
    gateway = Context(config, journal, SystemClock(), Silence(), "gateway")
    context = Context(config, journal, SystemClock(), Silence(), "headsets")
    running = asyncio.create_task(Headsets(max_queued_events=1).run(context))
    try:
        yield gateway
    finally:
        running.cancel()
        async with asyncio.timeout(LONG_S):
            await asyncio.wait((running,))


async def test_a_finding_that_was_lost_is_told_when_there_is_room_again(
    journal: Troubled, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal.full = True
    async with service(journal, tmp_path) as gateway:
        await gateway.emit(c.PbxResynced(pbx="p"), ANA, state("available"))
        await until(lambda: "headset events are lost" in caplog.text)
        journal.full = False
        await until(journal.findings)
        assert set(journal.findings()) == {("available_unplugged", False)}


async def test_a_seat_of_another_box_that_is_no_more_takes_nothing_along_from_the_one_of_its_name_here(journal: Troubled) -> None:
    """The box was taken out of the configuration while its seat's finding stood; what is found here goes on being so."""
    clock = ManualClock()
    config = Config(headsets=HeadsetsConfig(minutes=False, hold="watch", seat={"a": SeatConfig(url="usb:1-2", agent="ana")}))
    gateway, context = (Context(config, journal, clock, Silence(), each) for each in ("gateway", "headsets"))
    await gateway.emit(c.PbxResynced(pbx="p"), ANA, state("talking"))
    await context.emit(c.HeadsetFinding(seat="a", agent="eva", finding="call_on_hook", box="far"))
    outbox = Outbox(journal)
    keeper = SeatKeeper(context, outbox)
    keeper.apply("a", lambda seat, now_ns: seat.plugged(Device(), layout_from(JABRA_LIKE), now_ns))
    keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 0}, now_ns))
    desk = Desk(context, keeper)
    await desk._begin()
    keeper.changed.append(desk._changed)
    for _ in range(2):
        desk._look()
        keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 0}, now_ns))
        clock.advance(GRACE_S)
    keeper.close()
    await outbox.finish()
    told = [(each.box, each.over) for each in journal.told() if isinstance(each, c.HeadsetFinding)]
    assert told == [("far", False), ("far", True), (None, False)]


async def test_a_journal_that_is_begun_anew_holds_what_stands_once_it_is_known_again(journal: Troubled, tmp_path: Path) -> None:
    async with service(journal, tmp_path) as gateway:
        await gateway.emit(c.PbxResynced(pbx="p"), ANA, state("available"))
        await until(journal.findings)
        journal.begin_anew()
        await gateway.emit(c.PbxResynced(pbx="p"), ANA, state("available"))
        await until(lambda: journal.findings() and not journal.findings()[-1][1])
    assert journal.findings()[0] == ("available_unplugged", False)


class TestAPress:
    """What a hook press asks, as events."""

    CLOCK = ManualClock()
    ANSWER = Intent(seat="a", agent="ana", verb="answer")

    def test_a_command_that_is_meant_now(self) -> None:
        (received,) = commands_of(self.ANSWER, "hook-1", self.CLOCK.wall_ns(), {"answer", "hangup"})
        assert isinstance(received, c.CommandReceived)
        assert (received.id, received.verb, received.args, received.by) == ("hook-1", "answer", {"agent": "ana"}, "local")
        assert received.expires is not None
        assert wall_ns_from_rfc3339(received.expires) - self.CLOCK.wall_ns() == EXPIRES_S * 1e9

    def test_where_nothing_carries_it_out_it_has_its_end(self) -> None:
        received, finished = commands_of(self.ANSWER, "hook-1", self.CLOCK.wall_ns(), {"hangup"})
        assert isinstance(received, c.CommandReceived)
        assert finished == c.CommandFinished(id="hook-1", state="refused", reason="unsupported: this box has nothing that can answer")

    def test_of_nobody_nothing_is_asked(self) -> None:
        assert commands_of(Intent(seat="a", agent=None, verb="hangup"), "hook-1", 0, {"hangup"}) == ()
