"""The gateway with a call-record port and no PBX at all: calls in the journal, nothing twice after a restart, health told on change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from smdr_rig import Pbx, line, pbx, until

from appliance.core.catalogue import BoxHealth, PbxRecord, event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.config import Config, Site
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Journal
from appliance.core.journal_memory import MemoryJournal
from appliance.core.smdr_config import SmdrConfig
from appliance.floor.floor import Floor
from appliance.floor.shot import Shots
from appliance.service import Context
from gateway.pbx.service import Gateway


class Watching:
    """The runner's side of a service."""

    def __init__(self) -> None:
        self.turns = 0

    def ready(self) -> None: ...

    def progress(self) -> None:
        self.turns += 1

    def status(self, text: str) -> None: ...


def events_of(journal: Journal) -> list[Event]:
    out, after = [], 0
    while page := journal.read(after):
        for entry in page:
            event = event_from_stored(stored_from_body(entry.body))
            assert event is not None
            out.append(event)
        after = page[-1].seq
    return out


def calls_of(journal: Journal) -> list[int]:
    return [int(event.data.number or "0") - 990_000_000 for event in events_of(journal) if isinstance(event.data, PbxRecord)]


@asynccontextmanager
async def gateway(far: Pbx, journal: Journal, **more: SmdrConfig) -> AsyncIterator[Watching]:
    smdr = {"norte": SmdrConfig(url=f"tcp://127.0.0.1:{far.port}", reconnect_max_s=0.2), **more}
    watching = Watching()
    context = Context(Config(site=Site(timezone="America/Guayaquil"), smdr=smdr), journal, SystemClock(), watching, "gateway")
    task = asyncio.create_task(Gateway().run(context))
    try:
        yield watching
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_calls_reach_the_journal_once_whatever_restarts() -> None:
    journal = MemoryJournal()
    async with pbx() as far:
        async with gateway(far, journal) as watching:
            await until(lambda: far.peers)
            await far.write(b"".join(line(n) for n in range(20)))
            await until(lambda: calls_of(journal) == list(range(20)))
            await until(lambda: watching.turns > 0)
        far.peers.clear()
        async with gateway(far, journal):
            await until(lambda: far.peers)
            await far.write(b"".join(line(n) for n in range(15, 40)))
            await until(lambda: calls_of(journal) == list(range(40)))
    sources = {event.source for event in events_of(journal)}
    assert sources == {"gateway/norte"}


async def test_a_port_that_cannot_be_opened_does_not_stop_another() -> None:
    journal = MemoryJournal()
    async with pbx() as far, gateway(far, journal, sur=SmdrConfig(url="serial:///dev/nowhere", profile="panasonik")):
        await until(lambda: far.peers)
        await far.write(b"".join(line(n) for n in range(20)))
        await until(lambda: calls_of(journal) == list(range(20)))


async def test_what_call_records_cannot_tell_stays_unknown() -> None:
    """A floor of call records alone has no queue, and says no figure of one; the port's health is shown."""
    journal = MemoryJournal()
    async with pbx() as far, gateway(far, journal):
        await until(lambda: far.peers)
        await far.write(b"".join(line(n) for n in range(20)))
        await until(lambda: len(calls_of(journal)) == 20)
        await far.stop()
        await until(lambda: any(isinstance(event.data, BoxHealth) and event.data.level == "red" for event in events_of(journal)))
    floor = Floor(Config())
    for seq, event in enumerate(events_of(journal), 1):
        floor.apply(seq, event)
    shot = Shots(floor).take(SystemClock().wall_ns())
    assert shot.queues == {}
    assert (shot.floor.waiting, shot.floor.longest_wait, shot.floor.fresh, shot.floor.today.abandon_rate) == (None, None, "unknown", None)
    assert [(health.id, health.level) for health in shot.health] == [("smdr.norte", "red")]
