"""Decides why a visit ended, from what mod_callcenter and the caller's channel say."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from appliance.core.catalogue import LeftReason
from gateway.freeswitch.esl import Message
from gateway.pbx.number import whole

#: CC-Cancel-Reason where it says all. BREAK_OUT and NONE do not: the caller hung up, or his call was sent elsewhere.
CANCELLED: Final[dict[str, LeftReason]] = {"TIMEOUT": "timeout", "NO_AGENT_TIMEOUT": "empty", "EXIT_WITH_KEY": "exit_key"}
#: Hang-up causes that tell that it was not the caller who hung up.
_BY_PBX: Final[dict[str, LeftReason]] = {
    "SYSTEM_SHUTDOWN": "pbx_stopped",
    "MANAGER_REQUEST": "withdrawn",
    "ALLOTTED_TIMEOUT": "timeout",
}
_GONE: Final = frozenset(("CS_HANGUP", "CS_REPORTING", "CS_DESTROY"))


def channel_gone(m: Message) -> bool | None:
    """Whether the channel that an event describes has hung up; None where the event describes none."""
    answer, state = m.get("Answer-State"), m.get("Channel-State")
    if not answer and not state:
        return None
    return answer == "hangup" or state in _GONE or bool(m.get("Hangup-Cause"))


def hung_up_by_pbx(m: Message) -> LeftReason | None:
    """Why the PBX hung this channel up; None when the caller did."""
    return _BY_PBX.get(m.get("Hangup-Cause"))


def sent_elsewhere(m: Message, before: str) -> LeftReason:
    """What became of a caller who was taken out of the queue and is still there; `before`: his last transfer as he joined."""
    return "transferred" if m.get("variable_transfer_source") not in ("", before) else "withdrawn"


class Handed(Struct, frozen=True):
    """That a caller was handed on, whereto where it is told, and whether the agent spoke there first."""

    to: str = ""
    attended: bool = False


def handed_on(m: Message, leg: str) -> Handed | None:
    """What a caller's channel tells of the end of his conversation with the agent at `leg`; None: nobody handed him on.

    The channel keeps how it last came where it is. Being joined to the agent is told there too, so that alone is no transfer: a caller
    who lives on then goes on in the dialplan, to a survey perhaps.
    """
    _, _, last = m.get("variable_transfer_source").partition(":")
    _, _, last = last.partition(":")
    kind, _, where = last.partition(":")
    if kind == "bl_xfer":
        return Handed(where.partition("/")[0])
    if kind == "uuid_br" and where == leg:
        return None
    return Handed(m.get("Caller-Destination-Number") if not kind else "", attended=bool(kind))


def stamp_of(m: Message) -> float | None:
    """The PBX's own clock, epoch seconds."""
    text = m.get("Event-Date-Timestamp")
    return None if (found := whole(text, 18)) is None else found / 1_000_000


def told(text: str) -> str | None:
    """A caller's or dialled number; what stands for none is not known.

    >>> told("612000101"), told("anonymous"), told("")
    ('612000101', None, None)
    """
    return None if text.lower() in ("", "unknown", "anonymous", "unavailable", "0000000000") else text
