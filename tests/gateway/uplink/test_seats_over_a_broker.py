"""Seat box → broker → floor box: two real uplinks and a real mosquitto; every change once, whatever is cut, and no state that is over."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import HeadsetAttached, HeadsetHook, HeadsetMute, kind_of
from appliance.core.config import Config, Site
from appliance.core.errors import TransientError
from appliance.core.event import Event, Stored, stored_from_body
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.floor import snapshot as out
from appliance.floor_view import FloorView

pytestmark = pytest.mark.broker

KEPT = "persistence true\npersistence_location {}/\nautosave_on_changes true\nautosave_interval 1"


class Seats:
    """A floor box, and a seat box whose headsets this test is."""

    def __init__(self, rig: Any, url: str, boxes: tuple[str, ...] = ("isla-4",), **crm: Any) -> None:
        root = rig.folder
        rig.folder = root / "floor"
        rig.folder.mkdir(exist_ok=True)
        self.floor = rig.box(url, headsets=HeadsetsConfig(boxes=boxes), **crm)
        rig.folder = root / "seat"
        rig.folder.mkdir(exist_ok=True)
        self.seat = rig.box(url, site=Site(name="quito", box="isla-4", role="seat"), headsets=HeadsetsConfig(), **crm)
        rig.folder = root
        self._told = 0

    def tell(self, *data: msgspec.Struct) -> None:
        clock = self.seat.clock
        self.seat.journal.append(
            [
                Event(kind_of(each), "headsets/headsets", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), each)
                for each in data
            ]
        )

    def mutes(self, count: int) -> None:
        """So many changes, at a few seats."""
        for _ in range(count):
            self._told += 1
            self.tell(HeadsetMute(seat=f"a{self._told % 40}", mute=self._told % 80 < 40))

    def shown(self) -> dict[str, tuple[bool | None, str, str]]:
        return {
            key: (one.attached, one.hook, one.fresh)
            for key, one in headsets(self.floor.journal, self.floor.config, self.floor.clock).items()
        }

    def heard(self) -> list[str]:
        return [row.origin.id for row in foreign(self.floor.journal) if row.origin is not None]

    def told(self) -> list[str]:
        """The ids of what the seat box told of its headsets."""
        epoch = self.seat.journal.epoch
        return [f"{epoch}-{seq}" for seq, row in rows(self.seat.journal) if row.kind.startswith("headset.")]


def rows(journal: Any) -> Iterator[tuple[int, Stored]]:
    page = journal.read(0)
    while page:
        yield from ((row.seq, stored_from_body(row.body)) for row in page)
        page = journal.read(page[-1].seq)


def foreign(journal: Any) -> list[Stored]:
    return [row for _, row in rows(journal) if row.origin is not None]


def headsets(journal: Any, config: Config, clock: Any) -> dict[str, out.Headset]:
    view = FloorView(journal, config, clock)
    view.catch_up()
    return view.floor.headsets.shown(("*",), linked=True)


@pytest.mark.parametrize(("protocol", "boxes"), [("5", ("isla-4", "p3")), ("3.1.1", ("*",))])
async def test_headsets_of_a_seat_box_stand_on_the_floor(rig: Any, protocol: str, boxes: tuple[str, ...]) -> None:
    broker = rig.broker()
    both = Seats(rig, broker.url, boxes, protocol=protocol)
    both.tell(HeadsetAttached(seat="a1", product="Wired"), HeadsetHook(seat="a1", hook="off"))
    crm = rig.consumer(broker)
    both.floor.start()
    await rig.until(lambda: both.floor.link() == "link.up")
    both.seat.start()
    both.floor.journal.append([both.floor.event(HeadsetAttached(seat="b1"))])  # its own, which must not come back to it
    await rig.until(lambda: both.heard() == both.told() and both.floor.settled())
    assert both.shown() == {"b1": (True, "unknown", "live"), "isla-4.a1": (True, "off", "live")}
    both.tell(HeadsetHook(seat="a1", hook="on"))
    await rig.until(lambda: both.shown()["isla-4.a1"] == (True, "on", "live"))
    # Neither due again nor counted, and the seat box that leaves is said to be away.
    (one, *_) = foreign(both.floor.journal)
    assert (one.kind, one.source) == ("headset.attached", "headsets/headsets")
    assert all(row.n is None for row in both.floor.journal.read(0) if b'"o":{' in row.body)
    await both.seat.stop()
    await rig.until(lambda: both.shown()["isla-4.a1"] == (True, "on", "stale"))
    assert [event["source"].split("/")[2] for event in crm.events if event["type"].startswith("callfloor.headset.hook")] == [
        "isla-4"
    ] * len([event for event in crm.events if event["type"].startswith("callfloor.headset.hook")])
    both.seat.start()
    await rig.until(lambda: both.shown()["isla-4.a1"] == (True, "on", "live"))
    assert "box.gap" not in both.floor.kinds()


async def test_what_is_told_while_the_floor_box_is_away_waits_at_the_broker(rig: Any) -> None:
    broker = rig.broker()
    both = Seats(rig, broker.url)
    both.seat.start()
    both.floor.start()
    both.mutes(3)
    await rig.until(lambda: both.heard() == both.told())
    for _ in range(2):
        await both.floor.stop()
        both.mutes(60)
        await rig.until(lambda: both.seat.account().waiting == 0)
        both.floor.start()
        await rig.until(lambda: both.heard() == both.told())
    assert "box.gap" not in both.floor.kinds()


async def test_nobody_listens_and_nothing_is_lost_until_the_floor_box_comes(rig: Any) -> None:
    """The seat box's other events find no reader at all, and hold nothing up."""
    broker = rig.broker()
    both = Seats(rig, broker.url)
    both.seat.start()
    both.mutes(20)
    await rig.until(lambda: both.seat.link() == "link.down")
    assert both.seat.account().waiting >= 20
    both.floor.start()
    await rig.until(lambda: both.heard() == both.told())
    assert "box.gap" not in both.floor.kinds()


