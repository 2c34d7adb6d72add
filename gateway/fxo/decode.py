"""Decides what recorded caller-ID bytes are, by their content: packets in hex, DTMF digits, a modem's lines, a monitor's records. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from appliance.core.errors import CorruptError
from gateway.fxo.caller_id import CallerId, record
from gateway.fxo.clip import caller_from_digits, is_clip
from gateway.fxo.message import SEIZURE, TYPES, caller_from_packet, packets_from
from gateway.fxo.modem_bytes import DLE, Cadence, ModemFeed, Ring
from gateway.fxo.modem_call import CallerFeed
from gateway.fxo.monitor_record import MonitorRecord, record_from_datagram, record_from_text

_APART: Final = re.compile(r"0[xX]|[\s,:;-]")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){3,}")


def records(data: bytes) -> list[dict[str, Any]]:
    """One object per caller in the bytes; a call that rings and tells nothing is one too. Raises CorruptError when nothing here is any."""
    woken = data.lstrip(bytes((SEIZURE, 0xFF)))
    if woken and woken[0] in TYPES:
        callers = [caller_from_packet(packet) for packet in packets_from(data)]
        if any(caller.checksum_ok for caller in callers) or not (lines := list(_from_lines(data))):
            return [record(caller) for caller in callers]
        return lines  # noise that looks like the beginning of a packet, and then a modem's words
    datagram = record_from_datagram(data.strip(b"\r\n"))
    if datagram is not None:
        return [_monitored(datagram)]
    out = list(_from_lines(data))
    if not out:
        raise CorruptError(
            f"{len(data)} bytes, and nothing in them is a packet in hex, a DTMF sequence, a modem's line or a monitor's record"
        )
    return out


def _from_lines(data: bytes) -> Iterator[dict[str, Any]]:
    """Lines of each kind, in order. Hex may run over several lines."""
    calls = _Calls()
    digits = ""
    for line in [*re.split(rb"(?<=[\r\n])", data), b""]:
        text = line.decode("latin-1").strip()
        told = None if DLE in line else record_from_text(text)
        clean = _APART.sub("", text)
        if told is None and text and _HEX.fullmatch(clean) and (digits or _is_packet(clean) or not is_clip(text)):
            digits += clean
            continue
        if text or not line:
            for packet in packets_from(bytes.fromhex(digits)):
                yield from calls.next(caller_from_packet(packet))
            digits = ""
        if told is not None:
            yield from calls.end()
            yield _monitored(told)
        elif is_clip(text) and (caller := caller_from_digits(text)) is not None:
            yield from calls.next(caller)
        else:
            yield from calls.modem(line)
    yield from calls.end()


def _is_packet(digits: str) -> bool:
    """Whether hex begins as a packet does and holds all of it; a DTMF sequence of digits and A to D may be hex as well."""
    raw = bytes.fromhex(digits).lstrip(bytes((SEIZURE,)))
    return len(raw) > 2 and raw[0] in TYPES and len(raw) >= raw[1] + 3


def _monitored(told: MonitorRecord) -> dict[str, Any]:
    """A monitor's record: the members of every caller, and what only it has."""
    base = record(CallerId(format="monitor", checksum_ok=told.checksum_ok, date=told.date, time=told.time))
    said = {key: value for key, value in msgspec.to_builtins(told).items() if value is not None and not (key == "held" and not value)}
    return base | said


class _Calls:
    """The calls of a recording, one by one: each caller with the rings up to the next, rings alone as a call of which nothing is told."""

    def __init__(self) -> None:
        self._feed, self._callers = ModemFeed(), CallerFeed()
        self._rings = 0
        self._last: CallerId | None = None

    def modem(self, line: bytes) -> Iterator[dict[str, Any]]:
        """A modem's line, or a part of one."""
        for reading in self._feed.feed(line):
            for caller in self._callers.feed(reading, 0):
                yield from self.next(caller)
            self._rings += isinstance(reading, Ring) or (isinstance(reading, Cadence) and reading.on)

    def next(self, caller: CallerId) -> Iterator[dict[str, Any]]:
        """One that is whole: what came before it is over."""
        if self._last is not None:
            yield self._told()
        self._last = caller

    def end(self) -> Iterator[dict[str, Any]]:
        """Nothing more comes."""
        yield from self.modem(b"\n")
        for caller in self._callers.quiet():
            yield from self.next(caller)
        if self._last is not None or self._rings:
            yield self._told()

    def _told(self) -> dict[str, Any]:
        caller = self._last or CallerId(format="modem")
        rings, self._rings, self._last = self._rings, 0, None
        return record(msgspec.structs.replace(caller, rings=rings or None))
