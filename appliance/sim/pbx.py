"""A simulated Asterisk: a seeded floor behind a TCP manager port, with ground truth and faults on command.

    async with SimPbx(plan_named("morning"), seed=7, speed=4) as pbx:
        connect to 127.0.0.1:pbx.port; pbx.fault("drop", seconds=5); pbx.truth()["totals"]

The floor goes on whether anybody listens or not. Model time is real time times `speed`; everything the PBX tells is real time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from appliance.core.clock import NS, Clock
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.sim import pbx_action
from appliance.sim.floor_model import FloorModel
from appliance.sim.floor_model_ledger import truth
from appliance.sim.floor_model_plan import Plan
from appliance.sim.floor_model_state import Arrived, Call, FloorEvent
from appliance.sim.pbx_agi import Agi, Told
from appliance.sim.pbx_board import QueueRow
from appliance.sim.pbx_fault import Faults
from appliance.sim.pbx_outbound import Outbound
from appliance.sim.pbx_session import Request, Session, User
from appliance.sim.pbx_switch import Switch
from appliance.sim.pbx_text import fields

#: How long the loop sleeps at most when nothing is due.
_IDLE_S = 0.5
#: So many actions are remembered.
_DONE = 100_000
#: Two moments that differ by no more are one: what is added and taken away in floating point is not exact.
_SAME_S = 1e-7
#: In flat-out mode a client may be this far behind before the floor waits for it.
_FLAT_OUT_BYTES = 512 * 1024


@dataclass(eq=False, slots=True)
class Listened:
    """One login, in the PBX's epoch seconds: from when, when its queues were last listed, when it was last told anything, until when."""

    from_s: float
    listed_s: float | None = None
    heard_s: float = 0.0
    to_s: float | None = None


