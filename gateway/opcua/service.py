"""The OPC UA service: how its parts are put together, and what runs beside what."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from appliance.core.alive import Alive
from appliance.core.clock import NS
from appliance.core.config_opcua import opcua_endpoint
from appliance.core.errors import CallfloorError, MisconfiguredError, TransientError
from appliance.core.opcua_config import OpcuaConfig
from appliance.floor_view import FloorView, cache_of
from appliance.service import Context
from gateway.opcua import guard
from gateway.opcua.count import Counts
from gateway.opcua.desk import Desk
from gateway.opcua.feed import Feed, hidden_paths
from gateway.opcua.follower import Follower
from gateway.opcua.identity import folder_of, identity
from gateway.opcua.notice import Notice
from gateway.opcua.rig_nodes import RigNodes
from gateway.opcua.rig_port import RigPort
from gateway.opcua.server import BoxServer, Insides, server_of
from gateway.opcua.space import Space
from gateway.opcua.teller import Teller
from gateway.opcua.trust import Trust
from gateway.opcua.user import Users
from gateway.opcua.verb import Verbs
from gateway.uplink.ledger import Ledger

_log = logging.getLogger(__name__)
_Made = TypeVar("_Made")

_WAIT_S: Final = 1.0
#: After each turn it rests, so many times as long as the turn took, so that turns take a seventh of the processor at most.
_REST: Final = 6.0
_REST_LEAST_S: Final = 0.01
_REST_MOST_S: Final = 0.5
_FOLD_PAGES: Final = 2
_LEAVE_S: Final = 4.0
#: A small board takes ten seconds to build the standard address space, an old one a minute.
_BUILD_MOST_S: Final = 120.0
_NOTICES_MOST: Final = 1000
_FORGET_S: Final = 3600.0


class Opcua:
    """The floor for rigs and plant. `rig`: what a rig offers beside it, to users with that role."""

    name = "opcua"

    def __init__(self, rig: RigPort | None = None) -> None:
        self._rig = rig
        #: Where it listens, once it does: the port is another than configured where that was 0.
        self.port: int | None = None

    async def run(self, context: Context) -> None:
        """Work until cancelled. Raises MisconfiguredError, and TransientError when the journal was replaced or the port is taken."""
        guard.stand()
        opcua = context.config.opcua or OpcuaConfig()
        run_dir: Path | None = getattr(context.journal, "run_dir", None)
        alive = Alive.open(run_dir, self.name) if run_dir is not None else None
        try:
            desk = await _House.build(context, opcua, self._rig)
            try:
                self.port = await desk.open(opcua)
                context.watch.ready()
                await desk.work()
            except BaseExceptionGroup as faults:
                raise _first(faults) from faults
            finally:
                self.port = None
                await desk.leave()
        finally:
            if alive is not None:
                alive.close()


class _House:
    """What one run of the service holds together."""

    def __init__(self, context: Context, server: BoxServer, space: Space, insides: Insides, rig: RigPort | None) -> None:
        journal = context.journal
        self._context, self._server, self._insides = context, server, insides
        self._epoch = journal.epoch
        self._view = FloorView(journal, context.config, context.clock, cache_of(journal))
        path: Path | None = getattr(journal, "path", None)
        self._ledger = Ledger(path.with_name("opcua-commands.jsonl") if path is not None else None)
        self._desk = Desk(context, self._ledger)
        self._teller = Teller(server, space)
        #: Events that wait until the nodes show what they tell of: row, event, when.
        self._notices: deque[tuple[int, Notice, int]] = deque(maxlen=_NOTICES_MOST)
        self._follower = Follower(journal, self._ledger, self._desk, lambda *row: self._notices.append(row))
        self._feed = Feed(context, self._view, space, insides, self._teller)
        self._rig = RigNodes(rig, space, insides, context.clock.wall_ns) if rig is not None else None
        insides.methods.update(Verbs(self._desk, insides.counts).methods(space))
        insides.rig_only = hidden_paths(context.config.privacy.headsets)

    @classmethod
    async def build(cls, context: Context, opcua: OpcuaConfig, rig: RigPort | None) -> _House:
        """Everything but the open door."""
        config, clock, counts = context.config, context.clock, Counts()
        try:
            shown = await asyncio.to_thread(identity, config, opcua, clock.wall_ns())
        except OSError as fault:
            raise MisconfiguredError(f"the OPC UA server's certificate cannot be read or made: {fault}") from fault
        folder = folder_of(config)
        trust = Trust(folder.trusted(opcua), folder.rejected, clock, counts)
        insides = Insides(Users(opcua, counts, lambda: clock.mono_ns() / NS), trust, counts, opcua)
        server, space = await _while_fed(context, server_of(config, opcua, shown, insides))
        house = cls(context, server, space, insides, rig)
        await house._teller.prepare()
        return house

    async def open(self, opcua: OpcuaConfig) -> int:
        """Fold what is there, show it, listen. Returns the port."""
        await self._fold()
        await self._feed.turn()
        endpoint = opcua_endpoint(opcua.listen)
        try:
            await self._server.start()
        except OSError as fault:
            raise TransientError(
                f"OPC UA cannot listen on {endpoint}: {fault.strerror or fault}; another program may have the port"
            ) from fault
        assert self._server.bserver is not None
        port = int(self._server.bserver.port)
        _log.info("OPC UA on opc.tcp://%s:%d", endpoint.host or "0.0.0.0", port)  # noqa: S104 - as it was configured
        return port

    async def work(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._show())
            group.create_task(self._forget())
            if self._rig is not None:
                group.create_task(self._rig.run())

    async def leave(self) -> None:
        """Close the door, and make durable how far we came."""
        try:
            async with asyncio.timeout(_LEAVE_S):
                await self._server.stop()
                await self._follower.save(self._context.clock.mono_ns() / NS, soon=True)
        except (TimeoutError, CallfloorError, OSError) as fault:
            _log.error("OPC UA could not be closed in order: %s", fault)

    async def _follow(self) -> None:
        """Commands and their ends, and what is told as events."""
        journal, clock = self._context.journal, self._context.clock
        while True:
            try:
                while await self._follower.page():
                    self._context.watch.progress()
                    await asyncio.sleep(0)
                self._desk.ready.set()
                await self._follower.save(clock.mono_ns() / NS)
            except OSError as fault:
                _log.error("the commands known cannot be kept; tried again: %s", fault)
                await asyncio.sleep(_WAIT_S)
            await journal.wait(self._follower.at, _WAIT_S)

    async def _show(self) -> None:
        """The floor, as it changes."""
        journal, clock = self._context.journal, self._context.clock
        while True:
            self._context.watch.progress()
            if journal.epoch != self._epoch:
                self._replaced()
            if await journal.wait(self._view.seq, _WAIT_S):
                await self._fold()
            began_ns = clock.mono_ns()
            if self._feed.is_due():
                await self._feed.turn()
            while self._notices and self._notices[0][0] <= self._view.seq:
                _, notice, wall_ns = self._notices.popleft()
                await self._teller.tell(notice, wall_ns)
            await asyncio.sleep(min(max(_REST * (clock.mono_ns() - began_ns) / NS, _REST_LEAST_S), _REST_MOST_S))

    def _replaced(self) -> None:
        """Another journal stands in the place of ours. A rig does that at each reset, and its clients stay. Raises TransientError."""
        journal = self._context.journal
        if self._rig is None:
            raise TransientError(f"the journal {self._epoch} was replaced by {journal.epoch}: OPC UA begins anew")
        self._epoch = journal.epoch
        self._notices.clear()
        self._follower = Follower(journal, self._ledger, self._desk, lambda *row: self._notices.append(row))

    async def _fold(self) -> None:
        """All that is new, and others meanwhile."""
        while self._view.catch_up(_FOLD_PAGES):
            self._context.watch.progress()
            await asyncio.sleep(0)

    async def _forget(self) -> None:
        """Commands are remembered for seven days, and no longer."""
        while True:
            if self._context.clock.quality() != "unset":
                self._ledger.forget(self._context.clock.wall_ns())
            await asyncio.sleep(_FORGET_S)


async def _while_fed(context: Context, building: Coroutine[Any, Any, _Made]) -> _Made:
    """Wait for what a thread builds, whose progress nobody sees, and say so to the watchdog; not for ever. Raises TransientError."""
    task = asyncio.ensure_future(building)
    try:
        for _ in range(round(_BUILD_MOST_S / _WAIT_S)):
            context.watch.progress()
            if (await asyncio.wait((task,), timeout=_WAIT_S))[0]:
                return task.result()
    finally:
        task.cancel()
    raise TransientError(f"OPC UA's address space was not built within {_BUILD_MOST_S:g} s; this board is too slow, or too busy, for it")


def _first(fault: BaseException) -> BaseException:
    """The fault that ended a group of tasks, for the runner's one line."""
    return _first(fault.exceptions[0]) if isinstance(fault, BaseExceptionGroup) else fault
