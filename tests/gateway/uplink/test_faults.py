"""Brokers that are away, deaf, slow, small, strict or mad: nothing is lost, the books balance, the journal tells why."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CallHeld, CallRinging
from appliance.core.errors import CallfloorError
from gateway.uplink.packet import varint
from gateway.uplink.service import Uplink

pytestmark = pytest.mark.broker


def deliveries(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["delivery"]) for event in events]


def balances(box) -> bool:
    account = box.account()
    return account.recorded == account.delivered + account.waiting + account.shed + account.skipped


def downs(box) -> list[str]:
    rows = box.journal.read(0)
    bodies = [msgspec.json.decode(row.body) for row in rows]
    return [body["d"]["reason"] for body in bodies if body["k"] == "link.down"]


async def test_nothing_is_said_into_the_void(rig) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.calls(200)
    box.start()
    await rig.until(lambda: downs(box) == ["no_consumer"])
    assert box.account().delivered == 0
    assert balances(box)
    consumer = rig.consumer(broker)
    await rig.until(lambda: box.link() == "link.up")
    await rig.until(lambda: len(consumer.events) >= box.journal.head().n)
    assert deliveries(consumer.events) == list(range(1, box.journal.head().n + 1))
    assert downs(box) == ["no_consumer"], "said once, however often it was tried"


async def test_a_consumer_may_be_dispensed_with(rig) -> None:
    broker = rig.broker()
    box = rig.box(broker.url, require_consumer=False)
    box.calls(700)
    box.start()
    await rig.until(lambda: box.account().delivered >= 500)
    assert downs(box) == []


async def test_mqtt_3_1_1_delivers_with_every_puback(rig) -> None:
    broker = rig.broker()
    consumer = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, protocol="3.1.1")
    box.calls(3000)
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: len(consumer.events) >= box.journal.head().n)
    assert deliveries(consumer.events) == list(range(1, box.journal.head().n + 1))
    consumer.send("callfloor/1/quito/p3/cmd/ping", b'{"id": "p1"}')
    await rig.until(lambda: consumer.named("reply/p1"))
    assert consumer.named("status")[-1]["state"] == "online"


@pytest.mark.parametrize("most", [1, 2, 40])
async def test_a_broker_that_takes_few_at_a_time_is_not_overrun(rig, most: int) -> None:
    """mosquitto disconnects whoever exceeds its Receive Maximum, so that one link.up and no link.down is the proof."""
    broker = rig.broker(f"max_inflight_messages {most}")
    consumer = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    box.calls(300)
    box.start()
    await rig.until(box.settled)
    assert deliveries(consumer.first_seen()) == list(range(1, box.journal.head().n + 1))
    assert consumer.named("floor")
    assert downs(box) == []


async def test_an_event_too_large_for_the_broker_is_skipped_and_named(rig) -> None:
    broker = rig.broker("max_packet_size 2000")
    consumer = rig.consumer(broker)
    box = rig.box(broker.url)
    box.calls(3, "a")
    box.journal.append([box.event(CallHeld(call="x" * 3000, pbx="central"))])
    poison = box.journal.head().n
    box.calls(3, "b")
    box.start()
    await rig.until(box.settled)
    assert box.account().skipped == 1
    assert balances(box)
    got = deliveries(consumer.first_seen())
    assert got == [n for n in range(1, box.journal.head().n + 1) if n != poison]
    skipped = [event["data"]["n"] for event in consumer.events if event["type"] == "callfloor.journal.skipped.v1"]
    assert skipped == [poison]


async def test_a_broker_that_refuses_us_is_told_as_denied(rig) -> None:
    broker = rig.broker("allow_anonymous false")
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: downs(box) == ["denied"])
    assert "not authori" in box.watch.texts[-1].lower()


async def test_an_event_that_access_rules_forbid_holds_the_lane(rig) -> None:
    rules = rig.folder / "acl"
    rules.write_text("topic readwrite callfloor/1/quito/p3/status\ntopic read callfloor/#\n")
    broker = rig.broker(f"acl_file {rules}")
    rig.consumer(broker)
    box = rig.box(broker.url)
    box.calls(20)
    box.start()
    await rig.until(lambda: "denied" in downs(box), 3)
    assert box.account().delivered == 0
    assert balances(box)


async def test_the_second_broker_is_tried_when_the_first_is_away(rig) -> None:
    away = rig.broker(start=False)
    there = rig.broker()
    consumer = rig.consumer(there)
    box = rig.box((away.url, there.url))
    box.calls(10)
    box.start()
    await rig.until(box.settled)
    assert deliveries(consumer.events) == list(range(1, box.journal.head().n + 1))


async def test_a_connection_that_is_only_half_there_is_found(rig) -> None:
    broker = rig.broker()
    rig.consumer(broker)
    box = rig.box(broker.url, keepalive_s=1)
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    broker.freeze()
    await rig.until(lambda: box.link() == "link.down")
    broker.thaw()
    await rig.until(lambda: box.link() == "link.up")


async def test_the_will_speaks_when_the_box_vanishes_and_the_box_when_it_leaves(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: crm.named("status") and box.link() == "link.up")
    assert crm.named("status")[0]["boot"] == box.clock.boot
    await box.stop()
    await rig.until(lambda: crm.named("status")[-1]["state"] == "offline")
    assert crm.named("status")[-1]["since"] is not None
    assert downs(box) == ["unreachable"]
    info = crm.named("info")[-1]
    assert (info["epoch"], info["schemas"]["call.answered"]) == (box.journal.epoch, 1)


async def test_pops_overtake_the_backlog_and_stale_ones_are_not_shown(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: downs(box) == ["no_consumer"] or box.link() == "link.up")
    box.calls(300)
    ringing = CallRinging(call="c9", pbx="central", queue="ventas", agent="agente-101", caller="0991234567")
    old = box.event(ringing)
    stale = msgspec.structs.replace(old, mono_ns=old.mono_ns - 31_000_000_000)
    box.journal.append([stale, box.event(ringing)])
    await rig.until(lambda: crm.named("pop/agente-101"))
    await asyncio.sleep(0.2)
    (pop,) = crm.named("pop/agente-101")
    assert (pop["call"], pop["caller"], pop["queue"]) == ("c9", "0991234567", "ventas")
    assert pop["expires"] > pop["time"]
    assert crm.messages[0].properties.MessageExpiryInterval <= 30
    assert box.account().waiting >= 300, "nobody takes the events, yet the pop came through"


RUN = """
import sys
from appliance.cli.main import main
sys.exit(main(["run", "uplink", "-c", sys.argv[1]]))
"""


async def test_killed_in_the_middle_of_a_drain_it_goes_on_where_it_was(rig) -> None:
    broker = rig.broker()
    consumer = rig.consumer(broker)
    box = rig.box(broker.url)
    box.calls(9_000)
    head = box.journal.head()
    config = rig.folder / "callfloor.toml"
    config.write_text(
        f'[site]\nname = "quito"\nbox = "p3"\n[journal]\npath = "{box.config.journal.path}"\nrun_dir = "{box.config.journal.run_dir}"\n'
        f'[crm]\nurl = "{broker.url}"\n'
    )
    for share in (0.1, 0.3, 0.6):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(config)], stderr=subprocess.DEVNULL)
        try:
            await rig.until(lambda share=share: len(consumer.messages) > share * head.n)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert balances(box)
    box.start()
    await rig.until(lambda: box.account().waiting == 0)
    await rig.until(lambda: len(consumer.messages) >= box.journal.head().n)  # decoding them all at each look takes longer than the drain
    await rig.until(lambda: len(consumer.first_seen()) >= box.journal.head().n)
    events = consumer.first_seen()
    assert deliveries(events) == list(range(1, box.journal.head().n + 1))
    assert len({event["delivery"] for event in consumer.events}) == len({event["id"] for event in consumer.events})
    assert balances(box)


class Mad:
    """A broker that plays a script: what it sends after CONNECT, and then for ever."""

    def __init__(self, *answers: bytes, close: bool = False) -> None:
        self._answers, self._close = answers, close
        self.visits = 0

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        try:
            await reader.read(4096)
            for answer in self._answers:
                writer.write(answer)
                await writer.drain()
                await asyncio.sleep(0.02)
            while not self._close and await reader.read(65536):
                pass
        except ConnectionError:
            return
        finally:
            writer.close()


CONNACK = b"\x20\x03\x00\x00\x00"


@pytest.mark.parametrize(
    "answers",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (os.urandom(2000),),
        (b"\x20\xff\xff\xff\xff\xff",),
        (b"\x20\x03\x00\x87\x00",),
        (CONNACK, b"\x40\xff\xff\xff\xff\xff"),
        (CONNACK, b"\x30" + varint(200_000_000)),
        (CONNACK, b"\x40\x02\x00\x63" * 500, b"\x32\x00"),
        (CONNACK, b"\x90\x01\x00", b"\xe0\x02\x8b\x00"),
        (CONNACK, b"\x32\x05\x00\x02\xff\xfe\x00"),
        (b"",),
    ],
    ids=["http", "noise", "length", "denied", "late-length", "huge", "strangers", "short-suback", "bad-topic", "closes"],
)
async def test_a_mad_broker_costs_a_connection_and_nothing_else(rig, answers: tuple[bytes, ...]) -> None:
    mad = Mad(*answers, close=True)
    async with mad as url:
        box = rig.box(url)
        box.calls(50)
        box.start()
        await rig.until(lambda: mad.visits >= 2)
        assert box.account().delivered == 0
        assert balances(box)
        assert box.link() in ("link.down", None)
        await box.stop()


async def test_a_start_that_the_journal_fails_lets_the_services_lock_go(rig) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    path = box.config.journal.path
    with sqlite3.connect(path) as raw:
        raw.execute("ALTER TABLE event RENAME TO elsewhere")
    with pytest.raises(CallfloorError):
        await Uplink().run(box.context)
    with sqlite3.connect(path) as raw:
        raw.execute("ALTER TABLE elsewhere RENAME TO event")
    box.start()
    rig.consumer(broker)
    await rig.until(lambda: box.link() == "link.up")
