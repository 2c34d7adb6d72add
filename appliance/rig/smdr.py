"""Decides how a rig's call-record printer is handled: a PBX that prints a line for each call after it, as one make prints it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.core.clock import NS, Clock
from appliance.rig.part import Deed, number, text
from appliance.rig.values import Values
from appliance.sim.smdr import MAKES, Call
from appliance.sim.smdr_wire import Port
from gateway.opcua.rig_port import RigArgument, Scalar

MAKE: Final = "panasonic"
_LONGEST_S: Final = 86_399


class RigPrinter:
    """The printer, on a TCP port that stays through every reset. An async context manager."""

    def __init__(self, name: str, values: Values, clock: Clock, zone: str) -> None:
        self._here, self._values, self._clock, self._zone = f"smdr/{name}", values, clock, ZoneInfo(zone)
        self._port = Port()
        self._stack = AsyncExitStack()
        self._printed = 0
        self.port = 0
        values.tell(f"{self._here}/printed", "int", "calls printed since the reset", "1")

    @property
    def url(self) -> str:
        """As [smdr.NAME] takes it."""
        return f"tcp://127.0.0.1:{self.port}"

    async def __aenter__(self) -> RigPrinter:
        self.port = await self._stack.enter_async_context(self._port.on_tcp("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def deeds(self) -> tuple[Deed, ...]:
        seconds = {"kind": "int", "unit": "s", "required": False}
        return (
            Deed(
                name=f"{self._here}/print",
                text="the PBX prints a call that has just ended",
                do=self._print,
                arguments=(
                    RigArgument(name="direction", kind="text", text="in or out", required=False, default="in", choices=("in", "out")),
                    RigArgument(name="extension", kind="int", text="who talked", required=False, default=101),
                    RigArgument(name="number", kind="text", text="with whom", required=False, default="0991234567"),
                    RigArgument(name="talk", text="how long they talked; 0: nobody answered", default=60, **seconds),  # type: ignore[arg-type]
                    RigArgument(name="ring", text="how long it rang", default=5, **seconds),  # type: ignore[arg-type]
                ),
            ),
            Deed(name=f"{self._here}/garbage", text="a line that is no call is printed", do=self._garbage),
        )

    async def rest(self) -> None:
        self._printed = 0
        self._put()

    async def _print(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        talk_s, ring_s = int(number(args, "talk")), int(number(args, "ring"))
        if not (0 <= talk_s <= _LONGEST_S and 0 <= ring_s <= _LONGEST_S):
            raise ValueError(f"talk, ring: give 0 to {_LONGEST_S} s")
        ended = datetime.fromtimestamp(self._clock.wall_ns() / NS, UTC).astimezone(self._zone).replace(tzinfo=None)
        begun = ended - timedelta(seconds=ring_s + talk_s)
        inward = text(args, "direction") == "in"
        call = Call(
            begun, "in" if inward else "out", int(number(args, "extension")), 1, text(args, "number"), ring_s, talk_s,
            abandoned=inward and talk_s == 0, transferred=False,
        )  # fmt: skip
        self._port.print(f"{MAKES[MAKE].line(call)}\r\n".encode("latin-1", "replace"))
        self._printed += 1
        self._put()
        return None

    async def _garbage(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._port.print(b"\x7f\x00 ?? PAPER OUT ?? \xff\r\n")
        return None

    def _put(self) -> None:
        self._values.put(f"{self._here}/printed", self._printed)
