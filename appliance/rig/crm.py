"""Decides how a rig's far end is handled: a cable that can be pulled, a broker that can be killed, a CRM that counts what was sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from appliance.core.clock import Clock
from appliance.demo_cable import Cable
from appliance.rig.part import Deed, text
from appliance.rig.values import Values
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm
from gateway.opcua.rig_port import RigArgument, Scalar

SITE: Final = "rig"
BOX: Final = "bench"
#: So many messages are kept for whoever looks.
_LAST: Final = 30
_LOOK_S: Final = 0.2
#: For a command that must have an end by then; the contract wants one where a call is touched.
_EXPIRES_S: Final = 60.0


class RigCrm:
    """Broker, cable and CRM. An async context manager; the cable's port stays through every reset."""

    def __init__(self, values: Values, clock: Clock) -> None:
        self._values, self._clock = values, clock
        self._stack = AsyncExitStack()
        self._broker = Broker()
        self._cable = Cable(self._broker.host, self._broker.port)
        self._crm: SimCrm | None = None
        self._crm_stack = AsyncExitStack()
        self._last: deque[str] = deque(maxlen=_LAST)
        self._looking: asyncio.Task[None] | None = None
        values.tell("mqtt/count", "int", "distinct events that the CRM received since the reset", "1")
        values.tell("mqtt/doubles", "int", "events that came once more", "1")
        values.tell("mqtt/missing", "int", "delivery numbers missing between those that came", "1")
        values.tell("mqtt/last", "texts", f"the last {_LAST} events as they came, the newest last")
        values.tell("mqtt/kinds", "texts", "how many came of each kind, as kind=count")
        values.tell("mqtt/status", "text", "the box's retained status, as the CRM has it: online, offline")
        values.tell("broker/plugged", "bool", "whether the cable to the broker is in")
        values.tell("broker/up", "bool", "whether the broker runs")

    @property
    def url(self) -> str:
        """What [crm] url must say."""
        return f"mqtt://127.0.0.1:{self._cable.port}"

    @property
    def protocol(self) -> str:
        """What [crm] protocol must say."""
        return self._broker.protocol

    async def __aenter__(self) -> RigCrm:
        await self._stack.enter_async_context(self._broker)
        await self._stack.enter_async_context(self._cable)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()
        await self._stack.aclose()
        self._show()

    def deeds(self) -> tuple[Deed, ...]:
        verb = RigArgument(name="verb", kind="text", text="a command, such as announce")
        args = RigArgument(name="args", kind="text", text="its arguments, as a JSON object", required=False, default="{}")
        return (
            Deed(name="broker/cut", text="pull the cable to the broker", do=self._cut),
            Deed(name="broker/restore", text="plug the cable to the broker in again", do=self._restore),
            Deed(name="broker/kill", text="kill the broker, as a power cut does: it forgets what it kept", do=self._kill),
            Deed(name="broker/start", text="start the broker again", do=self._start),
            Deed(name="crm/send", text="the CRM sends the box a command, and waits for its end", do=self._send, arguments=(verb, args)),
        )

    async def rest(self) -> None:
        """A broker that remembers nothing, a CRM that has heard nothing, the cable in."""
        await self._leave()
        await self._cable.pull()
        await self._broker.cut()
        await self._broker.start()
        await self._cable.plug()
        self._last.clear()
        self._values.put("mqtt/last", ())
        self._crm = SimCrm(self._broker.url, site=SITE, box=BOX, protocol=self._broker.protocol, heard=self._heard, clock=self._clock)
        await self._crm_stack.enter_async_context(self._crm)
        await self._crm.stood.wait()
        self._looking = asyncio.create_task(self._look(), name="rig-crm")
        self._show()

    async def _leave(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        await self._crm_stack.aclose()
        self._crm = None

    def _heard(self, payload: bytes) -> None:
        self._last.append(payload.decode("utf-8", "replace"))
        at_ns = self._clock.wall_ns()
        self._values.put("mqtt/last", tuple(self._last), at_ns=at_ns)
        self._show()

    async def _look(self) -> None:
        while True:
            self._show()
            await asyncio.sleep(_LOOK_S)

    def _show(self) -> None:
        crm, put = self._crm, self._values.put
        put("broker/plugged", self._cable.plugged)
        put("broker/up", self._broker.is_up)
        if crm is None:
            return
        book = crm.book
        put("mqtt/count", book.events)
        put("mqtt/doubles", book.doubles)
        put("mqtt/missing", book.missing)
        put("mqtt/kinds", tuple(f"{kind}={count}" for kind, count in sorted(book.kinds.items())))
        box = crm.boxes.get(f"{SITE}/{BOX}")
        status = box.status.state if box is not None and box.status is not None else None
        put("mqtt/status", status, status="unknown" if status is None else "live")

    async def _cut(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        await self._cable.pull()
        self._show()
        return None

    async def _restore(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        await self._cable.plug()
        self._show()
        return None

    async def _kill(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        await self._broker.cut()
        self._show()
        return None

    async def _start(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        await self._broker.start()
        self._show()
        return None

    async def _send(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        try:
            given = msgspec.json.decode(text(args, "args") or "{}", type=dict[str, Any])
        except msgspec.DecodeError as fault:
            raise ValueError(f"args: {fault}; write a JSON object") from fault
        if self._crm is None:
            raise ValueError("the rig is being reset; try again")
        reply = await self._crm.send(SITE, BOX, text(args, "verb"), given, expires_s=_EXPIRES_S)
        return {"state": reply.state, "reason": reply.reason, "result": reply.result}
