"""A process with OPC UA and a rig of one lamp, one picture and three actions: `rig_process.py CONFIG`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.errors import UnpluggedError
from appliance.runner import open_journal
from appliance.service import Context
from gateway.opcua.rig_port import RigAction, RigAnswer, RigArgument, RigValue, Scalar
from gateway.opcua.service import Opcua


class Lamp:
    """A rig: its lamp is what `lamp/set` made it; `plug` makes a value come and go; `stop` is the end of it."""

    def __init__(self) -> None:
        self._values = {
            "lamp/lit": self._lit(False),
            "panel/picture": RigValue(path="panel/picture", kind="bytes", value=b"\x89PNG" + bytes(5000)),
        }
        self._news: asyncio.Queue[frozenset[str] | None] = asyncio.Queue()
        self._actions = {
            action.name: action
            for action in (
                RigAction(
                    name="lamp/set",
                    text="light the lamp",
                    arguments=(
                        RigArgument(name="lit", kind="bool", text="whether it burns"),
                        RigArgument(name="after_s", kind="float", unit="s", required=False, default=0.0),
                        RigArgument(name="colour", kind="text", required=False, default="red", choices=("red", "green")),
                    ),
                    call=self._set,
                ),
                RigAction(name="plug", text="plug a headset", call=self._plug),
                RigAction(name="break", text="does not work", call=self._break),
                RigAction(name="stop", text="the rig ends", call=self._stop),
            )
        }

    def actions(self) -> Mapping[str, RigAction]:
        return self._actions

    def values(self) -> Mapping[str, RigValue]:
        return self._values

    async def changed(self) -> AsyncIterator[frozenset[str]]:
        while (news := await self._news.get()) is not None:
            yield news

    def _lit(self, lit: bool) -> RigValue:
        return RigValue(path="lamp/lit", kind="bool", value=lit, source_ns=time.time_ns())

    async def _set(self, args: Mapping[str, Scalar]) -> RigAnswer:
        began = time.time_ns()
        self._values["lamp/lit"] = self._lit(bool(args["lit"]))
        self._news.put_nowait(frozenset({"lamp/lit"}))
        return RigAnswer(result=dict(args), began_ns=began, ended_ns=time.time_ns())

    async def _plug(self, _args: Mapping[str, Scalar]) -> RigAnswer:
        if self._values.pop("headsets/a1/hook", None) is None:
            self._values["headsets/a1/hook"] = RigValue(path="headsets/a1/hook", kind="text", value="on")
        self._news.put_nowait(frozenset())
        return RigAnswer()

    async def _break(self, _args: Mapping[str, Scalar]) -> RigAnswer:
        raise UnpluggedError("no such wire; plug it in")

    async def _stop(self, _args: Mapping[str, Scalar]) -> RigAnswer:
        self._news.put_nowait(None)
        return RigAnswer()


class Quiet:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


def main(file: str) -> None:
    config: Any = load(Path(file))
    clock = SystemClock()
    journal = open_journal(config, clock)
    try:
        asyncio.run(Opcua(Lamp()).run(Context(config, journal, clock, Quiet(), "opcua")))
    finally:
        journal.close()


if __name__ == "__main__":
    main(sys.argv[1])
