"""Decides how a scenario and a whole box are played in one process, in the model's time: real wires, real services, a real journal.

with asyncio.Runner(loop_factory=ModelLoop) as runner:
    runner.run(play(...))
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.core.catalogue import event_from_stored
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.errors import TransientError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Journal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.demo_cable import Cable
from appliance.demo_desk import DemoDesks
from appliance.demo_floor import Around, tables
from appliance.demo_happen import happening
from appliance.demo_lines import DemoLines
from appliance.floor.snapshot import Snapshot
from appliance.floor_view import FloorView
from appliance.runner import make_folders, started
from appliance.runner_supervise import Supervisor
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm
from appliance.sim.floor_book import Book
from appliance.sim.floor_scenario import Scenario, seconds_of
from appliance.sim.floor_scenario_plan import plan_of
from appliance.sim.model_time import ModelClock, ModelLoop
from appliance.sim.pbx import SimPbx

SITE: Final = "demo"
BOX: Final = "simulated"
#: The model's loop begins at a whole second; the floor with it.
SERVICES: Final = ("gateway",)
#: So many times as fast as real, a broker's answer of a millisecond takes a tenth of a second.
WITH_CRM: Final = 100.0
#: What the box says to a modem goes through a pty, and nobody can see when the kernel's thread has handed it on: a modem that seems to be
#: silent for two seconds is taken for dead, so these are not too short in real time.
WITH_LINES: Final = 25.0
_WHOLE: Final = b'{"k":"pbx.resynced"'
_DELIVERED_S: Final = 30.0


class HeldJournal(SqliteJournal):
    """A journal on disk while whose commits the model's time stands."""

    def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> asyncio.Future[int]:
        future = super().appended(events, advance)
        loop = asyncio.get_running_loop()
        if isinstance(loop, ModelLoop):
            loop.hold(future)
        return future


