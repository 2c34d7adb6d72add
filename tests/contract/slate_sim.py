"""A simulated Slate (docs/adding-a-pbx.md): the seeded floor of the other simulated PBXs, told in lines of words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from appliance.sim.floor_model_state import (
    Agent,
    Answered,
    Ended,
    FloorEvent,
    Joined,
    Left,
    MemberPaused,
    PhoneReachable,
    Rang,
    RingEnded,
    Visit,
)
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_session import Session, User

_DESK = {"idle": "free", "wrap_up": "free", "ringing": "ring", "talking": "talk", "away": "away"}


def line(*words: object) -> bytes:
    return (" ".join(quote(str(word), safe="") for word in words) + "\n").encode()


class Board:
    """One start of a Slate. `say(class, bytes)` takes each line."""

    def __init__(self, pbx: SimSlate, say: Callable[[str, bytes], None]) -> None:
        self._pbx, self._say, self.started_s = pbx, say, pbx.wall_s()
        self.silent = self.stopping = False
        self.boot = f"{self.started_s:.6f}"

    def say(self, *words: object) -> None:
        if not self.silent and words[0] != "Shutdown":
            self._say("call", line(*words))

    def apply(self, happened: FloorEvent) -> None:
        match happened:
            case Joined(visit):
                self.say("JOIN", channel(visit), visit.queue.plan.name, visit.call.caller)
            case Rang(visit, member):
                self.say("RING", channel(visit), member.agent.plan.name)
                self.say(*desk(member.agent))
            case RingEnded(_, member, _) | MemberPaused(member):
                self.say(*desk(member.agent))
            case Answered(visit, member, _):
                self.say("TAKE", channel(visit), member.agent.plan.name)
                self.say(*desk(member.agent))
            case Ended(visit, by, _):
                self.say("DONE", channel(visit), by)
                if visit.member is not None:
                    self.say(*desk(visit.member.agent))
            case Left(visit, _, by, member):
                self._leave(visit, by)
                if member is not None:
                    self.say(*desk(member.agent))
            case PhoneReachable(agent, _):
                self.say(*desk(agent))

    def _leave(self, visit: Visit, by: str) -> None:
        if visit.outcome == "abandoned" and by == "caller":
            self.say("HANG", channel(visit))
        else:
            self.say("LEAVE", channel(visit), {"timeout": "late", "exitkey": "key"}.get(visit.outcome, "other"))

    def list(self, number: str) -> bytes:
        model, out = self._pbx.model, []
        for call in model.calls.values():
            if (visit := call.visit) is not None and visit.outcome == "waiting":
                waited_s = int((model.now_s - visit.joined_s) / self._pbx.speed)
                out.append(line("WAITS", channel(visit), visit.queue.plan.name, call.caller, waited_s))
            elif visit is not None:
                out.append(line("TALKS", channel(visit), visit.queue.plan.name))
        out += [line(*desk(agent)) for agent in model.staff.agents.values()]
        return b"".join([*out, line("END", number)])


def channel(visit: Visit) -> str:
    return f"c{visit.call.number}"


def desk(agent: Agent) -> tuple[str, ...]:
    word = "pause" if agent.mode == "idle" and all(member.paused for member in agent.members) else _DESK[agent.mode]
    return ("DESK", agent.plan.name, word, ",".join(member.queue.plan.name for member in agent.members))


class SlateSession(Session):
    """One client: LOGIN, LIST, PING."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pbx: SimSlate) -> None:
        super().__init__(reader, writer, {}, lambda session, request: b"", lambda: "", auth_timeout_s=30.0, write_timeout_s=5.0)
        self._lines, self._pbx = reader, pbx
        self.greeting = line("SLATE", pbx.board.boot)

    async def _serve(self) -> None:
        while raw := await self._lines.readline():
            await self._running.wait()
            word, _, rest = raw.decode("utf-8", "replace").strip().partition(" ")
            if word == "LOGIN" and rest == self._pbx.secret:
                self.user, self.mask = User(), frozenset({"call"})
                self.send(line("WELCOME"))
            elif self.user is None:
                self.send(line("SORRY", "wrong secret"))
                return
            elif word == "LIST":
                self._pbx.catch_up()
                self.send(self._pbx.board.list(rest))
            elif word == "PING":
                self.send(line("PONG"))


class SimSlate(SimPbx):
    """The server."""

    secret = "slate"

    def boot(self) -> Any:
        self.board = Board(self, self.tell)
        self.switch = self.board  # type: ignore[assignment]
        self.starts_s.append(self.board.started_s)
        return self.board

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = SlateSession(reader, writer, self)
        session.freeze(self.stalled)
        task = asyncio.current_task()
        assert task is not None
        self.sessions.add(session)
        self._clients.add(task)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)
            self._clients.discard(task)
