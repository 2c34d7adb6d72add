"""Decides when a modem's lines of caller ID are a whole: any of them may be missing, and a call never needs a NAME. Pure."""

from __future__ import annotations

from typing import Any, Final

from gateway.fxo.caller_id import CallerId, date_from, name_from, number_from, time_from
from gateway.fxo.clip import DigitFeed
from gateway.fxo.message import caller_from_packet, parameter_from
from gateway.fxo.modem_bytes import Cadence, Packet, Reading, Ring, Shielded, Tag, packet_from

#: The lines of one caller come within a few milliseconds; after so long without one no more come.
QUIET_NS: Final = 1_000_000_000
_ENDS: Final = (Ring, Cadence)
_REDIRECT: Final = (0x1A, 0x03)


class CallerFeed:
    """A modem's readings in, callers out: at the next ring, at the next caller's first line, or after a second of quiet."""

    def __init__(self) -> None:
        self._tags: dict[str, bytes] = {}
        self._last_ns = 0
        self._digits = DigitFeed()

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        tags_ns = self._last_ns + QUIET_NS if self._tags else None
        return min((due for due in (tags_ns, self._digits.due_ns) if due is not None), default=None)

    def feed(self, reading: Reading, now_ns: int) -> list[CallerId]:
        """The callers that this reading completes."""
        if isinstance(reading, Tag):
            done = self._flush() if reading.key in self._tags else []
            self._tags[reading.key] = reading.value
            self._last_ns = now_ns
            return done
        if isinstance(reading, Packet):
            return [*self._flush(), caller_from_packet(reading.raw)]
        if isinstance(reading, Shielded) and reading.code in "0123456789*#ABCD":
            caller = self._digits.feed(reading.code, now_ns)
            return [caller] if caller is not None else []
        return self._flush() if self._tags and type(reading) in _ENDS else []

    def tick(self, now_ns: int) -> list[CallerId]:
        """The callers that are whole because nothing more came."""
        caller = self._digits.tick(now_ns)
        out = [caller] if caller is not None else []
        return out + self._flush() if self._tags and now_ns - self._last_ns >= QUIET_NS else out

    def quiet(self) -> list[CallerId]:
        """Nothing more comes at all."""
        return self._flush()

    def _flush(self) -> list[CallerId]:
        tags, self._tags = self._tags, {}
        return [caller_from_tags(tags)] if tags else []


def caller_from_tags(tags: dict[str, bytes]) -> CallerId:
    """What formatted lines say together."""
    text = {key: value.decode("latin-1") for key, value in tags.items()}
    number, absent = number_from(text.get("NMBR", ""))
    more = _message(tags.get("MESG", b""))
    if "DDN" in text:
        more["dialled"] = number_from(text["DDN"])[0]
    return CallerId(
        format="modem",
        date=date_from(text.get("DATE", "")),
        time=time_from(text.get("TIME", "")),
        number=number,
        name=name_from(text.get("NAME", ""), absent),
        absent=absent,
        **more,
    )


def _message(value: bytes) -> dict[str, Any]:
    """MESG: a parameter that the modem does not know, in hex, or a whole message; only what the line itself does not say is taken."""
    packet = packet_from(value.strip())
    if packet is not None:
        caller = caller_from_packet(packet.raw)
        return {"redirect": caller.redirect, "call_type": caller.call_type, "messages": caller.messages} if caller.checksum_ok else {}
    try:
        parameter = parameter_from(bytes.fromhex(value.decode("latin-1")))
    except ValueError:
        return {}
    if parameter is None or parameter[0] not in _REDIRECT:
        return {}
    number = number_from(parameter[1].decode("latin-1"))[0]
    return {"redirect" if parameter[0] == _REDIRECT[0] else "dialled": number}
