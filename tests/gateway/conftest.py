"""What the PBX tests share: the recorded mornings, a tally of events, and a PBX scripted by hand in the captures' style."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from appliance.core.catalogue import (
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallLeft,
    CallLost,
    CallQueued,
    kind_of,
)
from appliance.core.clock import NS
from appliance.core.config import Config
from gateway.asterisk.ami import Message, Parser
from gateway.asterisk.source import PbxSource
from gateway.pbx.replay_feed import feed_capture

CAPTURES = Path(__file__).parents[1] / "captures"


class Tally:
    """Counts of what a list of events says, per queue; asserts that every visit ends once and in order."""

    def __init__(self, events: Iterable[Struct]) -> None:
        self.events = list(events)
        self.queues: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.wait_s: defaultdict[str, list[float]] = defaultdict(list)
        self.talk_s: defaultdict[str, list[float]] = defaultdict(list)
        self.answered_by: Counter[str] = Counter()
        self.state: dict[str, str] = {}
        for event in self.events:
            self._count(event)

    def _count(self, event: Struct) -> None:
        match event:
            case CallQueued():
                assert event.visit not in self.state
                self._enter(event, "waiting", "offered")
            case CallAnswered():
                self._leave(event, "waiting", "talking", "answered")
                self.wait_s[event.queue or ""].append(event.wait_s)
                self.answered_by[event.agent or ""] += 1
            case CallAbandoned():
                self._leave(event, "waiting", "over", "abandoned")
            case CallLeft(visit=None):
                self.queues[event.queue or ""]["refused"] += 1
            case CallLeft():
                self._leave(event, "waiting", "over", "left")
                self.queues[event.queue or ""][event.reason] += 1
            case CallLost():
                self._leave(event, "waiting", "over", "lost")
            case CallEnded():
                self._leave(event, "talking", "over", "ended")
                self.talk_s[event.queue or ""].append(event.talk_s)

    def _enter(self, event: Any, state: str, count: str) -> None:
        self.state[event.visit] = state
        self.queues[event.queue][count] += 1

    def _leave(self, event: Any, before: str, after: str, count: str) -> None:
        assert self.state.get(event.visit) == before, (event, self.state.get(event.visit))
        self._enter(event, after, count)

    @property
    def waiting(self) -> int:
        return sum(state == "waiting" for state in self.state.values())

    def total(self, count: str) -> int:
        return sum(queue[count] for queue in self.queues.values())

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if kind_of(event) == kind]


class Script:
    """A PBX played by hand: events go through the real parser and source, at times that the test sets."""

    def __init__(self, config: Config | None = None) -> None:
        self.source = PbxSource("central", config or Config())
        self.parser = Parser()
        self.now_ns = 1_000 * NS
        self.events: list[Struct] = []
        self.times_ns: list[int] = []
        self.privilege = "call"

    def add(self, events: Iterable[Struct]) -> None:
        """Take events as the journal would, with their time."""
        for event in events:
            self.events.append(event)
            self.times_ns.append(self.now_ns)

    def at(self, t: float) -> Script:
        """Move the clock to t seconds; what falls due on the way happens at its own time."""
        until_ns = 1_000 * NS + round(t * NS)
        while (due_ns := self.source.next_due_ns) is not None and due_ns <= until_ns:
            self.now_ns = max(self.now_ns, due_ns)
            self.add(self.source.tick(self.now_ns))
        self.now_ns = until_ns
        return self

    def feed(self, data: bytes) -> Script:
        for message in self.parser.feed(data):
            self.add(self.source.on_message(message, self.now_ns))
        return self

    def say(self, name: str, **fields: object) -> Script:
        rows = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
        return self.feed(f"Event: {name}\r\nPrivilege: {self.privilege},all\r\n{rows}\r\n".encode())

    def connect(
        self,
        *,
        entries: Iterable[dict[str, object]] = (),
        members: Iterable[dict[str, object]] = (),
        channels: Iterable[dict[str, object]] | None = (),
        started: str | None = "19:36:47",
        uptime: int = 7,
        settle: bool = True,
    ) -> Script:
        """A new session, its login done and its lists answered; channels None: denied, started None: denied."""
        self.parser = Parser()
        self.add(self.source.connected(self.now_ns))
        self.feed(b"Asterisk Call Manager/11.0.0\r\n")
        for action in ("CoreStatus", "CoreSettings", "QueueStatus", "QueueSummary", "CoreShowChannels", "DeviceStateList"):
            self.source.sent(action, f"id-{action}")
        self.say("FullyBooted", Uptime=uptime)
        self._answer("CoreStatus", {"CoreStartupDate": "2026-11-21", "CoreStartupTime": started} if started else None)
        self._answer("CoreSettings", {"AsteriskVersion": "22.10.1"} if started else None)
        self._answer("QueueStatus", {"EventList": "start"})
        for queue in dict.fromkeys(str(row["Queue"]) for row in [*members, *entries]):
            self._row("QueueParams", "QueueStatus", {"Queue": queue})
        for row in members:
            self._row("QueueMember", "QueueStatus", row)
        for row in entries:
            self._row("QueueEntry", "QueueStatus", row)
        self._row("QueueStatusComplete", "QueueStatus", {"EventList": "Complete"})
        self._answer("CoreShowChannels", None if channels is None else {"EventList": "start"})
        if channels is not None:
            for row in channels:
                self._row("CoreShowChannel", "CoreShowChannels", row)
            self._row("CoreShowChannelsComplete", "CoreShowChannels", {"EventList": "Complete"})
        return self.at((self.now_ns / NS - 1_000) + 0.5) if settle else self

    def disconnect(self) -> Script:
        self.add(self.source.disconnected(self.now_ns))
        return self

    def _answer(self, action: str, fields: dict[str, object] | None) -> None:
        word = "Error" if fields is None else "Success"
        rows = "".join(f"{k}: {v}\r\n" for k, v in (fields or {"Message": "Permission denied"}).items())
        self.feed(f"Response: {word}\r\nActionID: id-{action}\r\n{rows}\r\n".encode())

    def _row(self, name: str, action: str, fields: dict[str, object]) -> None:
        rows = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
        self.feed(f"Event: {name}\r\n{rows}ActionID: id-{action}\r\n\r\n".encode())

    # The common events, by what they mean

    def join(self, uniqueid: str, queue: str = "ventas", **more: object) -> Script:
        return self.say("QueueCallerJoin", **{**chan(uniqueid), "Queue": queue, "Position": 1, "Count": 1, **more})

    def ring(self, uniqueid: str, leg: str, agent: int = 101, queue: str = "ventas", **more: object) -> Script:
        self.say("Newchannel", **chan(leg, f"PJSIP/{agent}-{leg}", state=0, linkedid=uniqueid))
        return self.say("AgentCalled", **chan(uniqueid), **dest(leg, f"PJSIP/{agent}-{leg}"), **who(agent, queue), **more)

    def connect_agent(self, uniqueid: str, leg: str, agent: int = 101, queue: str = "ventas", **more: object) -> Script:
        self.say("Newstate", **chan(leg, f"PJSIP/{agent}-{leg}", state=6, linkedid=uniqueid))
        self.say("QueueCallerLeave", **chan(uniqueid), Queue=queue, Position=1, Count=0)
        return self.say(
            "AgentConnect", **chan(uniqueid), **dest(leg, f"PJSIP/{agent}-{leg}"), **who(agent, queue), HoldTime=1, RingTime=1, **more
        )

    def complete(self, uniqueid: str, leg: str, agent: int = 101, queue: str = "ventas", reason: str = "agent", talk: int = 0) -> Script:
        return self.say(
            "AgentComplete", **chan(uniqueid), **dest(leg, f"PJSIP/{agent}-{leg}"), **who(agent, queue),
            HoldTime=1, TalkTime=talk, Reason=reason,
        )  # fmt: skip

    def hangup(self, uniqueid: str, name: str = "") -> Script:
        return self.say("Hangup", **chan(uniqueid, name), Cause=16)

    def abandon(self, uniqueid: str, queue: str = "ventas") -> Script:
        self.say("QueueCallerAbandon", **chan(uniqueid), Queue=queue, Position=1, OriginalPosition=1, HoldTime=4)
        return self.say("QueueCallerLeave", **chan(uniqueid), Queue=queue, Position=1, Count=0)

    def member(self, agent: int = 101, queue: str = "ventas", event: str = "QueueMemberStatus", **more: object) -> Script:
        return self.say(event, **{**member(agent, queue), **more})

    @property
    def tally(self) -> Tally:
        return Tally(self.events)

    def states(self, agent: str = "agente-101") -> list[str]:
        """The agent's states in order, log-ins and log-outs included."""
        out = []
        for event in self.events:
            kind = kind_of(event)
            if kind.startswith("agent.") and event.agent == agent:  # type: ignore[attr-defined]
                out.append(event.state if kind == "agent.state" else kind[6:])  # type: ignore[attr-defined]
        return out


