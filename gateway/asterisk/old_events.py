"""Decides what an Asterisk of the 1.8 to 11 era means: its queue, dial and hold events in today's names.

Written from those versions' documented events, not from a recording: see docs for which versions were really met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.asterisk.ami import Message

Fields = dict[str, str | list[str]]

#: Events that only old versions send, and what they are called today.
_NAMES: Final = {"Join": "QueueCallerJoin", "Leave": "QueueCallerLeave", "QueueMemberPaused": "QueueMemberPause"}
#: Fields of the events about members and calls, by their old names.
_FIELDS: Final = {
    "Location": "Interface", "Member": "Interface", "AgentCalled": "Interface", "AgentName": "MemberName", "Holdtime": "HoldTime",
    "Ringtime": "RingTime", "DestinationChannel": "DestChannel", "Destination": "DestChannel", "UniqueID": "Uniqueid",
    "DestUniqueID": "DestUniqueid", "BridgedChannel": "DestUniqueid", "Uniqueid1": "LocalOneUniqueid", "Uniqueid2": "LocalTwoUniqueid",
}  # fmt: skip
_AGENT: Final = frozenset(("AgentConnect", "AgentComplete", "AgentRingNoAnswer"))
_MAYBE_OLD: Final = frozenset(
    (
        *_NAMES, *_AGENT, "AgentCalled", "QueueMemberStatus", "QueueMemberAdded", "QueueMemberRemoved", "Dial", "Hold", "LocalBridge",
        "CoreShowChannel", "Transfer",
    )
)  # fmt: skip


def modern(m: Message, uniqueid_of: Callable[[str], str]) -> Message:
    """The message itself, or today's form of an old one; `uniqueid_of` finds a channel by its name ('' when unknown)."""
    if m.name not in _MAYBE_OLD or m.type != "event" or not _is_old(m):
        return m
    name, old = m.name, m.fields
    fields: Fields = {_FIELDS.get(key, key): value for key, value in old.items()}
    if name in _AGENT:
        fields["DestChannel"] = m.get("Channel")
        fields["DestUniqueid"] = m.get("BridgedChannel") or uniqueid_of(m.get("Channel"))
    elif name == "AgentCalled":
        fields["DestUniqueid"] = uniqueid_of(m.get("DestinationChannel"))
    elif name == "Dial":
        name = "DialBegin" if m.get("SubEvent") == "Begin" else "DialEnd"
    elif name == "Hold":
        name = "Hold" if m.get("Status") == "On" else "Unhold"
    elif name == "QueueMemberPaused":
        fields["PausedReason"] = m.get("Reason")
    elif name == "CoreShowChannel":
        peer = m.get("BridgedUniqueID")
        fields["BridgeId"] = "~".join(sorted((m.get("UniqueID"), peer))) if peer else ""
    elif name == "Transfer":
        name = "BlindTransfer" if m.get("TransferType") == "Blind" else "AttendedTransfer"
        fields["TransfererUniqueid"] = fields["OrigTransfererUniqueid"] = m.get("Uniqueid")
        fields["Extension"], fields["Result"] = m.get("TransferExten"), "Success"
    return m.renamed(_NAMES.get(name, name), fields)


def _is_old(m: Message) -> bool:
    if m.name in _AGENT:
        return "Member" in m.fields
    if m.name == "Hold":
        return "Status" in m.fields
    if m.name == "LocalBridge":
        return "Uniqueid1" in m.fields
    if m.name == "CoreShowChannel":
        return "UniqueID" in m.fields
    if m.name == "AgentCalled":
        return "AgentCalled" in m.fields
    return "Interface" not in m.fields
