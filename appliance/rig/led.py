"""Decides what a rig's LED chain shows: the frames as they came on its wire, as a picture and as what a person reads; a plug to pull."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from appliance.rig.led_reader import png_from, text_from
from appliance.rig.part import Deed
from appliance.rig.twin_bench import TwinBench
from appliance.rig.values import Values
from gateway.opcua.rig_port import Scalar

WIDTH: Final = 64
HEIGHT: Final = 8
#: A rolling text is thirty frames a second: whoever looks at pictures gets five, and always the last one.
_PICTURE_EVERY_S: Final = 0.2


class LedPanel:
    """One chain."""

    def __init__(self, name: str, folder: Path, values: Values) -> None:
        self.url = f"sim:{folder / name}"
        self._here, self._values = f"led/{name}", values
        self._bench = TwinBench(folder / name, self._came, self._heard, self._went)
        self._frames = 0
        self._inks = b""
        self._later: asyncio.TimerHandle | None = None
        values.tell(f"{self._here}/text", "text", "what stands there, read dot by dot; a sign cut at an edge is \ufffd")
        values.tell(f"{self._here}/picture", "bytes", "the frame as a PNG, at most five a second and always the last")
        values.tell(f"{self._here}/frames", "int", "frames since the reset", "1")
        values.tell(f"{self._here}/brightness", "int", "as the box set it", "percent")
        values.tell(f"{self._here}/plugged", "bool", "whether the chain is plugged in")
        values.tell(f"{self._here}/open", "bool", "whether the box drives it")

    def deeds(self) -> tuple[Deed, ...]:
        return (
            Deed(name=f"{self._here}/pull", text="pull the LED chain's plug", do=self._pull),
            Deed(name=f"{self._here}/plug", text="plug the LED chain in again", do=self._plug),
        )

    async def rest(self) -> None:
        self._bench.pull()
        self._frames, self._inks = 0, b""
        self._put("frames", 0)
        await self._plug({})

    def close(self) -> None:
        """Let the socket go."""
        if self._later is not None:
            self._later.cancel()
        self._bench.pull()

    async def _pull(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._bench.pull()
        self._put("plugged", False)
        return None

    async def _plug(self, _args: Mapping[str, Scalar]) -> dict[str, Any] | None:
        self._bench.plug()
        self._put("plugged", True)
        self._put("open", self._bench.connected)
        return None

    def _came(self, _hello: bytes) -> None:
        self._put("open", True)

    def _went(self) -> None:
        """A chain keeps its last picture while it has power; here it goes dark, as its power comes by the same cable."""
        self._put("open", False)
        for name in ("text", "picture", "brightness"):
            self._values.put(f"{self._here}/{name}", None, status="unknown")
        self._inks = b""

    def _heard(self, message: bytes) -> None:
        match message[:1]:
            case b"F" if len(message) == 1 + WIDTH * HEIGHT:
                self._inks = message[1:]
                self._frames += 1
                self._put("frames", self._frames)
                self._put("text", text_from(self._inks, WIDTH))
                if self._later is None:
                    self._draw()
            case b"B":
                self._put("brightness", message[1])
            case _:
                pass  # the set-up sent anew changes nothing that is seen

    def _draw(self) -> None:
        drawn = self._inks
        if drawn:
            self._put("picture", png_from(drawn, WIDTH))
        self._later = asyncio.get_running_loop().call_later(_PICTURE_EVERY_S, self._drawn, drawn)

    def _drawn(self, drawn: bytes) -> None:
        self._later = None
        if self._inks != drawn:
            self._draw()

    def _put(self, name: str, value: Scalar) -> None:
        self._values.put(f"{self._here}/{name}", value)
