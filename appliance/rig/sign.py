"""Decides what a rig's serial sign shows: what a person in front of it reads, what took it over, what it dropped; a plug to pull."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from appliance.core.clock import NS, Clock
from appliance.rig.part import Deed
from appliance.rig.pty_bench import PtyBench
from appliance.rig.values import Values
from appliance.sim.sign import SimSign
from gateway.opcua.rig_port import Scalar

_LOOK_S: Final = 0.5


class RigSign:
    """One sign on one line."""

    def __init__(self, name: str, folder: Path, values: Values, clock: Clock) -> None:
        self._here, self._values, self._clock = f"sign/{name}", values, clock
        self._sign = SimSign()
        self._wire = PtyBench(folder / name, self._heard)
        self._looking: asyncio.Task[None] | None = None
        values.tell(f"{self._here}/text", "texts", "what it shows, one after the other")
        values.tell(f"{self._here}/priority", "bool", "whether something urgent has taken it over")
        values.tell(f"{self._here}/frames", "int", "frames heard since the reset", "1")
        values.tell(f"{self._here}/faults", "texts", "what the sign refused or dropped")
        values.tell(f"{self._here}/plugged", "bool", "whether it is plugged in")

    @property
    def url(self) -> str:
        """As [wallboard.sign.NAME] takes it."""
        return f"serial://{self._wire.path}?format=8N1"

    def deeds(self) -> tuple[Deed, ...]:
        return (
            Deed(name=f"{self._here}/pull", text="pull the sign's serial plug; what it shows stays", do=self._pull),
            Deed(name=f"{self._here}/plug", text="plug it in again", do=self._plug),
        )

    async def rest(self) -> None:
        self.close()
        self._sign = SimSign()
        await self._plug({})
        self._looking = asyncio.create_task(self._look(), name="rig-sign")

    def close(self) -> None:
        """Its pty is gone."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
        self._wire.pull()

    async def _pull(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._wire.pull()
        self._put("plugged", False)
        return None

    async def _plug(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._wire.plug()
        self._put("plugged", True)
        self._show()
        return None

    def _heard(self, data: bytes) -> bytes:
        out = self._sign.feed(data, self._clock.mono_ns() / NS)
        self._show()
        return out

    async def _look(self) -> None:
        """Its own clock goes on while nobody says anything."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._show()

    def _show(self) -> None:
        picture = self._sign.picture(self._clock.mono_ns() / NS)
        self._put("text", tuple(line.text for line in picture.lines))
        self._put("priority", picture.priority)
        self._put("frames", picture.frames)
        self._put("faults", picture.faults)

    def _put(self, name: str, value: Scalar) -> None:
        self._values.put(f"{self._here}/{name}", value)