async def test_a_broker_that_forgets_loses_nothing_that_the_seat_box_still_has(rig: Any) -> None:
    broker = rig.broker()
    both = Seats(rig, broker.url)
    both.seat.start()
    both.floor.start()
    both.tell(HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"), HeadsetAttached(seat="a2"))
    await rig.until(lambda: both.heard() == both.told())
    broker.kill()
    await rig.until(lambda: both.floor.link() == "link.down" and both.shown()["isla-4.a1"] == (True, "off", "stale"))
    both.tell(HeadsetHook(seat="a1", hook="on"))
    broker.start()
    await rig.until(lambda: both.shown() == {"isla-4.a1": (True, "on", "live"), "isla-4.a2": (True, "unknown", "live")})
    assert both.heard() == both.told()
    assert "box.gap" not in both.floor.kinds()


async def test_what_only_others_heard_leaves_no_state_that_may_be_over(rig: Any) -> None:
    """The broker forgot this box, and gave the event to the CRM alone: the seat box's own status shows that it is missing."""
    broker = rig.broker()
    both = Seats(rig, broker.url)
    both.seat.start()
    both.floor.start()
    both.tell(HeadsetAttached(seat="a1"), HeadsetHook(seat="a1", hook="off"), HeadsetAttached(seat="a2"))
    await rig.until(lambda: both.heard() == both.told())
    await both.floor.stop()
    broker.kill()
    broker.start()
    crm = rig.consumer(broker)
    both.tell(HeadsetHook(seat="a1", hook="on"))
    await rig.until(lambda: len(crm.named("event/headset/hook")) == 1 and both.seat.settled())
    both.floor.start()
    await rig.until(lambda: set(both.shown().values()) == {(None, "unknown", "unknown")})
    assert both.floor.kinds().count("box.gap") == 1
    both.tell(HeadsetHook(seat="a1", hook="off"), HeadsetHook(seat="a2", hook="on"))
    await rig.until(lambda: both.shown() == {"isla-4.a1": (True, "off", "live"), "isla-4.a2": (True, "on", "live")})


async def test_a_broker_that_drops_is_found_out(rig: Any) -> None:
    """A broker keeps so many for whoever is away and drops the rest without a word."""
    broker = rig.broker("max_queued_messages 5\nmax_inflight_messages 2")
    both = Seats(rig, broker.url)
    both.seat.start()
    both.floor.start()
    both.tell(HeadsetAttached(seat="a1"), HeadsetAttached(seat="a2"))
    await rig.until(lambda: both.heard() == both.told())
    await both.floor.stop()
    both.tell(*[HeadsetHook(seat="a1", hook=hook) for _ in range(20) for hook in ("off", "on")])
    await rig.until(lambda: both.seat.account().waiting == 0)
    both.floor.start()
    await rig.until(lambda: set(both.shown().values()) == {(None, "unknown", "unknown")})
    both.tell(HeadsetMute(seat="a2", mute=True))
    await rig.until(lambda: both.heard()[-1] == both.told()[-1])
    assert "box.gap" in both.floor.kinds()
    assert both.shown() == {"isla-4.a1": (None, "unknown", "unknown"), "isla-4.a2": (True, "unknown", "live")}


async def test_a_broker_that_keeps_loses_nothing(rig: Any) -> None:
    broker = rig.broker(KEPT.format(rig.folder / "broker0").replace("persistence true\n", ""), start=False)
    conf = rig.folder / "broker0" / "mosquitto.conf"
    conf.write_text(conf.read_text().replace("persistence false", "persistence true"))
    broker.start()
    both = Seats(rig, broker.url)
    both.seat.start()
    both.floor.start()
    both.mutes(5)
    await rig.until(lambda: both.heard() == both.told())
    for _ in range(2):
        both.mutes(5)
        broker.stop()
        both.mutes(5)
        broker.start()
        await rig.until(lambda: both.heard() == both.told())
    assert "box.gap" not in both.floor.kinds()


async def test_what_comes_twice_stands_once_and_junk_nowhere(rig: Any, caplog: pytest.LogCaptureFixture) -> None:
    broker = rig.broker()
    both = Seats(rig, broker.url)
    both.floor.start()
    both.seat.start()
    both.mutes(5)
    await rig.until(lambda: both.heard() == both.told())
    ear = rig.consumer(broker, "callfloor/1/quito/isla-4/event/headset/#")
    both.mutes(5)
    await rig.until(lambda: both.heard() == both.told() and len(ear.messages) >= 5)
    kept = [(message.topic, message.payload) for message in ear.messages]
    for topic, payload in (*kept, *reversed(kept)):
        ear.send(topic, payload)
    topic, payload = kept[-1]
    for bad_topic, bad in (
        (topic, b"\xff"),
        (topic, b"[" * 4000),
        (topic, payload.replace(b"isla-4", b"isla-5")),
        (topic.replace("mute", "hook"), payload),
        (topic, payload.replace(b"callfloor.headset.mute", b"callfloor.call.lost")),
        (topic + "/more", payload),
        (topic, payload + b" " * 5000),
        (topic.replace("isla-4", "Isla Cuatro"), payload),
        (topic.replace("mute", "of-tomorrow"), payload.replace(b"headset.mute", b"headset.of-tomorrow")),
    ):
        ear.send(bad_topic, bad)
    ear.send("callfloor/1/quito/isla-4/status", b"nonsense")
    both.mutes(1)
    await rig.until(lambda: both.heard()[-1:] == both.told()[-1:])
    assert both.heard() == both.told()
    assert "seat box isla-4: message 1 dropped" in caplog.text
    assert "box.gap" not in both.floor.kinds()


async def test_seats_of_a_box_that_is_read_no_more_are_left_with_the_broker(rig: Any) -> None:
    broker = rig.broker()
    both = Seats(rig, broker.url, ("*",))
    both.seat.start()
    both.floor.start()
    both.mutes(2)
    await rig.until(lambda: both.heard() == both.told())
    await both.floor.stop()
    both.floor.config = msgspec.structs.replace(both.floor.config, headsets=HeadsetsConfig())
    both.floor.context = msgspec.structs.replace(both.floor.context, config=both.floor.config)
    both.mutes(2)
    rig.consumer(broker)  # or the seat box would wait for a reader
    await rig.until(lambda: both.seat.account().waiting == 0)
    both.floor.start()
    await rig.until(both.floor.settled)
    both.mutes(2)
    await rig.until(both.seat.settled)
    assert both.heard() == both.told()[:2]
    view = FloorView(both.floor.journal, both.floor.config, both.floor.clock)
    view.catch_up()
    assert view.floor.headsets.shown((), linked=True) == {}


def _rules() -> str:
    """The access rules of the page for people, for the boxes of these tests."""
    page = Path(__file__).parents[3] / "docs" / "seat-boxes.md"
    rules = page.read_text(encoding="utf-8").split("```")[1].strip()
    for theirs, ours in (("quito-norte", "quito"), ("puestos-1", "isla-4"), ("piso-3", "p3")):
        rules = rules.replace(theirs, ours)
    return rules


async def test_the_access_rules_that_are_written_for_people_are_enough(rig: Any) -> None:
    rules = rig.folder / "acl"
    rules.write_text(_rules())
    broker = rig.broker(f"acl_file {rules}")
    both = Seats(rig, broker.url)
    for box in (both.floor, both.seat):
        crm = msgspec.structs.replace(box.config.crm, username=box.config.site.box)
        box.context = msgspec.structs.replace(box.context, config=msgspec.structs.replace(box.config, crm=crm))
        box.start()
    both.mutes(3)
    await rig.until(lambda: both.heard() == both.told())
    await both.seat.stop()
    await rig.until(lambda: {fresh for _, _, fresh in both.shown().values()} == {"stale"})


CONFIG = """
[site]
name = "quito"
box = "p3"
[journal]
path = "journal.db"
run_dir = "run"
[crm]
url = "{url}"
reconnect_max_s = 0.5
[headsets]
boxes = ["isla-4"]
"""


@pytest.mark.slow
async def test_kills_of_the_reader_repeat_nothing_and_lose_nothing(rig: Any, tmp_path: Path) -> None:
    """The floor box's uplink as a process of its own, killed while events stream in."""
    broker = rig.broker()
    both = Seats(rig, broker.url)
    both.seat.start()
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "callfloor.toml").write_text(CONFIG.format(url=broker.url))
    command = [str(Path(sys.executable).with_name("callfloor")), "run", "uplink", "-c", str(folder / "callfloor.toml")]

    def heard() -> list[str]:
        try:
            journal = ReadonlyJournal(folder / "journal.db")
        except TransientError:  # not made yet
            return []
        try:
            return [row.origin.id for row in foreign(journal) if row.origin is not None]
        finally:
            journal.close()

    for turn in range(4):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
        before = len(heard())
        try:
            deadline = time.monotonic() + 30
            while len(heard()) < before + 20 + 7 * turn and time.monotonic() < deadline:
                both.mutes(4)
                await asyncio.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await rig.until(lambda: heard() == both.told())
    finally:
        process.terminate()
        process.wait()
    assert len(both.told()) > 80
