"""The boards' service raises alarms by itself: calls in the journal, an alarm on the stream, and cleared again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import aiohttp

from appliance.core.catalogue import CallAnswered, CallQueued, PbxResynced, PbxUp
from appliance.core.clock import SystemClock
from appliance.core.config import AlarmConfig, Config, Limit, PbxConfig, Tv
from appliance.core.config import Wallboard as Boards
from appliance.core.event import stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.service import Context
from wallboard.service import Wallboard
from wallboard.stream.patch import apply


class Runner:
    def __init__(self) -> None:
        self.is_ready = asyncio.Event()

    def ready(self) -> None:
        self.is_ready.set()

    def progress(self) -> None:
        pass

    def status(self, text: str) -> None:
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_an_alarm_is_raised_shown_and_cleared() -> None:
    port, runner = free_port(), Runner()
    config = Config(
        pbx={"central": PbxConfig()},
        wallboard=Boards(tv=Tv(listen=f"127.0.0.1:{port}")),
        alarm=AlarmConfig(hold_s=0, every={"waiting": Limit(amber=0, red=1), "longest_wait": Limit(off=True)}),
    )
    journal = MemoryJournal()
    context = Context(config, journal, SystemClock(), runner, "wallboard")
    gateway = Context(config, journal, context.clock, runner, "gateway")
    task = asyncio.create_task(Wallboard().run(context))
    document: dict[str, Any] = {}

    async def until_alarms(stream: aiohttp.ClientResponse, wanted: dict[str, str]) -> None:
        nonlocal document
        kind = ""
        async with asyncio.timeout(10):
            while {alarm["id"]: alarm["level"] for alarm in document.get("alarms", [])} != wanted:
                line = (await stream.content.readline()).decode().rstrip()
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind in ("floor", "patch"):
                    document = json.loads(value) if kind == "floor" else apply(document, json.loads(value))

    try:
        async with asyncio.timeout(10):
            await runner.is_ready.wait()
        await gateway.emit(PbxUp(pbx="central"), PbxResynced(pbx="central"), name="central")
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/api/stream") as stream:
            await gateway.emit(CallQueued(call="c1", pbx="central", visit="v1", queue="ventas"), name="central")
            await until_alarms(stream, {"floor.waiting": "amber", "queue.ventas.waiting": "amber"})
            await gateway.emit(CallQueued(call="c2", pbx="central", visit="v2", queue="ventas"), name="central")
            await until_alarms(stream, {"floor.waiting": "red", "queue.ventas.waiting": "red"})
            for visit in ("v1", "v2"):
                answered = CallAnswered(call=visit, pbx="central", visit=visit, queue="ventas", agent="ana", wait_s=1.0)
                await gateway.emit(answered, name="central")
            await until_alarms(stream, {})
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    kinds = [stored_from_body(row.body).kind for row in journal.read(0)]
    assert (kinds.count("alarm.raised"), kinds.count("alarm.cleared")) == (4, 2)
