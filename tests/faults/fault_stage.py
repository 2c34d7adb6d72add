"""A whole site under load on which faults are played, one round after another, each followed by the judge's word.

The simulated PBX, the gateway, the board, the uplink, a real mosquitto with persistence, a consumer with a durable session, and a line
between uplink and broker that faults may spoil. Beside them somebody looks all the time at the PBX, the account and the board.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from fault_box import Box, Broker, Crm, Site, until
from fault_judge import SLACK_S, Books, Judge, Look, Row, Seen, Span, Truth
from fault_line import Line
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from appliance.core.catalogue import CallHeld
from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.due import due_from_config
from appliance.core.errors import CallfloorError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal

#: Nothing that mosquitto took may be lost by its own death: written at every change, and nothing held back from the consumer.
PERSISTENT = """user root
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_inflight_messages 0
"""
LOOK_S = 0.1
#: How long the box may take to be well again after a fault ended.
WELL_S = 45.0
#: Sight is whole when the gateway says so; what it then appends is shown a commit later.
SIGHT_S = 1.0


class UnwellError(Exception):
    """The site did not come to rest after a fault: why."""


class Looker(threading.Thread):
    """Sees the PBX, the account and the board ten times a second; what was seen is taken away by the round."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self._stage, self._ends, self._lock = stage, threading.Event(), threading.Lock()
        self.truths: list[Truth] = []
        self.books: list[Books] = []
        self.looks: list[Look] = []
        self.errors: list[str] = []
        #: What the board last said of the PBX when it was not in sight.
        self.why = ""
        self._board = threading.Thread(target=self._look, daemon=True)

    def run(self) -> None:
        self._board.start()
        while not self._ends.wait(LOOK_S):
            with contextlib.suppress(OSError, ValueError):
                began_s = time.monotonic()
                said = self._stage.pbx.look()
                with self._lock:
                    least, most = said["waiting"]
                    self.truths.append(
                        Truth(began_s, (int(least), int(most)), (said["longest"][0], said["longest"][1]), int(said["ended"][0]))
                    )
            try:
                account = self._stage.box.account()
            except CallfloorError as fault:
                self.errors.append(f"the account cannot be read: {fault}")
                continue
            with self._lock:
                self.books.append(
                    Books(time.monotonic(), account.recorded, account.delivered, account.waiting, account.shed, account.skipped)
                )

    def _look(self) -> None:
        while not self._ends.wait(LOOK_S):
            asked_s = time.monotonic()
            floor = self._stage.box.floor()
            if floor is None:
                continue
            red = tuple(item["id"] for item in floor.get("health", ()) if item["level"] == "red")
            whole = floor["floor"]
            if whole["fresh"] != "live":
                self.why = str(floor["pbx"])
            look = Look(asked_s, time.monotonic(), whole["fresh"], whole.get("waiting"), whole.get("longest_wait"), floor["crm"], red)
            with self._lock:
                self.looks.append(look)

    @property
    def is_whole(self) -> bool:
        """Does it still look at everything?"""
        return self.is_alive() and self._board.is_alive()

    def taken(self) -> tuple[list[Truth], list[Books], list[Look]]:
        """What was seen since the last time; the last seconds stay for the next round's beginning."""
        now_s = time.monotonic()
        with self._lock:
            out = (self.truths, self.books, [look for look in self.looks if look.came_s < now_s - 2 * SLACK_S])
            self.truths = [t for t in self.truths if t.at_s > now_s - 6.0]
            self.books = [b for b in self.books if b.at_s > now_s - 6.0]
            self.looks = [look for look in self.looks if look.came_s >= now_s - 2 * SLACK_S]  # judged when what came after is seen too
        return out

    def stop(self) -> None:
        self._ends.set()
        self.join()
        self._board.join()


