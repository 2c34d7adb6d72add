"""A site with analog lines and no PBX: modems on ptys, the real gateway, its journal, and the floor that is folded from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from wire_rig import ModemRig, until

from appliance.core.catalogue import event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.config import Config, TrunkConfig
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Journal
from appliance.core.line_config import LinesConfig
from appliance.floor.floor import Floor
from appliance.floor.shot import Shots
from appliance.floor.snapshot import Snapshot
from appliance.service import Context
from appliance.sim.modem import SimModem
from gateway.pbx.service import Gateway

#: A bell so slow that a busy machine is never late for the next, and a caller who is given up soon.
QUICK: dict[str, Any] = {"ring_ms": (500, 500), "grace_ms": 300, "flash_ms": 100, "queue": "ventas", "trunk": "pstn"}


class Watching:
    """The runner's side of a service."""

    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


class Site:
    """Lines `l1`, `l2` … on modems that tell the hook, but those of `deaf`."""

    def __init__(self, folder: Path, lines: int = 4, deaf: tuple[int, ...] = ()) -> None:
        self.rigs: dict[str, ModemRig] = {}
        for number in range(1, lines + 1):
            place = folder / f"port{number}"
            place.mkdir(exist_ok=True)
            self.rigs[f"l{number}"] = ModemRig(place, SimModem())
        heard = {name: LinesConfig(url=rig.url, hook_sense=int(name[1:]) not in deaf, **QUICK) for name, rig in self.rigs.items()}
        self.config = Config(lines=heard, trunks={"pstn": TrunkConfig(lines=lines)})

    def plug(self) -> None:
        for rig in self.rigs.values():
            rig.plug()

    def pull(self) -> None:
        for rig in self.rigs.values():
            rig.pull()

    @asynccontextmanager
    async def ringing(self, *lines: str) -> AsyncIterator[None]:
        """Callers who do not give up while the block runs, however slow the machine is."""

        async def ring() -> None:
            while True:
                for line in lines:
                    with suppress(AssertionError):  # its cable was pulled
                        self.rigs[line].say(self.rigs[line].modem.ring())
                await asyncio.sleep(0.2)

        task = asyncio.create_task(ring())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def hook(self, line: str, off: bool) -> None:
        self.rigs[line].say(self.rigs[line].modem.hook(off))


@asynccontextmanager
async def gateway(config: Config, journal: Journal) -> AsyncIterator[Gateway]:
    """The service, as the runner runs it."""
    made = Gateway()
    task = asyncio.create_task(made.run(Context(config, journal, SystemClock(), Watching(), "gateway")))
    try:
        yield made
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def events_of(journal: Journal) -> list[Event]:
    out, after = [], 0
    while page := journal.read(after):
        for entry in page:
            event = event_from_stored(stored_from_body(entry.body))
            assert event is not None
            out.append(event)
        after = page[-1].seq
    return out


def of(journal: Journal, kind: str, **fields: object) -> list[Any]:
    return [e.data for e in events_of(journal) if e.kind == kind and all(getattr(e.data, k) == v for k, v in fields.items())]


async def told(journal: Journal, kind: str, count: int = 1, **fields: object) -> list[Any]:
    await until(lambda: len(of(journal, kind, **fields)) >= count)
    return of(journal, kind, **fields)


async def in_sight(journal: Journal, times: int = 1) -> None:
    await told(journal, "pbx.resynced", times)


def floor_of(journal: Journal, config: Config) -> Snapshot:
    """The boards' figures now."""
    floor = Floor(config)
    for seq, event in enumerate(events_of(journal), 1):
        floor.apply(seq, event)
    return Shots(floor).take(SystemClock().wall_ns())
