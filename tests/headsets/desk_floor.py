"""A floor around the desks: the headsets' service over a journal on disk, and a gateway and seat boxes of which the events are appended by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from sim_desk import LONG_S, until

from appliance.core import catalogue as c
from appliance.core.alive import Alive, Sight
from appliance.core.clock import SystemClock
from appliance.core.config import Config, PbxConfig
from appliance.core.event import Event, Origin, stored_from_body
from appliance.core.headset_config import FindingHolds, HeadsetsConfig
from appliance.core.journal_sqlite import SqliteJournal
from appliance.service import Context
from headsets.service import Headsets

SOON = FindingHolds(call_on_hook=0.02, off_hook_no_call=0.02, available_unplugged=0.02, muted_in_call=0.02, held_elsewhere=0.02)
ANA = c.AgentLoggedIn(agent="ana", pbx="p", interface="PJSIP/101")


class Silence:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


def state(state: c.AgentState, agent: str = "ana") -> c.AgentStateChanged:
    return c.AgentStateChanged(agent=agent, pbx="p", state=state)


class Floor:
    """One box. `gateway`, `uplink`: their locks, held while they live."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, SystemClock()
        self.run_dir = folder / "run"
        self.journal = SqliteJournal.open(folder / "journal.db", run_dir=self.run_dir, due=lambda _event: False, clock=self.clock)
        self.gateway: Alive | None = Alive.open(self.run_dir, "gateway")
        self.uplink: Alive | None = Alive.open(self.run_dir, "uplink")
        self._pbx = self.context(None, "gateway")

    def context(self, headsets: HeadsetsConfig | None, service: str = "headsets") -> Context:
        config = Config(headsets=headsets, pbx={"p": PbxConfig()})
        return Context(config, self.journal, self.clock, Silence(), service)

    async def tell(self, *data: Struct, box: str | None = None) -> None:
        """What the gateway tells, or another box."""
        events = [self._pbx.event(each, "p") for each in data]
        if box is not None:
            head = self.journal.head().seq
            events = [
                msgspec.structs.replace(each, origin=Origin(f"abc-{head + at}", box, each.wall_ns, "synced"))
                for at, each in enumerate(events)
            ]
        await self.journal.appended(events)

    def saw(self, mono_ns: int) -> None:
        """When the gateway last heard the PBX."""
        assert self.gateway is not None
        self.gateway.saw("p", Sight(self.clock.boot, mono_ns, self.clock.wall_ns()))

    def kill_gateway(self) -> None:
        assert self.gateway is not None
        self.gateway.close()
        self.gateway = None

    def kill_uplink(self) -> None:
        assert self.uplink is not None
        self.uplink.close()
        self.uplink = None

    def events(self, *kinds: type[Struct]) -> list[Any]:
        found: list[Event] = []
        after = 0
        while rows := self.journal.read(after):
            found += [event for row in rows if (event := c.event_from_stored(stored_from_body(row.body))) is not None]
            after = rows[-1].seq
        return [event.data for event in found if isinstance(event.data, kinds)]

    def findings(self, seat: str | None = None) -> list[str]:
        """In short: `call_on_hook ana`, and `-call_on_hook ana` where it is over."""
        told = [each for each in self.events(c.HeadsetFinding) if seat is None or each.seat == seat]
        return [f"{'-' if each.over else ''}{each.finding} {each.agent}" for each in told]

    async def found(self, *findings: str, seat: str | None = None) -> None:
        """Till exactly these were found."""
        try:
            await until(lambda: len(self.findings(seat)) >= len(findings))
        finally:
            assert self.findings(seat) == list(findings)

    async def reached(self, what: Callable[[], object]) -> None:
        await until(what)

    @asynccontextmanager
    async def service(self, headsets: HeadsetsConfig) -> AsyncIterator[Headsets]:
        service = Headsets()
        running = asyncio.create_task(service.run(self.context(headsets)))
        try:
            yield service
        finally:
            running.cancel()
            async with asyncio.timeout(LONG_S):
                await asyncio.wait((running,))
            if not running.cancelled():
                running.result()

    def close(self) -> None:
        for alive in (self.gateway, self.uplink):
            if alive is not None:
                alive.close()
        self.journal.close()
