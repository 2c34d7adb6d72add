"""Decides what the people at the demo's desks do with their headsets: in step with their calls, and now and then not.

Each of some simulated agents has a simulated headset. He takes it up for a call and lays it down after; he mutes it for a moment;
and once in a while somebody hangs up on a caller who stays, or pulls the plug while the queue still counts on him, so that the
comparison with the PBX has something to find.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Final

from appliance.core.clock import Clock, SystemClock
from appliance.sim.floor_model_state import Agent, chance_of
from appliance.sim.floor_scenario import Headsets
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_line import HeadsetLine
from appliance.sim.headset_model import MODELS
from appliance.sim.headset_script import Act
from appliance.sim.pbx import SimPbx

#: The demo's own: as many as fit one page of a board; of the calls the shares at which somebody mutes, and lays down too early.
OWN: Final = Headsets(seats=12, mutes=0.35, lays_down=0.08, pull_every_s=40.0)
_MODELS: Final = ("jabra", "epos", "poly", "jabra-base", "phone")
_EVERY_S: Final = 0.25
_MUTED_S: Final = (2.0, 6.0)
#: Long enough that each is found (docs/headsets.md: after 5 and 10 s), short enough that it is soon over.
_LAID_DOWN_S: Final = 12.0
_PULLED_S: Final = 20.0
#: A USB device is asked every few milliseconds what it has to say.
_BUS_S: Final = 0.004


class DemoDesk:
    """One agent with a headset."""

    def __init__(self, agent: Agent, line: HeadsetLine, chance: Random, habits: Headsets = OWN) -> None:
        self.agent, self.line = agent, line
        self._habits = habits
        self._chance = chance
        self._in_call = False
        #: What is still to be done in this call: (seconds after its begin, word).
        self._to_do: list[tuple[float, str]] = []
        self._plug_s: float | None = None
        #: When he last touched it, by the loop's clock.
        self.touched_s = -math.inf

    async def look(self, now_s: float) -> None:
        """Do what is due by now."""
        talks = self.agent.mode == "talking"
        if self._plug_s is not None:
            if talks or now_s >= self._plug_s:  # whoever gets a call sees to it
                self._plug_s = None
                self.touched_s = asyncio.get_running_loop().time()
                await self.line.plug()
            return
        if talks and not self._in_call:
            await self._do("lift")
            self._to_do = [(now_s + after_s, word) for after_s, word in self._plans()]
        elif self._in_call and not talks:
            self._to_do.clear()
            await self._do("hang-up")
        self._in_call = talks
        while self._to_do and self._to_do[0][0] <= now_s:
            await self._do(self._to_do.pop(0)[1])

    async def pull(self, now_s: float) -> None:
        """Somebody pulls the plug, and has it in again after a while."""
        self._to_do.clear()
        self._in_call = False
        self._plug_s = now_s + _PULLED_S
        self.touched_s = asyncio.get_running_loop().time()
        await self.line.pull()

    @property
    def is_free(self) -> bool:
        """Whether the agent waits for a call with his headset in."""
        return self._plug_s is None and self.agent.mode == "idle" and not any(member.paused for member in self.agent.members)

    def _plans(self) -> list[tuple[float, str]]:
        dice = self._chance.random()
        habits = self._habits
        if dice < habits.lays_down:
            return [(3.0, "hang-up"), (3.0 + _LAID_DOWN_S, "lift")]
        if dice < habits.lays_down + habits.mutes:
            begin_s = self._chance.uniform(1.0, 4.0)
            return [(begin_s, "mute"), (begin_s + self._chance.uniform(*_MUTED_S), "mute")]
        return []

    async def _do(self, word: str) -> None:
        self.touched_s = asyncio.get_running_loop().time()
        await self.line.do(Act(word))


class DemoDesks:
    """All of them. An async context manager: the headsets are plugged in while it runs."""

    def __init__(self, pbx: SimPbx, folder: Path, seed: int, habits: Headsets = OWN, clock: Clock | None = None) -> None:
        self._pbx, self._chance, self._habits = pbx, chance_of(f"{seed}/desks"), habits
        answer_s = _BUS_S if clock is not None else 0.0  # by the machine's own clock it takes its time anyway
        clock = clock or SystemClock()
        agents = list(pbx.model.staff.agents.values())[: habits.seats]
        self.desks = [
            DemoDesk(
                agent,
                HeadsetLine(
                    SimHeadset(MODELS[_MODELS[at % len(_MODELS)]], serial=f"SIM{at + 1}"),
                    folder / f"{agent.plan.extension}.sock",  # short: a socket's path has little room
                    clock,
                    port=f"sim-{at + 1}",
                    answer_s=answer_s,
                ),
                chance_of(f"{seed}/desk/{at}"),
                habits,
            )
            for at, agent in enumerate(agents)
        ]
        self._stack = AsyncExitStack()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> DemoDesks:
        for desk in self.desks:
            await self._stack.enter_async_context(desk.line)
        self._task = asyncio.create_task(self._run(), name="desks")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()
        await self._stack.aclose()

    async def rest(self) -> None:
        """Nobody touches a headset any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    def configuration(self) -> str:
        """The tables that a box needs for these seats."""
        seats = "\n".join(
            f'[headsets.seat.s-{desk.agent.plan.extension}]\nurl = "{desk.line.url}"\ninterface = "{desk.agent.plan.device}"\n'
            for desk in self.desks
        )
        return f"[privacy]\nheadsets = true\n\n[headsets]\n\n{seats}"

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        every_s = self._habits.pull_every_s or math.inf
        pull_s = loop.time() + every_s / 2
        while True:
            now_s = loop.time()
            for desk in self.desks:
                await desk.look(now_s)
            free = [desk for desk in self.desks if desk.is_free] if now_s >= pull_s else []
            if free:
                pull_s = now_s + every_s
                await self._chance.choice(free).pull(now_s)
            await asyncio.sleep(_EVERY_S)