class Stage:
    """A floor with a box on it. `now_ms` is the wall's; `snapshot` is what the box shows."""

    def __init__(self, loop: ModelLoop, clock: ModelClock, config: Config, around: Around, journal: Journal, book: Book | None) -> None:
        self.loop, self.clock, self.config, self.around, self.journal, self.book = loop, clock, config, around, journal, book
        self.zero_ms = clock.wall_ns() // 1_000_000
        self.view = FloorView(journal, config, clock)
        self._read, self._whole = 0, list[int]()

    @property
    def now_ms(self) -> int:
        return self.clock.wall_ns() // 1_000_000

    async def until(self, at_ms: int) -> None:
        """Play on to a moment of the wall, and until all that belongs to it has happened."""
        await asyncio.sleep(max(0, at_ms - self.now_ms) / 1000)
        await self.loop.quiet()

    async def delivered(self) -> None:
        """Until the CRM has all that is due, at a person's pace. Raises TimeoutError when it does not get it."""
        crm = self.around.crm
        assert crm is not None
        with self.loop.pace(1.0):
            async with asyncio.timeout(_DELIVERED_S):
                while (books := self.journal.account("uplink")).waiting or crm.book.events < books.recorded:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        await self.loop.quiet()

    def snapshot(self) -> Snapshot:
        """The floor as the box shows it now."""
        while self.view.catch_up():
            pass
        return self.view.snapshot()

    async def board(self) -> dict[str, Any]:
        """The floor as the boards' own server gives it: `GET /api/floor`. For a stage with boards."""
        assert self.config.wallboard.tv is not None
        host, _, port = str(self.config.wallboard.tv.listen).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"GET /api/floor HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
        if not head.startswith(b"HTTP/1.1 200"):
            raise TransientError(f"GET /api/floor: {head[:60]!r}; the boards are not up")
        floor: dict[str, Any] = json.loads(body)
        return floor

    def whole_ms(self) -> list[int]:
        """When the box said that its picture of the PBX, or of the lines, was whole."""
        while page := self.journal.read(self._read):
            self._whole += [stored_from_body(entry.body).wall_ns // 1_000_000 for entry in page if entry.body.startswith(_WHOLE)]
            self._read = page[-1].seq
        return self._whole

    def events(self) -> list[Event]:
        """The whole journal."""
        out, after = list[Event](), 0
        while page := self.journal.read(after):
            out += [event for entry in page if (event := event_from_stored(stored_from_body(entry.body))) is not None]
            after = page[-1].seq
        return out


def begins_ns(scenario: Scenario) -> int:
    """When a scenario begins, on the wall."""
    day = datetime.fromisoformat(scenario.day).replace(tzinfo=ZoneInfo(scenario.timezone))
    return round((day + timedelta(seconds=seconds_of(scenario.begins))).timestamp()) * NS


@asynccontextmanager
async def on_stage(
    scenario: Scenario,
    *,
    seed: int,
    folder: Path,
    services: Sequence[str] | None = None,
    journal: Journal | None = None,
    crm: bool = False,
    listen: str | None = None,
) -> AsyncIterator[Stage]:
    """Everything runs while the block does. `folder`: for the configuration and the journal; short, for sockets lie there too.

    `journal` None: one on disk there. `crm`: with a broker and a CRM behind a cable; the broker is a process of its own, so the floor
    then passes at most `WITH_CRM` times as fast as real. `listen`: boards there, by the service that serves them.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ModelLoop), "play it in a ModelLoop"
    clock = ModelClock(loop, begins_ns(scenario))
    random.seed(f"{seed}/box")  # the box's jitter: one seed, one play
    async with AsyncExitStack() as stack:
        around = Around(None, None, None, "", "", scenario=scenario, site=SITE, box=BOX)
        if crm:
            await _connect(stack, loop, around, clock)
        book = None
        if scenario.queues:
            around.pbx = SimPbx(plan_of(scenario), seed=seed, clock=clock, watch=lambda happened: book.take(happened) if book else None)
            book = Book(around.pbx.model, scenario.trunks)
            await stack.enter_async_context(around.pbx)
        if scenario.analog is not None:
            stack.enter_context(loop.pace(WITH_LINES))
            zone = ZoneInfo(scenario.timezone)
            around.lines = await stack.enter_async_context(DemoLines(folder, seed, 1.0, scenario.analog, clock, zone))
        if around.pbx is not None and scenario.headsets.seats:
            around.desks = await stack.enter_async_context(DemoDesks(around.pbx, folder, seed, scenario.headsets, clock))
        (folder / "pbx.secret").write_text("callfloor\n", encoding="utf-8")
        (folder / "callfloor.toml").write_text(configuration(around, scenario, listen), encoding="utf-8")
        config = load(folder / "callfloor.toml", {})
        names = services or (
            *SERVICES,
            *(("headsets",) if around.desks is not None else ()),
            *(("wallboard",) if listen is not None else ()),
            *(("uplink",) if crm else ()),
        )
        if journal is None:
            journal = stack.enter_context(_journal(config, clock))
        await journal.appended([started(clock, names)])
        stage = Stage(loop, clock, config, around, journal, book)
        await stack.enter_async_context(_box(config, journal, clock, names))
        await stack.enter_async_context(happening(around, 1.0))
        yield stage


async def _connect(stack: AsyncExitStack, loop: ModelLoop, around: Around, clock: ModelClock) -> None:
    stack.enter_context(loop.pace(WITH_CRM))
    with loop.pace(1.0):
        broker = await stack.enter_async_context(Broker())
        around.crm = await stack.enter_async_context(SimCrm(broker.url, site=SITE, box=BOX, protocol=broker.protocol, clock=clock))
        around.cable = await stack.enter_async_context(Cable(broker.host, broker.port))
        around.url, around.protocol = f"mqtt://127.0.0.1:{around.cable.port}", broker.protocol
        await around.crm.stood.wait()


@contextlib.contextmanager
def _journal(config: Config, clock: ModelClock) -> Any:
    make_folders(config)
    site = config.journal
    journal = HeldJournal.open(
        site.path,
        run_dir=site.run_dir or site.path.parent / "run",
        due=lambda _event: True,
        keep_days=7,
        max_bytes=2 * 1024**3,
        clock=clock,
    )
    try:
        yield journal
    finally:
        journal.close()


@asynccontextmanager
async def _box(config: Config, journal: Journal, clock: ModelClock, names: Sequence[str]) -> AsyncIterator[None]:
    stopped = asyncio.Event()
    runner = asyncio.create_task(Supervisor(config, journal, clock, names).run(stopped), name="runner")
    try:
        yield
    finally:
        stopped.set()
        await runner


def configuration(around: Around, scenario: Scenario, listen: str | None = None) -> str:
    """The box's configuration for the model's time."""
    pbx = around.pbx
    source = (
        ""
        if pbx is None
        else f"""[pbx.central]
kind = "asterisk"
host = "127.0.0.1"
port = {pbx.port}
username = "callfloor"
secret_file = "pbx.secret"

[pbx.central.ivr]
{tables(scenario)}"""
    )
    crm = f'[crm]\nurl = "{around.url}"\nprotocol = "{around.protocol}"\nreconnect_max_s = 3.0\n' if around.crm is not None else ""
    boards = "" if listen is None else f'[wallboard.tv]\nlisten = "{listen}"\n'
    return f"""[site]
name = "{SITE}"
box = "{BOX}"
timezone = "{scenario.timezone}"

[journal]
path = "journal.db"

{source or (around.lines.configuration() if around.lines is not None else "")}
{crm}
{boards}
{around.desks.configuration() if around.desks else ""}"""
