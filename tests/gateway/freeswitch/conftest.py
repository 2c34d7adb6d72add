"""A FreeSWITCH scripted by hand: events through the real parser and source, at times that the test sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.sim.freeswitch_text import event, reply, table
from gateway.freeswitch.esl import Parser
from gateway.freeswitch.source import AGENTS, FreeswitchSource
from gateway.freeswitch.wire import asked_in

EPOCH_S = 1_795_000_000
QUEUE = "ventas@default"
AGENT = "1000@default"
_AGENT = ("name", "uuid", "contact", "status", "state", "wrap_up_time", "last_bridge_end")
_MEMBER = ("queue", "uuid", "session_uuid", "cid_number", "cid_name", "joined_epoch", "rejoined_epoch", "serving_agent", "state")


class Script:
    """One PBX. `events` is what the journal would hold."""

    def __init__(self, config: Config | None = None) -> None:
        self.source, self.parser = FreeswitchSource("central", config or Config()), Parser()
        self.now_ns, self.core, self.events = 1_000 * NS, "core-1", list[Struct]()
        self.members: list[tuple[object, ...]] = []
        self.agents: list[tuple[object, ...]] = [(AGENT, "", "user/1000@default|user/2000", "Available", "Waiting", 0, 0)]
        self.queues: list[str] = [QUEUE]
        self.refused: set[str] = set()
        self._serial = 0

    def at(self, t: float) -> Script:
        until_ns = 1_000 * NS + round(t * NS)
        while (due_ns := self.source.next_due_ns) is not None and due_ns <= until_ns:
            self.now_ns = max(self.now_ns, due_ns)
            self.events += self.source.tick(self.now_ns)
        self.now_ns = max(self.now_ns, until_ns)
        return self

    @property
    def wall_s(self) -> float:
        return EPOCH_S + self.now_ns / NS - 1_000

    def feed(self, data: bytes) -> Script:
        for message in self.parser.feed(data):
            self.events += self.source.on_message(message, self.now_ns)
        return self

    def say(self, name: str, body: str = "", **fields: object) -> Script:
        """An event; of mod_callcenter where the name is one of its actions. Underscores stand for dashes."""
        told: dict[str, object] = {key if key.startswith("variable_") else key.replace("_", "-"): value for key, value in fields.items()}
        head: dict[str, object] = {"Core-UUID": self.core, "Event-Date-Timestamp": round(self.wall_s * 1_000_000)}
        if "::" in name:
            head["Event-Subclass"], name = name, "CUSTOM"
        elif name.islower():
            head["Event-Subclass"], told["CC-Action"] = "callcenter::info", name
            name = "CUSTOM"
        return self.feed(event(name, head, told, body))

    def connect(self, *, settle: bool = True) -> Script:
        self.parser = Parser()
        self.events += self.source.connected(self.now_ns)
        return self.answer(settle=settle)

    def answer(self, *, settle: bool = True) -> Script:
        """Let the PBX answer all that is asked for now."""
        while asked := self.source.requests(self.now_ns):
            for request in asked:
                self._serial += 1
                job = f"callfloor-{self._serial}"
                assert list(asked_in(f"bgapi {request}\nJob-UUID: {job}\n\n".encode())) == [(request, job)]
                self.source.sent(request, job)
                if request in self.refused:
                    self.feed(reply("-ERR permission denied"))
                    continue
                self.feed(reply(f"+OK Job-UUID: {job}", Job_UUID=job))
                self.say("BACKGROUND_JOB", self.text(request), Job_UUID=job)
        return self.at(self.now_ns / NS - 1_000 + 0.5) if settle else self

    def text(self, request: str) -> str:
        if request == "version":
            return "FreeSWITCH Version 1.10.12 (64bit)\n"
        if request == AGENTS:
            return table(_AGENT, self.agents)
        if request.endswith("queue list"):
            return table(("name", "strategy"), [(queue, "ring-all") for queue in self.queues])
        if request.endswith("tier list"):
            return table(("queue", "agent", "state"), [(QUEUE, agent[0], "Ready") for agent in self.agents])
        if request.startswith("show channels"):
            return '{"row_count":0}'
        return table(_MEMBER, [row for row in self.members if row[0] == request.rpartition(" ")[2]])

    def disconnect(self) -> Script:
        self.events += self.source.disconnected(self.now_ns)
        return self

    # What happens, in mod_callcenter's order

    def member(self, number: int, queue: str = QUEUE, stay: str = "a") -> dict[str, object]:
        return {
            "CC_Queue": queue, "CC_Member_UUID": f"m{number}{stay}", "CC_Member_Session_UUID": f"c{number}",
            "CC_Member_CID_Number": f"61200010{number}", "CC_Member_CID_Name": "Ana",
        }  # fmt: skip

    def join(self, number: int = 1, **more: Any) -> Script:
        return self.say("member-queue-start", **self.member(number, **more), Answer_State="answered", Caller_Destination_Number="5000")

    def ring(self, number: int = 1, **more: Any) -> Script:
        self.say("agent-state-change", CC_Agent=AGENT, CC_Agent_State="Receiving")
        return self.say("agent-offering", **self.member(number, **more), CC_Agent=AGENT)

    def take(self, number: int = 1, *, joined: bool = True, **more: Any) -> Script:
        told = self.member(number, **more) | {"CC_Agent": AGENT, "CC_Agent_UUID": "leg", "CC_Member_Joined_Time": int(self.wall_s)}
        self.say("bridge-agent-start", **told, Channel_Name="sofia/internal/1000")
        return self.say("agent-state-change", CC_Agent=AGENT, CC_Agent_State="In a queue call") if joined else self

    def cancel(self, number: int = 1, reason: str = "BREAK_OUT", **more: object) -> Script:
        return self.say("member-queue-end", **self.member(number), CC_Cause="Cancel", CC_Cancel_Reason=reason, **more)

    def over(
        self, number: int = 1, *, bridged: bool = True, alive: bool = False, to: str = "5000", stay: str = "a", how: str = ""
    ) -> Script:
        told = self.member(number, stay=stay) | {"CC_Agent": AGENT, "CC_Agent_UUID": "leg"}
        self.say("bridge-agent-end", **told, CC_Agent_Bridged="true" if bridged else "false")
        if bridged:
            state = {"Answer_State": "answered" if alive else "hangup", "Caller_Destination_Number": to}
            state |= {"variable_transfer_source": f"1700000000:c{number}:{how}"} if how else {}
            self.say("member-queue-end", **told, CC_Cause="Terminated", **state)
        return self.say("agent-state-change", CC_Agent=AGENT, CC_Agent_State="Waiting")

    def hang_up(self, channel: str, cause: str = "NORMAL_CLEARING") -> Script:
        return self.say("CHANNEL_HANGUP", Unique_ID=channel, Hangup_Cause=cause, Answer_State="hangup")

    # What came of it

    def of(self, *kinds: str) -> list[Any]:
        return [event for event in self.events if kind_of(event) in kinds]

    def calls(self) -> list[str]:
        return [kind_of(event).partition(".")[2] for event in self.events if kind_of(event).startswith("call.")]

    def states(self) -> list[str]:
        return [event.state for event in self.of("agent.state")]


@pytest.fixture
def script() -> Callable[..., Script]:
    return Script


@pytest.fixture
def up() -> Script:
    """Connected, its lists read, one agent available."""
    return Script().connect()


def member_row(number: int, state: str, joined_s: float, *, agent: str = "", stay: str = "a") -> tuple[object, ...]:
    return (QUEUE, f"m{number}{stay}", f"c{number}", f"61200010{number}", "Ana|Paz", EPOCH_S + int(joined_s), 0, agent, state)


@pytest.fixture
def row() -> Callable[..., tuple[object, ...]]:
    return member_row
