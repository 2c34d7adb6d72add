"""The routing help: how its parts are put together, what runs beside what, and what is counted.

The loop carries connections and their time; the desk answers in a thread of its own, so that a disk that stands still (the directory's)
costs calls their answer and never holds one; the journal is followed in a third.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final

from appliance.core.alive import Alive
from appliance.core.clock import NS
from appliance.core.config_file import ConfigFaultsError
from appliance.core.config_routing import routing_endpoint
from appliance.core.directory import Directory, country_from
from appliance.core.e164 import e164
from appliance.core.errors import TransientError
from appliance.core.route_file import rules_of
from appliance.core.routing_config import RoutingConfig, RoutingRules
from appliance.floor.route import Router
from appliance.service import Context
from gateway.agi.desk import Desk
from gateway.agi.reader import Reader
from gateway.agi.session import Outcome, Session
from gateway.agi.wire import Request

_log = logging.getLogger(__name__)

_WAIT_S: Final = 1.0
#: Between two looks at the journal: a burst of events is read as one, and the loop is left to the calls.
_REST_S: Final = 0.05
#: Questions that wait for the desk; more are not answered in time anyway.
_ASKED_MOST: Final = 64
#: The same trouble is told once, and then so seldom.
_TOLD_EVERY_S: Final = 3600.0
_BACKLOG: Final = 256
_SWITCH_S: Final = 0.0005
#: Outcomes that say that something is not as it should be.
_TROUBLES: Final[tuple[Outcome, ...]] = ("late", "failed", "garbled", "not_allowed", "too_many", "not_taken", "silent")


class Routing:
    """The service."""

    name = "routing"

    def __init__(self) -> None:
        #: Where it listens, once it does: another port than configured where that was 0.
        self.port: int | None = None
        #: Who answers, while it runs.
        self.desk: Desk | None = None
        self._networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def may(self, peer: str) -> bool:
        """Whether somebody at this address may ask: this box always may."""
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return mapped.is_loopback or any(mapped in network for network in self._networks)

    async def run(self, context: Context) -> None:
        """Work until cancelled. Raises TransientError when the port is taken."""
        # A call needs the interpreter four times, from connection to answer; the fold of a busy floor keeps it for as long as it may.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        routing = context.config.routing or RoutingConfig()
        run_dir: Path | None = getattr(context.journal, "run_dir", None)
        alive = Alive.open(run_dir, self.name) if run_dir is not None else None
        self._networks = tuple(ip_network(each) for each in routing.allow)
        house = _House(context, routing, self.may)
        self.desk = house.desk
        try:
            self.port = await house.open()
            context.watch.ready()
            await house.work()
        finally:
            self.port = self.desk = None
            await house.leave_all()
            if alive is not None:
                alive.close()


class _House:
    """What one run of the service holds together. Sessions speak to it."""

    def __init__(self, context: Context, routing: RoutingConfig, may: Callable[[str], bool]) -> None:
        self._context, self._routing, self._may = context, routing, may
        self.answer_s = routing.answer_ms / 1000
        self._sessions: set[Session] = set()
        self._server: asyncio.Server | None = None
        self.desk = Desk(self._now_ns, routing.wait_most_s)
        self._thread = ThreadPoolExecutor(1, "routing-desk")
        self._asked, self._counting = 0, threading.Lock()
        spelled = partial(_spelled, country=country_from(context.config))
        self._reader = Reader(context.journal, context.config, context.clock, self.desk.given, spelled, os.urandom(32))
        self._mark: tuple[int, ...] | None = None
        self._told_s: dict[str, float] = {}
        meter = context.meter
        self._took = meter.histogram("callfloor_routing_answer_seconds", "From a PBX's connection to the answer's bytes.")
        text = "Calls that asked for their route, by how that ended."
        self._ends = {
            outcome: meter.counter("callfloor_routing_calls", text, outcome=outcome)
            for outcome in ("answered", "nothing", "hung_up", *_TROUBLES)
        }

    # The service's life

    async def open(self) -> int:
        """Read the rules, warm up the desk, listen. Returns the port."""
        loop = asyncio.get_running_loop()
        await self._read_rules()
        await asyncio.wrap_future(self._thread.submit(self._begin_desk))
        endpoint = routing_endpoint(self._routing.listen)
        try:
            self._server = await loop.create_server(
                lambda: Session(self, loop), endpoint.host or None, endpoint.port, backlog=_BACKLOG, reuse_address=True
            )
        except OSError as fault:
            text = f"the routing help cannot listen on {endpoint}: {fault.strerror or fault}; another program may have the port"
            raise TransientError(text) from fault
        port = int(self._server.sockets[0].getsockname()[1])
        _log.info("routing help on agi://%s:%d, %d rules", endpoint.host or "0.0.0.0", port, self._rules_count())  # noqa: S104 - as configured
        return port

    async def work(self) -> None:
        """Follow the journal and the rules' file until cancelled."""
        watch, journal = self._context.watch, self._context.journal
        while True:
            watch.progress()
            while await asyncio.to_thread(self._reader.turn):
                watch.progress()
            self.desk.floor = await asyncio.to_thread(self._reader.floor)
            watch.status(f"{self._rules_count()} rules, {len(self._sessions)} calls ask now")
            if self._routing.rules is not None:
                await self._read_rules()
            await asyncio.sleep(_REST_S)
            await journal.wait(self._reader.seq, _WAIT_S)

    async def leave_all(self) -> None:
        """Close the door and every connection: the calls go on with their default."""
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.close()
        # Not waited for: a disk that stands still may hold it, and the runner has its own patience.
        self._thread.submit(self._end_desk)
        self._thread.shutdown(wait=False)

    def _now_ns(self) -> int | None:
        clock = self._context.clock
        return None if clock.quality() == "unset" else clock.wall_ns()

    def _begin_desk(self) -> None:
        """In the desk's thread, whose own the directory is. A first number loads the tables of countries."""
        directory = Directory.open(self._context.config)
        directory.lookup("+593991234567")
        self.desk.cards = directory

    def _end_desk(self) -> None:
        if isinstance(self.desk.cards, Directory):
            self.desk.cards.close()

    def _rules_count(self) -> int:
        return len(self.desk.router.rules.rule) if self.desk.router is not None else 0

    async def _read_rules(self) -> None:
        """Take the rules up; a file that is bad, or gone, changes nothing. At the start it leaves none, and every default stands."""
        path = self._routing.rules
        if path is not None:
            mark = await asyncio.to_thread(_mark_of, path)
            if mark == self._mark:
                return
            self._mark = mark
        try:
            self.desk.router = await asyncio.to_thread(self._router)
        except ConfigFaultsError as fault:
            # Not what is wrong with them: a pattern may be somebody's number.
            where = ", ".join(f"{each.file}:{each.line or 1} {each.key}".strip() for each in fault.faults[:3])
            _log.error(
                "%d faults in the rules, the %d from before stand; `callfloor check` says what is wrong: %s",
                len(fault.faults),
                self._rules_count(),
                where,
            )
            return
        if path is not None:
            _log.info("%d rules read from %s", self._rules_count(), path)

    def _router(self) -> Router:
        rules: RoutingRules = rules_of(self._routing)
        site = self._context.config.site
        return Router(rules, site.timezone, site.hours)

    # What a connection asks of the house

    def enter(self, session: Session, peer: str) -> Outcome | None:
        """Whether a connection is welcome."""
        if self._routing.allow and not self._may(peer):
            return "not_allowed"
        if len(self._sessions) >= self._routing.max_connections:
            return "too_many"
        self._sessions.add(session)
        return None

    def ask(self, request: Request) -> Future[dict[str, str]] | None:
        """Put a question to the desk."""
        with self._counting:
            if self._asked >= _ASKED_MOST:
                return None
            self._asked += 1
        future = self._thread.submit(self.desk.answer, request)
        future.add_done_callback(self._answered)
        return future

    def told(self, took_s: float) -> None:
        """An answer went out."""
        self._took.observe(took_s)

    def leave(self, session: Session, outcome: Outcome, fault: BaseException | None) -> None:
        """A connection ended; trouble is told once an hour, without anything of the call."""
        self._sessions.discard(session)
        self._ends[outcome].add()
        if outcome not in _TROUBLES:
            return
        now_s = self._context.clock.mono_ns() / NS
        if now_s - self._told_s.get(outcome, -_TOLD_EVERY_S) >= _TOLD_EVERY_S:
            self._told_s[outcome] = now_s
            count = int(self._ends[outcome].value)
            why = f" ({type(fault).__name__})" if fault is not None else ""
            _log.warning("%d calls were left to the dialplan's default: %s%s; told once an hour at most", count, outcome, why)

    def _answered(self, _future: Future[dict[str, str]]) -> None:
        """In the desk's thread."""
        with self._counting:
            self._asked -= 1


def _spelled(number: str, country: str | None) -> str | None:
    return e164(number, country)


def _mark_of(path: Path) -> tuple[int, ...]:
    """What tells one state of a file from another; nothing where it is not there."""
    try:
        seen = path.stat()
    except OSError:
        return ()
    # The time of its rights and owner too: a file that could not be read is as old as before when it can.
    return seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino
