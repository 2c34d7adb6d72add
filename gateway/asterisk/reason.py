"""Decides why a visit left its queue, where the PBX says so: QUEUESTATUS of the dialplan class, or a mapped user event.

A stock PBX says nothing to a user without the dialplan class; then the reason is `not_told`, and the counts are right all the same.
"""

from __future__ import annotations

from typing import Final, get_args

from msgspec import Struct

from appliance.core.catalogue import LeftReason
from appliance.core.config import UserEventMap
from gateway.asterisk.ami import Message

#: QUEUESTATUS as app_queue sets it, and what it means for a visit that left. FULL and JOINEMPTY never joined.
QUEUESTATUS: Final[dict[str, LeftReason]] = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "empty",
    "LEAVEUNAVAIL": "empty",
    "WITHDRAW": "withdrawn",
}
#: Words for calls that never joined, and what the queue was: full, or without agents.
_AT_THE_DOOR: Final[dict[str, LeftReason]] = {"FULL": "overflow", "JOINEMPTY": "empty", "JOINUNAVAIL": "empty"}
_REASONS: Final[dict[str, LeftReason]] = {reason: reason for reason in get_args(LeftReason)}


class Told(Struct, frozen=True):
    """The PBX's word about the visit of one channel; `queue` None: whichever it is in."""

    uniqueid: str
    queue: str | None
    reason: LeftReason


def told_by_variable(m: Message) -> Told | None:
    """What a VarSet says; nearly all of them say nothing of the kind and are not parsed."""
    if b"\r\nVariable: QUEUESTATUS\r\n" not in m.raw:
        return None
    reason = QUEUESTATUS.get(m.get("Value"))
    return Told(m.get("Uniqueid"), None, reason) if reason is not None else None


def told_by_user_event(m: Message, mapped: UserEventMap | None) -> Told | None:
    """What a UserEvent says, if the configuration maps it. Words that it does not map mean what QUEUESTATUS means by them."""
    if mapped is None or m.get("UserEvent") != mapped.event:
        return None
    word = m.get(mapped.header)
    reason = _REASONS.get(mapped.reasons.get(word, "")) or QUEUESTATUS.get(word)
    if reason is None:
        return None
    return Told(m.get(mapped.uniqueid) or m.get("Uniqueid"), m.get(mapped.queue) or None, reason)


def refused_by_user_event(m: Message, mapped: UserEventMap | None) -> Told | None:
    """A call that the queue refused at the door, if the configuration maps the event; it needs to name the queue."""
    if mapped is None or m.get("UserEvent") != mapped.event or not m.get(mapped.queue):
        return None
    word = m.get(mapped.header)
    if mapped.reasons.get(word) != "refused" and (word in mapped.reasons or word not in _AT_THE_DOOR):
        return None
    return Told(m.get(mapped.uniqueid) or m.get("Uniqueid"), m.get(mapped.queue), _AT_THE_DOOR.get(word, "overflow"))
