"""Decides what a checksummed caller-ID message says: SDMF and MDMF (GR-30), and ETSI's wider set (EN 300 659-3). Pure.

type, length, so many bytes, checksum: good when the sum of all is 0 mod 256. A bad one is told as bad and never corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from gateway.fxo.caller_id import CallerId, Format, absent_from, date_from, name_from, number_from, text_from, time_from

SDMF, SDMF_WAITING, MDMF, MDMF_WAITING, CHARGE, SMS = 0x04, 0x06, 0x80, 0x82, 0x86, 0x89
#: Message types that begin a packet, and the most a body may hold.
TYPES: Final = frozenset({SDMF, SDMF_WAITING, MDMF, MDMF_WAITING, CHARGE, SMS})
_BEGINS: Final = re.compile(b"[" + bytes(sorted(TYPES)) + b"]")
#: 300 alternating bits wake the receiver up.
SEIZURE: Final = 0x55
#: Parameters that GR-30 does not have: a message with one of them is ETSI's.
_ETSI: Final = frozenset({*range(0x0D, 0x14), 0x15, 0x16, 0x1A, *range(0x20, 0x24), 0x30, 0x31, 0x40, 0x50, 0x55, 0xE0})
_CALL_TYPES: Final = {0x01: "voice", 0x02: "ring_back", 0x03: "name_delivery", 0x81: "message_waiting"}
#: A mailbox's lamp: on or off (parameter 0BH; SDMF's three bytes).
_LAMP: Final = {0xFF: 1, 0x42: 1, 0x00: 0, 0x6F: 0}


def checksum_of(body: bytes) -> int:
    """The byte that makes the sum 0 mod 256.

    >>> hex(checksum_of(b"\\x04\\x0909301224P"))
    '0xe'
    """
    return -sum(body) & 0xFF


def is_good(packet: bytes) -> bool:
    """Whether a packet is as long as it says and its sum is 0."""
    return len(packet) >= 3 and len(packet) == packet[1] + 3 and not sum(packet) & 0xFF


def caller_from_packet(packet: bytes) -> CallerId:
    """What one packet says, from its type byte on. One that is cut short or does not sum to zero says so in `checksum_ok`."""
    kind = packet[0] if packet else 0
    body = packet[2 : 2 + packet[1]] if len(packet) > 1 else b""
    if kind in (SDMF, SDMF_WAITING):
        return CallerId(format="sdmf", checksum_ok=is_good(packet), **_single(kind, body))
    found = dict(_parameters(body))
    form: Format = "etsi" if kind in (CHARGE, SMS) or _ETSI & found.keys() else "mdmf"
    return CallerId(format=form, checksum_ok=is_good(packet), **_multiple(found))


def _single(kind: int, body: bytes) -> dict[str, Any]:
    if kind == SDMF_WAITING:
        return {"messages": _LAMP.get(body[0]) if len(set(body)) == 1 else None}
    stamp = body[:8].decode("latin-1")
    number, absent = number_from(body[8:].decode("latin-1"))
    return {"date": date_from(stamp[:4]), "time": time_from(stamp[4:]), "number": number, "absent": absent}


def parameter_from(data: bytes) -> tuple[int, bytes] | None:
    """One parameter (tag, length, bytes), as a modem prints one that it does not know; None when it is cut short."""
    return next(_parameters(data), None)


def _parameters(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and bytes, in any order; the first of a tag counts, one that runs over the end is left out."""
    at, seen = 0, set()
    while at + 2 <= len(body):
        tag, size = body[at], body[at + 1]
        value = body[at + 2 : at + 2 + size]
        at += 2 + size
        if len(value) == size and tag not in seen:
            seen.add(tag)
            yield tag, value


def _multiple(found: dict[int, bytes]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if 0x01 in found:
        stamp = found[0x01].decode("latin-1")
        out["date"], out["time"] = date_from(stamp[:4]), time_from(stamp[4:8])
    if 0x02 in found:
        out["number"], out["absent"] = number_from(found[0x02].decode("latin-1"))
    if 0x04 in found and out.get("number") is None:
        out["absent"] = absent_from(found[0x04].decode("latin-1"))
    if 0x07 in found:
        out["name"] = name_from(found[0x07], out.get("absent"))
    if out.get("name") is None and 0x50 in found:
        out["name"] = text_from(found[0x50])
    for key, tags in {"dialled": (0x03, 0x12), "redirect": (0x1A,)}.items():
        out[key] = next((number for tag in tags if tag in found for number in (number_from(found[tag].decode("latin-1"))[0],)), None)
    if found.get(0x11):
        out["call_type"] = _CALL_TYPES.get(found[0x11][0], f"{found[0x11][0]:02x}")
    if found.get(0x13):
        out["messages"] = found[0x13][0]
    elif found.get(0x0B):
        out["messages"] = _LAMP.get(found[0x0B][0])
    return out


def packets_from(data: bytes) -> Iterator[bytes]:
    """The packets in recorded bytes: the bytes of the wake-up and what lies between are left out.

    A packet that does not sum to zero is given as it is, unless a good one begins within it: then its beginning was noise.
    """
    at = 0
    while at < len(data):
        if data[at] not in TYPES:
            at += 1
            continue
        packet = _at(data, at)
        if not is_good(packet):
            inner = next((i for i in range(at + 1, at + len(packet)) if data[i] in TYPES and is_good(_at(data, i))), None)
            if inner is not None:
                at = inner
                continue
        yield packet
        at += len(packet)


def _at(data: bytes | bytearray, at: int) -> bytes:
    return bytes(data[at : at + (data[at + 1] + 3 if at + 1 < len(data) else 1)])


class PacketFeed:
    """Good packets out of a stream of bytes that never ends, split anywhere; what belongs to none is counted in `noise_bytes`.

    Call `quiet` when nothing came for a while: a false beginning is given up then, instead of holding what comes after it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.noise_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that these bytes complete."""
        self._buffer += data
        return self._take(last=False)

    def quiet(self) -> list[bytes]:
        """Nothing more comes: the packets behind a false beginning."""
        return self._take(last=True)

    def _take(self, *, last: bool) -> list[bytes]:
        out: list[bytes] = []
        at, data = 0, self._buffer
        while (found := _BEGINS.search(data, at)) is not None:
            self._skip(at, found.start())
            at = found.start()
            if not last and (at + 1 >= len(data) or len(data) < at + data[at + 1] + 3):
                del data[:at]
                return out
            packet = _at(data, at)
            if is_good(packet):
                out.append(packet)
                at += len(packet)
            else:
                self._skip(at, at + 1)
                at += 1
        self._skip(at, len(data))
        data.clear()
        return out

    def _skip(self, start: int, end: int) -> None:
        """Bytes that belong to no packet; those of a wake-up are no noise."""
        self.noise_bytes += end - start - self._buffer.count(SEIZURE, start, end)