class SimPbx:
    """The server. Use as an async context manager; `port` 0 takes a free one.

    `flat_out` drops the clock: the floor runs as fast as the slowest logged-in client reads (and stands while there is none).
    Raises TransientError when the port is taken.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        seed: int = 1,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Sequence[User] = (User(),),
        timestamps: bool = True,
        flat_out: bool = False,
        auth_timeout_s: float = 30.0,
        write_timeout_s: float = 5.0,
        clock: Clock | None = None,
        watch: Callable[[list[FloorEvent]], object] | None = None,
        waits: bool = False,
        agi: Agi | None = None,
        classifies: bool = False,
    ) -> None:
        """`clock`: whose wall time the PBX tells (None: the machine's); `watch` hears what each step of the floor brought about.

        `waits`: the floor opens once somebody has asked for its queues. `agi`: whom the dialplan asks where a call is to go.
        `classifies`: agents say what kind of call it was, by user events.
        """
        if speed <= 0:
            raise MisconfiguredError(f"speed {speed}; give a number above 0")
        self.model = FloorModel(plan.at_speed(speed), seed)
        self.speed, self.host, self.port, self.timestamps, self.flat_out = speed, host, port, timestamps, flat_out
        self.faults = Faults(self)
        self.sessions: set[Session] = set()
        self.events_told = 0
        self.listened: list[Listened] = []
        self.starts_s: list[float] = []
        self.stalled = False
        self._rests = self._waits = waits
        #: Set once the floor is open.
        self.opened = asyncio.Event()
        self._users = {user.name: user for user in users}
        self._auth_timeout_s, self._write_timeout_s = auth_timeout_s, write_timeout_s
        self._server: asyncio.Server | None = None
        self._running: asyncio.Task[None] | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._zero_s = 0.0
        self._clock, self._watch = clock, watch
        self._wall_zero_s = self._real_wall_s()
        #: What managers had it do, with the answer's first word, newest last.
        self.done: deque[dict[str, str]] = deque(maxlen=_DONE)
        self.outbound = Outbound(self)
        self.heeds_notify = True
        self._agi, self._classifies = agi, classifies
        self._asking: set[asyncio.Task[None]] = set()
        #: What each call that asked was told, by its number.
        self.routed: dict[int, Told] = {}
        self.switch = self.boot()

    # Life

    async def __aenter__(self) -> Self:
        self._zero_s, self._wall_zero_s = asyncio.get_running_loop().time(), self._real_wall_s()
        self.starts_s.clear()
        self.switch = self.boot()
        if not self._waits:
            self.opened.set()
        await self.listen()
        self._running = asyncio.create_task(self._run(), name="sim-pbx")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.faults.stop()
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self.catch_up()
        self.deaf()
        for session in list(self.sessions):
            session.abort()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def listen(self) -> None:
        """Open the port (again)."""
        try:
            self._server = await asyncio.start_server(self._client, self.host, self.port, limit=64 * 1024)
        except OSError as fault:
            raise TransientError(f"cannot listen on {self.host}:{self.port}: {fault.strerror}; is another PBX running there?") from fault
        self.port = self._server.sockets[0].getsockname()[1]

    def deaf(self) -> None:
        """Close the port to newcomers."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def boot(self) -> Switch:
        """A PBX that has just started: counters at 0, numbering anew, no channels."""
        rows = {name: QueueRow(queue, round(queue.plan.wrap_up_s / self.speed)) for name, queue in self.model.queues.items()}
        self.switch = Switch(rows, self.model.staff, self.wall_s, self.tell, timestamps=self.timestamps)
        self.switch.classifies = self._classifies
        self.starts_s.append(self.switch.started_s)
        return self.switch

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(
            reader,
            writer,
            self._users,
            self._answer,
            self._booted,
            auth_timeout_s=self._auth_timeout_s,
            write_timeout_s=self._write_timeout_s,
        )
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
            if session.user is not None and self.listened and self.listened[-1].to_s is None:
                self.listened[-1].to_s = self.wall_s()

    # Time

    def _real_wall_s(self) -> float:
        return time.time() if self._clock is None else self._clock.wall_ns() / NS

    def wall_s(self) -> float:
        """The PBX's clock, epoch seconds: it stands where the model stands."""
        return self.wall_of(self.model.now_s)

    def wall_of(self, model_s: float) -> float:
        return self._wall_zero_s + model_s / self.speed

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self.flat_out and not self._rests:
                await self._run_flat_out()
                continue
            self.catch_up()
            due = None if self._rests else self.model.next_s
            wait_s = _IDLE_S if due is None else self._zero_s + due / self.speed - loop.time()
            await asyncio.sleep(min(max(wait_s, 0.0), _IDLE_S))

    async def _run_flat_out(self) -> None:
        hearing = [s for s in self.sessions if s.mask]
        if not hearing or max(s.backlog_bytes for s in hearing) > _FLAT_OUT_BYTES:
            await asyncio.sleep(0.002)
            return
        for _ in range(20):
            self._apply(self.model.step())
        await asyncio.sleep(0)

    def catch_up(self) -> None:
        """Let everything happen that is due by the clock."""
        self.flush()
        if self.flat_out or self._rests:
            return
        now_s = (asyncio.get_running_loop().time() - self._zero_s) * self.speed
        while (due := self.model.next_s) is not None and due <= now_s + _SAME_S:
            self._apply(self.model.step())
        if now_s > self.model.now_s:
            self.model.time.wait_until(now_s)

    def rest(self) -> None:
        """The floor stands still from now on: nobody calls, answers or leaves, and the PBX goes on answering its clients."""
        self.catch_up()
        self._rests = True

    def _open(self) -> None:
        self._waits = self._rests = False
        self.opened.set()
        self._zero_s = asyncio.get_running_loop().time() - self.model.now_s / self.speed
        self._wall_zero_s = self._real_wall_s() - self.model.now_s / self.speed

    def flush(self) -> None:
        """Apply what commands brought about on the floor."""
        self._apply(self.model.take())

    def _apply(self, happened: list[FloorEvent]) -> None:
        for one in happened:
            self.switch.apply(one)
            if isinstance(one, Arrived) and self._agi is not None:
                self.model.hold(one.call)
                task = asyncio.get_running_loop().create_task(self._route(self._agi, one.call))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
        if self._watch is not None:
            self._watch(happened)

    async def _route(self, agi: Agi, call: Call) -> None:
        """AGI(), then Queue(): to CALLFLOOR_QUEUE where that is set, with CALLFLOOR_PRIORITY as QUEUE_PRIO."""
        legs = self.switch.legs.get(call.number)
        uniqueid = legs.caller.uniqueid if legs is not None else ""
        told = await agi.ask({"uniqueid": uniqueid, "callerid": call.caller, "dnid": call.dialled, "extension": call.dialled})
        self.routed[call.number] = told
        priority = told.variables.get("CALLFLOOR_PRIORITY", "0")
        self.catch_up()
        self.model.send(call, told.variables.get("CALLFLOOR_QUEUE"), int(priority) if priority.isdigit() else 0)
        self.catch_up()

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something real seconds from now."""
        self.model.time.after(delay_s * self.speed, action)

    # Talk

    def tell(self, privilege: str, block: bytes) -> None:
        """An event, to everybody who reads its class."""
        self.events_told += 1
        if self.sessions:
            self._heard()
        for session in list(self.sessions):
            session.tell(privilege, block)

    def _heard(self) -> None:
        if self.listened and self.listened[-1].to_s is None:
            self.listened[-1].heard_s = self.wall_s()

    def _answer(self, session: Session, request: Request) -> bytes:
        self.catch_up()
        self._heard()
        if request["action"].lower() == "queuestatus" and self.listened:
            self.listened[-1].listed_s = self.wall_s()
        answer = pbx_action.answer(self, session, request)
        if self._waits and request["action"].lower() == "queuestatus":
            self._open()
        asyncio.get_running_loop().call_soon(self.flush)
        return answer

    def _booted(self) -> str:
        self.listened.append(Listened(self.wall_s(), heard_s=self.wall_s()))
        uptime = int(self.wall_s() - self.switch.started_s)
        return fields(Uptime=uptime, LastReload=uptime, Status="Fully Booted")

    # What tests and demos ask

    def fault(self, name: str, *, seconds: float = 5.0, reset: bool = True) -> asyncio.Task[None]:
        """Begin a fault now: drop, stall, restart, kill or garbage; the task ends when it is over. See `pbx_fault`."""
        return self.faults.begin(name, seconds=seconds, reset=reset)

    def truth(self, *, calls: bool = True) -> dict[str, Any]:
        """The ground truth as of now; see `floor_model_ledger.truth`. `blind` lists what each fault hid: name, from, to (epoch seconds)."""
        if self._running is not None and not self._running.done():
            self.catch_up()
        out = truth(self.model, self.wall_of, speed=self.speed, calls=calls)
        out["duration"] = round(self.model.now_s / self.speed, 3)
        out["wall0"] = self._wall_zero_s
        out["pbx_starts"] = list(self.starts_s)
        out["blind"] = [dict(window) for window in self.faults.windows]
        return out
