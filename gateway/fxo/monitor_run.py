"""Decides how a line monitor senses its lines: by a serial port, or by the UDP packets that it sends to everybody (port 3520)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.core.clock import Clock
from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.errors import MisconfiguredError, TransientError
from drivers.serial_line import open_line
from drivers.serial_url import serial_url
from gateway.fxo.line import Line
from gateway.fxo.line_call import NS, Told
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.monitor_record import MonitorFeed, MonitorRecord, record_from_datagram, unit_from_datagram
from gateway.fxo.monitor_watch import ANSWER_S, ASK_S, MonitorWatch
from gateway.fxo.source import LineSource, Tap

PORT: Final = 3520
#: Durations are whole seconds: by less than this no ring is told from none.
_LEAST_RING_S: Final = 2
QUESTION: Final = b"V"
QUESTION_UDP: Final = b"^^Id-V"
#: A unit broadcasts to its whole network.
_ALL: Final = "0.0.0.0"  # noqa: S104


class MonitorLines(LineSource):
    """One monitor and its lines by number. `unknown_lines` counts records of lines that nobody named, `foreign` those of other units."""

    def __init__(
        self,
        url: str,
        name: str,
        settings: Mapping[int, LineSettings],
        clock: Clock,
        *,
        unit: str | None = None,
        silent_after_s: float | None = None,
        ask_s: float = ASK_S,
        answer_s: float = ANSWER_S,
        tap: Tap | None = None,
        **more: Any,
    ) -> None:
        """`unit`: the twelve hex digits of the one unit that is listened to; `silent_after_s`: so long without a word, and it is gone.

        Raises MisconfiguredError for a URL that is none.
        """
        self._url = url
        self._udp = _udp(url)
        self._serial = None if self._udp is not None else serial_url(url, "line monitor")
        self._unit = unit
        self._by_number = {number: Line(each) for number, each in settings.items()}
        self.unknown_lines = self.foreign = 0
        self.port: int | None = None
        self._news = asyncio.Event()
        self._watch = MonitorWatch(clock.mono_ns(), silent_after_s, ask_s=ask_s, answer_s=answer_s)
        self._peer: tuple[str, int] | None = None
        super().__init__(name, list(self._by_number.values()), clock, tap=tap, **more)

    async def _session(self) -> None:
        if self._udp is not None:
            await self._listen(self._udp)
        elif self._serial is not None:
            async with open_line(self._serial, "line monitor") as wire:
                feed = MonitorFeed()
                self._begin()
                while True:
                    data = await self._heard(wire, self._due_ns())
                    noise, words = feed.noise_bytes, feed.words
                    if data:
                        self._received(data)
                    for record in feed.feed(data):
                        self._is_there()
                        self._record(record)
                    self.health.noise_bytes += feed.noise_bytes - noise
                    self._watch.unread |= feed.noise_bytes > noise
                    if feed.words > words and self._watch.awaits:
                        self._is_there()
                    if self._turn():
                        self._tap("out", QUESTION)
                        await wire.write(QUESTION)

    # -- whether it is there -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """The port is open. A unit that was silent before is not there because of that."""
        if self._watch.fault is None:
            self._up()

    def _is_there(self) -> None:
        self._watch.heard(self.clock.mono_ns())
        self._up()

    def _turn(self) -> bool:
        """What is due; whether the unit is to be asked now."""
        now_ns = self.clock.mono_ns()
        self._tick(now_ns)
        ask = self._watch.tick(now_ns)
        if self._watch.fault is not None and self.health.up:
            self._down(f"line monitor {self._url}: {self._watch.fault}")
            self._blind()
        return ask

    def _due_ns(self) -> int:
        due_ns = super()._due_ns()
        return self._watch.due_ns if due_ns is None else min(due_ns, self._watch.due_ns)

    # -- over the network --------------------------------------------------------------------------------------

    async def _listen(self, at: Endpoint) -> None:
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self._datagram), (at.host or _ALL, at.port), allow_broadcast=True
            )
        except OSError as error:
            raise TransientError(
                f"line monitor {self._url}: cannot listen there ({error}); end the other program, or name another port"
            ) from error
        try:
            self.port = transport.get_extra_info("sockname")[1]
            self._begin()
            while True:
                self._news.clear()
                await self._within(self._news_came(), self._due_ns())
                if self._turn():
                    self._ask(transport, at)
        finally:
            transport.close()

    async def _news_came(self) -> bytes:
        await self._news.wait()
        return b""

    def _ask(self, transport: asyncio.DatagramTransport, at: Endpoint) -> None:
        """At the port that units listen at, and at the one that it spoke from; whoever was never heard is asked for by everybody."""
        self._tap("out", QUESTION_UDP)
        if self._peer is not None:
            for port in {PORT, self._peer[1]}:
                transport.sendto(QUESTION_UDP, (self._peer[0], port))
        elif at.host in ("", _ALL):
            transport.sendto(QUESTION_UDP, ("255.255.255.255", PORT))

    def _datagram(self, data: bytes, address: tuple[str, int]) -> None:
        self._received(data)
        self._news.set()
        record, unit = record_from_datagram(data), unit_from_datagram(data)
        if self._unit is not None and unit not in (None, self._unit):
            self.foreign += 1
            return
        if unit is None:
            self.health.noise_bytes += len(data) if data != QUESTION_UDP else 0  # our own, where it comes back to us
            return
        self._peer = address
        self._is_there()
        if record is not None:
            self._record(record)

    def _record(self, record: MonitorRecord) -> None:
        line = self._by_number.get(record.line)
        if line is None:
            self.unknown_lines += 1
        elif not record.held:
            self._say(told_from_record(line, record, self.clock.mono_ns()))


def told_from_record(line: Line, record: MonitorRecord, now_ns: int) -> list[Told]:
    """What a record means for its line. Rings are told once, at the first; that it stopped, by the call's end record."""
    taken = line.state == "in_use"
    out: list[Told] = []
    match record.what:
        case "ring":
            out = line.ring(now_ns, until_told=True, first=True)
        case "start" if record.direction == "in":
            again = line.call is not None and line.call.caller is not None
            out = [] if taken else line.ring(now_ns, until_told=True, first=again)
            out += line.caller_id(record.caller, now_ns) if record.caller is not None else []
        case "start" if not taken:
            out = line.hook(True, now_ns)
        case "off_hook":
            out = line.hook(True, now_ns)
        case "on_hook":
            out = line.hook(False, now_ns, steady=True)
        case "end":
            out = _ended(line, record, now_ns)
    return out


