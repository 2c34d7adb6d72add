"""Stack lights alive: a real journal, real gpiozero pins on its mock factory with what they recorded, the button, faults, the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from msgspec.structs import replace

from appliance.core.alive import Alive
from appliance.core.catalogue import (
    AlarmAcknowledged,
    AlarmRaised,
    BoxHealth,
    CallQueued,
    CommandFinished,
    CommandReceived,
    Named,
    PbxDown,
    PbxResynced,
    PbxUp,
    event_from_stored,
)
from appliance.core.clock import ManualClock, SystemClock
from appliance.core.config import Beacon, Config, PbxConfig, Privacy, Site
from appliance.core.config import Wallboard as Boards
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.core.event import stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from drivers.gpio import SimPins, Wiring
from wallboard.beacon.clockwork import Clockwork, Tower
from wallboard.beacon.pattern import FLASH, STEADY, beeps
from wallboard.beacon.step import Stepper
from wallboard.beacon.together import Beacons
from wallboard.service import Wallboard
from wallboard.stream.feed import Feed

TOWER = Beacon(green=17, amber=27, red=22, blue=23, buzzer=24, button=25, test_at_start=False)


#: A PBX that is in sight, with one queue in which nobody waits.
UP = (PbxUp(pbx="central"), PbxResynced(pbx="central", queues=(Named(key="ventas", title="Ventas"),)))


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


class Box:
    """A floor over a journal on disk, with its stack lights; `settle` is what the boards' service does at each turn."""

    def __init__(self, folder: Path, **beacons: Beacon) -> None:
        config = Config(site=Site(name="quito-norte", box="piso-3"), pbx={"central": PbxConfig()}, wallboard=Boards(beacon=beacons))
        clock = SystemClock()
        self.journal = SqliteJournal.open(folder / "journal.db", run_dir=folder / "run", due=lambda _: True, clock=clock)
        self.context = Context(config, self.journal, clock, Notes(), "wallboard")
        self.view = FloorView(self.journal, config, clock)
        self.view._run_dir = None  # no other process here that could be missed
        self.feed = Feed(self.view, clock, config.privacy)
        self.beacons = Beacons(self.context, self.feed, retry_s=0.05, test_s=0.1)

    async def emit(self, *data: Any, name: str = "central") -> None:
        gateway = replace(self.context, service="gateway")
        await gateway.emit(*data, name=name)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not true():
                if self.view.catch_up():
                    self.feed.changed()
                self.beacons.turn()
                await asyncio.sleep(0.01)

    def events(self, kind: type) -> list[Any]:
        rows = (event_from_stored(stored_from_body(row.body)) for row in self.journal.read(0))
        return [row.data for row in rows if row is not None and isinstance(row.data, kind)]


