"""The keeper of the seats: every call becomes events, lamps, wishes; time is let pass; what found no room is told anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from sim_desk import until

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetFinding, HeadsetHook, HeadsetMute, event_from_stored
from appliance.core.clock import NS, ManualClock, SystemClock
from appliance.core.config import Config
from appliance.core.errors import FullError
from appliance.core.event import Event, stored_from_body
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.outbox import Outbox
from appliance.service import Context
from appliance.sim.headset_layout import JABRA_LIKE
from headsets.host import Leds
from headsets.keeper import SeatKeeper
from headsets.model import layout_from
from headsets.seat import Device, Intent, Seat, Step

DEVICE, LAYOUT = Device(vendor_id="1209", product_id="0001"), layout_from(JABRA_LIKE)


class Silence:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


class Full(MemoryJournal):
    """A real journal in memory whose disk is full while `full` is set."""

    full = False
    appends = 0

    async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        await asyncio.sleep(0)
        if self.full:
            raise FullError("no room")
        self.appends += 1
        return await super().appended(events, advance)


@asynccontextmanager
async def open_keeper(
    *, clock: ManualClock | SystemClock | None = None, most: int = 1000, **config: object
) -> AsyncIterator[tuple[SeatKeeper, Full]]:
    journal = Full()
    headsets = HeadsetsConfig(seat={"a": SeatConfig(url="usb:1-2")}, **config)  # type: ignore[arg-type]
    context = Context(Config(headsets=headsets), journal, clock or SystemClock(), Silence(), "headsets")
    outbox = Outbox(journal, most, retry_s=0.01)
    keeper = SeatKeeper(context, outbox)
    running = asyncio.create_task(outbox.run())
    await asyncio.sleep(0)
    try:
        yield keeper, journal
    finally:
        keeper.close()
        running.cancel()
        await asyncio.wait((running,))


def told(journal: MemoryJournal) -> list[object]:
    return [event.data for entry in journal.read(0) if (event := event_from_stored(stored_from_body(entry.body)))]


def plugged(seat: Seat, now_ns: int) -> Step:
    return seat.plugged(DEVICE, LAYOUT, now_ns)


ATTACHED = HeadsetAttached(seat="a", vendor_id="1209", product_id="0001")


async def test_a_burst_of_changes_is_few_appends_in_order() -> None:
    async with open_keeper(clock=ManualClock(), hold="watch") as (keeper, journal):
        keeper.apply("a", plugged)
        for number in range(1, 101):
            keeper.apply("a", lambda seat, now_ns, up=number % 2: seat.reported({"hook": up}, now_ns), (2000 + number) * NS)  # type: ignore[misc]
        await until(lambda: len(told(journal)) == 101)
        assert told(journal)[1:] == [HeadsetHook(seat="a", hook="off" if number % 2 else "on") for number in range(1, 101)]
        assert journal.appends <= 3


async def test_time_never_goes_back_at_a_seat() -> None:
    seen: list[int] = []
    async with open_keeper(clock=ManualClock()) as (keeper, _):

        def look(_seat: Seat, now_ns: int) -> Step:
            seen.append(now_ns)
            return Step()

        for at_ns in (5_000, 4_000, None, 6_000):
            keeper.apply("a", look, at_ns)
    assert seen == [5_000, 5_000, ManualClock().mono_ns(), ManualClock().mono_ns()]


async def test_a_press_that_nobody_answers_is_a_fault_when_its_time_is_over() -> None:
    """The seat's own timer, and no other, makes time pass: nobody writes the lamps here."""
    async with open_keeper() as (keeper, _):
        keeper.apply("a", plugged)
        keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 1}, now_ns))
        await until(lambda: keeper.seats["a"].fault)
        assert "presses on it go unanswered" in (keeper.seats["a"].fault or "")


async def test_lamps_wishes_and_changes_go_to_whoever_takes_them() -> None:
    shown: list[Leds] = []
    wishes: list[Intent] = []
    changes: list[str] = []
    async with open_keeper(answer=True) as (keeper, _):
        keeper.lamps["a"] = shown.append
        keeper.on_intent = wishes.append
        keeper.changed.append(lambda key, seat, _now_ns: changes.append(f"{key} {seat.hook.value}"))
        keeper.apply("a", plugged)
        keeper.apply("a", lambda seat, now_ns: seat.told("ringing", now_ns))
        assert shown[-1]["ring"]
        keeper.apply("a", lambda seat, now_ns: seat.wrote(True, now_ns))
        keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 1}, now_ns))
        assert [wish.verb for wish in wishes] == ["answer"]
        assert (shown[-1]["ring"], shown[-1]["off_hook"]) == (False, True)
        assert changes == ["a unknown", "a unknown", "a unknown", "a off"]


