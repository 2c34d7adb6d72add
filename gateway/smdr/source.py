"""Decides how a call-record port is kept in sight: opened, read at a bounded pace, opened again when it is gone or silent too long.

`run` tells every record to a callback and ends only by cancellation or a faulty configuration. What goes wrong is told in `health`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from itertools import chain, count
from typing import Final, Literal
from weakref import WeakKeyDictionary

from msgspec import Struct

from appliance.core.clock import NS, Clock
from appliance.core.errors import CallfloorError, MisconfiguredError, UnpluggedError, UnsupportedError
from appliance.core.meter import Wire
from appliance.core.smdr_config import SmdrConfig
from drivers.serial_line import SerialLine
from gateway.smdr.port import IDLE_S, Listener, Pace, Tap, open_calling
from gateway.smdr.profile import ReadyProfile, profile_from_file
from gateway.smdr.record import CallRecord
from gateway.smdr.shelf import profile
from gateway.smdr.stream import Stream
from gateway.smdr.twice import memory

_log = logging.getLogger("callfloor.gateway")
FIRST_RETRY_S: Final = 0.5
#: A session shorter than this has proved nothing: the next attempt waits longer still.
STEADY_S: Final = 5.0
#: Addresses whose streams are remembered.
_STREAMS: Final = 16
#: From so many lines on their share is judged.
_JUDGE_FROM: Final = 20

Take = Callable[[list[CallRecord]], Awaitable[None]]
LocalTime = Callable[[], datetime]


class Health(Struct):
    """How a port does, in words for a person. `level` as box.health has it."""

    level: Literal["ok", "amber", "red"] = "ok"
    text: str = "waiting for the first record"


def no_tap(_way: str, _data: bytes) -> None:
    """Nobody records."""


class SmdrSource:
    """One port. `seen`: digests of what was told before, oldest first."""

    def __init__(
        self,
        name: str,
        config: SmdrConfig,
        clock: Clock,
        local: LocalTime,
        take: Take,
        *,
        seen: Iterable[str] = (),
        tap: Tap = no_tap,
        told: Callable[[Health], None] = lambda _health: None,
        session: Callable[[str], None] = lambda _word: None,
    ) -> None:
        self.name, self._config, self._clock, self._local, self._take, self._tap = name, config, clock, local, take, tap
        self._seen = tuple(seen)
        self._told, self._tell_session = told, session
        self._profile: ReadyProfile | None = None
        self.streams: dict[str, Stream] = {}
        self._live: dict[str, str] = {}
        self._memories: dict[str, deque[str]] = {}
        self.pace = Pace()
        self.listener: Listener | None = None
        self.health = Health()
        self._judged: WeakKeyDictionary[Stream, tuple[int, int]] = WeakKeyDictionary()
        self.sessions = 0
        self._has_told = False
        self._retry_s = FIRST_RETRY_S

    async def run(self) -> None:
        """Keep the port in sight until cancelled. Raises MisconfiguredError and UnsupportedError, which no retry mends."""
        config = self._config
        try:
            await self._profile_named()
        except MisconfiguredError as fault:
            self._say("red", str(fault))
            raise
        while True:
            began_s = self._now_s()
            try:
                if config.url.startswith("listen://"):
                    self.listener = Listener(self.name, config)
                    await self.listener.run(self._session, lambda: self._say("ok", "waiting for the PBX to call"))
                else:
                    async with open_calling(self.name, config, self._tap) as line:
                        await self._session(line, "")
            except (MisconfiguredError, UnsupportedError) as fault:
                self._say("red", str(fault))
                raise
            except CallfloorError as fault:
                self._say("red", str(fault))
            if self._now_s() - began_s > STEADY_S:
                self._retry_s = FIRST_RETRY_S
            await asyncio.sleep(self._retry_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not secrecy
            self._retry_s = min(self._config.reconnect_max_s, self._retry_s * 1.7)

    @property
    def wire(self) -> Wire:
        """What the port counts; of streams that were forgotten, the lines are not among them."""
        streams = list(self.streams.values())
        refused = 0 if self.listener is None else self.listener.refused
        errors = {
            "unknown_line": sum(stream.counts.unknown for stream in streams),
            "overlong_line": sum(stream.splitter.overlong for stream in streams),
            "refused_call": refused,
            "held_back": self.pace.held,
        }
        return Wire(name=self.name, up=self.health.level != "red", sessions=self.sessions, errors=errors)

    async def _profile_named(self) -> None:
        if self._config.profile_file is not None:
            self._profile = await asyncio.to_thread(profile_from_file, self._config.profile_file)
        elif self._config.profile is not None:
            self._profile = profile(self._config.profile)

    async def _session(self, line: SerialLine, peer: str) -> None:
        """Read until the line is gone. Raises UnpluggedError."""
        key = next(key for key in chain((peer,), (f"{peer} #{n}" for n in count(2))) if key not in self._live)
        stream = self._stream(key, peer)
        self._live[key] = peer
        try:
            await self._session_of(line, stream)
        finally:
            del self._live[key]

    async def _session_of(self, line: SerialLine, stream: Stream) -> None:
        self.sessions += 1
        stream.connected(self._now_s())
        self._tell_session("connected")
        self._say("ok", "connected" if self.sessions == 1 else "connected again")
        try:
            await self._read(line, stream)
        except UnpluggedError:
            self._tell_session("disconnected")
            await self._give(stream.closed(self._local(), self._now_s()), stream)
            raise

    async def _read(self, line: SerialLine, stream: Stream) -> None:
        heard_s, silent_s = self._now_s(), self._config.silent_s
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    data = await line.read()
            except TimeoutError:
                await self._give(stream.idle(self._local(), self._now_s()), stream)
                if silent_s is not None and self._now_s() - heard_s > silent_s:
                    raise UnpluggedError(f"smdr {self.name}: silent for {silent_s:g} s; connected anew") from None
                continue
            heard_s = self._now_s()
            self._tap("in", data)
            await self._give(stream.feed(data, self._local(), heard_s), stream)
            await self.pace.took(len(data))

    def _stream(self, key: str, peer: str) -> Stream:
        """The line's stream. All lines of an address have one memory; a PBX with a new address knows what those told that are gone."""
        stream = self.streams.get(key)
        if stream is None:
            for old in [old for old in self.streams if old not in self._live][: max(0, len(self.streams) + 1 - _STREAMS)]:
                del self.streams[old]
            if peer not in self._memories:
                gone = {of: told for of, told in self._memories.items() if of not in self._live.values()}
                for of in list(gone)[: max(0, len(self._memories) + 1 - _STREAMS)]:
                    del self._memories[of]
                self._memories[peer] = memory(chain(self._seen, *gone.values()))
            stream = self.streams[key] = Stream(self._profile, self._config.dates, self._memories[peer])
        return stream

    async def _give(self, records: list[CallRecord], stream: Stream) -> None:
        if records:
            await self._take(records)
        self._judge(stream)

    def _judge(self, stream: Stream) -> None:
        """How the lines do, as long as the port is there."""
        counts, splitter = stream.counts, stream.splitter
        damaged, lines = counts.unknown + splitter.overlong, counts.lines + splitter.overlong
        # Of late: what came yesterday at another speed, or in a flood, says nothing of what comes now.
        before_damaged, before_lines = self._judged.get(stream, (0, 0))
        if lines - before_lines >= 2 * _JUDGE_FROM:
            self._judged[stream] = damaged, lines
        late = lines - before_lines
        if stream.reader is None and stream.unread >= _JUDGE_FROM:
            self._say("amber", "no profile fits what comes; `callfloor smdr learn` proposes one, or the line's speed is wrong")
        elif late >= _JUDGE_FROM and 2 * (damaged - before_damaged) > late:
            self._say("amber", "most lines fit nothing: look at the line's speed and format, or name the profile")
        elif before_lines and late < _JUDGE_FROM and self.health.level == "amber":
            return  # too few to tell
        elif counts.records:
            self._say("ok", f"records of {stream.reader.profile.name}" if stream.reader else "records")

    def _say(self, level: Literal["ok", "amber", "red"], text: str) -> None:
        """Keep it, and tell a change; while all is well the words alone are no news."""
        changed = level != self.health.level
        if changed or text != self.health.text or not self._has_told:
            self.health = Health(level, text)
            if changed:
                (_log.info if level == "ok" else _log.warning)("smdr %s: %s", self.name, text)
            if changed or level != "ok" or not self._has_told:
                self._has_told = True
                self._told(self.health)

    def _now_s(self) -> float:
        return self._clock.mono_ns() / NS
