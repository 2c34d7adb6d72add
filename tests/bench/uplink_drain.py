"""`uplink.drain`, `uplink.drain_bridge`, `uplink.drain_cpu`: a backlog's way to the broker, at least once, beside plain paho and a mosquitto bridge.

Each contender has the same messages and a fresh broker of the same settings; somebody who subscribed there before says
when the first and the last one came.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.core.event import stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from gateway.uplink.envelope import Envelope
from gateway.uplink.topic import Topics
from tests.bench.box import Box, Broker, Consumer, cpu_s, free_port
from tests.bench.room import Room, SkippedError, child, line_from, stop
from tests.bench.table import Row, at_least, at_most, compared
from tests.bench.work import event
from tests.bench.worker import heard, tell

WINDOW = 1000
SETTINGS = (f"max_inflight_messages {WINDOW}", "persistence false")
_PATIENCE_S = 40.0

#: Messages a second and CPU seconds per 100 000 messages.
Pace = tuple[float, float]


def drain(room: Room) -> list[Row]:
    """All three in turns."""
    count = 3_000 if room.quick else 30_000
    with room.passing() as folder:
        ours, paho, bridge = [], [], []
        for again in room.rounds(3, 1):
            place = folder / str(again)
            messages = journal_of(place, count)
            room.say(f"round {again + 1}: {count} messages by the uplink")
            ours.append(_by_uplink(place, count))
            room.say(f"round {again + 1}: {count} messages by plain paho")
            paho.append(_by_paho(place, messages, count))
            room.say(f"round {again + 1}: {count} messages by a mosquitto bridge")
            bridge.append(_by_bridge(place, messages, count))
            shutil.rmtree(place)
    rates = [(one[0], peer[0]) for one, peer in zip(ours, paho, strict=True)]
    bridged = [(one[0], peer[0]) for one, peer in zip(ours, bridge, strict=True)]
    cpu = [(one[1], peer[1]) for one, peer in zip(ours, paho, strict=True)]
    plain = f"plain paho thread, inflight {WINDOW}"
    note = f"the bridge {statistics.median(one[1] for one in bridge):.1f} s per 100 000"
    return [
        compared("uplink.drain", "msg/s", rates, plain, at_least(3, "× plain paho thread")),
        compared("uplink.drain_bridge", "msg/s", bridged, "mosquitto bridge", at_least(0.6, "× mosquitto bridge")),
        compared("uplink.drain_cpu", "CPU s/100k", cpu, plain, at_most(0.4, "× plain paho thread"), note),
    ]


def journal_of(folder: Path, count: int) -> Path:
    """A box's journal with that many events due, and the same messages as a file: a line with the topic, a line with the payload."""
    journal = SqliteJournal.open(folder / "journal.db")
    for first in range(0, count - 1, 500):
        journal.append([event(number) for number in range(first, min(first + 500, count - 1))])
    topics = Topics("bench", "bench")
    envelope = Envelope(topics, journal.epoch)
    path, at = folder / "messages", 0
    with path.open("wb") as file:
        while rows := journal.read(at):
            for row in rows:
                stored = stored_from_body(row.body)
                payload = envelope.stored(stored, row.seq, row.n or 0, False)[1]
                file.write(topics.event(stored.kind).encode() + b"\n" + payload + b"\n")
            at = rows[-1].seq
    journal.close()
    return path


@contextmanager
def timed(broker: Broker, count: int, pid: Callable[[], int], out: list[Pace]) -> Iterator[None]:
    """Measure from the first message at the broker to the last one."""
    marks: list[tuple[float, float]] = []
    ended = threading.Event()

    def mark() -> None:
        marks.append((time.monotonic(), cpu_s(pid())))

    def last() -> None:
        mark()
        ended.set()

    with Consumer(broker) as consumer:
        consumer.expect(count, mark, last)
        time.sleep(0.3)
        yield
        if not ended.wait(_PATIENCE_S):
            raise RuntimeError(f"{consumer.count} of {count} messages within {_PATIENCE_S:.0f} s")
    (first_s, first_cpu), (last_s, last_cpu) = marks
    out.append((count / (last_s - first_s), (last_cpu - first_cpu) / count * 100_000))


def _by_uplink(folder: Path, count: int) -> Pace:
    """The service has been up for a while when its broker comes back, as after an outage."""
    out: list[Pace] = []
    port = free_port()
    with Box(folder / "box", crm_port=port, journal=folder / "journal.db") as box:
        box.start("uplink")
        box.settled("uplink")
        with Broker(folder / "broker", SETTINGS, port) as broker, timed(broker, count, lambda: box.processes["uplink"].pid, out):
            pass
    return out[0]


def _by_paho(folder: Path, messages: Path, count: int) -> Pace:
    out: list[Pace] = []
    with Broker(folder / "broker", SETTINGS) as broker:
        process = child("uplink_drain:plain_paho", port=broker.port, messages=str(messages))
        try:
            line_from(process)
            with timed(broker, count, lambda: process.pid, out):
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
        finally:
            stop(process)
    return out[0]


def plain_paho(port: int, messages: str, tls: str = "") -> None:
    """Child: what its documentation shows, with a window of the application's own so that nothing piles up inside.

    `tls`: the folder of `tests.bench.authority`.
    """
    import paho.mqtt.client as paho  # noqa: PLC0415

    lines = Path(messages).read_bytes().splitlines()
    window, answered, connected = threading.Semaphore(WINDOW), threading.Semaphore(0), threading.Event()

    def published(*_: object) -> None:
        window.release()
        answered.release()

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="plain", protocol=paho.MQTTv5)  # type: ignore[attr-defined]
    client.max_inflight_messages_set(WINDOW)
    client.on_connect = lambda *_: connected.set()
    client.on_publish = published
    if tls:
        client.tls_set(f"{tls}/ca.crt", f"{tls}/box.crt", f"{tls}/box.key")
    client.connect("127.0.0.1", port, 60)
    client.loop_start()
    connected.wait(10)
    tell("ready")
    heard()
    for topic, payload in zip(lines[::2], lines[1::2], strict=True):
        window.acquire()
        client.publish(topic.decode(), payload, 1)
    for _ in range(len(lines) // 2):
        answered.acquire()
    client.disconnect()


def _by_bridge(folder: Path, messages: Path, count: int) -> Pace:
    """An edge broker that was filled while the central one was away."""
    program = shutil.which("mosquitto_pub")
    if program is None:
        raise SkippedError("no mosquitto_pub here: apt-get install mosquitto-clients")
    port, edge, out = free_port(), folder / "edge", list[Pace]()
    lines = messages.read_bytes().splitlines()
    bridge = (
        f"max_inflight_messages {WINDOW}",
        "persistence true",
        f"persistence_location {edge}/",
        "user root",
        "connection crm",
        f"address 127.0.0.1:{port}",
        "topic # out 1",
        "cleansession false",
        "bridge_protocol_version mqttv50",
        "restart_timeout 1",
        "notifications false",
        "try_private false",
    )
    with Broker(edge, bridge) as edge_broker:
        # One topic for all: the client that comes with mosquitto takes one.
        command = [program, "-V", "5", "-h", "127.0.0.1", "-p", str(edge_broker.port), "-q", "1", "-t", lines[0].decode(), "-l"]
        subprocess.run(command, input=b"\n".join(lines[1::2]) + b"\n", check=True, timeout=_PATIENCE_S)
        with Broker(folder / "broker", SETTINGS, port) as broker, timed(broker, count, lambda: edge_broker.process.pid, out):
            pass
    return out[0]