def chan(uniqueid: str, name: str = "", state: int = 6, linkedid: str = "") -> dict[str, object]:
    return {
        "Channel": name or f"PJSIP/trunk-norte-{uniqueid}",
        "ChannelState": state,
        "CallerIDNum": "612000101",
        "Exten": "s",
        "Uniqueid": uniqueid,
        "Linkedid": linkedid or uniqueid,
    }


def dest(uniqueid: str, name: str) -> dict[str, object]:
    return {"DestChannel": name, "DestUniqueid": uniqueid}


def who(agent: int, queue: str) -> dict[str, object]:
    return {"Queue": queue, "Interface": f"PJSIP/{agent}", "MemberName": f"Agente {agent}"}


def member(agent: int = 101, queue: str = "ventas", status: int = 1, **more: object) -> dict[str, object]:
    """A membership as live events name it; list rows say Name and Location."""
    return {
        **who(agent, queue), "StateInterface": f"PJSIP/{agent}", "Status": status, "Paused": 0, "PausedReason": "", "Wrapuptime": 0, **more,
    }  # fmt: skip


def listed(agent: int = 101, queue: str = "ventas", status: int = 1, **more: object) -> dict[str, object]:
    row = member(agent, queue, status)
    row["Name"], row["Location"] = row.pop("MemberName"), row.pop("Interface")
    return {**row, **more}


