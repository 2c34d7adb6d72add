"""A CRM that gives commands without pause to a box whose services are killed, and the account of every one of them at the PBX, in the
journal and at the CRM."""

from __future__ import annotations

import asyncio
import contextlib
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
from storm_twins import Buzzer, Headset
from storm_verbs import AGENTS, ALONE, CONFIG, DEVICES, PBX, Given, Known, ask, done_in_journal, page_held, sounded

from appliance.core.catalogue import CallAttempted, CallbackOpened, CallCallbackRequested, CommandFinished
from appliance.core.clock import SystemClock, rfc3339
from appliance.core.directory import Directory
from appliance.core.directory_reader import CARDS_FILE
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.pbx import SimPbx

#: A CRM that hears nothing gives no more than so many commands, and sends so many again at a time.
_MOST_OPEN, _AT_A_TIME = 60, 10
#: Where a kill waits for a command to end first, it waits no longer than this.
_PATIENCE_S = 10.0
#: The PBX's sessions are gone for so long when its link is cut.
_CUT_S = 0.3
#: Three beeps are one command; one beep, or the ring of a headset, may be heard when it was cut off.
_SOUNDS = {"beacon": 3, "headset_ring": 1}
_CALLBACKS = 400
TERMINAL = frozenset({"done", "failed", "expired", "refused", "unknown"})
PLAN = Plan(
    queues=(QueuePlan(name="ventas", extension="600"), QueuePlan(name="soporte", extension="601")),
    agents=tuple(AgentPlan(extension=f"{101 + at}", name=f"Agente {101 + at}", queues=("ventas",)) for at in range(AGENTS)),
    calls_per_min=0.001, surges=((0.0, 0.0),), pause_every_s=0.0,
)  # fmt: skip


class Hardware:
    """The simulated PBX, a buzzer and a headset, on a loop of their own."""

    def __init__(self, folder: Path, plan: Plan = PLAN) -> None:
        self.plan = plan
        self.buzzer, self.headset = Buzzer(folder / "lamp.sock"), Headset(folder / "a.sock")
        self._up, self._stop = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._up.wait(10)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with SimPbx(self.plan) as self.pbx:
            self.pbx.outbound.pick_up_s = self.pbx.outbound.answer_s = 0.15
            self.pbx.outbound.talk_s = 0.1
            twins = [asyncio.create_task(twin.serve()) for twin in (self.buzzer, self.headset)]
            await asyncio.sleep(0.05)
            self._up.set()
            await self._stop.wait()
            for twin in twins:
                twin.cancel()
            await asyncio.gather(*twins, return_exceptions=True)

    def cut(self) -> None:
        """The PBX's sessions break off."""
        self._loop.call_soon_threadsafe(lambda: self.pbx.faults.begin("drop", seconds=_CUT_S))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


