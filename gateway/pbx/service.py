"""Decides how the gateway lives: one link per configured PBX, one appender to the journal, what was known taken up again.

The pure part is `gateway.asterisk.source`; the rim around it is `link`, `wire` and `outbox`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.alive import Alive, Sight, sights
from appliance.core.catalogue import event_from_stored
from appliance.core.clock import Clock
from appliance.core.directory import Directory
from appliance.core.errors import TransientError
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import PAGE, Journal
from appliance.core.meter import Family, Wire, wire_families
from appliance.core.trunk_watch import shared_trunks
from appliance.outbox import Outbox
from appliance.progress import Part, Parts
from appliance.service import Context
from gateway.pbx import known as past
from gateway.pbx.commands import PbxCommands
from gateway.pbx.dialect import Source, dialect
from gateway.pbx.link import Link
from gateway.pbx.match import Matcher, MatchingOutbox
from gateway.pbx.shared_trunk import SharedTrunks

_log = logging.getLogger("callfloor.gateway")

#: How far back the journal is read for what was known: hours of a busy floor, folded in a fraction of a second.
ROWS_BACK: Final = 100_000
#: How soon it is seen that another journal took the place of ours.
_LOOK_S: Final = 0.5


class Gateway:
    """The service that keeps every configured PBX in sight."""

    name = "gateway"

    def __init__(self, *, max_queued_events: int = 20_000) -> None:
        self._max_queued_events = max_queued_events
        self.links: dict[str, Link] = {}

    async def run(self, context: Context) -> None:
        """Work until cancelled. Raises TransientError when another process runs the gateway on this journal, and when it was replaced."""
        run_dir: Path | None = getattr(context.journal, "run_dir", None) or context.config.journal.run_dir
        last = sights(run_dir, self.name) if run_dir is not None else {}
        alive = _alive(run_dir, self.name, context.clock)
        try:
            await self._run(context, alive.saw if alive is not None else _unseen, last)
        finally:
            if alive is not None:
                alive.close()

    async def _run(self, context: Context, saw: Callable[[str, Sight], None], last: dict[str, Sight]) -> None:
        parts = Parts(context.watch)
        matcher = Matcher(Directory.open(context.config))
        outbox = await self._outbox(context, parts.part("the journal's writer"), matcher)
        sources = await asyncio.to_thread(sources_from_journal, context, last, matcher.passed)
        self.links = {
            pbx: Link(pbx, config, dialect(config.kind), sources[pbx], _watched(context, parts, f"pbx {pbx}"), outbox, saw)
            for pbx, config in context.config.pbx.items()
        }

        async def renewed(pbx: str) -> Source:
            return (await asyncio.to_thread(sources_from_journal, context, {}))[pbx]

        context.meter.ask("pbx", lambda: _figures(self.links, outbox, matcher))
        context.watch.ready()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(outbox.run(), name="outbox")
                group.create_task(_same_journal(context.journal), name="journal")
                for pbx, link in self.links.items():
                    group.create_task(link.run(partial(renewed, pbx)), name=f"pbx {pbx}")
                if self.links:
                    commands = PbxCommands(_watched(context, parts, "the commands to the PBX"), self.links)
                    group.create_task(commands.run(), name="commands")
                if context.config.smdr:
                    from gateway.smdr.service import SmdrPorts  # noqa: PLC0415 - a box without a call-record port starts without it

                    group.create_task(SmdrPorts(_watched(context, parts, "the call-record ports"), outbox).run(), name="smdr")
                if context.config.lines:
                    from gateway.fxo.service import AnalogLines  # noqa: PLC0415 - a box without an analog line starts without it

                    group.create_task(AnalogLines(_watched(context, parts, "the analog lines"), outbox, saw, last).run(), name="lines")
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            for link in self.links.values():
                link.leave()
            await asyncio.shield(outbox.finish())

    async def _outbox(self, context: Context, watch: Part, matcher: Matcher) -> Outbox:
        journal, trunks = context.journal, SharedTrunks(shared_trunks(context.config))
        if trunks.sizes:
            await asyncio.to_thread(lambda: trunks.restore(newest_events(journal)))
        return MatchingOutbox(journal, self._max_queued_events, trunks, matcher, watch=watch)


async def _same_journal(journal: Journal) -> None:
    """A new journal knows of no PBX: who begins anew tells it that there is one, and takes stock of who waits."""
    epoch = journal.epoch
    while journal.epoch == epoch:  # noqa: ASYNC110 - it may be another process that set the file aside
        await asyncio.sleep(_LOOK_S)
    raise TransientError(f"the journal {epoch} was replaced by {journal.epoch}: the gateway takes stock anew")


def sources_from_journal(context: Context, last: dict[str, Sight], passed: Callable[[bytes], None] | None = None) -> dict[str, Source]:
    """A source per configured PBX, brought to what the journal's newest rows say was known. Blocks; run it in a thread.

    `passed` sees every one of these rows.
    """
    clock, config = context.clock, context.config
    known = past.fold(newest_events(context.journal, passed=passed))
    sources = {pbx: dialect(one.kind).source(pbx, config) for pbx, one in config.pbx.items()}
    for pbx, source in sources.items():
        if pbx in known:
            sight = last.get(pbx)
            seen = past.Moment(sight.wall_ns, sight.mono_ns, sight.boot) if sight is not None else None
            past.restore(
                source, known[pbx], boot=clock.boot, now_mono_ns=clock.mono_ns(), now_wall_ns=clock.wall_ns(), last_seen=seen
            )  # fmt: skip
    return sources


def newest_events(journal: Journal, rows: int = ROWS_BACK, passed: Callable[[bytes], None] | None = None) -> Iterator[Event]:
    """The newest rows' events of the kinds that the fold needs, oldest first; rows that cannot be decoded are counted and logged.

    `passed` sees every row.
    """
    head = journal.head().seq
    after = max(0, head - rows, journal.first_seq() - 1)
    damaged = 0
    while page := journal.read(after, PAGE):
        for entry in page:
            try:
                if passed is not None:
                    passed(entry.body)
                stored = stored_from_body(entry.body)
                if stored.kind in past.KINDS and stored.source.startswith("gateway/"):
                    event = event_from_stored(stored)
                    if event is not None:
                        yield event
            except msgspec.DecodeError:
                damaged += 1
        after = page[-1].seq
    if damaged:
        _log.error("%d rows of the journal could not be decoded while looking for what was known", damaged)


def _figures(links: Mapping[str, Link], outbox: Outbox, matcher: Matcher) -> Iterator[Family]:
    """What each PBX's connection counts, what waits for the journal, and how many callers are customers."""
    yield from wire_families(
        "pbx",
        (
            Wire(name=pbx, sessions=link.sessions, errors={"damaged_message": link.damaged, "journal_full": link.overflows})
            for pbx, link in links.items()
        ),
    )
    yield from outbox.figures("gateway")
    yield from matcher.figures()


def _watched(context: Context, parts: Parts, name: str) -> Context:
    """The context for one part of the service."""
    return msgspec.structs.replace(context, watch=parts.part(name))


def _alive(run_dir: Path | None, name: str, clock: Clock) -> Alive | None:
    if run_dir is None:
        return None
    try:
        return Alive.open(run_dir, name, Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
    except BlockingIOError as fault:
        text = f"another process already runs the gateway on this journal ({run_dir}); stop it first"
        raise TransientError(text) from fault


def _unseen(source: str, sight: Sight) -> None:
    """There is no run_dir to leave stamps in (an in-memory journal)."""
