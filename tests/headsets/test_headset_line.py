"""An open headset and its seat, with the twin in the same process: what is lost, what is nonsense, what comes after the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_desk import OFF_HOOK, ON_HOOK, until

from appliance.core.clock import ManualClock
from appliance.core.config import Config
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.outbox import Outbox
from appliance.service import Context
from appliance.sim.headset_layout import JABRA_LIKE
from drivers.hid_device import HidInfo
from drivers.hid_sim import SimHid
from headsets.drops import Drops
from headsets.keeper import SeatKeeper
from headsets.line import Line
from headsets.model import device_of, layout_from

INFO = HidInfo("1-2", 3, "", 1, 2, 0x1209, 0x0001, product="Desk")
LAYOUT = layout_from(JABRA_LIKE)


class Silence:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Place:
    """A watched headset at a seat; `hooks` is every state that the seat's hook was in."""

    def __init__(self) -> None:
        context = Context(Config(headsets=HeadsetsConfig(hold="watch")), MemoryJournal(), ManualClock(), Silence(), "headsets")
        self.keeper = SeatKeeper(context, Outbox(context.journal))
        self.seat = self.keeper.seat("a")
        self.keeper.apply("a", lambda seat, now_ns: seat.plugged(device_of(INFO), LAYOUT, now_ns))
        self.hooks: list[str] = []
        self.keeper.changed.append(lambda _key, seat, _now_ns: self.hooks.append(seat.hook.value))
        self.now_ns = 2_000_000_000_000
        self.device = SimHid(INFO, JABRA_LIKE, self.tick)
        self.drops = Drops(str(INFO))
        self.line = Line("a", self.device, LAYOUT, self.keeper, self.drops)

    def tick(self) -> int:
        """Each report a second after the one before."""
        self.now_ns += 1_000_000_000
        return self.now_ns


async def test_after_reports_that_were_lost_nothing_is_known_but_what_comes() -> None:
    place = Place()
    place.line.begin()
    place.device.report(OFF_HOOK)
    await until(lambda: place.seat.hook.value == "off")
    for _ in range(300):  # in one turn of the loop: more than may wait
        place.device.report(ON_HOOK)
    await until(lambda: place.seat.hook.value == "on")
    assert list(dict.fromkeys(place.hooks)) == ["off", "unknown", "on"]
    assert place.drops.count == 300 - 256


async def test_what_comes_after_the_end_is_nothing(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    place.line.begin()
    place.device.report(OFF_HOOK)
    place.line.end()
    place.device.report(OFF_HOOK)
    place.device.pull()
    fault = await place.line.lost
    assert "plug it in again" in str(fault)
    assert place.hooks == []
    assert caplog.text == ""


async def test_nonsense_is_told_at_once_and_then_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    place = Place()
    place.line.begin()
    for _ in range(125):  # a second apart
        place.device.report(b"\x63")
    await until(lambda: place.drops.count == 125)
    told = [record.getMessage().rpartition("; ")[2] for record in caplog.records]
    assert told == [f"passed over {count}, {total} since it was plugged" for count, total in ((1, 1), (60, 61), (60, 121))]


@given(st.lists(st.binary(max_size=12) | st.sampled_from([OFF_HOOK, ON_HOOK]), max_size=30))
async def test_any_bytes_are_survived_and_the_hook_is_what_was_said_last(reports: list[bytes]) -> None:
    place = Place()
    place.line.begin()
    for report in reports:
        place.device.report(report)
    place.device.report(OFF_HOOK)
    place.device.pull()
    await place.line.lost
    assert place.seat.hook.value == "off"
    assert place.seat.fault is None
    place.keeper.close()