class Sender:
    """What a CRM's engineer writes: plain paho, a durable session, a command sent again under its id until it has its end."""

    def __init__(self, port: int, seed: int, verbs: tuple[str, ...]) -> None:
        self._chance, self._count, self._verbs = random.Random(seed), itertools.count(1), verbs
        self.known = Known()
        self.given: dict[str, Given] = {}
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self._sent_s: dict[str, float] = {}
        self._open: dict[str, None] = {}
        #: When a device that sounds alone may be asked again; None: its command has no end yet.
        self._free_s: dict[str, float | None] = dict.fromkeys(ALONE, 0.0)
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
            if reply["state"] not in TERMINAL or reply["id"] not in self._open:
                return
            del self._open[reply["id"]]
            verb = self.given[reply["id"]].verb
            if verb in ALONE:
                self._free_s[verb] = time.monotonic() + ALONE[verb]
            if verb == "directory":
                self.known.page = page_held(self.given[reply["id"]], reply, self.known.page)
            if call := (reply["result"] or {}).get("call"):
                self.known.calls.append(call)

    def give(self) -> None:
        """One command, by chance."""
        now_s = time.monotonic()
        with self._guard:
            busy = {verb for verb, free_s in self._free_s.items() if free_s is None or free_s > now_s}
            verb = self._chance.choice([verb for verb in self._verbs if verb not in busy])
            at = next(self._count)
            name, now_ns = f"k-{at}", time.time_ns()
            args, mark = ask(verb, at, self._chance, self.known, now_ns)
            expires = rfc3339(now_ns + 30_000_000_000)
            payload = msgspec.json.encode({"id": name, "time": rfc3339(now_ns), "expires": expires, "args": args})
            self.given[name], self._open[name] = Given(verb, args, payload, mark, now_s), None
            if verb in ALONE:
                self._free_s[verb] = None
        self._publish(name)

    def _publish(self, name: str) -> None:
        self._sent_s[name] = time.monotonic()
        self.client.publish(f"callfloor/1/quito/p3/cmd/{self.given[name].verb}", self.given[name].payload, 1)

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
    pair_share: float = 0.25, services: tuple[str, ...] = ("gateway", "uplink"), verbs: tuple[str, ...] = PBX,
) -> dict[str, Any]:  # fmt: skip
    """Give commands while services are killed at random; asserts what must hold of each, returns the account.

    `working_share`: of the kills, those that let the box end a command first, so that they fall into its work and not into its start.
    `pair_share`: those that meet gateway and uplink at once. With other services than these two the PBX's link is cut as well.
    """
    chance = random.Random(seed)
    hardware, broker = Hardware(folder), Broker(folder)
    box = Box(folder, pbx_port=hardware.pbx.port, mqtt_port=broker.port)
    with (folder / "callfloor.toml").open("a") as file:
        file.write(CONFIG.format(lamp=hardware.buzzer.path, headset=hardware.headset.path))
    sender: Sender | None = None
    killed: Counter[str] = Counter()
    try:
        broker.keep()
        _listening(broker.port)
        sender = Sender(broker.port, seed, verbs)
        box.keep(*services)
        _until(box.sighted, 30.0, "the PBX was not seen")
        if "callback" in verbs:
            sender.known.callbacks += _callbacks(box)
        due_s = time.monotonic()
        kill_s, after = due_s + chance.uniform(*every_s), 0
        while killed.total() < kills:
            now_s = time.monotonic()
            if now_s >= due_s and sender.again(5.0) < _MOST_OPEN:
                sender.give()
                due_s = now_s + 1 / per_s
            if now_s >= kill_s and (sender.ended >= after or now_s >= kill_s + _PATIENCE_S):
                victims = _victims(chance, broker_share, pair_share, services)
                killed.update(_killed(box, broker, hardware, victims))
                kill_s = now_s + chance.uniform(*every_s)
                after = sender.ended + chance.randrange(1, 8) if chance.random() < working_share else 0
            time.sleep(0.005)
        told = sender
        _until(lambda: told.again(2.0) == 0, 90.0, lambda: f"without an end: {told.again(99.0)}\n{box.logs()}")
        time.sleep(max(DEVICES.values()) if "beacon" in verbs else 0.3)
        return _account(box, sender, hardware) | {"kills": killed.total(), "killed": dict(killed)}
    finally:
        for process in (*box.services.values(), broker):
            process.close()
        if sender is not None:
            sender.close()
        hardware.close()


def _callbacks(box: Box) -> list[str]:
    """Callers who ask to be called back, as a dialplan tells it; the callbacks that the box makes of them."""
    asked = [CallCallbackRequested(call=f"asked-{at}", pbx="central", number=f"+593980{at:06d}") for at in range(_CALLBACKS)]
    clock = SystemClock()
    with contextlib.closing(SqliteJournal.open(box.journal_path, run_dir=box.folder / "run", clock=clock)) as journal:
        stamp = ("gateway/central", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality())
        journal.append([Event("call.callback_requested", *stamp, data) for data in asked])

    def opened() -> list[str]:
        return [event.data.callback for event in box.events() if isinstance(event.data, CallbackOpened)]

    _until(lambda: len(opened()) >= _CALLBACKS, 60.0, lambda: f"{len(opened())} callbacks were opened\n{box.logs()}")
    return opened()


def _killed(box: Box, broker: Broker, hardware: Hardware, victims: tuple[str, ...]) -> list[str]:
    """Kill them, and say which of them were there to be killed."""
    found = []
    for name in victims:
        if name == "pbx link":
            hardware.cut()
            found.append(name)
            continue
        process = broker if name == "mosquitto" else box.services[name]
        if process.process is not None and process.process.poll() is None:
            process.signal(signal.SIGKILL)
            found.append(name)
    return found


