"""The event lane: journal rows that are due become PUBLISH frames, in order, and the cursor follows what was acknowledged.

The journal is the queue; in memory there is one page of it and what is under way. After a connection's end, a refusal or a
restart the lane goes back to its cursor; what is sent twice carries the same id.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal

import msgspec

from appliance.core.clock import Clock
from appliance.core.errors import FullError
from appliance.core.event import Entry, stored_from_body
from appliance.core.journal import PAGE, Cursor, Journal
from gateway.uplink.chain import Chain
from gateway.uplink.envelope import Envelope, is_late
from gateway.uplink.figures import Timing
from gateway.uplink.lane import Lane
from gateway.uplink.mqtt import Link
from gateway.uplink.pace import Pace
from gateway.uplink.window import Window

_log = logging.getLogger(__name__)

#: The name of the lane's cursor in the journal.
SINK: Final = "uplink"
NO_CONSUMER: Final = 0x10
NOT_AUTHORISED: Final = 0x87
PACKET_TOO_LARGE: Final = 0x95
_POISON: Final = frozenset({0x90, 0x99, PACKET_TOO_LARGE})
_TRIES: Final = 3
_SAVE_EVERY: Final = 500
_SAVE_S: Final = 1.0
#: With a slow disk the lane waits for its cursor, so that a kill never repeats more than this and a window.
_UNSAVED_MAX: Final = 2000
_OUT_MAX: Final = 1 << 18
_BATCH: Final = 256
#: While more than this many, or half the window, are under way, room is saved up to as many: one system call then serves them all.
_SMALL: Final = 64
#: Identifiers kept free for the live lane where the broker's Receive Maximum allows.
_LIVE_SHARE: Final = 16
_HOLD_FIRST_S: Final = 0.1
#: An event goes at once when none went for so long; those close behind it wait so long at most, and go together.
_GATHER_S: Final = 0.025
_HOLD_CONSUMER_MAX_S: Final = 0.5
_HOLD_MAX_S: Final = 30.0

State = Literal["delivering", "no_consumer", "denied", "refused"]


class Pump:
    """Drives the lane over whichever link is attached."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        envelope: Envelope,
        *,
        window: int,
        require_consumer: bool,
        wanted: str = "",
        pace: Pace | None = None,
        told: Callable[[State, str], None],
        room: Callable[[], int],
        flush: Callable[[], None],
    ) -> None:
        """`wanted`: kinds beginning so must find a consumer, where any must. `told`: how delivery goes. `room`: messages that the
        broker takes now. `flush`: let all lanes send, this one by `fill`. `pace`: how fast a backlog may go.
        """
        self._journal, self._clock, self._envelope = journal, clock, envelope
        self._told, self._room, self._flush = told, room, flush
        self._most, self._require_consumer, self._wanted = window, require_consumer, wanted
        self.pace = pace or Pace(None)
        self.window, self.timing = Window(), Timing(clock)
        self._paced: asyncio.TimerHandle | None = None
        self._breath: asyncio.TimerHandle | None = None
        #: Delivery numbers under way that need find nobody.
        self._unwanted: set[int] = set()
        self.lane = Lane(_cursor(journal))
        self._chain = Chain(journal)
        self._rows: deque[Entry] = deque()
        #: There may be rows in the journal behind those in memory.
        self._look = True
        self._sent_at = 0.0
        self._gathering: asyncio.TimerHandle | None = None
        self._link: Link | None = None
        self._held_until: float | None = None
        self._hold_s = _HOLD_FIRST_S
        self._tries: dict[int, int] = {}
        #: Nothing up to `_sent_to` is sent for the first time, and up to `_late_to` the first time was late.
        self._sent_to, self._late_to = self.lane.cursor.n, self.lane.cursor.n
        self._given: set[int] = set()
        self._saved, self._saved_at = self.lane.cursor, 0.0
        self._saving: asyncio.Task[None] | None = None
        self._unsaved = False
        self._heard = 0.0
        #: Delivery numbers given up and not yet told to the journal, with the reason.
        self.given_up: deque[tuple[int, str]] = deque()
        self.gave_up = asyncio.Event()
        self.sent = 0

    def attach(self, link: Link) -> None:
        """A connection stands: begin at the cursor with one event, and open the window as it is acknowledged."""
        self._link, self._held_until = link, None
        spare = _LIVE_SHARE if link.greeting.receive_max > 4 * _LIVE_SHARE else int(link.greeting.receive_max > 1)
        self.window.begin(min(self._most, link.greeting.receive_max - spare))
        self._again()
        self._heard = asyncio.get_running_loop().time()
        self._flush()

    def detach(self, code: int | None = None) -> None:
        """The connection is gone; `code` is the broker's parting word, which may name the event under way as its reason."""
        head = self.lane.head
        if head is not None and self.lane.under_way == 1 and code in _POISON:
            self._tried(head.mid, head.n, f"the broker closes the connection on it: {code:#04x}")
        self._link = None
        self._again()

    def rest(self) -> None:
        """Send nothing more over this connection; what is under way may still be answered."""
        self._held_until = math.inf

    @property
    def requires_consumer(self) -> bool:
        """Does an event that finds nobody stay undelivered?"""
        return self._require_consumer

    def is_wanted(self, entry: Entry) -> bool:
        """Is it of a kind that must find somebody, where any must?"""
        return entry.body.startswith(b'{"k":"' + self._wanted.encode())

    @property
    def idle(self) -> bool:
        """Is nothing due: all is acknowledged?"""
        return not self.lane.under_way and self.lane.cursor.n >= self._journal.head().n

    @property
    def is_caught_up(self) -> bool:
        """Is everything that is due on its way, and the broker takes it?"""
        if self._link is None or self._held_until is not None or self._rows:
            return False
        return not self._look and self.lane.read_to >= self._journal.head().seq

    def last_headset(self) -> str:
        """The id of the last headset event that the broker took, or of a row behind which there was none."""
        cursor = self.lane.cursor
        return f"{cursor.epoch}-{self._chain.last(cursor.seq)}"

    def silent_s(self) -> float:
        """Seconds that the broker has owed us answers for."""
        return asyncio.get_running_loop().time() - self._heard if self._link is not None and self.lane.unanswered else 0.0

    def fill(self) -> None:
        """Send what the window and the socket take. Cheap when there is nothing to do."""
        link = self._link
        if link is None or not self._ready():
            return
        lane = self.lane
        if lane.cursor.n - self._saved.n > _UNSAVED_MAX:
            self._save_if_due()
            return
        if not lane.unanswered:
            self._heard = asyncio.get_running_loop().time()
        while link.is_open and link.waiting_out < _OUT_MAX:
            now_s = asyncio.get_running_loop().time()
            permits = self.pace.room(now_s)
            if permits <= 0:
                self._wait_for_permit()
                return
            window = self.window.now(now_s)
            small = min(_SMALL, window // 2)
            room = min(window - lane.under_way, self._room(), _BATCH, permits)
            if room <= 0 or (room < small and lane.unanswered >= small):
                return
            frames = self._frames(room, link)
            if frames:
                self.sent += len(frames)
                self._sent_at = now_s
                self.pace.spent(len(frames))
                self.window.sent(lane.last_mid, now_s)
                link.send(frames)
                self._breathe(now_s)
            elif not self._rows:
                if self._look:
                    asyncio.get_running_loop().call_soon(self._flush)
                else:
                    self.pace.caught_up()
                return
            if self._held_until is not None or self._breath is not None:
                return

    def woken(self, rows: list[Entry]) -> None:
        """These are new: the first after a quiet moment goes at once, those close behind it go together."""
        at = self._rows[-1].seq if self._rows else self.lane.read_to
        if rows[0].seq == at + 1 and not self._look and len(self._rows) < PAGE:
            self._rows.extend(rows)
        else:
            self._look = True
        if self._link is not None and self._held_until is None:
            self.pace.arrived(sum(row.n is not None for row in rows))
        loop = asyncio.get_running_loop()
        if len(rows) >= _SMALL or loop.time() - self._sent_at >= _GATHER_S:
            self._gathered()
        elif self._gathering is None:
            self._gathering = loop.call_later(_GATHER_S, self._gathered)

    def _wait_for_permit(self) -> None:
        if self._paced is None and (self._rows or self._look):
            self._paced = asyncio.get_running_loop().call_later(self.pace.wait_s(), self._permitted)

    def _breathe(self, now_s: float) -> None:
        if breath_s := self.window.breath_s(now_s):
            self._breath = asyncio.get_running_loop().call_later(breath_s, self._breathed)

    def _breathed(self) -> None:
        self._breath = None
        self._flush()

    def _permitted(self) -> None:
        self._paced = None
        self._flush()

    def _gathered(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._flush()

    def acked(self, mids: list[int]) -> None:
        """The broker took these."""
        moved = self.lane.acked(mids)
        self.timing.acked(mids)
        self._heard = asyncio.get_running_loop().time()
        if self._held_until is None:
            self.window.acked(mids, self._heard)
            self._hold_s = _HOLD_FIRST_S
        if moved:
            self._told("delivering", "")
            if self._tries or self._given or self._unwanted:
                self._forget()
        self._save_if_due()

    def told(self, answers: list[tuple[int, int]]) -> None:
        """The broker answered events with reason codes other than plain success."""
        self._heard = asyncio.get_running_loop().time()
        refused = [(mid, code) for mid, code in answers if not self._takes(mid, code)]
        if len(refused) < len(answers):
            kept = dict(refused)
            self.acked([mid for mid, _ in answers if mid not in kept])
        for mid, code in refused:
            self._refused(mid, code)

    def _takes(self, mid: int, code: int) -> bool:
        """Does this reason code mean that the event is delivered?"""
        if code == NO_CONSUMER and self._require_consumer:
            flight = self.lane.find(mid)
            return flight is not None and flight.n in self._unwanted
        return code < 0x80

    def _refused(self, mid: int, code: int) -> None:
        flight = self.lane.find(mid)
        if flight is None:
            return
        if code in _POISON:
            if not self._tried(mid, flight.n, f"the broker refuses it: {code:#04x}"):
                self._retry(mid, flight.seq)
        else:
            self.lane.hold(mid)
            state: State = "no_consumer" if code == NO_CONSUMER else "denied" if code == NOT_AUTHORISED else "refused"
            self._hold(_HOLD_CONSUMER_MAX_S if code == NO_CONSUMER else _HOLD_MAX_S)
            self._told(state, f"{code:#04x}")

    def tick(self) -> None:
        """Call every half second: saves the cursor, and lets the journal be looked at though no bell rang."""
        self._look = True
        self._save_if_due()
        if self._held_until is not None:
            self._flush()

    async def save(self) -> None:
        """Save the cursor now and wait for it."""
        if self._saving is not None:
            await self._saving
        if self.lane.cursor != self._saved:
            await self._save(self.lane.cursor)

    def _ready(self) -> bool:
        """May events be sent now? A hold ends when its time is over and the broker owes no answer."""
        if self._breath is not None:
            return False
        if self._held_until is None:
            return True
        if self.lane.unanswered or asyncio.get_running_loop().time() < self._held_until:
            return False
        self._held_until = None
        self.window.again()
        self._again()
        return True

    def _hold(self, max_s: float) -> None:
        if self._held_until is None:
            loop, wait_s = asyncio.get_running_loop(), min(self._hold_s, max_s)
            self._held_until = loop.time() + wait_s
            loop.call_later(wait_s, self._flush)
            self._hold_s = min(self._hold_s * 1.6, max_s)

    def _again(self) -> None:
        """Go back to the cursor."""
        self.timing.again()
        self.lane.rewind()
        self._rows.clear()
        self._look = True

    def _frames(self, room: int, link: Link) -> list[bytes]:
        rows, lane = self._rows, self.lane
        if not rows and self._look:
            rows.extend(self._journal.read(lane.read_to, PAGE))
            self._look = len(rows) == PAGE
        frames: list[bytes] = []
        passed = lane.read_to
        while rows and len(frames) < room:
            entry = rows.popleft()
            if entry.n is None:
                passed = entry.seq
                continue
            mid = lane.place(entry.seq, entry.n)
            frame = self._frame(entry, mid, link)
            if frame is None:
                if self._held_until is not None:
                    break
            else:
                frames.append(frame)
        if passed > lane.read_to:
            lane.passed(passed)
        return frames

    def _frame(self, entry: Entry, mid: int, link: Link) -> bytes | None:
        """The frame of one row under way; None when it is given up or put off instead."""
        n = entry.n or 0
        if n in self._given:
            self.lane.skip(mid)
            return None
        try:
            row = stored_from_body(entry.body)
        except msgspec.DecodeError as fault:
            self._give_up(mid, n, f"the row cannot be read: {fault}")
            return None
        late = n <= self._late_to if n <= self._sent_to else is_late(row, self._clock)
        if not row.kind.startswith(self._wanted):
            self._unwanted.add(n)
        previous = self._chain.before(entry) if row.kind.startswith("headset.") else None
        self.timing.sent(mid, row, late)
        topic, payload = self._envelope.stored(row, entry.seq, n, late, previous)
        frame = link.frame(topic, mid, payload, late)
        most = link.greeting.packet_max
        if most is not None and len(frame) > most:
            if not self._tried(mid, n, f"{len(frame)} bytes; the broker takes {most}"):
                self.lane.hold(mid)
                self._hold(_HOLD_FIRST_S)
            return None
        if n > self._sent_to:
            self._sent_to = n
            if late:
                self._late_to = n
        return frame

    def _retry(self, mid: int, seq: int) -> None:
        """Send one refused event again under its own identifier; those behind it have arrived and stay."""
        link = self._link
        rows = self._journal.read(seq - 1, 1)
        if link is None or not rows or rows[0].seq != seq:
            return
        frame = self._frame(rows[0], mid, link)
        if frame is not None:
            link.send([frame])

    def _tried(self, mid: int, n: int, reason: str) -> bool:
        """Count a failed try; True when the event was given up."""
        self._tries[n] = tries = self._tries.get(n, 0) + 1
        if tries < _TRIES:
            return False
        self._give_up(mid, n, reason)
        return True

    def _give_up(self, mid: int, n: int, reason: str) -> None:
        _log.warning("event %d is given up: %s", n, reason)
        self._tries.pop(n, None)
        self._given.add(n)
        self.given_up.append((n, reason))
        self.gave_up.set()
        self.lane.skip(mid)

    def _forget(self) -> None:
        done = self.lane.cursor.n
        self._tries = {n: tries for n, tries in self._tries.items() if n > done}
        self._given = {n for n in self._given if n > done}
        self._unwanted = {n for n in self._unwanted if n > done}

    def _save_if_due(self) -> None:
        """Save in the background. Not past an event given up whose `journal.skipped` is not durable yet."""
        cursor = self.lane.cursor
        if self._saving is not None or self.given_up or cursor == self._saved:
            return
        late = asyncio.get_running_loop().time() - self._saved_at >= _SAVE_S
        if late or (cursor.n - self._saved.n >= _SAVE_EVERY and not self._unsaved):
            self._saving = asyncio.get_running_loop().create_task(self._save(cursor))

    async def _save(self, cursor: Cursor) -> None:
        try:
            await asyncio.to_thread(self._journal.save, SINK, cursor)
            self._saved, self._unsaved = cursor, False
        except OSError as fault:
            if not self._unsaved:
                _log.error("the cursor of the CRM link cannot be saved, events may be sent twice; tried again: %s", fault)
            self._unsaved = True
        finally:
            self._saving = None
        self._saved_at = asyncio.get_running_loop().time()
        if self._unsaved:
            asyncio.get_running_loop().call_later(_SAVE_S + 0.01, self._save_if_due)
        self._flush()


def _cursor(journal: Journal) -> Cursor:
    """Where to begin: the saved cursor; the first row of this journal when the cursor is another journal's.

    A cursor beyond the newest row is never trusted: what is appended next would be passed over in silence.
    """
    saved, head = journal.cursor(SINK), journal.head()
    if saved.epoch != head.epoch:
        _log.warning("the journal is a new one (%s after %s): sending begins with its first event", head.epoch, saved.epoch)
        return Cursor(head.epoch, 0)
    if saved.seq > head.seq:
        _log.error(
            "the CRM cursor (%d) is ahead of the journal (%d): the journal lost events; sending goes on from its end", saved.seq, head.seq
        )
        return Cursor(head.epoch, head.seq, head.n, saved.skipped)
    if not saved.seq:
        with suppress(FullError):  # its file takes its place now: a disk that fills up later does not stop the draining
            journal.save(SINK, saved)
    return saved
