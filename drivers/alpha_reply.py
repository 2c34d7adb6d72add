"""Decides what an Alpha sign's answers say: general information, memory table, clock, error status, acknowledgements. Pure.

An answer is a frame of type `0`, address `00` (never the real one), with the write code of what was asked: E for F, G for H, I for J.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.errors import CorruptError
from drivers.alpha_command import Command, Memory, Special, command_from_body
from drivers.alpha_frame import Frame

RESPONSE: Final = "0"
ACK: Final = 0x06
NAK: Final = 0x15
_ERRORS: Final = (
    (0x20, "illegal command or label"), (0x10, "bad checksum"), (0x08, "no room in the buffer"), (0x04, "a pause of a second"),
    (0x02, "framing"), (0x01, "parity"),
)  # fmt: skip


class GeneralInfo(Struct, frozen=True):
    """What a sign tells of itself. Dates are MMYY; the clock is HHMM."""

    firmware: str
    revision: str
    released: str
    clock: str
    hours: str
    speaker: bool
    pool_bytes: int
    free_bytes: int


class Acknowledged(Struct, frozen=True):
    """ACK or NAK of an Alpha 2 or 3 sign, with what its status byte says (40H: nothing wrong)."""

    ok: bool
    errors: tuple[str, ...] = ()


def answer_from_frame(frame: Frame) -> Command | None:
    """What a sign answered; None for a frame that is no answer, or whose checksum is wrong."""
    if frame.type != RESPONSE or len(frame.packets) != 1 or frame.packets[0].checksum_ok is False:
        return None
    return command_from_body(frame.packets[0].body)


def memory_from_answer(command: Command) -> Memory | None:
    """The memory table that was read; None for another answer. An empty answer is an empty table."""
    return command if isinstance(command, Memory) else None


def general_info_from_answer(command: Command) -> GeneralInfo:
    """General information, `FFFFFFFFfMmYyHhNnRSSPOOL,pool`: read from both ends, as the revision letter may be missing.

    Raises CorruptError when the answer is none.

    >>> general_info_from_answer(Special('"', "1036440105080912MFF6A97,69AB")).free_bytes
    27051
    """
    data = command.data if isinstance(command, Special) and command.function == '"' else ""
    head, comma, free = data.replace("\0", "").strip().rpartition(",")
    tail = head[-15:]
    front = head[:-15]
    try:
        if not comma or len(front) not in (8, 9) or len(tail) != 15:
            raise ValueError(data)
        return GeneralInfo(
            firmware=front[:8], revision=front[8:], released=tail[:4], clock=tail[4:8], hours={"S": "12", "M": "24"}[tail[8]],
            speaker=int(tail[9:11], 16) == 0, pool_bytes=int(tail[11:], 16), free_bytes=int(free, 16),
        )  # fmt: skip
    except (ValueError, KeyError) as fault:
        raise CorruptError(f"a sign's general information {data[:60]!r} is not as form 9708-8061 has it; ask it again") from fault


def errors_from_status(status: int) -> tuple[str, ...]:
    """What a serial error status byte says is wrong.

    >>> errors_from_status(0x40), errors_from_status(0x50)
    ((), ('bad checksum',))
    """
    return tuple(words for bit, words in _ERRORS if status & bit)


def errors_from_answer(command: Command) -> tuple[str, ...]:
    """What the error status that was read says is wrong. Raises CorruptError when the answer is none."""
    if isinstance(command, Special) and command.function == "*" and len(command.data) == 1:
        return errors_from_status(ord(command.data))
    raise CorruptError("a sign's error status is one byte after E*; ask it again")


def acknowledged_from_bytes(raw: bytes) -> Acknowledged | None:
    """ACK or NAK with an optional status byte; None for anything else.

    >>> acknowledged_from_bytes(b"\\x15P").errors
    ('bad checksum',)
    """
    if raw[:1] not in (bytes((ACK,)), bytes((NAK,))) or len(raw) > 2:
        return None
    return Acknowledged(raw[0] == ACK, errors_from_status(raw[1]) if len(raw) == 2 else ())