def _victims(chance: random.Random, broker_share: float, pair_share: float, services: tuple[str, ...]) -> tuple[str, ...]:
    if chance.random() < broker_share:
        return ("mosquitto",)
    if chance.random() < pair_share:
        return ("gateway", "uplink")
    if len(services) > 2:
        return (chance.choice((*services, "gateway", "uplink", "pbx link")),)
    return chance.choice((("gateway",), ("gateway",), ("uplink",)))


def _account(box: Box, sender: Sender, hardware: Hardware) -> dict[str, Any]:
    """What must hold of every command; the figures of all."""
    events = box.events()
    ends = Counter(event.data.id for event in events if isinstance(event.data, CommandFinished) and event.data.id)
    attempts = Counter(event.data.command for event in events if isinstance(event.data, CallAttempted))
    executed = done_in_journal(events)
    executed.update(
        ("pbx", each["action"].lower(), key, each[key])
        for each in hardware.pbx.done
        for key in ("exten", "reason", "penalty")
        if key in each
    )
    executed.update(_filed(box, sender))
    for verb, sounds in (("beacon", hardware.buzzer.sounded), ("headset_ring", hardware.headset.sounded)):
        executed.update(sounded(verb, sender.given, sounds))
    states: Counter[str] = Counter()
    by_verb: dict[str, Counter[str]] = {}
    silent: Counter[str] = Counter()
    for name, given in sender.given.items():
        terminal = {msgspec.json.encode(reply) for reply in sender.replies.get(name, ()) if reply["state"] in TERMINAL}
        assert len(terminal) == 1, f"{name} has {len(terminal)} ends at the CRM: {sender.replies.get(name)}"
        assert ends[name] == 1, f"{name} has {ends[name]} ends in the journal"
        reply = msgspec.json.decode(next(iter(terminal)))
        states[reply["state"]] += 1
        by_verb.setdefault(given.verb, Counter())[reply["state"]] += 1
        assert attempts[name] <= (given.verb == "originate"), f"{name} has {attempts[name]} attempts"
        if given.verb == "originate" and reply["state"] in ("done", "unknown"):
            assert attempts[name] == 1, f"{name} ended and no attempt is told: {reply}"
        if given.mark is None:
            continue
        count = executed[given.mark]
        assert count <= _SOUNDS.get(given.verb, 1), f"{name} ({given.verb}) was carried out {count} times: {reply}"
        if reply["state"] == "done" and count == 0 and given.verb in DEVICES:
            silent[given.verb] += 1  # its service was killed between the end that it told and the next tick of its lamps
        elif reply["state"] == "done" and not (given.verb == "callback" and given.args["action"] == "claim"):
            assert count >= 1, f"{name} ({given.verb}) is said to be done, and nothing was: {reply}"
        if reply["state"] in ("expired", "refused"):
            assert count == 0, f"{name} ({given.verb}) is said to be {reply['state']}, and was carried out"
    repeats = sum(len(replies) for replies in sender.replies.values()) - len(sender.replies)
    told = {verb: dict(counts) for verb, counts in sorted(by_verb.items())}
    for verb, count in silent.items():
        assert count <= by_verb[verb]["done"] * 0.1, f"{count} times {verb} is said to be done, and nothing sounded: {told}"
    outside = sum(count for mark, count in executed.items() if mark[0] == "pbx")
    return {
        "commands": len(sender.given),
        "at_the_pbx": outside,
        "replies_again": repeats,
        "verbs": told,
        "done_and_silent": dict(silent),
        **dict(states),
    }


def _filed(box: Box, sender: Sender) -> Counter[tuple[str, ...]]:
    """The cards that the directory has, by whose command they came."""
    given = {name: each for name, each in sender.given.items() if each.verb == "directory"}
    if not given:
        return Counter()
    found: Counter[tuple[str, ...]] = Counter()
    with Directory(box.journal_path.with_name(CARDS_FILE), country="EC") as directory:
        for each in given.values():
            card = directory.lookup(each.args["upserts"][0]["numbers"][0])
            if card is not None:
                found["directory", card.customer] += 1
    return found


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
