"""One run of the fleet: boxes, consumers and a broker as processes; rounds in which the broker goes away and comes back; its figures.

A consumer sees by `delivery` what never came, and asks for it again with `resend`: what is lost is counted before and after.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.fleet.fleet_child import Child, FleetError, raise_file_limit
from tests.fleet.fleet_figures import Arrival, Books, Drain, Spread, books, drain, holes, most_within, spread
from tests.fleet.fleet_others import BROKERS

#: Open files of one box: two connections to its journal, locks, bells, its socket.
_FILES_PER_BOX = 18
_CONSUMERS = 3


class Plan(msgspec.Struct, frozen=True):
    """What is run. `rounds`: how the broker goes (`kill`, `stop`), and who reads after it (`site` filters, or `share`)."""

    boxes: int = 1000
    rate: float = 0.2
    calm_s: float = 12.0
    away_s: float = 20.0
    patience_s: float = 60.0
    rounds: tuple[tuple[str, str], ...] = (("kill", "site"), ("stop", "site"), ("kill", "share"))
    workers: int = 4
    sites: int = 12
    floor_every_s: float = 5.0
    reconnect_max_s: float = 60.0
    autosave_s: int = 10
    broker: str = "mosquitto"
    #: Pauses between the parts, and whether the broker is told to write its sessions down when readers change.
    settle_s: float = 2.0
    saves: bool = True


class Round(msgspec.Struct, frozen=True):
    """One going and coming of the broker."""

    how: str
    readers: str
    away_s: float
    boxes: int
    came_back: Spread
    drained: Drain
    knocks_per_s: float
    knocks_most_per_s: int
    broker_cpu_s: float
    behind: int
    #: Never came before they were asked for: numbers given out before the broker was gone, and while it was away.
    lost_before: int
    lost_away: int


class Result(msgspec.Struct, frozen=True):
    """A whole run."""

    plan: Plan
    rounds: list[Round]
    before_resend: Books
    after_resend: Books
    resend: dict[str, Any]
    online: int
    floors: int
    broker: dict[str, float]
    box_kb: float
    took_s: float
    worst_late_s: float
    load: float
    faults: list[str]

    @property
    def is_whole(self) -> bool:
        """Nothing lost for good, nothing twice behind the ids, every box there at the end."""
        after = self.after_resend
        here = self.online == self.plan.boxes and all(each.came_back.boxes == self.plan.boxes for each in self.rounds)
        return after.lost == after.unknown == after.doubled_after == 0 and here and not self.faults


class Fleet:
    """What runs, and what was seen of it."""

    def __init__(self, folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
        self.folder, self.plan, self._say = folder, plan, say
        (folder / "boxes").mkdir(parents=True)
        self.broker = BROKERS[plan.broker](folder / "broker", autosave_s=plan.autosave_s)
        self._workers: list[Child] = []
        self._consumers: list[Child] = []
        self._past: dict[str, list[Arrival]] = {}
        self._began_s = time.monotonic()
        self._readers = ""
        self._gone: dict[str, int] = {}

    def run(self) -> Result:
        """All rounds, then the books. Raises FleetError."""
        plan = self.plan
        self._begin()
        plain_mb = self.broker.resident_mb()
        self._read_by(plan.rounds[0][1])
        self._start_boxes()
        self._record(plan.rate)
        cpu_s, at_s = self.broker.cpu_s(), time.monotonic()
        self._wait(plan.calm_s, "calm")
        calm_cpu = (self.broker.cpu_s() - cpu_s) / (time.monotonic() - at_s)
        calm_mb = self.broker.resident_mb()
        seen = []
        for number, (how, readers) in enumerate(plan.rounds):
            if readers != self._readers:
                self._read_by(readers)
            seen.append(self._round(f"round {number + 1} of {len(plan.rounds)}", how, readers))
            self._wait(plan.settle_s, "calm")
        self._record(0)
        heads = self._mark()
        self._catch_up("the last events", plan.patience_s)
        time.sleep(plan.settle_s)
        before = self._arrivals()
        missing = holes(heads, _all(before))
        resend = self._ask_again(missing)
        after = self._arrivals()
        online, floors = self._retained()
        peak_mb = self.broker.resident_mb()
        worst_s = max(worker.worst_late_s for worker in self._workers)
        kb, boxes = self._end_boxes()
        self._say("comparing what was recorded with what arrived")
        rounds = [self._judged(one, boxes, _all(after), missing) for one in seen]
        return Result(
            plan=plan,
            rounds=rounds,
            before_resend=books(boxes, heads, before),
            after_resend=books(boxes, heads, after),
            resend=resend,
            online=online,
            floors=floors,
            broker={
                "calm_cpu_share": round(calm_cpu, 4),
                "resident_mb_empty": round(plain_mb, 1),
                "resident_mb": round(peak_mb, 1),
                "kb_per_box": round((calm_mb - plain_mb) * 1024 / plan.boxes, 1),
            },
            box_kb=round(kb, 1),
            took_s=round(time.monotonic() - self._began_s, 1),
            worst_late_s=round(worst_s, 2),
            load=round(os.getloadavg()[0], 1),
            faults=[f"{name}: {box['fault']}" for name, box in boxes.items() if box["fault"]],
        )

    def close(self) -> None:
        """Nothing of it is left running."""
        for child in (*self._workers, *self._consumers):
            child.close()
        self.broker.kill()

    # -- the parts of a run --------------------------------------------------------------------------------------

    def _begin(self) -> None:
        plan = self.plan
        share = -(-plan.boxes // plan.workers)
        wanted = max(share * _FILES_PER_BOX, plan.boxes + 100) + 200
        files = raise_file_limit(wanted)
        if files < plan.boxes + 100:
            raise FleetError(f"{plan.boxes} connections at one broker need as many open files, and {files} are allowed: ulimit -n {wanted}")
        self.broker.start()

    def _start_boxes(self) -> None:
        plan = self.plan
        files = raise_file_limit(0)
        most = max(1, (files - 200) // _FILES_PER_BOX)
        count = max(plan.workers, -(-plan.boxes // most))
        share = -(-plan.boxes // count)
        for first in range(0, plan.boxes, share):
            options = {
                "folder": self.folder / "boxes", "first": first, "boxes": min(share, plan.boxes - first), "sites": plan.sites,
                "url": self.broker.url, "floor-every": plan.floor_every_s, "reconnect-max": plan.reconnect_max_s, "protocol": self.broker.protocol,
            }  # fmt: skip
            words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
            self._workers.append(Child(f"boxes from {first}", "tests.fleet.fleet_boxes", self.folder / f"boxes-{first}.log", *words))
        self._follow(lambda: self._up() >= plan.boxes, f"{plan.boxes} boxes begin", 60.0 + plan.boxes * 0.15)

    def _read_by(self, readers: str) -> None:
        """Let three consumers read: each its sites, or all of them together what the broker gives to each."""
        if self._consumers:
            self._say(f"consumers change to {readers}")
            self._past = self._arrivals("leave")
            for child in self._consumers:
                child.end()
        self._readers = readers
        self._consumers = []
        for number in range(_CONSUMERS):
            if readers == "share":
                filters = ["$share/crm/callfloor/1/+/+/event/#"]
            else:
                filters = [f"callfloor/1/site-{site:02d}/+/event/#" for site in range(self.plan.sites) if site % _CONSUMERS == number]
            name = f"consumer-{readers}-{number}"
            self._consumers.append(
                Child(name, "tests.fleet.fleet_consumer", self.folder / f"{name}.log",
                      "--protocol", self.broker.protocol, "--port", str(self.broker.port), "--client-id", name, "--filter", *(filters or ["callfloor/1/none/+/event/#"]))
            )  # fmt: skip
        for child in self._consumers:
            child.wait_for("arrivals")
        if self.plan.saves:
            self.broker.save()

    def _record(self, rate: float) -> None:
        for worker in self._workers:
            worker.say(f"record {rate}" if rate else "rest")

    def _mark(self) -> dict[str, int]:
        """Each box's newest delivery number now."""
        heads: dict[str, int] = {}
        for worker in self._workers:
            worker.last.pop("heads", None)
            worker.say("mark")
        for worker in self._workers:
            heads |= worker.wait_for("heads")
        for worker in self._workers:
            worker.last.pop("behind", None)
        return heads

    def _round(self, name: str, how: str, readers: str) -> dict[str, Any]:
        plan = self.plan
        earlier, gone = self._gone, self._mark()
        gone_s = time.monotonic()
        if how == "kill":
            self.broker.kill()
        else:
            self.broker.stop()
        none_s = time.monotonic()
        self._wait(plan.away_s, f"{name}: the broker is gone ({how})")
        self._gone = back = self._mark()
        cpu_s = self.broker.cpu_s()
        up_s = self.broker.start()
        left = self._catch_up(f"{name}: it is back", plan.patience_s + plan.reconnect_max_s, up_s)
        return {
            "how": how, "readers": readers, "earlier": earlier, "gone": gone, "back": back, "gone_s": gone_s, "none_s": none_s, "up_s": up_s, "until_s": time.monotonic(),
            "cpu_s": self.broker.cpu_s() - cpu_s, "behind": left,
        }  # fmt: skip

    def _judged(
        self, seen: dict[str, Any], boxes: dict[str, Any], arrivals: list[Arrival], missing: dict[str, list[tuple[int, int]]]
    ) -> Round:
        gone_s, up_s = seen["gone_s"], seen["up_s"]
        # The last two thirds of the outage: by then the first, quick tries are over.
        from_s = gone_s + (up_s - gone_s) / 3
        knocks = [at for box in boxes.values() for at in box["failed"] if from_s <= at < up_s]
        return Round(
            how=seen["how"],
            readers=seen["readers"],
            away_s=round(up_s - gone_s, 1),
            boxes=len(boxes),
            came_back=spread(boxes, seen["none_s"], up_s, seen["until_s"]),
            drained=drain(arrivals, seen["gone"], seen["back"], up_s),
            knocks_per_s=round(len(knocks) / (up_s - from_s), 1),
            knocks_most_per_s=most_within(knocks),
            broker_cpu_s=round(seen["cpu_s"], 2),
            behind=seen["behind"],
            lost_before=_within(missing, seen["earlier"], seen["gone"]),
            lost_away=_within(missing, seen["gone"], seen["back"]),
        )

    def _catch_up(self, what: str, within_s: float, up_s: float | None = None) -> int:
        """Wait until all are connected and the broker has taken what every box had when it was marked; how many are behind at the end."""
        self._follow(lambda: self._up() >= self.plan.boxes and self._behind() == 0, what, within_s, up_s, must=False)
        return self._behind()

    def _ask_again(self, missing: dict[str, list[tuple[int, int]]]) -> dict[str, Any]:
        """As a consumer does that sees holes: `resend` of each, and wait for the answers and what they bring."""
        ranges = [(box, first, last) for box, found in missing.items() for first, last in found]
        told: dict[str, Any] = {"boxes": len(missing), "ranges": len(ranges), "events": sum(b - a + 1 for _, a, b in ranges), "replies": {}}
        if not ranges:
            return told
        self._say(f"{told['events']} events never came; asking {len(missing)} boxes for them again")
        replies: dict[str, str] = {}
        client = self._client()
        ready = threading.Event()
        client.on_message = lambda _c, _u, message: _noted(replies, json.loads(message.payload))
        client.on_connect = lambda client, *_: client.subscribe("callfloor/1/+/+/reply/+", 1)
        client.on_subscribe = lambda *_: ready.set()
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        ready.wait(10)
        try:
            for number, (box, first, last) in enumerate(ranges):
                site = int(box.removeprefix("box-")) % self.plan.sites
                command = {"id": f"hole-{number}", "args": {"from": first, "to": last}}
                client.publish(f"callfloor/1/site-{site:02d}/{box}/cmd/resend", json.dumps(command), 1)
            asked = {f"hole-{number}" for number in range(len(ranges))}
            self._follow(lambda: asked <= _final(replies), "boxes send again", 60.0, must=False)
            time.sleep(2.0)
        finally:
            client.disconnect()
            client.loop_stop()
        for reply in replies.values():
            told["replies"][reply] = told["replies"].get(reply, 0) + 1
        return told

    def _client(self) -> paho.Client:
        v5 = self.broker.protocol == "5"
        return paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311)

    def _retained(self) -> tuple[int, int]:
        """How many boxes the broker says are online, and of how many it holds a floor."""
        states: dict[str, str] = {}
        floors: set[str] = set()

        def take(_client: object, _data: object, message: paho.MQTTMessage) -> None:
            box, kind = message.topic.split("/")[3:5]
            if kind == "floor":
                floors.add(box)
            else:
                states[box] = json.loads(message.payload)["state"]

        client = self._client()
        client.on_message = take
        client.on_connect = lambda client, *_: client.subscribe([("callfloor/1/+/+/status", 1), ("callfloor/1/+/+/floor", 1)])
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        end_s = time.monotonic() + 10
        while time.monotonic() < end_s and (len(states) < self.plan.boxes or len(floors) < self.plan.boxes):
            time.sleep(0.1)
        client.disconnect()
        client.loop_stop()
        return sum(state == "online" for state in states.values()), len(floors)

    def _end_boxes(self) -> tuple[float, dict[str, Any]]:
        """Stop them in order; kB per box, and all that they remember."""
        self._say("boxes stop")
        boxes: dict[str, Any] = {}
        sizes = []
        for worker in self._workers:
            worker.say("stop")
        for worker in self._workers:
            told = json.loads(Path(worker.wait_for("written", 240.0)).read_bytes())
            sizes.append(told["kb_per_box"])
            boxes |= told["boxes"]
            worker.end()
        return sum(sizes) / len(sizes), boxes

    # -- looking -------------------------------------------------------------------------------------------------

    def _arrivals(self, word: str = "dump") -> dict[str, list[Arrival]]:
        """Everything that any consumer saw until now, by the way of reading; `leave`: and the ones of now are no more."""
        found = {readers: list(came) for readers, came in self._past.items()}
        here = found.setdefault(self._readers, [])
        for child in self._consumers:
            path = self.folder / f"{child.name}.arrivals"
            child.ask(f"{word} {path}", "dumped")
            here += msgspec.msgpack.decode(path.read_bytes(), type=list[Arrival])
        return found

    def _up(self) -> int:
        return sum(worker.last.get("up", 0) for worker in self._workers)

    def _behind(self) -> int:
        return sum(worker.last.get("behind", 1) for worker in self._workers)

    def _wait(self, seconds: float, what: str) -> None:
        self._follow(lambda: False, what, seconds, must=False)

    def _follow(self, done: Callable[[], bool], what: str, within_s: float, up_s: float | None = None, *, must: bool = True) -> None:
        """Look until it is done, saying twice a second at most how it stands; `must`: raise FleetError when it never is."""
        begun_s = told_s = time.monotonic()
        while not done():
            now_s = time.monotonic()
            for child in (*self._workers, *self._consumers):
                if child.process.poll() is not None:
                    raise FleetError(f"{child.name} ended with {child.process.returncode}: {child.log()}")
                if faults := child.last.get("faults"):
                    raise FleetError(f"a box's service ended: {faults[0]}")
            if now_s - begun_s > within_s:
                if must:
                    raise FleetError(f"{what}: not within {within_s:.0f} s; {self._up()} of {self.plan.boxes} boxes are connected")
                return
            if now_s - told_s >= 2.0:
                told_s = now_s
                self._say(self._line(what, now_s - (up_s or begun_s)))
            time.sleep(0.05)

    def _line(self, what: str, since_s: float) -> str:
        arrivals = sum(len(came) for came in self._past.values()) + sum(child.last.get("arrivals", 0) for child in self._consumers)
        recorded = sum(worker.last.get("acknowledged", 0) for worker in self._workers)
        return f"{what}: {since_s:3.0f} s, {self._up()} of {self.plan.boxes} connected, {recorded} recorded, {arrivals} arrived"


def _all(arrivals: dict[str, list[Arrival]]) -> list[Arrival]:
    return [one for came in arrivals.values() for one in came]


def _within(missing: dict[str, list[tuple[int, int]]], low: dict[str, int], high: dict[str, int]) -> int:
    """How many of the missing numbers are above `low` and up to `high` of their box."""
    return sum(max(0, min(last, high[box]) - max(first - 1, low.get(box, 0))) for box, found in missing.items() for first, last in found)


def _noted(replies: dict[str, str], reply: dict[str, Any]) -> None:
    if replies.get(reply["id"]) in (None, "accepted"):
        replies[reply["id"]] = reply["state"]


def _final(replies: dict[str, str]) -> set[str]:
    return {name for name, state in replies.items() if state != "accepted"}
