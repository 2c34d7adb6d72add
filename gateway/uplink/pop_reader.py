"""Decides which rows of the journal become screen pops: a reader of its own, which waits for no command, no backlog and no floor.

It keeps no cursor: the ends of pops stand in the journal (`pop.settled`). At its start it looks back over the newest rows for what was
told of calls that still wait, and for rings of the last half minute without an end, which are told (again) under their own ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from appliance.core.catalogue import CallAnswered, CallPreviewed, CallRinging, PopCard, PopSettled
from appliance.core.clock import NS
from appliance.core.directory import Directory
from appliance.core.event import Entry, Stored, stored_from_body
from appliance.core.journal import PAGE
from appliance.service import Context
from gateway.uplink.live import Ended, Live, Out
from gateway.uplink.pop import EXPIRY_S, Pop, looked_up, pop_from_preview, pop_from_ringing
from gateway.uplink.pop_account import PopAccount
from gateway.uplink.pop_call import PopCalls
from gateway.uplink.topic import Topics

_log = logging.getLogger(__name__)

#: How far back a start looks: a caller who has waited for longer than these rows tell has no waiting time in his pop.
ROWS_BACK: Final = 20_000
_WAIT_S: Final = 1.0
_RINGING: Final = msgspec.json.Decoder(CallRinging)
_PREVIEWED: Final = msgspec.json.Decoder(CallPreviewed)
_ANSWERED: Final = msgspec.json.Decoder(CallAnswered)
_SETTLED: Final = msgspec.json.Decoder(PopSettled)
_OVER: Final = frozenset({"call.answered", "call.abandoned", "call.left", "call.lost"})
_RINGS: Final = frozenset({"call.ringing", "call.previewed"})
_KINDS: Final = (*sorted(_RINGS), "call.queued", "call.digits", *sorted(_OVER))
_WANTED: Final = tuple(f'{{"k":"{kind}"'.encode() for kind in _KINDS)
_ENDS: Final = b'{"k":"pop.settled"'


class PopReader:
    """One walk along the journal's end."""

    def __init__(
        self,
        context: Context,
        topics: Topics,
        live: Live,
        account: PopAccount,
        directory: Directory,
        callback: Callable[[str], str | None],
    ) -> None:
        """`callback`: the open callback of a number, in any spelling."""
        self._context, self._topics, self._live, self._account, self._directory = context, topics, live, account, directory
        self._callback = callback
        self._calls = PopCalls()
        #: Pops without an end, by visit and agent.
        self._open: dict[str, dict[str, str]] = {}
        journal = context.journal
        self._epoch, self._at = journal.epoch, max(0, journal.head().seq - ROWS_BACK, journal.first_seq() - 1)

    async def run(self) -> None:
        """Look back, then follow for ever."""
        journal = self._context.journal
        await self._look_back()
        while True:
            self._context.watch.progress()
            rows = journal.read(self._at, PAGE)
            for entry in rows:
                self._at = entry.seq
                if entry.body.startswith(_WANTED):
                    self._take(entry)
            self._live.sweep()
            if len(rows) < PAGE:
                await journal.wait(self._at, _WAIT_S)
            else:
                await asyncio.sleep(0)

    async def _look_back(self) -> None:
        """Up to the end as it is now: what is known of calls, then the rings that have no end."""
        rings: dict[str, tuple[int, Stored]] = {}
        while rows := self._context.journal.read(self._at, PAGE):
            for entry in rows:
                self._at = entry.seq
                if entry.body.startswith((*_WANTED, _ENDS)):
                    self._recall(entry, rings)
            self._context.watch.progress()
            await asyncio.sleep(0)
        for seq, row in rings.values():
            self._ring(seq, row)

    def _recall(self, entry: Entry, rings: dict[str, tuple[int, Stored]]) -> None:
        try:
            row = stored_from_body(entry.body)
            match row.kind:
                case "call.queued":
                    self._calls.queued(row)
                case "call.digits":
                    self._calls.chose(row)
                case "call.ringing" | "call.previewed":
                    rings[self._id(entry.seq)] = entry.seq, row
                    while self._is_stale(next(iter(rings.values()))[1]):
                        del rings[next(iter(rings))]
                        if not rings:
                            break
                case "pop.settled":
                    rings.pop(_SETTLED.decode(row.data).pop, None)
        except msgspec.DecodeError as fault:
            _pass_over(entry.seq, fault)

    def _take(self, entry: Entry) -> None:
        try:
            row = stored_from_body(entry.body)
            if row.kind in _RINGS:
                self._ring(entry.seq, row)
            elif row.kind == "call.queued":
                self._calls.queued(row)
            elif row.kind == "call.digits":
                self._calls.chose(row)
            elif self._open:
                self._over(row)
        except msgspec.DecodeError as fault:
            _pass_over(entry.seq, fault)

    def _ring(self, seq: int, row: Stored) -> None:
        try:
            data = (_RINGING if row.kind == "call.ringing" else _PREVIEWED).decode(row.data)
        except msgspec.DecodeError as fault:
            _pass_over(seq, fault)
            return
        if data.agent is None or self._is_stale(row):
            return
        number = data.dialled if isinstance(data, CallPreviewed) else data.caller
        card, found = looked_up(self._directory, number)
        callback = self._callback(number) if number is not None else None
        if isinstance(data, CallPreviewed):
            pop = pop_from_preview(self._id(seq), row, data, data.agent, card, callback)
        else:
            pop = self._titled(pop_from_ringing(self._id(seq), row, data, data.agent, self._calls, card, callback))
        self._say(pop, found, row)

    def _titled(self, pop: Pop) -> Pop:
        own = self._context.config.queues.get(pop.queue or "")
        return msgspec.structs.replace(pop, title=own.title) if own is not None and own.title else pop

    def _say(self, pop: Pop, found: PopCard, row: Stored) -> None:
        if pop.visit is not None:
            self._open.setdefault(pop.visit, {})[pop.agent] = pop.id

        def ended(end: Ended) -> None:
            self._ended(pop, found, row, end)

        age_s = self._age_s(row)
        stale_at = asyncio.get_running_loop().time() + EXPIRY_S - age_s
        left_s = max(1, round(EXPIRY_S - age_s))
        body = msgspec.json.encode(pop)
        self._live.put(Out(self._topics.pop(pop.agent), body, expiry_s=left_s, stale_at=stale_at, pop=pop.id, ended=ended))

    def _ended(self, pop: Pop, found: PopCard, row: Stored, end: Ended) -> None:
        agents = self._open.get(pop.visit or "", {})
        if agents.get(pop.agent) == pop.id:
            del agents[pop.agent]
            if not agents:
                del self._open[pop.visit or ""]
        age_s = max(0.0, self._age_s(row))
        sent_s = None
        if end.sent_at is not None:
            sent_s = max(0.0, age_s - (asyncio.get_running_loop().time() - end.sent_at))
        self._account.settled(
            PopSettled(
                pop=pop.id, call=pop.call, agent=pop.agent, outcome=end.outcome, card=found,
                sent_s=None if sent_s is None else round(sent_s, 6), settled_s=round(age_s, 6), code=end.code,
            )
        )  # fmt: skip

    def _over(self, row: Stored) -> None:
        """A visit waits no more: what was not sent of it is worth nothing now, but for him who took it."""
        data = _ANSWERED.decode(row.data) if row.kind == "call.answered" else _RINGING.decode(row.data)
        taken_by = data.agent if row.kind == "call.answered" else None
        for agent, pop in list(self._open.get(data.visit or "", {}).items()):
            if agent != taken_by:
                self._live.void(pop)

    def _id(self, seq: int) -> str:
        return f"{self._epoch}-{seq}"

    def _is_stale(self, row: Stored) -> bool:
        return row.boot != self._context.clock.boot or self._age_s(row) >= EXPIRY_S

    def _age_s(self, row: Stored) -> float:
        return (self._context.clock.mono_ns() - row.mono_ns) / NS


def _pass_over(seq: int, fault: msgspec.DecodeError) -> None:
    _log.warning("row %d cannot be read and is passed over: %s", seq, fault)
