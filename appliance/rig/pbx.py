"""Decides how a rig's PBX is handled: calls, agents and faults by hand on a floor that stands still, or a seeded scenario; its truth."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

from appliance.core.errors import MisconfiguredError
from appliance.rig.hand_floor import AGENTS, QUEUES, HandFloor, still_plan
from appliance.rig.part import Deed, number, text
from appliance.rig.values import Values
from appliance.sim.floor_model_plan import SCENARIOS, Plan, plan_named
from appliance.sim.floor_scenario_file import names, scenario_named
from appliance.sim.floor_scenario_plan import plan_of
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_fault import FAULTS
from gateway.opcua.rig_port import RigArgument, Scalar

#: The scenario of a rig at rest: nothing happens by itself.
STILL: Final = "still"
_LOOK_S: Final = 0.2
_TOTALS: Final = ("offered", "answered", "abandoned", "waiting")
_AGENT: Final = RigArgument(name="agent", kind="text", text="an agent's extension", choices=tuple(AGENTS))
_QUEUE: Final = RigArgument(
    name="queue", kind="text", text="a queue", required=False, default=QUEUES[0].name, choices=tuple(queue.name for queue in QUEUES)
)


class RigPbx:
    """The PBX. An async context manager; `port` stays through every reset."""

    def __init__(self, name: str, values: Values) -> None:
        self._here, self._values = f"pbx/{name}", values
        self._stack = AsyncExitStack()
        self._pbx: SimPbx | None = None
        self._hands: HandFloor | None = None
        self._look: asyncio.Task[None] | None = None
        self.port = 0
        self.scenario, self.seed, self.speed = STILL, 1, 1.0
        for total in _TOTALS:
            values.tell(f"{self._here}/truth/{total}", "int", f"calls {total} by the PBX's own ledger since the reset", "1")
        values.tell(f"{self._here}/agents", "texts", "who is logged in, as extension=what he does")
        values.tell(f"{self._here}/links", "int", "how many clients are logged in to the manager port", "1")
        values.tell(f"{self._here}/trouble", "text", "the fault that goes on, empty for none")

    async def __aenter__(self) -> RigPbx:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    def deeds(self) -> tuple[Deed, ...]:
        here = self._here
        caller = RigArgument(name="caller", kind="text", text="the caller's number", required=False, default="0991234567")
        by = RigArgument(name="by", kind="text", text="who hangs up", required=False, default="caller", choices=("caller", "agent"))
        call = RigArgument(name="call", kind="int", text="the call, as the answer to `call` names it")
        reason = RigArgument(name="reason", kind="text", text="why", required=False, default="descanso")
        seconds = RigArgument(name="seconds", kind="float", unit="s", text="how long it lasts", required=False, default=5.0)
        kind = RigArgument(name="kind", kind="text", text="what befalls the PBX", choices=FAULTS)
        return (
            Deed(name=f"{here}/call", text="somebody calls a queue", do=self._call, arguments=(_QUEUE, caller)),
            Deed(name=f"{here}/give-up", text="a caller who waits hangs up", do=self._give_up, arguments=(call,)),
            Deed(name=f"{here}/answer", text="an agent takes up the phone that rings", do=self._answer, arguments=(_AGENT,)),
            Deed(name=f"{here}/hang-up", text="a conversation ends", do=self._hang_up, arguments=(_AGENT, by)),
            Deed(name=f"{here}/hold", text="an agent puts the caller on hold", do=self._hold, arguments=(_AGENT,)),
            Deed(name=f"{here}/resume", text="and takes him back", do=self._resume, arguments=(_AGENT,)),
            Deed(name=f"{here}/transfer", text="an agent hands the caller on to a queue", do=self._transfer, arguments=(_AGENT, _QUEUE)),
            Deed(name=f"{here}/log-in", text="an agent joins a queue", do=self._log_in, arguments=(_AGENT, _QUEUE)),
            Deed(name=f"{here}/log-out", text="an agent leaves a queue", do=self._log_out, arguments=(_AGENT, _QUEUE)),
            Deed(name=f"{here}/pause", text="an agent is paused everywhere", do=self._pause, arguments=(_AGENT, reason)),
            Deed(name=f"{here}/unpause", text="and is there again", do=self._unpause, arguments=(_AGENT,)),
            Deed(name=f"{here}/fault", text="something befalls the PBX: restart, drop, …", do=self._fault, arguments=(kind, seconds)),
        )

    async def rest(self) -> None:
        """An empty PBX that has just started, on the same port, with the scenario that was set."""
        await self._stop()
        plan = _plan(self.scenario)
        pbx = SimPbx(plan, seed=self.seed, speed=self.speed, port=self.port)
        self._pbx = await self._stack.enter_async_context(pbx)
        self.port = pbx.port
        self._hands = HandFloor(pbx.model)
        self._look = asyncio.create_task(self._looking(), name="rig-pbx")

    def set(self, scenario: str, seed: int, speed: float) -> None:
        """What it plays from the next rest on. Raises MisconfiguredError."""
        _plan(scenario)
        if not 0.01 <= speed <= 1000:
            raise MisconfiguredError(f"speed {speed:g} is not between 0.01 and 1000")
        self.scenario, self.seed, self.speed = scenario, seed, speed

    async def _stop(self) -> None:
        look, self._look = self._look, None
        if look is not None:
            look.cancel()
            await asyncio.gather(look, return_exceptions=True)
        await self._stack.aclose()
        self._pbx = self._hands = None

    async def _looking(self) -> None:
        while True:
            self._show()
            await asyncio.sleep(_LOOK_S)

    def _show(self) -> None:
        pbx = self._pbx
        if pbx is None:
            return
        truth = pbx.truth(calls=False)
        for total in _TOTALS:
            self._put(f"truth/{total}", truth["totals"][total])
        agents = (f"{agent.plan.extension}={agent.mode}" for agent in pbx.model.staff.agents.values() if agent.members)
        self._put("agents", tuple(sorted(agents)))
        self._put("links", sum(1 for session in pbx.sessions if session.user is not None))
        self._put("trouble", next((str(window["fault"]) for window in truth["blind"] if window["to"] is None), ""))

    def _now(self) -> HandFloor:
        """The floor as of this instant."""
        if self._pbx is None or self._hands is None:
            raise MisconfiguredError("the rig is being reset; try again")
        self._pbx.catch_up()
        return self._hands

    def _done(self, result: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Tell whoever listens, at once."""
        assert self._pbx is not None
        self._pbx.flush()
        self._show()
        return result

    async def _call(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        call = self._now().call(text(args, "queue"), text(args, "caller"))
        return self._done({"call": call.number})

    async def _give_up(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._now().give_up(int(number(args, "call")))
        return self._done()

    async def _answer(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        return self._done({"call": self._now().answer(text(args, "agent")).number})

    async def _hang_up(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        return self._done({"call": self._now().hang_up(text(args, "agent"), text(args, "by") == "caller").number})

    async def _hold(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        return self._done({"call": self._now().hold(text(args, "agent"), True).number})

    async def _resume(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        return self._done({"call": self._now().hold(text(args, "agent"), False).number})

    async def _transfer(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        return self._done({"call": self._now().transfer(text(args, "agent"), text(args, "queue")).number})

    async def _log_in(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._now().log_in(text(args, "agent"), text(args, "queue"))
        return self._done()

    async def _log_out(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._now().log_out(text(args, "agent"), text(args, "queue"))
        return self._done()

    async def _pause(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._now().pause(text(args, "agent"), True, text(args, "reason"))
        return self._done()

    async def _unpause(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._now().pause(text(args, "agent"), False, "")
        return self._done()

    async def _fault(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._now()
        seconds = number(args, "seconds")
        if self._pbx is None or not 0 <= seconds <= 3600:
            raise ValueError("seconds: give 0 to 3600")
        self._pbx.fault(text(args, "kind"), seconds=seconds)
        await asyncio.sleep(0)
        return self._done()

    def _put(self, name: str, value: Scalar) -> None:
        self._values.put(f"{self._here}/{name}", value)


def _plan(scenario: str) -> Plan:
    """Callers, queues and staff of a scenario by its name; what befalls the floor in it is left to whoever has the rig in his hands."""
    if scenario == STILL:
        return still_plan()
    if scenario in SCENARIOS:
        return plan_named(scenario)
    if scenario in names() and (told := scenario_named(scenario)).queues:
        return plan_of(told)
    known = (STILL, *SCENARIOS, *(name for name in names() if scenario_named(name).queues))
    raise MisconfiguredError(f"no scenario {scenario!r}; there are {', '.join(known)}")
