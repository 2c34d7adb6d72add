"""Links that are half there, brokers that send us elsewhere, know an old MQTT only, or know another box of our name; two brokers; websockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import KINDS, CallRinging
from gateway.uplink import brokers, connector, mqtt

pytestmark = pytest.mark.broker


class Cable:
    """A TCP proxy that may swallow everything, or carry so many bytes a second with little room inside."""

    def __init__(self, port: int, rate: float | None = None) -> None:
        self._to, self._rate = port, rate
        self.swallows = False
        self.refuses_v5: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=4096)
        self.url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            first = await reader.read(4096)
            if self.refuses_v5 is not None and first[first.find(b"MQTT") + 4] == 5:
                writer.write(self.refuses_v5)
                await writer.drain()
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._to, limit=4096)
            writers.append(back)
            back.write(first)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, back))
                group.create_task(self._carry(there, writer, paced=False))
        except* (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for each in writers:
                each.close()
            for each in writers:
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, paced: bool = True) -> None:
        while data := await source.read(4096):
            if paced and self._rate:
                await asyncio.sleep(len(data) / self._rate)
            while self.swallows:
                await asyncio.sleep(0.1)
            sink.write(data)
            await sink.drain()
        raise ConnectionError


class Scripted:
    """A broker that answers every CONNECT with the same bytes, and then listens; it counts."""

    def __init__(self, *answers: bytes) -> None:
        self._answers, self.visits = answers, 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(ConnectionError):
            await reader.read(4096)
            for answer in self._answers:
                writer.write(answer)
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def downs(box: Any) -> list[tuple[str, str]]:
    bodies = [msgspec.json.decode(row.body) for row in box.journal.read(0)]
    return [(body["d"]["reason"], body["d"].get("text", "")) for body in bodies if body["k"] == "link.down"]


def all_there(consumers: list[Any], box: Any) -> bool:
    got = {int(event["delivery"]) for consumer in consumers for event in consumer.events}
    return got == set(range(1, box.journal.head().n + 1))


async def test_a_link_that_swallows_everything_is_found(rig) -> None:
    broker = rig.broker()
    consumer = rig.consumer(broker)
    async with Cable(broker.port) as cable:
        box = rig.box(cable.url, keepalive_s=2)
        box.calls(100)
        box.start()
        await rig.until(box.settled)
        cable.swallows = True
        began = time.monotonic()
        await rig.until(lambda: downs(box))
        assert time.monotonic() - began < 20
        assert "not even to a ping" in downs(box)[0][1]
        cable.swallows = False
        box.calls(100)
        await rig.until(lambda: all_there([consumer], box))
        await box.stop()


async def test_pops_pass_a_backlog_on_a_slow_link(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    async with Cable(broker.port, rate=40_000) as cable:
        box = rig.box(cable.url, floor_every_s=1.0)
        box.calls(4000)
        box.start()
        await rig.until(lambda: len(crm.events) > 20)
        for number in range(3):
            ring = CallRinging(call=f"r{number}", pbx="central", queue="ventas", agent="agente-101", caller="0991234567")
            box.journal.append([box.event(ring)])
            behind = len(crm.events)
            await rig.until(lambda number=number: len(crm.named("pop/agente-101")) > number)
            assert len(crm.events) - behind < 400, "a pop waits for what is on its way, never for the backlog"
        assert box.account().waiting > 2000
        await box.stop()


async def test_another_client_of_our_name_is_named_and_left_the_link(rig) -> None:
    async with Scripted(b"\x20\x03\x00\x00\x00", b"\xe0\x02\x8e\x00") as url:
        box = rig.box(url)
        box.start()
        await rig.until(lambda: downs(box))
        ((reason, text),) = downs(box)
        assert reason == "denied"
        assert "do two boxes have one" in text
        await asyncio.sleep(1.5)
        assert box.watch.texts[-1] == text, "not taken back at once: that would never end"
        await box.stop()


async def test_a_broker_that_does_not_say_so_is_seen_through(rig) -> None:
    """mosquitto 2.0.11 closes without a word."""
    broker = rig.broker()
    rig.consumer(broker)
    box = rig.box(broker.url, reconnect_max_s=0.3)
    folder = rig.folder / "other"
    folder.mkdir()
    other = type(box)(folder, broker.url, reconnect_max_s=0.3)
    try:
        for each in (box, other):
            each.start()
        for each in (box, other):
            await rig.until(lambda each=each: any("do two boxes have one" in text for text in each.watch.texts))
    finally:
        await other.close()
    await rig.until(lambda: box.link() == "link.up")


@pytest.mark.parametrize("answer", [b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01"], ids=["in-5", "in-3.1.1"])
async def test_a_broker_of_old_is_spoken_to_in_its_tongue(rig, answer: bytes) -> None:
    broker = rig.broker()
    consumer = rig.consumer(broker)
    async with Cable(broker.port) as cable:
        cable.refuses_v5 = answer
        box = rig.box(cable.url)
        box.calls(500)
        box.start()
        await rig.until(box.settled)
        await rig.until(lambda: all_there([consumer], box))
        assert downs(box) == []
        assert any("with MQTT 3.1.1" in text for text in box.watch.texts)
        await box.stop()


@pytest.mark.parametrize("only", [{"protocol": "5"}, {"require_consumer": True}])
async def test_a_box_that_must_speak_5_says_that_the_broker_does_not(rig, only: dict[str, Any]) -> None:
    async with Scripted(b"\x20\x03\x00\x84\x00") as url:
        box = rig.box(url, **only)
        box.start()
        await rig.until(lambda: downs(box))
        assert downs(box)[0][0] == "denied"
        assert "MQTT 5" in downs(box)[0][1] or 'protocol is "5"' in downs(box)[0][1]
        await box.stop()


def _named(code: int, reference: str) -> tuple[bytes, bytes]:
    text = reference.encode()
    properties = b"\x1c" + len(text).to_bytes(2, "big") + text
    body = bytes((0, code, len(properties))) + properties
    connack = b"\x20" + bytes((len(body),)) + body
    body = bytes((code, len(properties))) + properties
    return connack, b"\xe0" + bytes((len(body),)) + body


@pytest.mark.parametrize("code", [0x9C, 0x9D])
@pytest.mark.parametrize("when", ["at the door", "later"])
async def test_a_broker_that_names_another_one_is_believed_if_that_is_ours(rig, code: int, when: str) -> None:
    there = rig.broker()
    consumer = rig.consumer(there)
    connack, disconnect = _named(code, f"elsewhere.example 127.0.0.1:{there.port}")
    door = Scripted(*((connack,) if when == "at the door" else (b"\x20\x03\x00\x00\x00", disconnect)))
    trap = Scripted(b"\x20\x03\x00\x87\x00")
    async with door as url, trap as never:
        box = rig.box((url, never, there.url))
        box.calls(10)
        box.start()
        await rig.until(box.settled)
        await rig.until(lambda: all_there([consumer], box))
        assert (door.visits, trap.visits) == (1, 0)
        await box.stop()


async def test_a_broker_that_names_a_stranger_is_merely_not_the_one(rig) -> None:
    there = rig.broker()
    rig.consumer(there)
    async with Scripted(_named(0x9D, "evil.example")[0]) as url:
        box = rig.box((url, there.url))
        box.start()
        await rig.until(lambda: box.link() == "link.up")
        await box.stop()


async def test_the_first_broker_is_returned_to_without_a_word_lost(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_LOOK_S", 0.1)
    monkeypatch.setattr(brokers, "_RETURN_S", 0.5)
    first, second = rig.broker(start=False), rig.broker()
    crm = [rig.consumer(second, "callfloor/#")]
    box = rig.box((first.url, second.url))
    box.calls(200)
    box.start()
    await rig.until(box.settled)
    said = len(downs(box))
    first.start()
    crm.append(rig.consumer(first, "callfloor/#"))
    box.calls(800, "more")
    await rig.until(lambda: crm[1].named("info"))
    box.calls(200, "then")
    await rig.until(lambda: all_there(crm, box))
    assert len(downs(box)) == said, "left in order"
    assert crm[0].named("status")[-1]["state"] == "offline", "whoever listens at the second broker must not wait for a box that left"
    assert crm[1].events


async def test_topics_travel_by_number_and_arrive_by_name(rig) -> None:
    broker = rig.broker("max_topic_alias 2")
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    for _ in range(50):
        box.calls(2, "x")
        box.journal.append([box.event(CallRinging(call="c", pbx="central", queue="ventas", agent="a", caller=None))])
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: all_there([crm], box))
    for message in list(crm.messages):
        if "/event/" in message.topic:
            kind = msgspec.json.decode(message.payload)["type"].removeprefix("callfloor.").rpartition(".")[0]
            assert kind in KINDS
            assert message.topic.endswith("/event/" + kind.replace(".", "/"))
            assert message.properties.ContentType == "application/cloudevents+json"
            assert ("v", "1") in message.properties.UserProperty
        elif message.topic.endswith("/status") and b"online" in message.payload:
            assert 0 < message.properties.MessageExpiryInterval <= 86_400


async def test_websockets_without_tls_on_loopback_and_a_wrong_door(rig) -> None:
    door = rig.broker("listener 0 127.0.0.1", start=False).port
    broker = rig.broker(f"listener {door} 127.0.0.1\nprotocol websockets")
    consumer = rig.consumer(broker)
    box = rig.box(f"ws://127.0.0.1:{door}/mqtt")
    box.calls(1200)
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: all_there([consumer], box))
    await box.stop()
    box.config = msgspec.structs.replace(box.config, crm=msgspec.structs.replace(box.config.crm, url=f"ws://127.0.0.1:{broker.port}/"))
    box.context = msgspec.structs.replace(box.context, config=box.config)
    box.start()
    await rig.until(lambda: "no websocket there" in box.watch.texts[-1])


async def test_a_door_that_opens_byte_by_byte_is_left_for_the_next_and_keeps_no_thread(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes well before any single step's time is over."""
    monkeypatch.setattr(mqtt, "_DIAL_S", 0.6)
    broker = rig.broker()
    consumer = rig.consumer(broker)
    gone = 0

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal gone
        with contextlib.suppress(ConnectionError):
            await reader.read(4096)
            while not reader.at_eof():
                writer.write(b"H")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await reader.read(1)
        gone += 1
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    box = rig.box((f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/mqtt", broker.url))
    box.calls(20)
    box.start()
    await rig.until(lambda: all_there([consumer], box))
    await rig.until(lambda: gone >= 1)
    await box.stop()
    server.close()


async def test_a_broker_that_spoke_5_is_not_believed_at_once_that_it_does_not(rig) -> None:
    """With 3.1.1 what nobody listens to counts as delivered: a stumble of the broker, or of what stands before it, must not cost events."""
    broker = rig.broker()
    consumer = rig.consumer(broker)
    async with Cable(broker.port) as cable:
        box = rig.box(cable.url)
        box.start()
        await rig.until(box.settled)
        consumer.close()
        cable.refuses_v5 = b"\x20\x03\x00\x84\x00"
        broker.kill()
        await rig.until(lambda: box.link() == "link.down")
        broker.start()
        box.calls(20)
        await asyncio.sleep(1.5)
        cable.refuses_v5 = None
        await rig.until(lambda: any(word == "no_consumer" for word, _ in downs(box)))
        assert box.account().waiting >= 20, "nobody has heard them"
        assert not any("with MQTT 3.1.1" in text for text in box.watch.texts)
        late = rig.consumer(broker)
        await rig.until(lambda: all_there([consumer, late], box))
        await box.stop()
