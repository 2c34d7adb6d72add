"""A simulated FreeSWITCH: the floor of the simulated Asterisk behind an event socket, with its ground truth and faults.

    async with SimFreeswitch(plan_named("morning"), seed=7, speed=4) as pbx:
        connect to 127.0.0.1:pbx.port; pbx.fault("drop", seconds=5); pbx.truth()["totals"]

Besides the faults of the simulated Asterisk: refuse, in which newcomers are turned away before the login, as by an access list.
"""

from __future__ import annotations

import asyncio
from typing import Any

from appliance.sim import freeswitch_api, freeswitch_order
from appliance.sim.floor_model_plan import Plan
from appliance.sim.freeswitch_session import EslSession
from appliance.sim.freeswitch_switch import FreeswitchSwitch
from appliance.sim.freeswitch_text import REJECTION, event
from appliance.sim.pbx import SimPbx


class SimFreeswitch(SimPbx):
    """The server. Use as an async context manager; `port` 0 takes a free one. Raises TransientError when the port is taken."""

    def __init__(self, plan: Plan, *, password: str = "ClueCon", **more: Any) -> None:  # noqa: S107  the sim guards nothing
        self.password = password
        self.refusing = False
        self._jobs: set[asyncio.Task[None]] = set()
        super().__init__(plan, **more)

    def boot(self) -> Any:
        """A PBX that has just started."""
        model = self.model
        self.switch = FreeswitchSwitch(  # type: ignore[assignment]
            model.queues, model.staff, self.wall_s, self.tell, speed=self.speed, seed=model.seed
        )
        self.starts_s.append(self.switch.started_s)
        return self.switch

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = EslSession(reader, writer, self.password, self._ask, self._job, write_timeout_s=self._write_timeout_s)
        if self.refusing:
            await session.reject(REJECTION)
            return
        task = asyncio.current_task()
        assert task is not None
        session.freeze(self.stalled)
        self.sessions.add(session)
        self._clients.add(task)
        try:
            await session.run()
        finally:
            self.sessions.discard(session)
            self._clients.discard(task)

    def _ask(self, command: str) -> str:
        self.catch_up()
        return freeswitch_api.answer(self._freeswitch, command)

    def _job(self, session: EslSession, job: str, command: str) -> None:
        """A job's answer is an event, told to whoever hears of jobs."""
        name, _, rest = command.partition(" ")
        fields: dict[str, object] = {"Job-UUID": job, "Job-Command": name, **({"Job-Command-Arg": rest} if rest else {})}

        def told(text: str) -> None:
            self.tell("BACKGROUND_JOB", event("BACKGROUND_JOB", self._freeswitch.head(), fields, text))

        self.catch_up()
        if freeswitch_order.carry_out(self, self._freeswitch, command, told):
            asyncio.get_running_loop().call_soon(self.flush)
        else:
            told(self._ask(command))

    @property
    def _freeswitch(self) -> FreeswitchSwitch:
        switch: Any = self.switch
        assert isinstance(switch, FreeswitchSwitch)
        return switch

    def fault(self, name: str, *, seconds: float = 5.0, reset: bool = True) -> asyncio.Task[None]:
        """Begin a fault now: drop, stall, restart, kill, garbage or refuse; the task ends when it is over."""
        if name != "refuse":
            return super().fault(name, seconds=seconds, reset=reset)
        task = asyncio.get_running_loop().create_task(self._refuse(seconds))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)
        return task

    async def _refuse(self, seconds: float) -> None:
        self.refusing = True
        try:
            for session in list(self.sessions):
                session.abort()
            await asyncio.sleep(seconds)
        finally:
            self.refusing = False
