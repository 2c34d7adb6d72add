"""Decides how fast an Alpha sign may be spoken to: pauses inside a frame, the gap after it, and when the sign is deaf. Pure.

Measured on a BetaBrite: 0.25 s between frames (0.1 s failed once and passed once); what comes within 2 s of a memory table, 10 s of a
soft reset or 3 s of a tone is lost without a word. 100 ms after each STX when packets are nested, and after the size of a picture,
are the maker's.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from drivers.alpha_command import Memory, Special, Tone, WriteDots, command_from_body
from drivers.alpha_frame import Frame

_SOFT_RESET: Final = ","
#: Start, data or parity, and stop: ten bits a byte, on 7E1 as on 8N1.
_BITS: Final = 10
_SIZE_DIGITS: Final = 4


class Timing(Struct, frozen=True):
    """The pauses in seconds, and how long an answer is waited for."""

    gap_s: float = 0.25
    after_stx_s: float = 0.1
    after_memory_s: float = 2.0
    after_reset_s: float = 10.0
    after_tone_s: float = 3.0
    answer_s: float = 2.0


class Piece(Struct, frozen=True):
    """Bytes to write at once, and the pause after them."""

    data: bytes
    pause_s: float = 0.0


def pieces_of(frame: Frame, timing: Timing, *, slow: bool = False) -> list[Piece]:
    """A frame as what is written between its pauses; together it is `frame.raw`.

    `slow`: as when nesting for every frame, and a short pause after the command's letter too, which cures overruns of old signs.
    """
    nested = len(frame.packets) > 1
    out: list[Piece] = []
    pending = bytes(frame.nuls) + b"\x01" + frame.head
    for packet in frame.packets:
        pending += b"\x02"
        body = packet.body
        if nested or slow:
            out.append(Piece(pending, timing.after_stx_s))
            pending = b""
        if slow:
            out.append(Piece(body[:1], timing.after_stx_s / 2))
            body = body[1:]
        if isinstance(command_from_body(packet.body), WriteDots):
            size = 2 + _SIZE_DIGITS - (1 if slow else 0)
            out.append(Piece(pending + body[:size], timing.after_stx_s))
            pending, body = b"", body[size:]
        pending += body + (b"" if packet.tail is None else b"\x03" + packet.tail)
    out.append(Piece(pending + (b"\x04" if frame.ended else b"")))
    return [piece for piece in out if piece.data]


def deaf_s(frame: Frame, timing: Timing) -> float:
    """How long after this frame the sign hears nothing; 0 for most."""
    longest = 0.0
    for packet in frame.packets:
        match command_from_body(packet.body):
            case Memory():
                longest = max(longest, timing.after_memory_s)
            case Tone():
                longest = max(longest, timing.after_tone_s)
            case Special(function=function) if function == _SOFT_RESET:
                longest = max(longest, timing.after_reset_s)
    return longest


def wire_s(size_bytes: int, baud: int) -> float:
    """How long so many bytes are on the line."""
    return size_bytes * _BITS / baud


class Pace:
    """When each sign of one line may be spoken to again. Fed with monotonic seconds."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._line_free_s = 0.0
        self._hears_s: dict[str, float] = {}

    def sent(self, frame: Frame, on_wire_s: float, now_s: float) -> None:
        """A frame has been written, of which so many seconds may still be on the line."""
        self._line_free_s = now_s + on_wire_s + self._timing.gap_s
        deaf = deaf_s(frame, self._timing)
        if deaf:
            self._hears_s[frame.address] = now_s + on_wire_s + deaf

    def wait_s(self, address: str, now_s: float) -> float:
        """How long to wait before the sign of this address can be spoken to; 0 for now. `00` speaks to all."""
        concerned = (at_s for who, at_s in self._hears_s.items() if "00" in (who, address) or _matches(who, address))
        return max(0.0, self._line_free_s - now_s, max(concerned, default=0.0) - now_s)


def _matches(pattern: str, address: str) -> bool:
    return len(pattern) == len(address) and all("?" in (a, b) or a == b for a, b in zip(pattern.upper(), address.upper(), strict=True))