async def test_a_full_journal_loses_nothing_that_can_wait() -> None:
    async with open_keeper(hold="watch") as (keeper, journal):
        journal.full = True
        keeper.apply("a", plugged)
        keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 1}, now_ns))
        keeper.emit(HeadsetFinding(seat="a", finding="off_hook_no_call"))
        await asyncio.sleep(0.05)
        assert told(journal) == []
        journal.full = False
        await until(lambda: len(told(journal)) == 3)
        assert told(journal) == [ATTACHED, HeadsetHook(seat="a", hook="off"), HeadsetFinding(seat="a", finding="off_hook_no_call")]


async def test_what_cannot_wait_is_counted_and_the_newest_state_told_after(caplog: pytest.LogCaptureFixture) -> None:
    async with open_keeper(clock=ManualClock(), hold="watch", most=4) as (keeper, journal):
        missed: list[bool] = []
        keeper.missed.append(lambda: missed.append(True))
        journal.full = True
        keeper.apply("a", plugged)
        for number in range(1, 10):
            keeper.apply("a", lambda seat, now_ns, up=number % 2: seat.reported({"hook": up}, now_ns), (2000 + number) * NS)  # type: ignore[misc]
        journal.full = False
        await until(lambda: len(told(journal)) == 7)
        hooks = [HeadsetHook(seat="a", hook=hook) for hook in ("off", "on", "off")]
        # What had room; then how it stands.
        assert told(journal) == [ATTACHED, *hooks, ATTACHED, HeadsetHook(seat="a", hook="off"), HeadsetMute(seat="a", mute=None)]
        assert missed == [True]
    assert caplog.text.count("no more can wait") == 1
    assert "6 headset events were lost while the journal took nothing; 1 seats are told anew" in caplog.text


async def test_a_pulling_that_found_no_room_is_told_though_its_seat_is_no_more() -> None:
    """Else the board shows it as plugged in until the next start."""
    async with open_keeper(hold="watch", most=2) as (keeper, journal):
        keeper.seat("usb-1-7")
        keeper.apply("usb-1-7", plugged)
        await until(lambda: len(told(journal)) == 1)
        journal.full = True
        for hook in (1, 0):
            keeper.apply("usb-1-7", lambda seat, now_ns, up=hook: seat.reported({"hook": up}, now_ns), (2000 + hook) * NS)  # type: ignore[misc]
        keeper.apply("usb-1-7", lambda seat, _now_ns: seat.pulled())
        keeper.forget("usb-1-7")
        journal.full = False
        await until(lambda: HeadsetDetached(seat="usb-1-7") in told(journal))


async def test_a_seat_that_nobody_named_is_there_while_something_is_plugged() -> None:
    async with open_keeper() as (keeper, journal):
        keeper.seat("usb-1-7")
        keeper.apply("usb-1-7", plugged)
        keeper.apply("usb-1-7", lambda seat, _now_ns: seat.pulled())
        for key in ("usb-1-7", "a"):
            keeper.forget(key)
        assert keeper.seats.keys() == {"a"}
        keeper.apply("usb-1-7", plugged)
        await until(lambda: len(told(journal)) == 2)
        assert told(journal)[1] == HeadsetDetached(seat="usb-1-7")


@pytest.mark.parametrize(
    ("of_all", "of_seat", "asks"), [(True, None, True), (False, None, False), (False, True, True), (True, False, False)]
)
async def test_what_a_seat_does_not_say_is_as_for_all(of_all: bool, of_seat: bool | None, asks: bool) -> None:
    seat = {"a": SeatConfig(url="usb:1-2", answer=of_seat)}
    context = Context(Config(headsets=HeadsetsConfig(answer=of_all, seat=seat)), MemoryJournal(), ManualClock(), Silence(), "headsets")
    keeper = SeatKeeper(context, Outbox(context.journal))
    wishes: list[Intent] = []
    keeper.on_intent = wishes.append
    keeper.apply("a", lambda seat, now_ns: seat.told("ringing", now_ns))
    keeper.apply("a", plugged)
    keeper.apply("a", lambda seat, now_ns: seat.reported({"hook": 1}, now_ns))
    keeper.close()
    assert bool(wishes) == asks
