"""The faults of the simulated PBX: what breaks, for how long, and what of it a client can see.

drop: connections end (RST, or FIN) and none is taken for the time; the floor goes on.
stall: nothing is sent or read and the sockets stay; afterwards what was held back comes in one burst.
restart: `core restart now`: everybody is hung up with events, Shutdown, the port closes, and an empty PBX comes back.
kill: the process dies; calls are gone without a word, and an empty PBX comes back.
garbage: binary rubbish, over-long lines and torn events between the events.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from appliance.core.errors import MisconfiguredError

if TYPE_CHECKING:
    from appliance.sim.pbx import SimPbx

FAULTS: Final = ("drop", "stall", "restart", "kill", "garbage")
#: From the last hang-up to the Shutdown event; a real one takes about a second.
_SHUTDOWN_S: Final = 0.3
#: Within how long after a start the phones register.
_REGISTER_S: Final = 3.0


class Planned(Struct, frozen=True):
    """A fault to come: at real seconds from the start, for real seconds."""

    name: str
    at_s: float
    seconds: float = 5.0
    reset: bool = True


def faults_from_text(text: str) -> tuple[Planned, ...]:
    """Parse `drop@30,restart@60:8,drop@90:4:fin`. Raises MisconfiguredError.

    >>> faults_from_text("drop@30,restart@60:8")[1]
    Planned(name='restart', at_s=60.0, seconds=8.0, reset=True)
    """
    return tuple(_planned(item.strip()) for item in text.split(",") if item.strip())


def _planned(item: str) -> Planned:
    name, _, rest = item.partition("@")
    at, *more = rest.split(":")
    try:
        if name not in FAULTS:
            raise ValueError
        return Planned(name, float(at), float(more[0]) if more else 5.0, "fin" not in more[1:])
    except ValueError:
        raise MisconfiguredError(f"fault {item!r}; write NAME@SECOND[:LENGTH[:fin]] with NAME one of {', '.join(FAULTS)}") from None


class Faults:
    """Runs faults on one PBX, one after the other where they overlap."""

    def __init__(self, pbx: SimPbx) -> None:
        self._pbx = pbx
        self._tasks: set[asyncio.Task[None]] = set()
        self._one = asyncio.Lock()
        self.windows: list[dict[str, object]] = []

    def begin(self, name: str, *, seconds: float, reset: bool = True) -> asyncio.Task[None]:
        """Begin a fault. Raises MisconfiguredError for an unknown one."""
        if name not in FAULTS:
            raise MisconfiguredError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        return self._start(self._run(name, seconds, reset))

    def schedule(self, planned: tuple[Planned, ...]) -> None:
        """Begin faults at their times, counted from now."""
        for one in planned:
            self._start(self._wait(one))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """End whatever goes on."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, planned: Planned) -> None:
        await asyncio.sleep(planned.at_s)
        await self._run(planned.name, planned.seconds, planned.reset)

    async def _run(self, name: str, seconds: float, reset: bool) -> None:
        async with self._one:
            pbx = self._pbx
            pbx.catch_up()
            window: dict[str, object] = {"fault": name, "from": pbx.wall_s(), "to": None}
            self.windows.append(window)
            match name:
                case "drop":
                    await self._drop(seconds, reset)
                case "stall":
                    await self._stall(seconds)
                case "restart":
                    await self._restart(seconds)
                case "kill":
                    await self._kill(seconds)
                case _:
                    await self._garbage(seconds)
            pbx.catch_up()
            window["to"] = pbx.wall_s()

    async def _drop(self, seconds: float, reset: bool) -> None:
        pbx = self._pbx
        pbx.deaf()
        if reset:
            for session in list(pbx.sessions):
                session.abort(reset=True)
        else:
            await asyncio.gather(*(session.finish() for session in list(pbx.sessions)))
        await asyncio.sleep(seconds)
        await pbx.listen()

    async def _stall(self, seconds: float) -> None:
        pbx = self._pbx
        pbx.stalled = True
        for session in list(pbx.sessions):
            session.freeze(True)
        try:
            await asyncio.sleep(seconds)
        finally:
            pbx.stalled = False
            for session in list(pbx.sessions):
                session.freeze(False)

    async def _restart(self, seconds: float) -> None:
        pbx = self._pbx
        pbx.model.stop("restart")
        pbx.switch.stopping = True
        pbx.flush()
        await asyncio.sleep(_SHUTDOWN_S)
        pbx.catch_up()
        pbx.switch.say("Shutdown", "system", "Shutdown: Cleanly\r\nRestart: True\r\n")
        pbx.switch.silent = True
        pbx.deaf()
        await asyncio.gather(*(session.finish() for session in list(pbx.sessions)))
        await self._come_back(seconds)

    async def _kill(self, seconds: float) -> None:
        pbx = self._pbx
        pbx.switch.silent = True
        pbx.deaf()
        for session in list(pbx.sessions):
            session.abort()
        pbx.model.stop("kill")
        pbx.flush()
        await self._come_back(seconds)

    async def _come_back(self, seconds: float) -> None:
        pbx = self._pbx
        await asyncio.sleep(seconds)
        pbx.catch_up()
        pbx.boot()
        pbx.model.start(register_within_s=_REGISTER_S * pbx.speed)
        await pbx.listen()

    async def _garbage(self, seconds: float) -> None:
        """Ten pieces a second; each ends with a blank line, so that the event after it stands by itself."""
        pbx, chance = self._pbx, random.Random(4)  # noqa: S311  rubbish needs no secrecy
        ends = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends:
            pieces = (
                chance.randbytes(chance.randrange(1, 400)).replace(b"\r\n", b"\r\r"),
                b"Output: " + b"x" * chance.randrange(2000, 200_000),
                b"Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nChan",
                b"\x00\xff\xfe Event: \xc3\x28: : :",
                b": no key\r\nNoColonHere\r\n :",
            )
            rubbish = chance.choice(pieces) + b"\r\n\r\n"
            for session in list(pbx.sessions):
                if session.mask:
                    session.send(rubbish)
            await asyncio.sleep(0.1)
