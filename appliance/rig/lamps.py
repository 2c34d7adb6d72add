"""Decides what a rig's stack light shows: each pin as the box drives it, with its lamp's name; a button to press, a plug to pull."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import UnpluggedError
from appliance.rig.part import Deed
from appliance.rig.twin_bench import TwinBench
from appliance.rig.values import Values
from gateway.opcua.rig_port import Scalar

#: Lamp → pin, Broadcom numbers.
PINS: Final = {"green": 17, "amber": 27, "red": 22, "blue": 23, "buzzer": 24}
BUTTON: Final = 25


class LampTower:
    """One stack light."""

    def __init__(self, name: str, folder: Path, values: Values) -> None:
        self.url = f"sim:{folder / name}"
        self._here, self._values = f"lamps/{name}", values
        self._lamps = {pin: lamp for lamp, pin in PINS.items()}
        self._bench = TwinBench(folder / name, self._came, self._heard, self._went)
        self._switched = dict.fromkeys(PINS, 0)
        for lamp in PINS:
            values.tell(f"{self._here}/{lamp}", "bool", f"whether {lamp} is on at this instant; what flashes goes on and off")
            values.tell(f"{self._here}/{lamp}-switched", "int", f"how often {lamp} was switched since the reset", "1")
        values.tell(f"{self._here}/plugged", "bool", "whether the light is plugged in")

    def deeds(self) -> tuple[Deed, ...]:
        return (
            Deed(name=f"{self._here}/press", text="press the stack light's button", do=self._press),
            Deed(name=f"{self._here}/pull", text="take the stack light off its pins", do=self._pull),
            Deed(name=f"{self._here}/plug", text="put the stack light back on its pins", do=self._plug),
        )

    async def rest(self) -> None:
        self._bench.pull()
        for lamp in PINS:
            self._switched[lamp] = 0
            self._put(f"{lamp}-switched", 0)
        await self._plug({})

    def close(self) -> None:
        """Let the socket go."""
        self._bench.pull()

    async def _press(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        if not self._bench.say(b"press"):
            raise UnpluggedError("the box does not have this light open; a press would be heard by nobody")
        return None

    async def _pull(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._bench.pull()
        self._put("plugged", False)
        return None

    async def _plug(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._bench.plug()
        self._put("plugged", True)
        return None

    def _came(self, _hello: bytes) -> None:
        for lamp in PINS:
            self._put(lamp, False)

    def _went(self) -> None:
        for lamp in PINS:
            self._values.put(f"{self._here}/{lamp}", None, status="unknown")

    def _heard(self, message: bytes) -> None:
        lamp = self._lamps.get(message[0])
        if lamp is None or len(message) != 2:
            return
        self._put(lamp, bool(message[1]))
        self._switched[lamp] += 1
        self._put(f"{lamp}-switched", self._switched[lamp])

    def _put(self, name: str, value: Scalar) -> None:
        self._values.put(f"{self._here}/{name}", value)
