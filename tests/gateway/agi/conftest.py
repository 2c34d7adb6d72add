"""A routing help on a real socket, over a real journal, asked as Asterisk's AGI() asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from appliance.core.alive import Alive, Sight
from appliance.core.catalogue import PbxResynced, PbxUp, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.config_file import config_from_toml
from appliance.core.directory import directory_path
from appliance.core.directory_card import CardIn, filed_from
from appliance.core.directory_store import Cards
from appliance.core.event import Entry, Event
from appliance.core.journal import BATCH
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.meter import Meter
from appliance.service import Context
from appliance.sim.pbx_agi import Agi, Told
from gateway.agi.service import Routing

CALLER = "0991234567"
RULES = """
[[routing.rule]]
name = "insiste"
gave_up_from = 2
queue = "ventas"
priority = 8
[[routing.rule]]
name = "vip"
segment = ["vip"]
queue = "ventas"
priority = 10
[[routing.rule]]
name = "facturas"
digits = ["main:3"]
queue = "cobranzas"
[[routing.rule]]
name = "movil"
caller = ["+5939*"]
queue = "ventas"
set = { SALUDO = "hola" }
"""


class Watching:
    """The runner's side of a service."""

    def __init__(self) -> None:
        self.is_ready, self.turns, self.text = False, 0, ""

    def ready(self) -> None:
        self.is_ready = True

    def progress(self) -> None:
        self.turns += 1

    def status(self, text: str) -> None:
        self.text = text


class Box:
    """One box with the service on a port of its own."""

    def __init__(self, folder: Path, text: str, **routing: Any) -> None:
        self.folder = folder
        config = config_from_toml(
            f'[site]\ntimezone = "America/Guayaquil"\n[routing]\nlisten = "127.0.0.1:0"\n{text}', folder / "callfloor.toml"
        )
        assert config.routing is not None
        self.config: Config = replace(config, routing=replace(config.routing, **routing))
        self.clock = SystemClock()
        self.journal = SqliteJournal.open(
            config.journal.path, run_dir=config.journal.run_dir, due=lambda _: True, keep_days=1, max_bytes=10**8, clock=self.clock
        )
        self.meter, self.watch, self.routing = Meter(), Watching(), Routing()
        self.gateway: Alive | None = None
        #: All that it holds, once the box is left.
        self.journal_rows: list[Entry] = []
        self.context = Context(self.config, self.journal, self.clock, self.watch, "routing", self.meter)

    @property
    def has_read(self) -> bool:
        """Whether it listens, and knows the day so far."""
        desk = self.routing.desk
        return self.watch.is_ready and desk is not None and desk.floor.callers is not None

    @property
    def port(self) -> int:
        assert self.routing.port is not None
        return self.routing.port

    def gateway_begins(self) -> None:
        """A gateway lives and has its PBX in sight."""
        assert self.journal.run_dir is not None
        self.gateway = Alive.open(self.journal.run_dir, "gateway", Sight(self.clock.boot, self.clock.mono_ns(), self.clock.wall_ns()))
        self.told(PbxUp(pbx="central"), PbxResynced(pbx="central"))

    def gateway_dies(self) -> None:
        if self.gateway is not None:
            self.gateway.close()
            self.gateway = None

    def filed(self, **cards: str) -> None:
        """Customers of these segments, by number."""
        store = Cards(directory_path(self.config))
        with store.turn(), store.writing():
            rows = [
                filed_from(CardIn(customer=f"c-{number}", numbers=(number,), segment=segment), "EC")[0] for number, segment in cards.items()
            ]
            store.upsert(rows, 1, newest=True)
            store.note(1, self.clock.wall_ns())
        store.close()

    def told(self, *data: Struct) -> None:
        """Events as the gateway of a PBX tells them."""
        now = self.clock
        if self.gateway is not None:
            self.gateway.saw("central", Sight(now.boot, now.mono_ns(), now.wall_ns()))
        events = [Event(kind_of(one), "gateway/central", now.wall_ns(), now.mono_ns(), now.boot, now.quality(), one) for one in data]
        for at in range(0, len(events), BATCH):
            self.journal.append(events[at : at + BATCH])

    async def ask(self, script: str = "route", *, whole: bool = True, **fields: str) -> Told:
        return await Agi(f"agi://127.0.0.1:{self.port}/{script}", whole=whole).ask({"callerid": CALLER, "uniqueid": "1.1", **fields})

    async def ask_until(self, wanted: Callable[[dict[str, str]], bool], script: str = "route", **fields: str) -> dict[str, str]:
        """Ask until the answer is as wanted; the one that is late by itself on a busy machine is asked again."""
        async with asyncio.timeout(20):
            while not wanted(found := (await self.ask(script, whole=True, **fields)).variables):
                await asyncio.sleep(0.05)
        return found

    def ended(self, outcome: str) -> int:
        """How many connections ended so."""
        return int(self.meter.counter("callfloor_routing_calls", "", outcome=outcome).value)

    async def until_ended(self, outcome: str, count: int) -> None:
        async with asyncio.timeout(20):
            while self.ended(outcome) < count:
                await asyncio.sleep(0.02)


def rows_of(journal: SqliteJournal) -> list[Entry]:
    out: list[Entry] = []
    while page := journal.read(out[-1].seq if out else 0):
        out += page
    return out


@pytest.fixture
def box(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Box]]:
    """Makes a box and runs it. Answers may take long: these machines are busy; what is about time sets its own."""

    @asynccontextmanager
    async def make(text: str = RULES, **routing: Any) -> AsyncIterator[Box]:
        made = Box(tmp_path, text, **{"answer_ms": 5000.0, **routing})
        task = asyncio.create_task(made.routing.run(made.context))
        try:
            async with asyncio.timeout(20):
                while not made.has_read and not task.done():
                    await asyncio.sleep(0.01)
            yield made
        finally:
            task.cancel()
            (fault,) = await asyncio.gather(task, return_exceptions=True)
            made.gateway_dies()
            made.journal_rows = rows_of(made.journal)
            made.journal.close()
            if not isinstance(fault, asyncio.CancelledError):
                raise AssertionError("the service ended") from fault

    return make
