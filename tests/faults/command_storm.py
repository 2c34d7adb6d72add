"""A CRM that gives commands without pause to a box whose services are killed, and the account of every one of them at the PBX, in the
journal and at the CRM."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from fault_box import Box, Broker
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.core.clock import rfc3339
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.pbx import SimPbx

AGENTS = 24
#: A CRM that hears nothing gives no more than so many commands, and sends so many again at a time.
_MOST_OPEN, _AT_A_TIME = 60, 10
#: Where a kill waits for a command to end first, it waits no longer than this.
_PATIENCE_S = 10.0
TERMINAL = frozenset({"done", "failed", "expired", "refused", "unknown"})
CONFIG = """
[commands]
allow = ["originate", "pause", "unpause", "queue_add", "queue_remove", "ping"]
country = "EC"
per_minute = 10000

[commands.only.originate]
numbers = ["09xxxxxxxx"]
"""
PLAN = Plan(
    queues=(QueuePlan(name="ventas", extension="600"), QueuePlan(name="soporte", extension="601")),
    agents=tuple(AgentPlan(extension=f"{101 + at}", name=f"Agente {101 + at}", queues=("ventas",)) for at in range(AGENTS)),
    calls_per_min=0.001, surges=((0.0, 0.0),), pause_every_s=0.0,
)  # fmt: skip


class PbxThread:
    """The simulated PBX on a loop of its own."""

    def __init__(self) -> None:
        self._up, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._up.wait(10)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with SimPbx(PLAN) as self.pbx:
            self.pbx.outbound.pick_up_s = self.pbx.outbound.answer_s = 0.15
            self.pbx.outbound.talk_s = 0.1
            self._up.set()
            await self._stop.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


class Sender:
    """What a CRM's engineer writes: plain paho, a durable session, a command sent again under its id until it has its end."""

    def __init__(self, port: int, seed: int) -> None:
        self._chance, self._count = random.Random(seed), itertools.count(1)
        self.given: dict[str, tuple[str, bytes]] = {}
        self.marks: dict[str, tuple[str, str, str]] = {}
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self._sent_s: dict[str, float] = {}
        self._open: dict[str, None] = {}
        self._guard = threading.Lock()
        self._subscribed = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "the-crm", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._heard
        self.client.on_connect = lambda client, *_: client.subscribe("callfloor/1/quito/p3/reply/+", 1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.reconnect_delay_set(1, 1)
        kept = Properties(PacketTypes.CONNECT)
        kept.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=kept)
        self.client.loop_start()
        assert self._subscribed.wait(10)

    def _heard(self, _client: Any, _data: Any, message: Any) -> None:
        reply = msgspec.json.decode(message.payload)
        with self._guard:
            self.replies.setdefault(reply["id"], []).append(reply)
            if reply["state"] in TERMINAL:
                self._open.pop(reply["id"], None)

    def give(self) -> None:
        """One command, by chance."""
        at = next(self._count)
        name, agent = f"k-{at}", f"agente-{101 + self._chance.randrange(AGENTS)}"
        verb = self._chance.choice(("originate", "pause", "pause", "queue_add", "queue_remove"))
        number = f"09{at:06d}{self._chance.choice(('00', '17', '34'))}"
        args, mark = {
            "originate": ({"agent": agent, "number": number}, ("originate", "exten", number)),
            "pause": ({"agent": agent, "reason": name}, ("queuepause", "reason", name)),
            # Who is in the queue, and who is not, hangs on chance; the penalty says whose doing it was.
            "queue_add": ({"agent": agent, "queue": "soporte", "penalty": at}, ("queueadd", "penalty", str(at))),
            "queue_remove": ({"agent": agent, "queue": "soporte"}, ("", "", "")),
        }[verb]
        expires = rfc3339(time.time_ns() + 30_000_000_000)
        payload = msgspec.json.encode({"id": name, "time": rfc3339(time.time_ns()), "expires": expires, "args": args})
        with self._guard:
            self.given[name], self.marks[name], self._open[name] = (verb, payload), mark, None
        self._publish(name)

    def _publish(self, name: str) -> None:
        verb, payload = self.given[name]
        self._sent_s[name] = time.monotonic()
        self.client.publish(f"callfloor/1/quito/p3/cmd/{verb}", payload, 1)

    @property
    def ended(self) -> int:
        """How many have their end."""
        return len(self.given) - len(self._open)

    def again(self, after_s: float) -> int:
        """Send again what has no end and was sent so long ago, a few at a time; how many have none."""
        with self._guard:
            waiting = list(self._open)
        now_s = time.monotonic()
        for name in [name for name in waiting if now_s - self._sent_s[name] > after_s][:_AT_A_TIME]:
            self._publish(name)
        return len(waiting)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def storm(
    folder: Path, *, kills: int, every_s: tuple[float, float], per_s: float, seed: int, broker_share: float, working_share: float,
    pair_share: float = 0.25,
) -> dict[str, Any]:  # fmt: skip
    """Give commands while services are killed at random; asserts what must hold of each, returns the account.

    `working_share`: of the kills, those that let the box end a command first, so that they fall into its work and not into its start. `pair_share`: those that
    meet gateway and uplink at once.
    """
    chance = random.Random(seed)
    pbx, broker = PbxThread(), Broker(folder)
    box = Box(folder, pbx_port=pbx.pbx.port, mqtt_port=broker.port)
    with (folder / "callfloor.toml").open("a") as file:
        file.write(CONFIG)
    sender: Sender | None = None
    killed: Counter[str] = Counter()
    try:
        broker.keep()
        _listening(broker.port)
        sender = Sender(broker.port, seed)
        box.keep("gateway", "uplink")
        _until(box.sighted, 30.0, "the PBX was not seen")
        due_s = time.monotonic()
        kill_s, after = due_s + chance.uniform(*every_s), 0
        while killed.total() < kills:
            now_s = time.monotonic()
            if now_s >= due_s and sender.again(5.0) < _MOST_OPEN:
                sender.give()
                due_s = now_s + 1 / per_s
            if now_s >= kill_s and (sender.ended >= after or now_s >= kill_s + _PATIENCE_S):
                killed.update(_killed(box, broker, _victims(chance, broker_share, pair_share)))
                kill_s = now_s + chance.uniform(*every_s)
                after = sender.ended + chance.randrange(1, 8) if chance.random() < working_share else 0
            time.sleep(0.005)
        told = sender
        _until(lambda: told.again(2.0) == 0, 90.0, lambda: f"without an end: {told.again(99.0)}\n{box.logs()}")
        time.sleep(0.3)
        return _account(box, sender, list(pbx.pbx.done)) | {"kills": killed.total(), "killed": dict(killed)}
    finally:
        for process in (*box.services.values(), broker):
            process.close()
        if sender is not None:
            sender.close()
        pbx.close()


