"""Decides how the gateway keeps its call-record ports: each apart from the others, their calls as `pbx.record`, their state as health."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from appliance.apart import Apart
from appliance.core.catalogue import BoxHealth, PbxRecord, event_from_stored
from appliance.core.clock import NS
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE, Journal
from appliance.core.meter import Family, wire_families
from appliance.outbox import Outbox
from appliance.service import Context
from gateway.smdr.event import event_from_record
from gateway.smdr.record import CallRecord
from gateway.smdr.source import Health, SmdrSource
from gateway.smdr.twice import REMEMBERED

#: How far back the journal is read for what was told already.
ROWS_BACK: Final = 100_000
_FULL_S: Final = 1.0
_TURN_S: Final = 1.0


class SmdrPorts:
    """All configured ports. They live in the gateway's process and share its way to the journal."""

    def __init__(self, context: Context, outbox: Outbox) -> None:
        self._context, self._outbox = context, outbox
        self.sources: dict[str, SmdrSource] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        context = self._context
        seen = await asyncio.to_thread(digests_from_journal, context.journal)
        zone = ZoneInfo(context.config.site.timezone)

        def local() -> datetime:
            return datetime.fromtimestamp(context.clock.wall_ns() / NS, UTC).astimezone(zone).replace(tzinfo=None)

        context.meter.ask("smdr", self._figures)
        async with asyncio.TaskGroup() as group:
            for name, config in context.config.smdr.items():
                source = SmdrSource(
                    name, config, context.clock, local, partial(self._take, name), seen=seen.get(name, ()), told=partial(self._tell, name)
                )
                self.sources[name] = source
                group.create_task(Apart(f"smdr {name}").run(source.run), name=f"smdr {name}")
            while True:  # the loop that reads the ports turns
                context.watch.progress()
                await asyncio.sleep(_TURN_S)

    def _figures(self) -> list[Family]:
        """What each port counts."""
        return wire_families("smdr", (source.wire for source in self.sources.values()))

    async def _take(self, name: str, records: list[CallRecord]) -> None:
        """Hand calls to the journal; while it is full the port is not read."""
        told = [event_from_record(name, record) for record in records]
        events = [self._context.event(data, name) for data in told if data is not None]
        while not self._outbox.put(events):  # noqa: ASYNC110 - several ports wait for the same room
            await asyncio.sleep(_FULL_S)

    def _tell(self, name: str, health: Health) -> None:
        self._outbox.put([self._context.event(BoxHealth(id=f"smdr.{name}", level=health.level, text=health.text), name)])


def digests_from_journal(journal: Journal, rows: int = ROWS_BACK) -> dict[str, list[str]]:
    """By port, the digests of the newest records told, oldest first. Blocks; run it in a thread."""
    out: dict[str, list[str]] = {}
    for record in _records(journal, rows):
        if record.digest is not None:
            out.setdefault(record.pbx, []).append(record.digest)
    return {pbx: digests[-REMEMBERED:] for pbx, digests in out.items()}


def _records(journal: Journal, rows: int) -> Iterator[PbxRecord]:
    after = max(0, journal.head().seq - rows, journal.first_seq() - 1)
    while page := journal.read(after, PAGE):
        for entry in page:
            if b"pbx.record" in entry.body:  # cheaper than to decode each
                try:
                    event = event_from_stored(stored_from_body(entry.body))
                except msgspec.DecodeError:
                    continue
                if event is not None and isinstance(event.data, PbxRecord):
                    yield event.data
        after = page[-1].seq