@pytest.fixture
def script() -> Callable[..., Script]:
    """Makes a scripted PBX, already connected with one agent in `ventas`."""

    def make(config: Config | None = None, *, connected: bool = True) -> Script:
        made = Script(config)
        return made.connect(members=[listed()]) if connected else made

    return make


@pytest.fixture
def rows() -> Any:
    """Builders of list rows and members for a scripted PBX."""

    class Rows:
        listed = staticmethod(listed)
        member = staticmethod(member)
        chan = staticmethod(chan)
        dest = staticmethod(dest)
        who = staticmethod(who)

    return Rows


@pytest.fixture
def replayed() -> Callable[..., Tally]:
    """Folds one capture into a tally."""

    def make(folder: str, config: Config | None = None, stream: str = "lean") -> Tally:
        with gzip.open(CAPTURES / folder / f"{stream}.jsonl.gz", "rb") as lines:
            return Tally(event for _, events in feed_capture(lines, config or Config()) for event in events)

    return make


@pytest.fixture
def truth() -> Callable[[str], dict[str, Any]]:
    """What the PBX's own log says of a capture."""
    return lambda folder: json.loads((CAPTURES / folder / "truth.json").read_text())


@pytest.fixture
def recorded() -> Callable[..., bytes]:
    """Every byte that a capture's PBX sent, connections run together."""

    def make(folder: str, stream: str = "lean") -> bytes:
        with gzip.open(CAPTURES / folder / f"{stream}.jsonl.gz", "rt") as lines:
            next(lines)
            return b"".join(json.loads(line).get("data", "").encode("latin-1") for line in lines)

    return make


@pytest.fixture
def messages_of() -> Callable[[bytes], list[Message]]:
    """Parses bytes in one go."""

    def make(data: bytes) -> list[Message]:
        parser = Parser()
        return parser.feed(data) + parser.close()

    return make


@pytest.fixture
def tally() -> type[Tally]:
    """Counts a list of events and asserts that every visit ends once."""
    return Tally
