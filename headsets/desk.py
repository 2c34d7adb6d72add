"""Decides what the seats are told of the PBX, and what is found by comparing the two: follows the journal, one look for all seats.

Each seat of this box is told who sits there and what the PBX says of him: by the configuration, or by the login at the seat's phone.
The cross-check runs over these seats and over those of the seat boxes that this one shows. What a gateway that is dead or out of
sight of its PBX told is nothing: lamps then are those of a call that nobody knows of, and no finding stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from appliance.core.catalogue import AgentState
from appliance.core.clock import NS
from appliance.core.command_owner import owned_elsewhere
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.journal import PAGE
from appliance.core.slug import is_key, slug
from appliance.service import Context
from headsets.afar import AfarSeat
from headsets.crosscheck import Facts, facts_of
from headsets.found import Found
from headsets.heard import Heard, kept_from, place_of
from headsets.keeper import SeatKeeper
from headsets.seat import Intent, Seat, Step
from headsets.sight import Sight, look
from headsets.wish import commands_of

_log = logging.getLogger("callfloor.headsets")

#: At most so many looks a second, however fast the journal grows.
_REST_S: Final = 0.05
_LOOK_S: Final = 1.0
_SOONEST_S: Final = 0.01
_SAVE_NS: Final = 600 * NS


class Desk:
    """The seats and the PBX; one at a time for a keeper."""

    def __init__(self, context: Context, keeper: SeatKeeper) -> None:
        self._context, self._keeper = context, keeper
        self._config = config = context.config.headsets or HeadsetsConfig()
        self._run_dir: Path | None = getattr(context.journal, "run_dir", None)
        journal_file: Path | None = getattr(context.journal, "path", None)
        self._file = None if journal_file is None else journal_file.parent / "cache" / "seats.fold"
        self._fixed = {key: seat.agent for key, seat in config.seat.items() if seat.agent is not None}
        self._phones = {key: seat.interface for key, seat in config.seat.items() if seat.interface is not None and seat.agent is None}
        agents = context.config.agents
        self._others = {key if is_key(key) else slug(key, "a"): agent.interfaces for key, agent in agents.items()}
        self._owned = owned_elsewhere(context.config)
        self._heard = Heard(epoch=context.journal.epoch)
        self._saved_seq, self._saved_ns = 0, context.clock.mono_ns()
        self._agents = dict(self._fixed)
        self._moves: int | None = None
        self._relieved = 0
        self._sight = Sight()
        self._states: dict[str, AgentState | None] = {}
        #: By place, as `place_of` names it.
        self._found: dict[str, Found] = {}
        for key, agent in self._fixed.items():
            keeper.apply(key, partial(_seated, agent))

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        keeper, journal = self._keeper, self._context.journal
        keeper.on_intent = self._asked
        await self._begin()
        keeper.changed.append(self._changed)
        keeper.missed.append(self._tell_anew)
        is_woken = False
        try:
            while True:
                if journal.epoch != self._heard.epoch:  # set aside whole and begun anew
                    self._heard, self._saved_seq, self._moves = Heard(epoch=journal.epoch), 0, None
                    self._tell_anew()
                if self._read():
                    await asyncio.sleep(0)
                    continue
                self._look()
                if self._context.clock.mono_ns() - self._saved_ns >= _SAVE_NS:
                    self._save()
                if is_woken:
                    await asyncio.sleep(_REST_S)
                pause_s = self._pause_s()
                is_woken = await journal.wait(self._heard.seq, pause_s) or pause_s < _LOOK_S
        finally:
            keeper.changed.remove(self._changed)
            keeper.missed.remove(self._tell_anew)
            self._save()

    async def _begin(self) -> None:
        """Take up what was kept, read what was told since, and what of findings stands."""
        journal, clock = self._context.journal, self._context.clock
        if self._file is not None:
            with contextlib.suppress(FileNotFoundError):
                data = await asyncio.to_thread(self._file.read_bytes)
                self._heard = kept_from(data, journal.epoch, journal.first_seq(), journal.head().seq) or self._heard
        self._saved_seq = self._heard.seq
        is_behind = True
        while is_behind:
            is_behind = self._read()
            await asyncio.sleep(0)
        self._relieved = self._heard.afar.relieved
        for place, stood in self._heard.standing.items():
            self._place(place).adopt(stood, clock.boot, clock.mono_ns(), clock.wall_ns())

    def _read(self) -> bool:
        """Read a page; whether there may be another."""
        rows = self._context.journal.read(self._heard.seq, PAGE)
        self._heard.feed(rows)
        return len(rows) == PAGE

    def _look(self) -> None:
        """Tell the seats what has changed for them, and compare them all."""
        heard, seats = self._heard, self._keeper.seats
        if heard.afar.relieved > self._relieved:  # what changed while the journal was short of room was not recorded
            self._keeper.tell_again()
        self._relieved = heard.afar.relieved
        self._sight = look(self._run_dir, self._context.config, self._context.clock)
        if not self._sight.gateway:
            heard.staff.blind()
        if self._moves != heard.staff.moves:
            self._moves = heard.staff.moves
            self._agents = self._fixed | heard.staff.at(self._phones, self._others)
        for key, seat in tuple(seats.items()):
            self._tell(key, seat)
        now_ns, afar = self._context.clock.mono_ns(), heard.afar.heard(self._config.boxes)
        for place in sorted(self._found.keys() | afar.keys()):
            box, _, key = place.partition("/")
            if box or key not in seats:
                self._compare(place, afar.get(place), now_ns)

    def _tell(self, key: str, seat: Seat) -> None:
        """Who sits at a seat of this box, and what the PBX says of him."""
        agent = self._agents.get(key)
        state = self._heard.staff.state_of(agent, self._sight.hidden)
        is_news = key not in self._states or self._states[key] != state
        self._states[key] = state
        if seat.agent != agent:
            is_news = True
            self._keeper.apply(key, partial(_seated, agent))
        if is_news:
            self._keeper.apply(key, partial(_told, state))
        self._changed(key, seat, self._context.clock.mono_ns())

    def _changed(self, key: str, seat: Seat, now_ns: int) -> None:
        """Something happened at a seat of this box, or time passed."""
        facts = facts_of(seat, self._states.get(key), self._keeper.held.get(key))
        self._emit(self._place(place_of(None, key)).look(seat.agent, facts, now_ns))

    def _compare(self, place: str, seat: AfarSeat | None, now_ns: int) -> None:
        """A seat of another box, or one that is no more."""
        found, facts, agent = self._place(place), Facts(), None
        if seat is not None:
            agent = seat.agent
            facts = self._heard.facts_of(seat, self._sight.hidden, linked=self._sight.uplink)
        self._emit(found.look(agent, facts, now_ns))
        if seat is None and not found.standing:
            del self._found[place]
            box, _, key = place.partition("/")
            if not box:
                self._states.pop(key, None)

    def _place(self, place: str) -> Found:
        if place not in self._found:
            box, _, seat = place.partition("/")
            self._found[place] = Found(seat, box or None, self._config)
        return self._found[place]

    def _emit(self, events: tuple[msgspec.Struct, ...]) -> None:
        if events:
            self._keeper.emit(*events)

    def _tell_anew(self) -> None:
        """Events were lost: what stands is told again, and what stands by the journal alone is over."""
        for place in sorted(self._found.keys() | self._heard.standing.keys()):
            self._emit(self._place(place).anew(self._heard.standing.get(place, {})))

    def _asked(self, intent: Intent) -> None:
        """A hook press asks something of the PBX."""
        self._emit(commands_of(intent, f"hook-{uuid.uuid4().hex}", self._context.clock.wall_ns(), self._owned))

    def _pause_s(self) -> float:
        """Until the next look is due."""
        due_ns = min((due for found in self._found.values() if (due := found.due_ns) is not None), default=None)
        if due_ns is None:
            return _LOOK_S
        return min(_LOOK_S, max(_SOONEST_S, (due_ns - self._context.clock.mono_ns()) / NS))

    def _save(self) -> None:
        """Keep what is known, so that the next start need not read the journal again. Losing it costs time only."""
        self._saved_ns = self._context.clock.mono_ns()
        if self._file is None or self._heard.seq == self._saved_seq:
            return
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(msgspec.json.encode(self._heard))
            part.replace(self._file)
        except OSError as fault:
            _log.warning("what the journal says of the seats could not be kept for the next start: %s", fault)
        else:
            self._saved_seq = self._heard.seq


def _seated(agent: str | None, seat: Seat, now_ns: int) -> Step:
    return seat.seated(agent, now_ns)


def _told(state: AgentState | None, seat: Seat, now_ns: int) -> Step:
    return seat.told(state, now_ns)
