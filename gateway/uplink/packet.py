"""What of MQTT we write and read ourselves: PUBLISH frames of the event lane, and acknowledgements in bulk.

All else (CONNECT, SUBSCRIBE, inbound PUBLISH, PINGREQ, DISCONNECT) is paho's. Sections are those of the OASIS standard,
MQTT 5.0. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import struct
from typing import Final

from msgspec import Struct

from appliance.core.errors import CorruptError

#: Packet identifiers up to this one are the event lane's; those above are paho's.
LANE_MIDS: Final = 0x7FFF
#: A broker has no reason to send us anything longer; a command page of customer cards is the largest thing that may come.
MAX_INBOUND: Final = 1 << 20
_PUBLISH_QOS1: Final = 0x32
_PUBACK: Final = 0x40
_PLAIN_ACK: Final = b"\x40\x02"
_NO_PROPERTIES: Final = b"\x00"
#: Section 3.12.
PINGREQ: Final = b"\xc0\x00"


def varint(value: int) -> bytes:
    """A variable byte integer (section 1.5.5). Raises ValueError beyond 268 435 455.

    >>> varint(300).hex()
    'ac02'
    """
    if not 0 <= value <= 268_435_455:
        raise ValueError(f"{value} does not fit a variable byte integer")
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        if not value:
            out.append(low)
            return bytes(out)
        out.append(low | 128)


def topic_field(topic: str) -> bytes:
    """A topic name with its length in front (section 1.5.4). Raises ValueError when it is longer than 65 535 bytes."""
    raw = topic.encode()
    if len(raw) > 0xFFFF:
        raise ValueError(f"topic of {len(raw)} bytes; MQTT allows 65535")
    return len(raw).to_bytes(2, "big") + raw


def publish(topic: bytes, mid: int, payload: bytes, v5: bool, properties: bytes = _NO_PROPERTIES) -> bytes:
    """One PUBLISH, QoS 1, not retained (section 3.3). `topic` is a `topic_field`, `properties` as on the wire, their length in front."""
    tail = properties if v5 else b""
    length = len(topic) + 2 + len(tail) + len(payload)
    if length < 128:
        head = bytes((_PUBLISH_QOS1, length))
    elif length < 16384:
        head = bytes((_PUBLISH_QOS1, length & 127 | 128, length >> 7))
    else:
        head = bytes((_PUBLISH_QOS1,)) + varint(length)
    return b"".join((head, topic, mid.to_bytes(2, "big"), tail, payload))


class Inbound(Struct, frozen=True, gc=False):
    """What a stretch of received bytes held.

    `acked`: identifiers of the event lane that the broker took (reason 0); `told`: identifiers with another reason code;
    `rest`: whole frames that are paho's to read; `used`: how many bytes were consumed.
    """

    acked: list[int]
    told: list[tuple[int, int]]
    rest: bytes
    used: int


def split(buffer: bytes | bytearray, limit: int = MAX_INBOUND) -> Inbound:
    """Take the whole frames off the front of what was received; an incomplete frame at the end is left.

    Raises CorruptError when the stream is not MQTT (a length of more than four bytes) or a frame is longer than `limit`.
    """
    acked: list[int] = []
    told: list[tuple[int, int]] = []
    rest = bytearray()
    at, size = 0, len(buffer)
    while size - at >= 2:
        if buffer[at] == _PUBACK and buffer[at + 1] == 2:
            run = _run_of_plain_acks(buffer, at, size)
            if not run:
                break
            mids = struct.unpack_from(f">{2 * run}H", buffer, at)[1::2]
            acked.extend(mid for mid in mids if mid <= LANE_MIDS)
            for mid in mids if max(mids) > LANE_MIDS else ():
                rest += _PLAIN_ACK + mid.to_bytes(2, "big") if mid > LANE_MIDS else b""
            at += 4 * run
            continue
        body, length = _remaining_length(buffer, at + 1, size)
        if length > limit:
            raise CorruptError(f"the broker sent a packet of {length} bytes; this box takes {limit} at most. Is it an MQTT broker?")
        if body < 0 or body + length > size:
            break
        end = body + length
        mid = int.from_bytes(buffer[body : body + 2], "big") if buffer[at] == _PUBACK and length >= 2 else 0
        if not 0 < mid <= LANE_MIDS:
            rest += buffer[at:end]
        elif length >= 3 and buffer[body + 2]:
            told.append((mid, buffer[body + 2]))
        else:
            acked.append(mid)
        at = end
    return Inbound(acked, told, bytes(rest), at)


def _run_of_plain_acks(buffer: bytes | bytearray, at: int, size: int) -> int:
    """How many four-byte PUBACKs follow one another from `at`: a drain is nothing else, so they are read in one go."""
    most = (size - at) // 4
    end = at + 4 * most
    if buffer[at:end:4].count(_PUBACK) == most and buffer[at + 1 : end : 4].count(2) == most:
        return most
    run = 0
    while run < most and buffer[at + 4 * run] == _PUBACK and buffer[at + 4 * run + 1] == 2:
        run += 1
    return run


def _remaining_length(buffer: bytes | bytearray, at: int, size: int) -> tuple[int, int]:
    """Where the body begins and how long it is (section 2.1.4); begins at -1 while the length itself is incomplete."""
    value = 0
    for step in range(4):
        if at + step >= size:
            return -1, 0
        byte = buffer[at + step]
        value |= (byte & 127) << (7 * step)
        if byte < 128:
            return at + step + 1, value
    raise CorruptError("the broker sent a packet length of more than four bytes. Is it an MQTT broker?")
