"""An extraordinary call on the supervisor's lamp: from the class to mock pins, by the uplink's word and the boards' own policy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from msgspec.structs import replace

from appliance.core.alive import Alive
from appliance.core.catalogue import AlarmAcknowledged, CallAnswered, CallClassified, CallEnded, CallQueued, Named, PbxResynced, PbxUp
from appliance.core.clock import SystemClock
from appliance.core.config import AgentConfig, AlarmConfig, Beacon, Config, Limit, PbxConfig, Site, Wallboard
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.extraordinary import ExtraordinaryCalls
from wallboard.alarm.run import AlarmRun
from wallboard.beacon.together import Beacons
from wallboard.stream.feed import Feed

TOWER = Beacon(green=17, amber=27, red=22, blue=23, buzzer=24, test_at_start=False)
OFF = {figure: Limit(off=True) for figure in ("longest_wait", "asa", "service_level", "abandon_rate")}


class Notes:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


@pytest.fixture
def header(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


def lit(header: MockFactory) -> set[str]:
    return {role for role in ("green", "amber", "red", "blue", "buzzer") if header.pin(getattr(TOWER, role)).state}


async def test_the_lamp_flashes_until_somebody_has_seen_it_and_shines_until_the_call_is_over(tmp_path: Path, header: MockFactory) -> None:
    config = Config(
        site=Site(name="quito", box="p3"), pbx={"central": PbxConfig()}, wallboard=Wallboard(beacon={"torre": TOWER}),
        agents={"ana": AgentConfig(seat="a12")}, alarm=AlarmConfig(every=OFF, floor=OFF, hold_s=0),
    )  # fmt: skip
    clock = SystemClock()
    journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run", due=lambda _: True, clock=clock)
    context = Context(config, journal, clock, Notes(), "wallboard")
    gateway = replace(context, service="gateway")
    alive = Alive.open(tmp_path / "run", "gateway")
    view = FloorView(journal, config, clock)
    feed = Feed(view, clock, config.privacy)
    beacons, thresholds = Beacons(context, feed, retry_s=0.05), AlarmRun(context, feed)
    warden = ExtraordinaryCalls(replace(context, service="uplink"), FloorView(journal, config, clock), asyncio.Lock())
    ready = asyncio.Event()
    ready.set()
    tasks = [asyncio.create_task(beacons.run()), asyncio.create_task(warden.run(ready))]

    async def until(true) -> None:
        async with asyncio.timeout(15):
            while not true():
                if view.catch_up():
                    feed.changed()
                beacons.turn()
                thresholds.turn(view.seq)
                await asyncio.sleep(0.01)

    try:
        place = {"call": "k1", "pbx": "central", "visit": "k1.1", "queue": "ventas"}
        await gateway.emit(PbxUp(pbx="central"), PbxResynced(pbx="central", queues=(Named(key="ventas", title="Ventas"),)), name="central")
        await gateway.emit(CallQueued(**place), CallAnswered(**place, agent="ana", wait_s=1), name="central")
        await until(lambda: lit(header) == {"green"})
        await gateway.emit(CallClassified(**place, agent="ana", type="extraordinary"), name="central")
        red = header.pin(22)
        await until(lambda: len(red.states) >= 6 and "green" not in lit(header))
        (alarm,) = feed.snapshot().alarms
        assert (alarm.id, alarm.agent, alarm.seat) == ("call.extraordinary.ana", "ana", "a12")
        assert len(header.pin(24).states) > 1, "and is heard"
        await context.emit(AlarmAcknowledged(alarm=alarm.id, by="local"))
        await until(lambda: bool(feed.snapshot().alarms[0].acknowledged))
        red.clear_states()
        for _ in range(60):
            await until(lambda: True)
            await asyncio.sleep(0.01)
        assert [state.state for state in red.states] == [True], "steady: seen, and the call goes on; no threshold's watch takes it away"
        await gateway.emit(CallEnded(**place, agent="ana", talk_s=9), name="central")
        await until(lambda: feed.snapshot().alarms == [])  # and the light's own policy lets go of red
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await thresholds.leave()
        alive.close()
        journal.close()
