"""Decides how `callfloor rig` runs: the rig, and the OPC UA server over it, which stays while the box behind it is begun anew."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from appliance import registry
from appliance.cli.terminal import say
from appliance.core.config_file import load
from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.demo_floor import free_listener
from appliance.rig.box import OPCUA
from appliance.rig.by_hand import Hand
from appliance.rig.keys import FILE, made
from appliance.rig.pbx import STILL
from appliance.rig.place import checked, mark_running, new_folder
from appliance.rig.rig import Rig
from appliance.runner import open_journal, signals
from appliance.runner_log import to_file
from appliance.runner_supervise import Supervisor
from appliance.service import Service
from gateway.opcua.rig_keys import Keys

_READY_S = 60.0


class Options(Struct, frozen=True, kw_only=True):
    """What the command line asks for; `for_s` None: until told to stop. Ports that are taken are followed by the next free ones."""

    listen: str = "127.0.0.1:4840"
    boards: str = "127.0.0.1:8080"
    scenario: str = STILL
    seed: int = 1
    speed: float = 1.0
    time: str = ""
    devices: Mapping[str, str] = field(default_factory=dict)
    hand: str | None = None
    folder: Path | None = None
    for_s: float | None = None


def run(options: Options) -> int:
    """Run a rig until it is told to stop; 0. Raises CallfloorErrors for options that cannot be."""
    folder = checked(options.folder.absolute()) if options.folder is not None else new_folder()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = mark_running(folder)
    to_file(folder / "rig.log")
    try:
        asyncio.run(_run(options, folder))
    finally:
        os.close(descriptor)
        logging.shutdown()
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


async def _run(options: Options, folder: Path) -> None:
    stop = asyncio.Event()
    with signals(stop, leave_s=15.0):
        say("the rig starts …")
        async with serving(options, folder) as (rig, keys):
            say(f"OPC UA           {keys.url}, user {keys.user}; keys in {folder / FILE}")
            say(f"boards           http://{rig.listen}")
            say(f"{len(rig.actions())} actions, {len(rig.values())} values: callfloor rig list     log: {folder / 'rig.log'}")
            say("test at it       make rig ARGS='--rig " + keys.url + " --keys " + str(folder / FILE) + "'     the end: Ctrl-C")
            sys.stdout.flush()
            with suppress(TimeoutError):
                async with asyncio.timeout(options.for_s):
                    await stop.wait()


@asynccontextmanager
async def serving(options: Options, folder: Path) -> AsyncIterator[tuple[Rig, Keys]]:
    """A rig with its server, ready. Raises MisconfiguredError, and TransientError when something does not start."""
    boards, _ = free_listener(options.boards)
    listen = _listen(options.listen)
    rig = Rig(folder, boards, devices=options.devices, hand=Hand(options.hand))
    keys, tables = made(folder, listen)
    rig.serve(tables)
    rig.play(options.scenario, options.seed, options.speed, options.time)
    async with rig, _server(rig, folder):
        await rig.again()  # the server's start took the box seconds of the processor, which no test is to be blamed for
        yield rig, keys


def _listen(text: str) -> Endpoint:
    """Where the server listens: `opc.tcp://HOST:PORT` or `HOST:PORT`. Raises MisconfiguredError."""
    try:
        wanted = endpoint_from_text(text.removeprefix("opc.tcp://").rstrip("/"), 4840)
    except ValueError as fault:
        raise MisconfiguredError(f"--listen {text}: {fault}; write opc.tcp://127.0.0.1:4840, or 0.0.0.0 for the whole network") from fault
    return free_listener(str(wanted))[0]


@asynccontextmanager
async def _server(rig: Rig, folder: Path) -> AsyncIterator[None]:
    """The production service with the rig in its hands, over a handle of its own on the box's journal, as a process of its own has it."""
    config = load(folder / "callfloor.toml", {})
    journal = open_journal(config, rig.clock)
    stop = asyncio.Event()

    def service(_name: str) -> Service:
        module, _, attribute = registry.where(OPCUA).partition(":")
        serving: Any = getattr(importlib.import_module(module), attribute)
        made: Service = serving(rig=rig)
        return made

    supervisor = Supervisor(config, journal, rig.clock, (OPCUA,), make=service)
    task = asyncio.create_task(supervisor.run(stop), name="rig-opcua")
    try:
        await _ready(supervisor)
        yield
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
        journal.close()


async def _ready(supervisor: Supervisor) -> None:
    post = supervisor.posts[0]
    try:
        async with asyncio.timeout(_READY_S):
            while not post.is_ready.is_set():
                if post.failures:
                    raise TransientError(f"the OPC UA server does not start: {post.text}")
                await asyncio.sleep(0.02)
    except TimeoutError as fault:
        raise TransientError(f"the OPC UA server is not ready after {_READY_S:g} s: {post.text}") from fault
