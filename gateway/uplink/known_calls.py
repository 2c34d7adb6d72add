"""Decides which calls may still be classified, and whose they are: the newest ones that the journal tells of.

A call is known by any event of its own. Its agent, queue and visit are those of the conversation that began last; of one that nobody
answered the visit that began last.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.clock import NS, Clock
from appliance.core.event import Entry, Stored, stored_from_body
from appliance.core.journal import Journal

#: So many calls are remembered, and so far back the journal is read after a start. The floor's fold remembers twice as many that were
#: classified (appliance/floor/classify.py).
CALLS_KEPT: Final = 20_000
ROWS_BACK: Final = 200_000
#: Rows read at a time: screen pops wait behind them.
_PAGE: Final = 100
_CALL: Final = b'{"k":"call.'
_PASSED_OVER: Final = (b'{"k":"call.classified"', b'{"k":"call.matched"')


class KnownCall(Struct, gc=False):
    """One call. `began_ns` is when its visit began, by the wall clock and by the monotonic clock of `boot`."""

    pbx: str
    boot: str = ""
    began_wall_ns: int = 0
    began_ns: int = 0
    visit: str | None = None
    queue: str | None = None
    agent: str | None = None
    #: The visit and the queue that it joined last: answered there, it is about that one.
    joined: tuple[str, str | None, int, int, str] | None = None

    def age_s(self, clock: Clock) -> float | None:
        """How long ago its visit began; None where it had none."""
        if self.visit is None:
            return None
        now, began = (clock.mono_ns(), self.began_ns) if self.boot == clock.boot else (clock.wall_ns(), self.began_wall_ns)
        return round(max(0, now - began) / NS, 3)


class _Row(Struct, frozen=True):
    """What is read of a call's event."""

    call: str
    pbx: str = ""
    visit: str | None = None
    queue: str | None = None
    agent: str | None = None
    waited_s: float = 0.0


_rows: Final = msgspec.json.Decoder(_Row)


class KnownCalls:
    """The newest calls of one journal. Read when somebody asks, a page at a time, so that a box that classifies nothing pays nothing."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._epoch, self._at = journal.epoch, 0
        self._calls: dict[str, KnownCall] = {}

    async def get(self, call: str) -> KnownCall | None:
        """A call, by all that the journal tells of it until now."""
        journal = self._journal
        if journal.epoch != self._epoch:
            self._epoch, self._at, self._calls = journal.epoch, 0, {}
        self._at = max(self._at, journal.head().seq - ROWS_BACK)
        while rows := journal.read(self._at, _PAGE):
            for entry in rows:
                self._feed(entry)
            self._at = rows[-1].seq
            if len(rows) < _PAGE:
                break
            await asyncio.sleep(0)
        return self._calls.get(call)

    def _feed(self, entry: Entry) -> None:
        body = entry.body
        if not body.startswith(_CALL) or body.startswith(_PASSED_OVER):
            return
        try:
            stored = stored_from_body(body)
            row = _rows.decode(stored.data)
        except msgspec.DecodeError:
            return  # the floor counts what cannot be read
        if stored.origin is None:
            self._told(stored, row)

    def _told(self, stored: Stored, row: _Row) -> None:
        known = self._calls.get(row.call)
        if known is None:
            if len(self._calls) >= CALLS_KEPT:
                del self._calls[next(iter(self._calls))]
            known = self._calls[row.call] = KnownCall(row.pbx)
        if stored.kind == "call.queued" and row.visit is not None:
            waited_ns = round(row.waited_s * NS)
            known.joined = (row.visit, row.queue, stored.wall_ns - waited_ns, stored.mono_ns - waited_ns, stored.boot)
            if known.agent is None:
                self._about(known, None)
        elif stored.kind in ("call.answered", "call.attempted") and row.agent is not None:
            if known.joined is not None and known.joined[0] == row.visit:
                self._about(known, row.agent)
            elif row.visit is None:
                known.agent = row.agent

    def _about(self, known: KnownCall, agent: str | None) -> None:
        assert known.joined is not None
        known.visit, known.queue, known.began_wall_ns, known.began_ns, known.boot = known.joined
        known.agent = agent