class Stage:
    """One site. `with stage.round() as round:` plays a fault; afterwards `round.faults` says what was wrong."""

    def __init__(self, folder: Path, seed: int, *, journal: Path | None = None, env: dict[str, str] | None = None, crm: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.site, self.seed = folder, Site(folder), seed
        self.pbx = self.site.pbx(seed=seed, speed=4, rate=60, agents=11, patience=25, talk=12, last_call=1e7)
        self.broker, self.crm, url = self._broker()
        self.line = Line(self.broker.port)
        url = url or f"mqtt://127.0.0.1:{self.line.port}"
        self.box: Box = self.site.box(
            pbx_port=self.pbx.port, journal=journal, env=env, mqtt_url=url, crm=crm + self._crm_lines(), prefixes=self._prefixes()
        )
        self._told: dict[str, int] = {}
        self._sight_seq, self._sight_s = 0, 0.0
        self.spans: tuple[list[Span], list[Span]] = ([], [])
        self._read_seq = self.read_received = 0

    def _broker(self) -> tuple[Broker, Crm, str]:
        """The broker, its consumer, and how the box reaches it ("": over the line)."""
        broker = self.site.broker(PERSISTENT.format(folder=self.folder))
        return broker, self.site.crm(broker.port), ""

    def _crm_lines(self) -> str:
        return ""

    def _prefixes(self) -> dict[str, tuple[str, ...]]:
        return {}

    def __enter__(self) -> Stage:
        try:
            self.box.keep("gateway", "wallboard", "uplink")
            until(self.box.sighted, what=self.box.logs)
            with self.box.journal() as journal:
                self.judge = Judge(journal.epoch)
            self.looker = Looker(self)
            self.looker.start()
            self.rest()
            self.looker.taken()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.looker.stop()
        self.close()

    def close(self) -> None:
        self.site.close()
        self.line.close()

    def kill(self, *names: str) -> None:
        """kill -9, as good as at once."""
        for name in names:
            process = self.broker if name == "broker" else self.box.services[name]
            if process.process is not None and process.process.poll() is None:
                process.signal(signal.SIGKILL)
                if name == "broker":
                    process.wait()

    def head(self) -> int:
        with self.box.journal() as journal:
            return journal.head().n

    def append(self, count: int) -> None:
        """Record so many events as another process of the box would, in batches."""
        clock, config = SystemClock(), load(self.box.folder / "callfloor.toml")
        journal = SqliteJournal.open(self.box.journal_path, run_dir=self.box.folder / "run", due=due_from_config(config), clock=clock)
        try:
            for first in range(0, count, 500):
                data = [CallHeld(call=f"c{number}", pbx="other") for number in range(first, min(first + 500, count))]
                told = (clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality())
                journal.append([Event("call.held", "gateway/other", *told, each) for each in data])
        finally:
            journal.close()

    def last_sight_s(self) -> float:
        """When the gateway last said that its sight of the PBX is whole."""
        with self.box.journal() as journal:
            while page := journal.read(self._sight_seq):
                self._sight_seq = page[-1].seq
                for entry in page:
                    if entry.body.startswith(b'{"k":"pbx.resynced"'):
                        self._sight_s = msgspec.json.decode(entry.body)["m"] / 1e9
        return self._sight_s

    def rest(self, within_s: float = WELL_S) -> None:
        """Wait until all that is recorded by now is delivered, and the board is there and says that all is well. Raises UnwellError."""
        upto, end_s, why = self.head(), time.monotonic() + within_s, ""
        while time.monotonic() < end_s:
            why = self._unrest(upto)
            if not why:
                return
            time.sleep(0.1)
        raise UnwellError(f"after {within_s:.0f} s {why}")

    def _unrest(self, upto: int) -> str:
        account = self.box.account()
        if account.recorded - account.waiting < upto:
            return f"{account.waiting} events wait"
        floor = self.box.floor()
        if floor is None:
            return "there is no board"
        if floor["crm"]["state"] not in {"up", "draining"}:
            return f"the board says the link is {floor['crm']['state']}"
        if floor["floor"]["fresh"] != "live":
            return f"the board says that the floor is {floor['floor']['fresh']}"
        red = [item["text"] for item in floor["health"] if item["level"] == "red"]
        return f"the board says: {red[0]}" if red else ""

    def rows_since(self) -> list[Row]:
        """The due rows that are new since the last round and delivered by now."""
        account = self.box.account()
        upto, out = account.recorded - account.waiting, []
        with self.box.journal() as journal:
            while page := journal.read(self._read_seq):
                for entry in page:
                    if entry.n is not None and entry.n > upto:
                        return out
                    self._read_seq = entry.seq
                    if entry.n is not None:
                        out.append(_row(entry))
        return out

    def received_since(self) -> list[dict[str, Any]]:
        """What the consumer got since the last round."""
        first, self.read_received = self.read_received, len(self.crm.received)
        return self.crm.received[first : self.read_received]

    def retained_faults(self) -> list[str]:
        """What the broker should have kept of the box and has not."""
        kept: dict[str, bytes] = {}
        reader = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        reader.on_message = lambda _c, _u, message: kept.update({message.topic.rpartition("/")[2]: message.payload})
        reader.on_connect = lambda client, *_: client.subscribe("callfloor/1/quito/p3/+", 1)
        reader.connect("127.0.0.1", self.broker.port)
        reader.loop_start()
        end_s = time.monotonic() + 5.0
        while time.monotonic() < end_s and not {"info", "status", "floor"} <= kept.keys():
            time.sleep(0.05)
        reader.disconnect()
        reader.loop_stop()
        found = [f"the broker has no {topic} of the box" for topic in ("info", "status", "floor") if not kept.get(topic)]
        if not found and msgspec.json.decode(kept["status"])["state"] != "online":
            found.append(f"the broker says that the box is {kept['status']!r}")
        return found

    def tracebacks(self) -> list[str]:
        """Services that told of a fault that nobody caught, since the last time they were asked."""
        found = []
        for name, process in self.box.services.items():
            count = process.log().count("Traceback")
            if count > self._told.get(name, 0):
                self._told[name] = count
                found.append(name)
        return found

    @contextlib.contextmanager
    def round(self, *, well_s: float = WELL_S, slower_s: float = 0.0) -> Iterator[Round]:
        """Play a fault inside; it is judged at the end."""
        played = Round(self)
        yield played
        try:
            self.rest(well_s)
        except UnwellError as fault:
            played.faults.append(str(fault))
        played.judge(slower_s)


class Round:
    """What a fault tells about itself while it is played, and what the judge said of it."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.began_s = stage, time.monotonic()
        self.faults: list[str] = []
        #: Which case of its kind this is.
        self.name = ""
        #: What is retained must come again: `info`, `status` and `floor` of the box.
        self.retained_again = False
        #: Events may come for the first time out of order.
        self.disorder = False
        self._blind: list[Span] = []
        self._down: list[Span] = []

    @contextlib.contextmanager
    def blind(self) -> Iterator[None]:
        """From here until the gateway says that sight is whole again, the board may know nothing of the PBX."""
        began_s = time.monotonic()
        yield
        self._blind.append(Span(began_s - 0.2, self._sight_whole(began_s)))

    def _sight_whole(self, after_s: float) -> float:
        end_s = time.monotonic() + WELL_S
        while time.monotonic() < end_s:
            if (sight_s := self._stage.last_sight_s()) > after_s:
                return sight_s + SIGHT_S
            time.sleep(0.1)
        self.faults.append(f"the gateway has no sight of the PBX after {WELL_S:.0f} s")
        return time.monotonic()

    @contextlib.contextmanager
    def down(self, allow_s: float = 0.0) -> Iterator[None]:
        """Inside, the link to the CRM cannot be up; the box may take `allow_s` more than usual to find out."""
        began_s = time.monotonic()
        yield
        self._down.append(Span(began_s + allow_s, time.monotonic()))

    def board_says(self, state: str) -> None:
        """The board names the link so by now."""
        said: list[str] = []
        for _ in range(10):  # a state of a moment may be between two others
            floor = self._stage.box.floor()
            if floor is not None:
                said.append(floor["crm"]["state"])
                if said[-1] == state:
                    return
            time.sleep(0.1)
        self.faults.append(f"the board should say that the link is {state}; it says {', '.join(sorted(set(said)))}")

    def judge(self, slower_s: float) -> None:
        """Take what was seen and have it judged."""
        stage = self._stage
        rows = stage.rows_since()
        upto = rows[-1].n if rows else 0
        end_s = time.monotonic() + 5.0
        while time.monotonic() < end_s:  # the broker's answer to the box and its message to the consumer go different ways
            numbers = {int(event["delivery"]) for event in stage.crm.received[stage.read_received :]}
            if all(row.n in numbers for row in rows) or stage.box.account().recorded - stage.box.account().waiting < upto:
                break
            time.sleep(0.1)
            rows += stage.rows_since()  # what tells of an event that was given up comes behind it
        truths, books, looks = stage.looker.taken()
        self.faults += stage.looker.errors
        if not stage.looker.is_whole:
            self.faults.append("nobody looks any more: see the traceback above")
        stage.looker.errors = []
        blind, down = stage.spans
        seen = Seen(rows, stage.received_since(), books, looks, truths, blind + self._blind, down + self._down, slower_s)
        stage.spans = (self._blind, self._down)  # the next round judges the last looks of this one
        found = stage.judge.faults(seen)
        if self.disorder:
            found = [fault for fault in found if not fault.startswith("out of order")]
        self.faults += [f"{fault} ({stage.looker.why})" if "though the PBX" in fault else fault for fault in found]
        if self.retained_again:
            self.faults += stage.retained_faults()
        self.faults += [f"{name} has a traceback in its log" for name in stage.tracebacks()]


def _row(entry: Any) -> Row:
    body = msgspec.json.decode(entry.body)
    return Row(entry.seq, entry.n, body["k"], body["d"])
