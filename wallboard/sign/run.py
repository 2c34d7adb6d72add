"""Decides how the signs of one line live: opened, told the floor, sent to one frame at a time off the loop, opened again after a fault.

Signs that share a line take turns, so that none waits for another's long text; one that is deaf for a while does not hold the others up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from appliance.core.clock import NS, Clock
from appliance.core.config import Config, Sign
from appliance.core.errors import TransientError, UnpluggedError, UnsupportedError
from appliance.core.meter import WireBook
from drivers.alpha_command import ReadSpecial
from drivers.alpha_frame import Frame, frame_of
from drivers.alpha_pace import Pace, Timing
from drivers.alpha_reply import answer_from_frame, memory_from_answer
from drivers.led_sign import Port, open_port, sign_url
from wallboard.board_set import BoardSet
from wallboard.sign.page import sayings_from
from wallboard.sign.plan import Planner
from wallboard.sign.priority import Burst, Bursts
from wallboard.sign.sender import Moment, Send, Sender
from wallboard.stream.feed import Feed
from wallboard.words import words_of

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
RETRY_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.25
#: A line that is idle is listened to this often, so that a peer that hung up is noticed.
_LISTEN_EVERY_S: Final = 1.0
#: After an outage as long as this another sign may hang there.
_OUTAGE_S: Final = 10.0
_FAREWELL_S: Final = 1.5
#: A sign that was switched on after the box has never heard its table: it is asked again after a while, then each hour; one that is silent
#: is written to again, which blanks it for seconds, and so after a while and then once a day.
CHECK_FIRST_S: Final = 600.0
_CHECK_EVERY_S: Final = 3600.0
_WRITE_EVERY_S: Final = 86_400.0
_READ_MEMORY: Final = ReadSpecial("$").body


class OneSign:
    """One sign of a line: what it should hold, from the floor as it is."""

    def __init__(self, name: str, sign: Sign, boards: BoardSet, feed: Feed, clock: Clock, zone: ZoneInfo) -> None:
        self.name, self.sign = name, sign
        self._boards, self._feed, self._clock, self._zone = boards, feed, clock, zone
        self._planner, self._bursts = Planner(sign), Bursts(sign.priority_s, sign.repeat_s)
        self.sender = Sender(sign)
        self.asked = self.answers = False
        self._checked_s: float | None = None
        self._check_s = CHECK_FIRST_S
        self._language = ""
        self._left_out = 0

    def look(self, now_s: float) -> None:
        """Plan anew from the floor as it is now."""
        wall_ns = self._feed.now_ns()
        board = self._boards.board(self.sign.board, self._feed.snapshot(), wall_ns)
        self._language = board.language
        at = datetime.fromtimestamp(wall_ns / NS, UTC).astimezone(self._zone)
        trusted = self._clock.quality() != "unset"
        sayings = sayings_from(board, f"{at:%H:%M}" if trusted else None)
        plan = self._planner.plan(sayings)
        if plan.left_out > self._left_out:
            _log.warning(
                "sign %s: %d of %d phrases have no room; give it a board of its own", self.name, plan.left_out, len(sayings.rotation)
            )
        self._left_out = plan.left_out
        wanted = [Burst(phrase.key, tuple(self._planner.urgent(phrase))) for phrase in sayings.priority]
        moment = Moment(f"{at:%H%M}", at.isoweekday() % 7 + 1, trusted)
        self.sender.tell(plan, self._bursts.step(wanted, now_s), moment)

    def check(self, now_s: float) -> None:
        """Doubt its memory table when that is due."""
        if self._checked_s is None:
            self._checked_s = now_s
        elif now_s - self._checked_s >= self._check_s:
            self._checked_s, self._check_s = now_s, _CHECK_EVERY_S if self.answers else _WRITE_EVERY_S
            self.asked = False
            self.sender.doubt(long=not self.answers)

    def frame(self, body: bytes) -> Frame:
        """A command to this sign."""
        return frame_of(body, address=self.sign.address.upper(), checksum=self.sign.checksum)

    def farewell(self) -> Frame:
        """That nothing is told any more."""
        return self.frame(self.sender.farewell(words_of(self._language or "es").text("stream.lost")))


class LineRun:
    """All signs of one line."""

    def __init__(self, url: str, signs: list[OneSign], clock: Clock, timing: Timing | None = None) -> None:
        """Raises MisconfiguredError for a URL that is none."""
        self.line = sign_url(url)
        self.signs = signs
        #: When the line last said something that was an answer, in monotonic nanoseconds: old signs never do.
        self.heard_mono_ns: int | None = None
        self.is_open = False
        self.book = WireBook()
        self._clock, self._timing = clock, Timing() if timing is None else timing
        self._pace = Pace(self._timing)
        self._turn = 0
        self._gone_s: float | None = None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sign")

    async def run(self) -> None:
        """Work until cancelled. A line that is not there, blocks or vanishes is tried again; a bad URL is a MisconfiguredError."""
        told = ""
        try:
            while True:
                try:
                    port = await self._off_loop(open_port, self.line.url, self._timing)
                    if told:
                        _log.warning("sign %s is back", self.line.url)
                    told = ""
                    await self._live(port)
                except (UnpluggedError, UnsupportedError, TransientError) as fault:
                    self.book.failed("lost" if self.book.up else "not_opened")
                    self.book.lost()
                    if str(fault) != told:
                        _log.warning("%s; trying again every %.0f s", fault, RETRY_S)
                        told = str(fault)
                await asyncio.sleep(RETRY_S)
        finally:
            self._threads.shutdown(wait=False)

    async def _live(self, port: Port) -> None:
        """Feed the signs until the line fails. Raises UnpluggedError."""
        long = self._gone_s is None or self._now_s() - self._gone_s >= _OUTAGE_S
        for sign in self.signs:
            sign.sender.lost(long=long)
            sign.asked = False
        failed = True
        self.is_open = True
        self.book.opened()
        try:
            await self._feed(port)
        except asyncio.CancelledError:
            failed = False
            self.book.lost()
            await self._leave(port)
            raise
        finally:
            self.is_open = False
            self._gone_s = self._now_s()
            await self._closed(port, failed=failed)

    async def _feed(self, port: Port) -> None:
        looked_s = listened_s = float("-inf")
        while True:
            now_s = self._now_s()
            if now_s - looked_s >= _LOOK_EVERY_S:
                looked_s = now_s
                for sign in self.signs:
                    sign.look(now_s)
                    sign.check(now_s)
            if now_s - listened_s >= _LISTEN_EVERY_S:
                listened_s = now_s
                await self._off_loop(port.heard)
            if not await self._send_one(port, now_s):
                await asyncio.sleep(self._rest_s(now_s))

    async def _send_one(self, port: Port, now_s: float) -> bool:
        """Send one frame to the next sign that has one due and hears; False when there is none."""
        due: list[tuple[bool, int, Send]] = []
        for step in range(len(self.signs)):
            at = (self._turn + step) % len(self.signs)
            sign = self.signs[at]
            if self._pace.wait_s(sign.sign.address, now_s) == 0 and (send := sign.sender.next(now_s)) is not None:
                due.append((not send.urgent, at, send))
        if not due:
            return False
        _, at, send = min(due, key=lambda each: each[0])  # the first in turn of what is urgent, else the first in turn
        sign = self.signs[at]
        self._turn = (at + 1) % len(self.signs)
        if send.about == "memory" and not sign.asked:
            sign.asked = True
            await self._ask_memory(port, sign)
        else:
            await self._write(port, sign, send)
        return True

    async def _write(self, port: Port, sign: OneSign, send: Send) -> None:
        frame = sign.frame(send.body)
        on_wire_s = await self._off_loop(lambda: port.send(frame, slow=sign.sign.slow))
        now_s = self._now_s()
        self._pace.sent(frame, on_wire_s, now_s)
        self.book.sent = (self.book.sent or 0) + 1
        sign.sender.sent(send, now_s)

    async def _ask_memory(self, port: Port, sign: OneSign) -> None:
        """Whether the sign has its files already: writing the table erases them and blanks it for two seconds. Most are silent."""
        question = sign.frame(_READ_MEMORY)
        records = await self._off_loop(lambda: port.ask(question, slow=sign.sign.slow))
        self._pace.sent(question, 0.0, self._now_s())
        answers = [answer_from_frame(record) for record in records if isinstance(record, Frame)]
        tables = [table for answer in answers if answer is not None and (table := memory_from_answer(answer)) is not None]
        if tables:
            self.heard_mono_ns = self._clock.mono_ns()
            sign.answers = True
        sign.sender.holds(tables[0] if tables else None)

    def _rest_s(self, now_s: float) -> float:
        """How long nothing can be sent, up to the next look at the floor."""
        waits = [self._pace.wait_s(sign.sign.address, now_s) for sign in self.signs if sign.sender.next(now_s) is not None]
        return min([_LOOK_EVERY_S, *(max(0.005, wait) for wait in waits)])

    async def _leave(self, port: Port) -> None:
        """At the end each sign says that it is told nothing any more, as far as that is quick."""
        with suppress(UnpluggedError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                for sign in self.signs:
                    await asyncio.sleep(min(self._timing.gap_s, self._pace.wait_s(sign.sign.address, self._now_s())))
                    frame = sign.farewell()
                    on_wire_s = await self._off_loop(port.send, frame)
                    self._pace.sent(frame, on_wire_s, self._now_s())

    async def _closed(self, port: Port, *, failed: bool) -> None:
        """Closed before the line is opened again; a cancel that comes meanwhile is obeyed, and the thread closes on its own."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, lambda: port.close(failed=failed)))

    async def _off_loop(self, call: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

    def _now_s(self) -> float:
        return self._clock.mono_ns() / NS


def line_runs(config: Config, boards: BoardSet, feed: Feed, clock: Clock, timing: Timing | None = None) -> list[LineRun]:
    """One run for each line of [wallboard.sign.NAME]. Raises MisconfiguredError for a URL that is none."""
    zone = ZoneInfo(config.site.timezone)
    lines: dict[str, list[OneSign]] = {}
    for name, sign in config.wallboard.sign.items():
        lines.setdefault(sign.url, []).append(OneSign(name, sign, boards, feed, clock, zone))
    return [LineRun(url, signs, clock, timing) for url, signs in lines.items()]
