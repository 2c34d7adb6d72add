"""Decides how a rig's headsets are handled: one at each of some seats, as a person would, and what a person sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from appliance.core.clock import Clock
from appliance.core.errors import UnpluggedError
from appliance.rig.part import Deed, text
from appliance.rig.values import Values
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_line import HeadsetLine
from appliance.sim.headset_model import MODELS
from appliance.sim.headset_script import WORDS, Act
from gateway.opcua.rig_port import RigArgument, Scalar

#: Seat → whose phone stands there, and which headset.
SEATS: Final = {"s-101": ("101", "epos"), "s-102": ("102", "jabra"), "s-103": ("103", "poly")}
_DOES: Final = ("hook", "lift", "hang-up", "mute", "pull", "plug", "leave", "return", "stall", "mend")
_LAMPS: Final = ("off_hook", "mute", "ring", "hold", "microphone")


class RigHeadset:
    """One headset at one seat."""

    def __init__(self, seat: str, folder: Path, values: Values, clock: Clock) -> None:
        self.seat, (self.extension, self._model) = seat, SEATS[seat]
        self._here, self._values, self._clock, self._path = f"headsets/{seat}", values, clock, folder / seat
        self._line = self._made()
        values.tell(f"{self._here}/plugged", "bool", "whether its plug is in")
        values.tell(f"{self._here}/open", "bool", "whether the box reads it")
        values.tell(f"{self._here}/off-hook", "bool", "as the person at the desk would say")
        values.tell(f"{self._here}/muted", "bool", "as the person at the desk would say")
        values.tell(f"{self._here}/lamps", "texts", "the lamps that are lit")

    @property
    def url(self) -> str:
        """As [headsets.seat.X] takes it."""
        return self._line.url

    def deeds(self) -> tuple[Deed, ...]:
        press = RigArgument(name="button", kind="text", text="flash, redial, key0 to key9 …")
        return (
            *(Deed(name=f"{self._here}/{word}", text=WORDS[word], do=self._doing(word)) for word in _DOES),
            Deed(name=f"{self._here}/press", text="press another button", do=self._press, arguments=(press,)),
        )

    async def rest(self) -> None:
        await self.close()
        self._line = self._made()
        await self._line.plug()
        self._show(self._line, "")

    async def close(self) -> None:
        """Its socket is gone."""
        await self._line.pull()

    def _made(self) -> HeadsetLine:
        headset = SimHeadset(MODELS[self._model], serial=f"RIG{self.extension}")
        return HeadsetLine(headset, self._path, self._clock, self._show, port=f"rig-{self.extension}")

    def _doing(self, word: str):  # type: ignore[no-untyped-def]
        async def do(_args: Mapping[str, Scalar]) -> dict[str, Any] | None:
            await self._do(Act(word))
            return None

        return do

    async def _press(self, args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        await self._do(Act("press", text(args, "button")))
        return None

    async def _do(self, act: Act) -> None:
        if act.word != "plug" and not self._line.plugged:
            raise UnpluggedError(f"the headset of {self.seat} is pulled; plug it in first")
        await self._line.do(act)

    def _show(self, line: HeadsetLine, _what: str) -> None:
        picture = line.headset.picture()
        self._put("plugged", line.plugged)
        self._put("open", line.boxes > 0)
        self._put("off-hook", picture.off_hook)
        self._put("muted", picture.muted)
        self._put("lamps", tuple(lamp for lamp in _LAMPS if lamp in picture.lamps))

    def _put(self, name: str, value: Scalar) -> None:
        self._values.put(f"{self._here}/{name}", value)
