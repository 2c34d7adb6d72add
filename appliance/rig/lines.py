"""Decides how a rig's analog lines are handled: a simulated voice modem each, on a serial line that can be pulled and be noisy."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import MisconfiguredError, UnpluggedError
from appliance.rig.part import Deed, number, text
from appliance.rig.pty_bench import PtyBench
from appliance.rig.values import Values
from appliance.sim.modem import SimModem
from gateway.opcua.rig_port import RigArgument, Scalar

#: A quick bell of the rig's own exchange, on and off: who gives up is known to have gone in 1.5 s.
RING_MS: Final = (400, 600)
GRACE_MS: Final = 500
_PERIOD_S: Final = sum(RING_MS) / 1000
_MOST_NOISE: Final = 4096


class RigLine:
    """One line with its modem. `state`: idle, ringing or in-use, as the exchange has it."""

    def __init__(self, name: str, folder: Path, values: Values) -> None:
        self.name, self._here, self._values = name, f"lines/{name}", values
        self._modem = SimModem()
        self._wire = PtyBench(folder / name, self._modem_heard)
        self._ringing: asyncio.Task[None] | None = None
        self._garbled = self._rings = 0
        values.tell(f"{self._here}/state", "text", "idle, ringing or in-use, as the exchange has it")
        values.tell(f"{self._here}/rings", "int", "rings of the call that rings, or of the last one", "1")
        values.tell(f"{self._here}/plugged", "bool", "whether the modem is plugged in")
        values.tell(f"{self._here}/ready", "bool", "whether the box has set the modem up")
        values.tell(f"{self._here}/garbled", "int", "bytes of noise written since the reset", "1")
        values.tell(f"{self._here}/unread", "int", "bytes of this line that the box says it could not read since the reset, at least", "1")

    @property
    def url(self) -> str:
        """As [lines.NAME] takes it."""
        return f"serial://{self._wire.path}?baud=115200"

    def deeds(self) -> tuple[Deed, ...]:
        here = self._here
        times = RigArgument(name="times", kind="int", text="0: until it is taken up or given up", required=False, default=0, unit="1")
        caller = RigArgument(name="number", kind="text", text="who calls; P: withheld", required=False, default="0991234567")
        who = RigArgument(name="name", kind="text", text="his name", required=False, default="")
        size = RigArgument(name="size", kind="int", text="so many bytes", required=False, default=64, unit="1")
        seed = RigArgument(name="seed", kind="int", text="the same noise again", required=False, default=1)
        return (
            Deed(name=f"{here}/ring", text="somebody calls on the line", do=self._ring, arguments=(times,)),
            Deed(name=f"{here}/caller", text="the exchange tells who calls", do=self._caller, arguments=(caller, who)),
            Deed(name=f"{here}/give-up", text="the caller hangs up before anybody takes the call", do=self._give_up),
            Deed(name=f"{here}/off-hook", text="a phone on the line is taken up: answers a call, or seizes the line", do=self._off_hook),
            Deed(name=f"{here}/on-hook", text="the phone is laid down", do=self._on_hook),
            Deed(name=f"{here}/noise", text="bytes that mean nothing arrive on the serial line", do=self._noise, arguments=(size, seed)),
            Deed(name=f"{here}/pull", text="pull the modem's plug; the call goes on", do=self._pull),
            Deed(name=f"{here}/plug", text="plug it in again", do=self._plug),
        )

    async def rest(self) -> None:
        self.close()
        self._modem = SimModem()
        self._garbled = 0
        self._put("garbled", 0)
        self._put("unread", 0)
        self._put("rings", 0)
        self._put("state", "idle")
        await self._plug({})

    def close(self) -> None:
        """Nothing rings any more, and the pty is gone."""
        self._quiet()
        self._wire.pull()

    def unread(self, total: int) -> None:
        """The box says that so many bytes of this line could not be read."""
        self._put("unread", total)

    async def _ring(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        if self._values.value(f"{self._here}/state") != "idle":
            raise MisconfiguredError(f"line {self.name} is not idle; on-hook or give-up first")
        times = int(number(args, "times"))
        if not 0 <= times <= 1000:
            raise ValueError("times: give 0 to 1000")
        self._rings = 0
        self._burst()
        self._put("state", "ringing")
        self._ringing = asyncio.create_task(self._bell(times), name=f"bell {self.name}")
        return None

    async def _bell(self, times: int) -> None:
        rung = 1
        while times == 0 or rung < times:
            await asyncio.sleep(_PERIOD_S)
            self._burst()
            rung += 1
        self._put("state", "idle")

    def _burst(self) -> None:
        self._wire.write(self._modem.ring())
        self._rings += 1
        self._put("rings", self._rings)

    async def _caller(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._there()
        told = self._modem.caller(text(args, "number") or "O", text(args, "name") or None)
        if not told:
            raise UnpluggedError("the box has not asked the modem to tell callers yet; wait until the line is ready")
        self._wire.write(told)
        return None

    async def _give_up(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        if self._values.value(f"{self._here}/state") != "ringing":
            raise MisconfiguredError(f"line {self.name} does not ring")
        self._quiet()
        self._put("state", "idle")
        return None

    async def _off_hook(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        if self._values.value(f"{self._here}/state") == "in-use":
            raise MisconfiguredError(f"line {self.name} is in use already")
        self._quiet()
        self._wire.write(self._modem.hook(True))
        self._put("state", "in-use")
        return None

    async def _on_hook(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        if self._values.value(f"{self._here}/state") != "in-use":
            raise MisconfiguredError(f"line {self.name} is not in use")
        self._wire.write(self._modem.hook(False))
        self._put("state", "idle")
        return None

    async def _noise(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._there()
        size = int(number(args, "size"))
        if not 1 <= size <= _MOST_NOISE:
            raise ValueError(f"size: give 1 to {_MOST_NOISE}")
        self._wire.write(random.Random(int(number(args, "seed"))).randbytes(size))  # noqa: S311 - to be repeated
        self._garbled += size
        self._put("garbled", self._garbled)
        return None

    async def _pull(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._wire.pull()
        self._put("plugged", False)
        self._put("ready", False)
        return None

    async def _plug(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        if not self._wire.plugged:
            self._modem = SimModem()  # it has forgotten what it was told
            self._wire.plug()
        self._put("plugged", True)
        self._put("ready", self._modem.caller_mode != 0)
        return None

    def _modem_heard(self, data: bytes) -> bytes:
        out = self._modem.feed(data)
        self._put("ready", self._modem.caller_mode != 0)
        return out

    def _there(self) -> None:
        if not self._wire.plugged:
            raise UnpluggedError(f"the modem of line {self.name} is pulled; plug it in first")

    def _quiet(self) -> None:
        ringing, self._ringing = self._ringing, None
        if ringing is not None:
            ringing.cancel()

    def _put(self, name: str, value: Scalar) -> None:
        self._values.put(f"{self._here}/{name}", value)


class Unread(logging.Handler):
    """Hears from the box's log how many bytes of a line it could not read."""

    def __init__(self, lines: Mapping[str, RigLine]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        line, total = getattr(record, "line", None), getattr(record, "unread_bytes", None)
        if isinstance(line, str) and isinstance(total, int) and line in self._lines:
            self._lines[line].unread(total)
