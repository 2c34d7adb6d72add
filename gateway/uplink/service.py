"""The uplink service: how its parts are put together, and what runs beside what.

Two lanes share a connection: states, pops and replies (`live`), and events in journal order (`pump`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from appliance.core.alive import Alive, sights
from appliance.core.catalogue import JournalSkipped
from appliance.core.config import Crm
from appliance.core.directory import Directory
from appliance.core.errors import CallfloorError, FullError, TransientError
from appliance.core.meter import Wire
from appliance.core.site_file import SiteFiles
from appliance.floor_view import FloorView, cache_of
from appliance.progress import Parts
from appliance.service import Context
from gateway.uplink.backoff import Backoff
from gateway.uplink.callbacks import Callbacks, is_asked
from gateway.uplink.connector import Connector
from gateway.uplink.conversation import Conversation
from gateway.uplink.effect_directory import DirectoryDesk
from gateway.uplink.effects import staged
from gateway.uplink.endpoint import Endpoint, endpoints_from_config, requires_consumer
from gateway.uplink.envelope import Envelope
from gateway.uplink.executor import Executor
from gateway.uplink.extraordinary import ExtraordinaryCalls
from gateway.uplink.figures import tell
from gateway.uplink.follower import Follower
from gateway.uplink.herald import Herald
from gateway.uplink.inbox import Inbox
from gateway.uplink.kept import STAMP, Kept
from gateway.uplink.known_calls import KnownCalls
from gateway.uplink.ledger import Ledger
from gateway.uplink.link_state import LinkState, Word
from gateway.uplink.mqtt import COMMANDS_UNDER_WAY
from gateway.uplink.others import Others
from gateway.uplink.pace import Pace
from gateway.uplink.pop_account import PopAccount
from gateway.uplink.pop_reader import PopReader
from gateway.uplink.pump import Pump, State
from gateway.uplink.resend import Resender
from gateway.uplink.seat_boxes import UNDER_WAY, SeatBoxes
from gateway.uplink.topic import Topics

_log = logging.getLogger(__name__)

_LEAVE_S: Final = 2.0
_FORGET_S: Final = 3600.0
_WORDS: Final[dict[State, Word]] = {"delivering": "up", "no_consumer": "no_consumer", "denied": "denied", "refused": "down"}


class Uplink:
    """Events to the CRM, commands back. Without a `[crm]` it still runs the commands that the box gives itself."""

    name = "uplink"

    async def run(self, context: Context) -> None:
        """Work until cancelled. Raises MisconfiguredError, and TransientError when the journal was replaced."""
        crm = context.config.crm or Crm()
        endpoints = endpoints_from_config(crm)
        run_dir: Path | None = getattr(context.journal, "run_dir", None)
        alive = Alive.open(run_dir, self.name) if run_dir is not None else None
        try:
            desk = _Desk(context, crm, requires_consumer(crm), alive)  # reads the journal: what it meets there must not keep the lock
            context.watch.ready()
            try:
                async with asyncio.TaskGroup() as group:
                    for task in desk.tasks(endpoints):
                        group.create_task(task)
            except BaseExceptionGroup as faults:
                raise _first(faults) from faults
            finally:
                await desk.leave()
        finally:
            if alive is not None:
                alive.close()


class _Desk:
    """What one run of the service holds together."""

    def __init__(self, context: Context, crm: Crm, require_consumer: bool, alive: Alive | None) -> None:
        site, journal = context.config.site, context.journal
        self._context, self._crm = context, crm
        parts = Parts(context.watch)
        self._clockwork = parts.part("the link")
        self._epoch = journal.epoch
        self._topics = Topics(site.name, site.box)
        self._backoff = Backoff(crm.reconnect_max_s)
        self._state = LinkState(context)
        self._connector: Connector | None = None
        self._view = FloorView(journal, context.config, context.clock, cache_of(journal))
        path = getattr(journal, "path", None)
        self._ledger = Ledger(path.with_name("commands.jsonl") if path is not None else None)
        run_dir: Path | None = getattr(journal, "run_dir", None)
        self._others = Others(context.config, context.clock, SiteFiles(run_dir) if run_dir is not None else None)
        self._seats = SeatBoxes(context, frozenset(self._others.filters))
        last = sights(run_dir, Uplink.name).get(STAMP) if run_dir is not None else None
        kept = Kept(context.clock, last, alive.saw if alive is not None else None)
        self._talk = talk = Conversation(self._backoff.proved, lambda: self._state.set("up"), kept, self._others, self._seats)
        self._others.forget = self._seats.forget = talk.unsubscribe
        self._seats.acknowledge = talk.acknowledge
        self._pump = talk.pump = Pump(
            journal,
            context.clock,
            envelope := Envelope(self._topics, self._epoch),
            window=crm.window,
            require_consumer=require_consumer,
            # A seat box's floor box reads its headset events alone: by what else it says nobody can tell whether anybody is there.
            wanted="headset." if site.role == "seat" else "",
            pace=Pace(crm.drain_per_s),
            told=self._told,
            room=talk.room,
            flush=talk.flush,
        )
        self._resend = talk.resend = Resender(context, envelope, self._pump, room=talk.room, flush=talk.flush)
        headsets = self._pump.last_headset if context.config.headsets is not None else None
        states = replace(context, watch=parts.part("what the box says of itself"))
        self._herald = Herald(states, self._topics, talk.live, self._view, crm.floor_every_s, headsets)
        self._directory = DirectoryDesk(context)
        commands = replace(context, watch=parts.part("the reader of commands"))
        self._executor = Executor(commands, self._ledger, self._view, staged(self._directory, KnownCalls(journal)))
        warden = replace(context, watch=parts.part("the alarms of extraordinary calls"))
        self._extraordinary = ExtraordinaryCalls(warden, self._view, self._executor.turn)
        self._callbacks = (
            Callbacks(replace(context, watch=parts.part("the keeper of callbacks")), self._view, self._executor.turn)
            if is_asked(context)
            else None
        )
        self._inbox = Inbox(context, self._topics, self._ledger, talk.live.put, self._directory)
        self._follower = Follower(
            commands,
            self._topics,
            self._ledger,
            self._executor,
            self._resend,
            self._inbox,
            talk.live,
            urgent=self._herald.urgent,
            woken=self._pump.woken,
        )

        self._pop_account = PopAccount(context)
        pops = replace(context, watch=parts.part("the reader of screen pops"))
        callback = self._callbacks.open_for if self._callbacks is not None else _none_open
        self._pops = PopReader(pops, self._topics, talk.live, self._pop_account, Directory.open(context.config), callback)
        tell(
            context.meter, self._pump.lane, self._pump.window, self._pump.timing, self._ledger.ended, self._wire, lambda: journal.head().seq
        )
        context.meter.floors[context.service] = self._floor

    def _wire(self) -> Wire:
        connector = self._connector
        errors = {"unusable_command": self._inbox.unusable}
        if connector is None:
            return Wire(name="crm", errors=errors)
        errors |= {"not_connected": connector.failures, "lost": connector.losses}
        return Wire(name="crm", up=self._talk.link is not None, sessions=connector.stood, sent=self._pump.sent, errors=errors)

    def _floor(self) -> bytes:
        self._view.catch_up()
        return msgspec.json.encode(self._view.snapshot())

    def tasks(self, endpoints: tuple[Endpoint, ...]) -> Iterator[Coroutine[None, None, None]]:
        """Everything that runs at the same time."""
        yield self._commands()
        yield self._herald.run()
        yield self._link_state()
        yield self._tell_skipped()
        yield self._read_seats()
        yield self._extraordinary.run(self._herald.ready)
        if self._callbacks is not None:
            yield self._callbacks.run(self._herald.ready)
        yield self._talk.keep_time(self._beat)
        if endpoints:
            yield self._pops.run()
            yield self._pop_account.run()
            crm, name = self._crm, f"callfloor-{self._topics.site}-{self._topics.box}"
            room = COMMANDS_UNDER_WAY + (UNDER_WAY if self._seats.filters else 0)
            self._connector = Connector(self._context, crm, endpoints, self._talk, self._herald, self._state, self._backoff)
            yield self._connector.run(name, self._topics.commands, room)

    async def leave(self) -> None:
        """Say goodbye and make durable how far we came."""
        await self._talk.leave(self._topics.status, self._herald.farewell())
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._pop_account.save()
                await self._pump.save()
                await self._follower.save()
                await self._state.leave()
        except (TimeoutError, CallfloorError, OSError) as fault:
            _log.error("the link could not be closed in order: %s", fault)

    def _is_trusted(self) -> bool:
        return self._connector is not None and self._connector.trusted

    def _told(self, state: State, text: str) -> None:
        self._state.set(_WORDS[state], text)

    async def _link_state(self) -> None:
        """The fold knows what the journal said last of the link."""
        await self._herald.ready.wait()
        said = self._view.floor.state.link.state
        await self._state.run(None if said == "off" else cast(Word, said))

    async def _read_seats(self) -> None:
        """The fold knows how far the seat boxes were heard."""
        await self._herald.ready.wait()
        await self._seats.run(self._view.floor.state)

    async def _commands(self) -> None:
        """Commands are taken once all earlier ones are known."""
        await self._follower.catch_up()
        while True:
            try:
                await self._executor.bury()
                break
            except (FullError, TransientError) as fault:
                _log.error("no command is taken yet, the journal takes nothing: %s", fault)
                await asyncio.sleep(1.0)
        await self._directory.begin({known.id for known in self._ledger.unfinished()})
        await self._resend.begin(self._ledger.unfinished())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forget())
            group.create_task(self._follower.run())
            group.create_task(self._executor.run_lanes())
            group.create_task(self._resend.run())
            group.create_task(self._talk.take_commands(self._inbox, trusted=self._is_trusted))

    async def _forget(self) -> None:
        """Commands are remembered for seven days, and no longer: a box runs for years."""
        while True:
            if self._context.clock.quality() != "unset":
                self._ledger.forget(self._context.clock.wall_ns())
            await asyncio.sleep(_FORGET_S)

    async def _tell_skipped(self) -> None:
        """Journal what was given up; the cursor is not saved beyond it before."""
        pump = self._pump
        while True:
            await pump.gave_up.wait()
            pump.gave_up.clear()
            while pump.given_up:
                n, reason = pump.given_up[0]
                try:
                    await self._context.emit(JournalSkipped(n=n, reason=reason))
                    pump.given_up.popleft()
                except (FullError, TransientError):
                    await asyncio.sleep(1.0)

    def _beat(self) -> None:
        self._others.turn()
        self._seats.turn()
        self._clockwork.progress()
        if self._context.journal.epoch != self._epoch:
            raise TransientError(f"the journal {self._epoch} was replaced by {self._context.journal.epoch}: the link begins anew")


def _none_open(_number: str) -> None:
    """No callbacks are kept."""


def _first(fault: BaseException) -> BaseException:
    """The fault that ended a group of tasks, for the runner's one line."""
    return _first(fault.exceptions[0]) if isinstance(fault, BaseExceptionGroup) else fault