@contextlib.asynccontextmanager
async def box(folder: Path, **beacons: Beacon) -> AsyncIterator[Box]:
    made = Box(folder, **beacons)
    task = asyncio.create_task(made.beacons.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        made.journal.close()


def lit(header: MockFactory, beacon: Beacon = TOWER) -> set[str]:
    pins = {role: getattr(beacon, role) for role in ("green", "amber", "red", "blue", "buzzer")}
    return {role for role, pin in pins.items() if pin is not None and header.pin(pin).state == beacon.active_high}


async def test_a_day_of_the_floor_as_the_lamps_tell_it(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        await floor.until(lambda: lit(header) == {"amber", "blue"})  # nothing is known yet: never green
        await floor.emit(*UP)
        await floor.until(lambda: "green" in lit(header))
        await floor.emit(CallQueued(call="c1", pbx="central", visit="v1", queue="ventas", title="Ventas"))
        await floor.until(lambda: lit(header) == {"amber"})
        await floor.emit(AlarmRaised(alarm="queue.ventas.abandon_rate", level="red"), name="wallboard")
        await floor.until(lambda: "red" in lit(header))
        red, buzzer = header.pin(22), header.pin(24)
        await floor.until(lambda: len(red.states) >= 7 and len(buzzer.states) >= 7)
        assert [state.state for state in red.states[:5]] == [False, True, False, True, False]
        assert statistics.median(state.timestamp for state in red.states[2:]) == pytest.approx(0.25, abs=0.2), "2 Hz"
        assert [state.state for state in buzzer.states] == [False, True, False, True, False, True, False], "three beeps, and no fourth"
        await floor.emit(PbxDown(pbx="central", reason="unreachable"))
        blue = header.pin(23)
        await floor.until(lambda: len(blue.states) >= 5 and "amber" in lit(header))
        assert "green" not in lit(header)
    assert lit(header) == set(), "all dark when the service has stopped"
    assert {header.pin(pin).function for pin in (17, 27, 22, 23, 24)} == {"input"}


async def test_where_nobody_may_be_named_the_button_still_acknowledges_an_agents_extraordinary_call(
    tmp_path: Path, header: MockFactory
) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        floor.feed._privacy = Privacy(agent_names=False)  # boards, and so the lights, know the alarm under an alias
        await floor.emit(*UP)
        await floor.emit(AlarmRaised(alarm="call.extraordinary.ana", level="red", agent="ana", seat="a12"), name="wallboard")
        await floor.until(lambda: "red" in lit(header) and "buzzer" in lit(header))
        assert "ana" not in floor.feed.snapshot().alarms[0].id
        header.pin(25).drive_low()
        await floor.until(lambda: bool(floor.events(AlarmAcknowledged)))
        assert [seen.alarm for seen in floor.events(AlarmAcknowledged)] == ["call.extraordinary.ana"]
        await floor.until(lambda: "buzzer" not in lit(header) and all(alarm.acknowledged for alarm in floor.feed.snapshot().alarms))


async def test_the_button_acknowledges_what_is_raised(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        await floor.emit(*UP)
        await floor.emit(
            AlarmRaised(alarm="queue.ventas.asa", level="red"), AlarmRaised(alarm="floor.asa", level="amber"), name="wallboard"
        )
        await floor.until(lambda: "red" in lit(header) and "buzzer" in lit(header))
        header.pin(25).drive_low()
        header.pin(25).drive_high()
        header.pin(25).drive_low()  # a contact that chatters is one press
        await floor.until(lambda: bool(floor.events(AlarmAcknowledged)))
        await floor.until(lambda: all(alarm.acknowledged for alarm in floor.feed.snapshot().alarms))
        await floor.until(lambda: "buzzer" not in lit(header) and "red" in lit(header))
        header.pin(22).clear_states()
        await asyncio.sleep(0.6)
        assert len(header.pin(22).states) == 1, "steady: acknowledged"
        seen = floor.events(AlarmAcknowledged)
        assert [(each.alarm, each.by) for each in seen] == [("queue.ventas.asa", "button torre"), ("floor.asa", "button torre")]
        header.pin(25).drive_high()
        header.pin(25).drive_low()
        await asyncio.sleep(0.1)
        assert len(floor.events(AlarmAcknowledged)) == 2, "nothing is left to acknowledge"


async def test_the_command_lights_a_lamp_over_what_the_floor_shows(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        await floor.emit(*UP)
        await floor.until(lambda: lit(header) == {"green"})
        asked = CommandReceived(id="c1", verb="beacon", args={"lamp": "torre.red", "pattern": "steady", "seconds": 0.5}, digest="d")
        await floor.emit(asked, name="crm")
        await floor.until(lambda: lit(header) == {"green", "red"})
        await floor.until(lambda: lit(header) == {"green"})
        assert [(end.id, end.state, end.result["lamps"]) for end in floor.events(CommandFinished)] == [("c1", "done", ["torre.red"])]


async def test_the_lamp_test_at_the_start(tmp_path: Path, header: MockFactory) -> None:
    tower = replace(TOWER, test_at_start=True, active_high=False)
    async with box(tmp_path, torre=tower) as floor:
        await floor.until(lambda: len(header.pin(24).states) >= 3 and lit(header, tower) == {"amber"})
        for pin in (17, 22, 23, 24):
            levels = [state.state for state in header.pin(pin).states]
            assert levels[-3:] == [True, False, True], f"low for a moment: GPIO {pin}"
    assert lit(header, tower) == set()


async def test_a_lamp_on_a_resting_contact_is_lit_when_the_box_is_dead(tmp_path: Path, header: MockFactory) -> None:
    tower = replace(TOWER, normally_closed=("blue",))
    async with box(tmp_path, torre=tower) as floor:
        await floor.emit(*UP)
        await floor.until(lambda: "green" in lit(header))
        assert header.pin(23).state is True, "the coil holds the fault lamp dark"
    assert header.pin(23).state is False, "and lets it go at the end"


async def test_two_lights_and_one_whose_pin_is_taken(tmp_path: Path, header: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    """The configuration's rules refuse this; another program on the same pin looks the same."""
    async with box(tmp_path, uno=TOWER, dos=Beacon(green=17, test_at_start=False)) as floor:
        await floor.until(lambda: lit(header) == {"amber"})
        assert [run.is_open for run in floor.beacons.runs.values()] == [True, False]
        await floor.until(lambda: bool(floor.events(BoxHealth)))
        assert caplog.text.count("GPIO 17: it is in use") == 1
        [health] = floor.events(BoxHealth)
        assert (health.id, health.level) == ("beacon.dos", "amber")
        assert "GPIO 17: it is in use" in health.text


async def test_pins_that_fail_are_opened_again(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        await floor.until(lambda: lit(header) == {"amber"})
        header.pin(17).function = "input"  # somebody else took the line
        await floor.emit(*UP)
        await floor.until(lambda: lit(header) == {"green"})
        await floor.until(lambda: len(floor.events(BoxHealth)) == 2)
        assert [health.level for health in floor.events(BoxHealth)] == ["amber", "ok"]


async def test_what_an_earlier_process_left_in_the_health_is_mended(tmp_path: Path, header: MockFactory) -> None:
    first = Box(tmp_path, torre=TOWER)
    await first.emit(BoxHealth(id="beacon.torre", level="amber", text="the pins were gone"), name="wallboard")
    first.journal.close()
    async with box(tmp_path, torre=TOWER) as floor:
        floor.view.catch_up()  # as the service does before it starts its media
        await floor.until(lambda: floor.feed.snapshot().health == [] and len(floor.events(BoxHealth)) == 2)
        assert [health.level for health in floor.events(BoxHealth)] == ["amber", "ok"]


async def test_a_url_that_is_none_ends_the_service_with_its_text(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="use gpio:"):
        Box(tmp_path, torre=replace(TOWER, url="usb:1"))


async def test_an_idle_light_wakes_nobody(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        await floor.emit(*UP)
        await floor.until(lambda: lit(header) == {"green"})
        clockwork = floor.beacons._clockwork
        before = clockwork.turns
        for _ in range(20):
            floor.beacons.turn()
            await asyncio.sleep(0.02)
        assert clockwork.turns - before <= 1


def tower(clockwork: Clockwork, failed: Callable[[Any], None] = lambda _: None) -> tuple[Tower, SimPins]:
    pins = SimPins(Wiring((17, 27, 24)))
    stepper = Stepper(("green", "amber", "buzzer"), {"amber": STEADY}, clockwork.now_s())
    made = Tower(stepper, pins, {"green": (17, False), "amber": (27, False), "buzzer": (24, False)}, failed)
    clockwork.attach(made)
    return made, pins


def test_a_hung_loop_is_shown_as_amber_by_a_clock_moved_by_hand() -> None:
    clock = ManualClock()
    clockwork = Clockwork(clock)
    made, pins = tower(clockwork)
    clockwork.tell(made, {"green": STEADY})
    assert clockwork.turn() == pytest.approx(10.0)
    clockwork.play(made, "buzzer", STEADY, 600.0)
    clockwork.turn()
    assert pins.on == {17: True, 27: False, 24: True}
    clock.advance(10.0)
    assert clockwork.turn() is None
    assert pins.on == {17: False, 27: True, 24: False}
    clockwork.stop()
    assert pins.on == {17: False, 27: False, 24: False}


def test_every_switching_in_its_order() -> None:
    clock = ManualClock()
    clockwork = Clockwork(clock)
    made, pins = tower(clockwork)
    clockwork.tell(made, {"green": FLASH})
    clockwork.play(made, "buzzer", beeps(2))
    for _ in range(9):
        clockwork.tell(made, {"green": FLASH})
        wait_s = clockwork.turn()
        assert wait_s is not None
        clock.advance(wait_s)
    assert list(pins.switched) == [
        (17, True), (24, True), (24, False), (17, False), (24, True), (17, True), (24, False), (17, False),
    ]  # fmt: skip
    clockwork.hush(made)
    clockwork.detach(made)
    clockwork.detach(made)
    assert not any(pins.on.values())


_CHILD = """
    import asyncio, sys
    from pathlib import Path
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory
    sys.path.insert(0, {tests!r})
    Device.pin_factory = MockFactory()
    from appliance.core.config import Beacon
    from test_beacon_run import Box

    async def main():
        floor = Box(Path({folder!r}), torre=Beacon(amber=27, test_at_start=False))
        pin = Device.pin_factory.pin(27)
        task = asyncio.create_task(floor.beacons.run())
        loop = asyncio.get_running_loop()
        import signal
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        while not pin.state:
            floor.beacons.turn()
            await asyncio.sleep(0.01)
        print("lit", flush=True)
        try:
            await task
        except asyncio.CancelledError:
            print("dark" if not pin.state and pin.function == "input" else "still lit", flush=True)
        floor.journal.close()

    asyncio.run(main())
"""


@pytest.mark.parametrize(("number", "says"), [(signal.SIGTERM, "dark"), (signal.SIGKILL, "")])
def test_the_end_of_the_process(tmp_path: Path, number: signal.Signals, says: str) -> None:
    """SIGTERM leaves every pin off. After SIGKILL nothing of ours runs: docs/lamps.md says what the kernel and systemd do then."""
    code = textwrap.dedent(_CHILD).format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "GPIOZERO_PIN_FACTORY": "mock"}
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "lit\n"
        time.sleep(0.05)
        child.send_signal(number)
        assert child.stdout.read().strip() == says
        assert child.wait(5) == (0 if number == signal.SIGTERM else -signal.SIGKILL)


async def test_the_boards_service_drives_the_lamps_and_leaves_them_dark(tmp_path: Path, header: MockFactory) -> None:
    """From the event that another process appends to the pin, through the service as the runner starts it."""
    floor = Box(tmp_path, torre=TOWER)
    gateway = Alive.open(tmp_path / "run", "gateway")  # a dead one's PBX is out of sight, whatever the journal says
    task = asyncio.create_task(Wallboard().run(floor.context))
    green = header.pin(17)
    try:
        await floor.emit(*UP)
        async with asyncio.timeout(10):
            while not green.state and not task.done():
                await asyncio.sleep(0.01)
        assert lit(header) == {"green"}
        header.pin(25).drive_low()  # nothing is raised: nothing is acknowledged
        await floor.emit(AlarmRaised(alarm="queue.ventas.abandon_rate", level="red"), name="wallboard")
        async with asyncio.timeout(10):
            while not header.pin(22).state and not task.done():
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert lit(header) == set()
    assert floor.events(AlarmAcknowledged) == []
    gateway.close()
    floor.journal.close()


class Away(SqliteJournal):
    """A real journal; while `away` is set its lock cannot be taken, as on a card that was remounted read-only."""

    away = False

    def appended(self, events: Any, advance: tuple[str, int] | None = None) -> Any:
        if self.away:
            text = "the journal cannot be used: Read-only file system"
            raise TransientError(text)
        return super().appended(events, advance)


async def test_a_journal_that_is_away_takes_no_light_down(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        away = Away.open(tmp_path / "journal.db", run_dir=tmp_path / "run", due=lambda _: True, clock=floor.context.clock)
        run = floor.beacons.runs["torre"]
        await floor.until(lambda: run.is_open)
        run._context = replace(floor.context, journal=away)
        away.away = True
        await run._say_health("pins gone")
        await run._acknowledge()
        assert run.is_open
        away.away = False
        await run._say_health("pins gone")
        await run._say_health("pins gone")
        assert [health.level for health in floor.events(BoxHealth)] == ["amber"], "recorded when it can be, once"
        away.away = True
        header.pin(17).function = "input"  # somebody takes the line: closed, and opened again
        await floor.emit(*UP)
        await floor.until(lambda: run.is_open and lit(header) == {"green"})
        away.away = False
        await floor.until(lambda: len(floor.events(BoxHealth)) == 2)
        assert [health.level for health in floor.events(BoxHealth)] == ["amber", "ok"], "that it is back is not forgotten"
        away.close()


async def test_a_press_acknowledges_more_than_one_append_takes(tmp_path: Path, header: MockFactory) -> None:
    async with box(tmp_path, torre=TOWER) as floor:
        for first in (0, 300):
            await floor.emit(*(AlarmRaised(alarm=f"queue.q{at}.asa", level="amber") for at in range(first, first + 300)), name="wallboard")
        await floor.until(lambda: len(floor.feed.snapshot().alarms) == 600 and floor.beacons.runs["torre"].is_open)
        header.pin(25).drive_low()
        await floor.until(lambda: all(alarm.acknowledged for alarm in floor.feed.snapshot().alarms))


async def test_lamps_that_no_configuration_rule_could_refuse_leave_the_other_media_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only the board or the environment knows: here a pin factory that does not exist."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nonsense")
    monkeypatch.setattr(Device, "pin_factory", None)
    floor = Box(tmp_path, torre=TOWER)
    task = asyncio.create_task(Wallboard().run(floor.context))
    async with asyncio.timeout(10):
        while not floor.events(BoxHealth) and not task.done():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert not task.done()
    assert ["GPIOZERO_PIN_FACTORY" in health.text for health in floor.events(BoxHealth)] == [True]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    floor.journal.close()


async def test_lights_that_died_are_begun_again_as_they_were(tmp_path: Path, header: MockFactory) -> None:
    """The same object lives a second time: its thread, its pins, its commands."""
    floor = Box(tmp_path, torre=TOWER)
    await floor.emit(*UP)
    for _ in range(2):
        task = asyncio.create_task(floor.beacons.run())
        await floor.until(lambda: lit(header) == {"green"})
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert lit(header) == set()
    floor.journal.close()
