"""A real mosquitto, a consumer of plain paho, and an uplink on a real journal."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from msgspec.structs import replace
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from appliance.core.catalogue import CallHeld, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Commands, Config, Crm, JournalConfig, PbxConfig, Site, Wallboard
from appliance.core.due import due_from_config
from appliance.core.event import Event
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from gateway.uplink.service import Uplink

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """mosquitto on a port of its own; `kill` and `start` at will."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\nmax_queued_messages 1000000\nlog_type error\n{extra}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """In order: a broker that keeps things writes them down."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Consumer:
    """What a CRM's engineer writes: plain paho on its own thread, every message kept in the order of arrival."""

    def __init__(self, port: int, topic: str = "callfloor/1/+/+/event/#", client_id: str = "", clean: bool = True) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self._subscribed = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id or None, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = lambda _c, _u, message: self.messages.append(message)
        self.client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._subscribed.wait(5)

    def drop(self) -> None:
        """The connection is cut, as when the broker died; nothing more is received."""
        self.client.loop_stop()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(message.payload) for message in list(self.messages) if "/event/" in message.topic]

    def first_seen(self) -> list[dict[str, Any]]:
        """The events with repeats dropped by id, as the contract tells a consumer to."""
        first: dict[str, dict[str, Any]] = {}
        for event in self.events:
            first.setdefault(event["id"], event)
        return list(first.values())

    def named(self, part: str) -> list[Any]:
        return [msgspec.json.decode(message.payload) for message in list(self.messages) if f"/{part}" in message.topic]

    def send(self, topic: str, payload: bytes, properties: Any = None, retain: bool = False) -> None:
        self.client.publish(topic, payload, 1, retain, properties).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Watch:
    """A runner that only listens."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.beats = 0

    def ready(self) -> None:
        pass

    def progress(self) -> None:
        self.beats += 1

    def status(self, text: str) -> None:
        self.texts.append(text)


class Box:
    """One box: configuration, journal, and the uplink started and stopped at will."""

    def __init__(
        self,
        folder: Path,
        url: str | tuple[str, ...],
        commands: Commands | None = None,
        wallboard: Wallboard | None = None,
        site: Site | None = None,
        headsets: HeadsetsConfig | None = None,
        pbx: dict[str, PbxConfig] | None = None,
        **crm: Any,
    ) -> None:
        self.config = Config(
            site=site or Site(name="quito", box="p3"),
            headsets=headsets,
            pbx=pbx or {},
            journal=JournalConfig(path=folder / "journal.db", run_dir=folder / "run"),
            crm=Crm(**{"url": url, "floor_every_s": 0.2, "reconnect_max_s": 1.0} | crm),
            commands=commands or Commands(),
            wallboard=wallboard or Wallboard(),
        )
        self.clock = SystemClock()
        (folder / "run").mkdir(exist_ok=True)
        self.journal = SqliteJournal.open(folder / "journal.db", run_dir=folder / "run", due=due_from_config(self.config), clock=self.clock)
        self.watch = Watch()
        self.context = Context(self.config, self.journal, self.clock, self.watch, "uplink")
        self._task: asyncio.Task[None] | None = None
        self._open = True

    def account(self) -> Any:
        return self.journal.account("uplink")

    def remembered(self) -> bytes:
        """The file of command ids."""
        path = self.config.journal.path.with_name("commands.jsonl")
        return path.read_bytes() if path.exists() else b""

    def settled(self) -> bool:
        """Is everything delivered, and the link up?"""
        return self.kinds()[-1:] != [] and self.account().waiting == 0 and self.link() == "link.up"

    def link(self) -> str | None:
        """The last word of the journal on the link."""
        return next((kind for kind in reversed(self.kinds()) if kind.startswith("link.")), None)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(Uplink().run(self.context))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def close(self) -> None:
        await self.stop()
        if self._open:
            self._open = False
            self.journal.close()

    def event(self, data: msgspec.Struct) -> Event:
        clock = self.clock
        return Event(kind_of(data), "gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)

    def calls(self, count: int, name: str = "c") -> int:
        """Append so many events that are due."""
        seq = 0
        for first in range(0, count, 500):
            numbers = range(first, min(first + 500, count))
            seq = self.journal.append([self.event(CallHeld(call=f"{name}{number}", pbx="central")) for number in numbers])
        return seq

    def kinds(self) -> list[str]:
        rows, found = self.journal.read(0), []
        while rows:
            found += [msgspec.json.decode(row.body)["k"] for row in rows]
            rows = self.journal.read(rows[-1].seq)
        return found


async def until(condition: Callable[[], Any], timeout_s: float = 40.0) -> Any:
    """Wait until something is so; fail with what it is otherwise."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)
    return value


class Rig:
    """What a test asks for: brokers, consumers and boxes, all gone at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._brokers: list[Broker] = []
        self._consumers: list[Consumer] = []
        self._boxes: list[Box] = []

    def broker(self, extra: str = "", start: bool = True) -> Broker:
        folder = self.folder / f"broker{len(self._brokers)}"
        folder.mkdir()
        made = Broker(folder, extra)
        self._brokers.append(made)
        if start:
            made.start()
        return made

    def consumer(self, broker: Broker, topic: str = "callfloor/1/+/+/event/#", **more: Any) -> Consumer:
        made = Consumer(broker.port, topic, **more)
        self._consumers.append(made)
        return made

    def box(self, url: str | tuple[str, ...], **crm: Any) -> Box:
        made = Box(self.folder, url, **crm)
        self._boxes.append(made)
        return made

    async def until(self, condition: Callable[[], Any], timeout_s: float = 40.0) -> Any:
        return await until(condition, timeout_s)

    def calls_for(self, model: Any, seconds: float) -> float:
        """People call a simulated floor of nobody from now on, and so long; when they will stop calling."""
        until_s: float = model.now_s + 60.0 + seconds  # it looks once a minute whether anybody does
        model._callers._plan = replace(model.plan, surges=((0.0, 1.0), (until_s, 0.0)))
        return until_s

    async def close(self) -> None:
        for box in self._boxes:
            await box.close()
        for consumer in self._consumers:
            consumer.close()
        for broker in self._brokers:
            broker.kill()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    yield made
    await made.close()