def _killed(box: Box, broker: Broker, victims: tuple[str, ...]) -> list[str]:
    """Kill them, and say which of them were there to be killed."""
    found = []
    for name in victims:
        process = broker if name == "mosquitto" else box.services[name]
        if process.process is not None and process.process.poll() is None:
            process.signal(signal.SIGKILL)
            found.append(name)
    return found


def _victims(chance: random.Random, broker_share: float, pair_share: float) -> tuple[str, ...]:
    if chance.random() < broker_share:
        return ("mosquitto",)
    if chance.random() < pair_share:
        return ("gateway", "uplink")
    return chance.choice((("gateway",), ("gateway",), ("uplink",)))


def _account(box: Box, sender: Sender, done: list[dict[str, str]]) -> dict[str, Any]:
    """What must hold of every command; the figures of all."""
    ends: Counter[str] = Counter()
    for event in box.events():
        if event.kind == "command.finished" and (name := getattr(event.data, "id", "")):
            ends[name] += 1
    executed = Counter((each["action"].lower(), key, each[key]) for each in done for key in ("exten", "reason", "penalty") if key in each)
    states: Counter[str] = Counter()
    for name, (action, key, value) in sender.marks.items():
        terminal = {msgspec.json.encode(reply) for reply in sender.replies.get(name, ()) if reply["state"] in TERMINAL}
        assert len(terminal) == 1, f"{name} has {len(terminal)} ends at the CRM: {sender.replies.get(name)}"
        assert ends[name] == 1, f"{name} has {ends[name]} ends in the journal"
        reply = msgspec.json.decode(next(iter(terminal)))
        states[reply["state"]] += 1
        if not action:
            continue
        count = executed[action, key, value]
        assert count <= 1, f"{name} was carried out {count} times at the PBX: {reply}"
        if reply["state"] == "done":
            assert count == 1, f"{name} is said to be done, and the PBX knows nothing of it: {reply}"
        if reply["state"] in ("expired", "refused"):
            assert count == 0, f"{name} is said to be {reply['state']}, and was carried out"
    repeats = sum(len(replies) for replies in sender.replies.values()) - len(sender.replies)
    return {"commands": len(sender.marks), "at_the_pbx": executed.total(), "replies_again": repeats, **dict(states)}


def _listening(port: int) -> None:
    def listens() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            return False
        return True

    _until(listens, 10.0, "mosquitto does not listen")


def _until(condition: Any, within_s: float, what: Any) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, what() if callable(what) else what
        time.sleep(0.02)
