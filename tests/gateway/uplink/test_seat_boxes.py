"""What is taken of a seat box and what is not: shapes, limits, what was lost, and a journal that takes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import BoxGap, BoxHealth, HeadsetHook, event_from_stored
from appliance.core.clock import ManualClock
from appliance.core.config import Config, Site
from appliance.core.errors import FullError
from appliance.core.event import Event, stored_from_body
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_memory import MemoryJournal
from appliance.floor.floor import Floor
from appliance.service import Context
from gateway.uplink.link import Message
from gateway.uplink.seat_boxes import SeatBoxes
from gateway.uplink.seat_event import MAX_BYTES, seat_event_from

ROOT = "callfloor/1/quito"


def told(seq: int, seat: str = "a1", box: str = "isla-4", previous: int | None = None, **more: Any) -> dict[str, Any]:
    """An event as a seat box tells it."""
    return {
        "specversion": "1.0", "id": f"3f9a2c41d0-{seq}", "source": f"/quito/{box}/headsets/headsets", "type": "callfloor.headset.hook.v1",
        "time": "2026-11-21T14:06:40.123Z", "sequence": f"{seq:012d}", "delivery": f"{seq:012d}", "clock": "synced",
        "datacontenttype": "application/json", "data": {"seat": seat, "hook": "off"},
        **({} if previous is None else {"previous": f"{previous:012d}"}), **more,
    }  # fmt: skip


class Full(MemoryJournal):
    """A journal that takes nothing for a while."""

    full = False

    def append(self, events: Any, advance: Any = None) -> int:
        if self.full:
            raise FullError("no room")
        return super().append(events, advance)


class Desk:
    """Seat boxes read by a box of the floor, without a broker."""

    def __init__(self, boxes: tuple[str, ...] = ("*",), journal: MemoryJournal | None = None) -> None:
        self.journal = journal or Full(lambda event: event.origin is None)
        self.clock = ManualClock()
        config = Config(site=Site(name="quito", box="p3"), headsets=HeadsetsConfig(boxes=boxes))
        self.seats = SeatBoxes(Context(config, self.journal, self.clock, None, "uplink"), frozenset({f"{ROOT}/p9/status"}))  # type: ignore[arg-type]
        self.acked: list[int] = []
        self.forgotten: list[str] = []
        self.seats.acknowledge = lambda _turn, message: self.acked.append(message.mid)
        self.seats.forget = self.forgotten.append
        self._mid = 0
        floor = Floor(config)
        for entry in self.journal.read(0):
            event = event_from_stored(stored_from_body(entry.body))
            assert event is not None
            floor.apply(entry.seq, event)
        self._task = asyncio.get_running_loop().create_task(self.seats.run(floor.state))

    def comes(self, topic: str, payload: Any, retain: bool = False) -> bool:
        self._mid += 1
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.seats.takes(Message(f"{ROOT}/{topic}", raw, self._mid, 1, retain), 1)

    def hook(self, seq: int, seat: str = "a1", box: str = "isla-4", previous: int | None = None, **more: Any) -> None:
        assert self.comes(f"{box}/event/headset/hook", told(seq, seat, box, previous, **more))

    async def until(self, so: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not so():
                await asyncio.sleep(0)

    async def taken(self) -> list[Event]:
        """All that the journal holds once every message was dealt with."""
        await self.until(lambda: len(self.acked) == self._mid)
        entries = self.journal.read(0)
        while len(entries) < self.journal.head().seq:
            entries += self.journal.read(entries[-1].seq)
        events = [event_from_stored(stored_from_body(entry.body)) for entry in entries]
        return [event for event in events if event is not None]

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@pytest.fixture
async def desk() -> Any:
    made = Desk()
    yield made
    await made.close()


def brief(events: list[Event]) -> list[str]:
    return [
        event.origin.id.split("-")[1] if event.origin else f"{event.kind} {getattr(event.data, 'reason', '')}".strip() for event in events
    ]


async def test_each_stands_once_under_its_own_id(desk: Desk) -> None:
    for seq, previous in ((3, 0), (5, 3), (5, 3), (3, 0), (9, 5)):
        desk.hook(seq, previous=previous)
    events = await desk.taken()
    assert brief(events) == ["3", "5", "9"]
    assert events[0].data == HeadsetHook(seat="a1", hook="off")
    assert (events[0].source, events[0].wall_ns, events[0].origin.clock) == ("headsets/headsets", desk.clock.wall_ns(), "synced")
    assert (desk.seats.repeated, desk.seats.dropped) == (2, 0)
    assert desk.journal.head().n == 0
    again = Desk(journal=desk.journal)
    again.hook(9, previous=5)
    again.hook(11, previous=9)
    assert brief(await again.taken()) == ["3", "5", "9", "11"], "what the journal holds is known after a restart"
    await again.close()


async def test_what_is_missing_is_said_before_what_shows_it(desk: Desk) -> None:
    desk.hook(3)
    desk.hook(9, previous=5)
    desk.hook(12, previous=9)
    desk.hook(2, previous=0, id="ffffffffff-2")
    desk.hook(8, id="ffffffffff-8")
    assert brief(await desk.taken()) == ["3", "box.gap missing", "9", "12", "box.gap journal", "2", "8"]
    desk.comes("isla-4/status", {"state": "online", "headset": "ffffffffff-8"})
    assert brief(await desk.taken())[-1] == "8", "it has told no more than was heard"
    desk.comes("isla-4/status", {"state": "online", "headset": "ffffffffff-9"})
    assert brief(await desk.taken())[-1] == "box.gap missing"
    desk.hook(12, id="ffffffffff-12", previous=9)
    desk.comes("isla-4/status", {"state": "online", "headset": "eeeeeeeeee-0"})
    assert brief(await desk.taken())[-2:] == ["12", "box.gap journal"]
    desk.hook(13, id="ffffffffff-13", previous=12)
    assert desk.comes("isla-4/status", b"", retain=True)
    assert brief(await desk.taken())[-1] == "box.gap gone"


async def test_a_broker_that_forgot_is_no_loss_if_the_box_says_so(desk: Desk) -> None:
    desk.hook(3)
    for number, (status, lost) in enumerate((({"headset": "3f9a2c41d0-3"}, []), ({}, ["box.gap session"]))):
        if number:
            desk.hook(5, previous=3)
        desk.seats.asked(session=False)
        desk.seats.asked(session=False)
        await desk.until(lambda: any(b"forgot" in row.body for row in desk.journal.read(max(0, desk.journal.head().seq - 1))))
        before = len(await desk.taken())
        desk.comes("isla-4/status", {"state": "online", **status})
        assert brief((await desk.taken())[before:]) == [*lost, "box.health"]


async def test_a_kind_of_a_newer_version_is_passed_over_and_nothing_seems_lost(desk: Desk) -> None:
    desk.hook(3)
    assert desk.comes("isla-4/event/headset/battery", told(7, previous=3, type="callfloor.headset.battery.v1", data={"percent": 3}))
    desk.hook(9, previous=7)
    assert brief(await desk.taken()) == ["3", "9"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"id": "x"}, "id"),
        ({"id": "3f9a2c41d0-" + "9" * 40}, "id"),
        ({"id": "../../etc-1"}, "id"),
        ({"source": "/quito/isla-5/headsets/headsets"}, "source"),
        ({"source": "/quito/isla-4/headsets"}, "source"),
        ({"type": "callfloor.headset.mute.v1"}, "type"),
        ({"type": "callfloor.headset.hook.vX"}, "type"),
        ({"time": "yesterday"}, "time"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time"),
        ({"previous": "-4"}, "previous"),
        ({"clock": "perhaps"}, "clock"),
        ({"data": {"seat": "A 1", "hook": "off"}}, "seat"),
        ({"data": {"seat": "a1", "agent": "../x", "hook": "off"}}, "agent"),
        ({"data": {"seat": "a1", "hook": "sideways"}}, "hook"),
        ({"data": {"hook": "off"}}, "seat"),
        ({"data": []}, "object"),
    ],
)
def test_an_event_that_is_none(wrong: dict[str, Any], why: str) -> None:
    seat_event_from("quito", "isla-4", "headset.hook", json.dumps(told(3)).encode())
    with pytest.raises(ValueError, match=why):
        seat_event_from("quito", "isla-4", "headset.hook", json.dumps({**told(3), **wrong}).encode())


def test_texts_are_bounded() -> None:
    attached = {**told(3), "type": "callfloor.headset.attached.v1", "data": {"seat": "a1", "product": "x" * 600}}
    with pytest.raises(ValueError, match="600 letters"):
        seat_event_from("quito", "isla-4", "headset.attached", json.dumps(attached).encode())
    minute = {**told(3), "type": "callfloor.headset.minute.v1", "data": {"seat": "a1", "told_s": 60, "changes": 10**40}}
    with pytest.raises(ValueError, match="beyond all measure"):
        seat_event_from("quito", "isla-4", "headset.minute", json.dumps(minute).encode())
    with pytest.raises(ValueError, match="bytes"):
        seat_event_from("quito", "isla-4", "headset.hook", b" " * (MAX_BYTES + 1))


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["id", "source", "type", "time", "data", "previous", "clock", "seat"]) | st.text(), inner)).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_whatever_comes_is_an_event_or_a_clear_word(payload: bytes) -> None:
    with contextlib.suppress(ValueError):
        seat_event_from("quito", "isla-4", "headset.hook", payload)


async def test_no_more_boxes_and_seats_than_are_read(desk: Desk) -> None:
    for number in range(70):
        desk.hook(1, box=f"b{number}")
    assert len(await desk.taken()) == 64
    assert desk.seats.strangers == 6
    for number in range(600):
        desk.hook(number + 2, seat=f"s{number}", box="b1", previous=number + 1)
    events = await desk.taken()
    assert len(events) == 500
    assert desk.seats.dropped == 600 - (500 - 64)
    desk.hook(700, seat="s0", box="b1", previous=601)
    assert brief(await desk.taken())[-1] == "700", "seats that are known are read on, and nothing of them was lost"


async def test_while_the_journal_takes_nothing_nothing_is_acknowledged() -> None:
    journal = Full(lambda _event: False)
    desk = Desk(journal=journal)
    journal.full = True
    desk.hook(1)
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.acked == []
    journal.full = False
    assert brief(await desk.taken()) == ["1"]
    await desk.close()


async def test_a_box_away_is_said_on_change(desk: Desk) -> None:
    def health(events: list[Event]) -> list[tuple[str, str]]:
        return [(event.data.id, event.data.level) for event in events if isinstance(event.data, BoxHealth)]

    desk.comes("old-one/status", {"state": "offline"}, retain=True)
    assert health(await desk.taken()) == [], "it was never heard and is not asked for by name"
    desk.hook(1)
    for state in ("online", "offline", "offline", "online", "online"):
        desk.comes("isla-4/status", {"state": state, "since": None, "boot": "x"})
    assert health(await desk.taken()) == [("seat-box.isla-4", "amber"), ("seat-box.isla-4", "ok")]
    desk.comes("isla-4/status", {"state": "sideways"})
    desk.comes("isla-4/status", b"x" * 5000)
    assert len(health(await desk.taken())) == 2
    assert desk.seats.dropped == 2


async def test_named_boxes_of_which_nothing_comes_and_a_broker_that_refuses() -> None:
    desk = Desk(("isla-4", "isla-5", "p3"))
    assert desk.seats.filters == tuple(f"{ROOT}/{box}/{what}" for box in ("isla-4", "isla-5") for what in ("event/headset/#", "status"))
    desk.seats.asked(session=True)
    desk.comes("isla-4/status", {"state": "online"})
    desk.seats.subscribed(f"{ROOT}/isla-4/event/headset/#", 0x87)
    desk.seats.subscribed(f"{ROOT}/isla-5/event/headset/#", 1)
    desk.clock.advance(31)
    desk.seats.turn()
    await desk.until(lambda: desk.journal.head().seq == 2)
    texts = [event.data.text for event in await desk.taken()]  # type: ignore[attr-defined]
    assert "access rules" in texts[0]
    assert "no status has come from seat box isla-5" in texts[1]
    desk.seats.subscribed(f"{ROOT}/isla-4/event/headset/#", 1)
    desk.comes("isla-5/status", {"state": "online"})
    levels = {event.data.id: event.data.level for event in await desk.taken()}  # type: ignore[attr-defined]
    assert levels == {"seat-box.isla-4": "ok", "seat-box.isla-5": "ok"}
    # What an earlier configuration asked for is ended and acknowledged, and what others read is theirs.
    assert desk.comes("isla-6/event/headset/hook", told(1, box="isla-6"))
    assert desk.forgotten == [f"{ROOT}/{box}/{what}" for box in ("isla-6", "+") for what in ("event/headset/#", "status")]
    assert not desk.comes("p9/status", {"state": "online"})
    assert desk.comes("p3/event/headset/hook", told(1, box="p3"))
    assert not desk.comes("p3/event/call/held", {})
    desk.acked.append(0)  # the last was nobody's here
    assert len(await desk.taken()) == 4
    await desk.close()
    fewer = Desk(("isla-5",), journal=desk.journal)
    desk.journal.append([fewer.seats._event(BoxHealth(id="seat-box.isla-4", level="amber"))])
    again = Desk(("isla-5",), journal=desk.journal)
    await again.until(lambda: again.journal.head().seq == 6)
    assert msgspec.json.decode(again.journal.read(5)[0].body)["d"] == {"id": "seat-box.isla-4", "level": "ok"}, "read no more, no trouble"
    for each in (fewer, again):
        await each.close()


async def test_a_box_whose_events_are_refused_is_not_well_because_its_status_comes() -> None:
    desk = Desk(("isla-4",))
    events = f"{ROOT}/isla-4/event/headset/#"
    desk.hook(3)
    desk.seats.subscribed(events, 0x87)
    for state in ("online", "offline", "online"):
        desk.comes("isla-4/status", {"state": state, "headset": "3f9a2c41d0-3"})
    texts = [event.data.text for event in await desk.taken() if isinstance(event.data, BoxHealth)]
    assert [("access rules" in text, "is offline" in text) for text in texts] == [(True, False), (False, True), (True, False)]
    desk.seats.subscribed(events, 1)
    desk.comes("isla-4/status", {"state": "online", "headset": "3f9a2c41d0-3"})
    assert [event.data.level for event in await desk.taken() if isinstance(event.data, BoxHealth)][3:] == ["ok"]
    await desk.close()


def test_gap_is_what_the_floor_folds() -> None:
    assert BoxGap(box="b", reason="missing").__struct_fields__ == ("box", "reason")