def _ended(line: Line, record: MonitorRecord, now_ns: int) -> list[Told]:
    if line.state == "in_use":
        return line.hook(False, now_ns, steady=True)
    if line.state == "ringing" and line.call is not None and record.duration_s:
        # The unit counts the seconds of the call. Where they are fewer than it lasted in all, it rang before it was taken; where they are
        # as many, nobody can tell talking from ringing.
        if now_ns - line.call.began_ns >= (record.duration_s + _LEAST_RING_S) * NS:
            return line.talked(record.duration_s, now_ns)
        return line.doubt(now_ns) + line.ring_over(now_ns)
    # An end record without its seconds does not tell whether anybody talked.
    return (line.doubt(now_ns) if record.duration_s is None else []) + line.ring_over(now_ns)


class _Datagrams(asyncio.DatagramProtocol):
    """Hands each packet on."""

    def __init__(self, heard: Any) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """A question found nobody (ICMP): the silence tells."""


def _udp(url: str) -> Endpoint | None:
    parts = urlsplit(url)
    if parts.scheme != "udp":
        return None
    try:
        return endpoint_from_text(parts.netloc, PORT)
    except ValueError as fault:
        raise MisconfiguredError(f'line monitor "{url}": {fault}; write it as udp://0.0.0.0:{PORT}') from fault
