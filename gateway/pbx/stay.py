"""What a stay in a queue and a conversation are, and the fields that every event about them carries."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from appliance.core.clock import NS

#: How long an ending waits for the word that tells its reason.
HOLD_BACK_NS: Final = 2 * NS


class Visit(Struct, kw_only=True):
    """A stay in one queue that has not ended, or whose ending is held back until `due_ns`."""

    call: str
    visit: str
    uniqueid: str
    queue: str
    key: str
    joined_ns: int
    session: int
    caller: str | None = None
    dialled: str | None = None
    hung_up: bool = False
    soft: bool = False
    left_ns: int | None = None
    abandoned: bool = False
    due_ns: int | None = None
    ringing: dict[str, str] = {}
    picked: set[str] = set()


class Talk(Struct, kw_only=True):
    """A conversation of an answered visit. `legs` are the agent's channels: the queue's and, behind a Local one, his phone's.

    `agent` is who the call is booked under, `presence` whose phone it is; they differ where two names share a phone.
    `doubted_ns`: kept through a blindness only because the phone is in use, which may be another call; the last sight before it.
    """

    visit: Visit
    agent: str
    presence: str
    interface: str
    legs: dict[str, str]
    answered_ns: int
    session: int
    doubted_ns: int | None = None
    held_ns: int | None = None
    hold_ns: int = 0
    asked: str | None = None
    soft: bool = False
    transferred: bool = False
    agent_left: bool = False
    ended_ns: int | None = None
    ended_by: str = "unknown"
    due_ns: int | None = None


def fields_of(visit: Visit, pbx: str) -> dict[str, Any]:
    """What every call event of a visit carries."""
    return {
        "call": visit.call,
        "pbx": pbx,
        "visit": visit.visit,
        "queue": visit.key,
        "caller": visit.caller,
        "dialled": visit.dialled,
        "uniqueid": visit.uniqueid,
    }


def seconds(duration_ns: int) -> float:
    """A duration as events carry it: seconds to the millisecond, never negative.

    >>> seconds(1_234_567_890), seconds(-5)
    (1.235, 0.0)
    """
    return round(max(0, duration_ns) / NS, 3)
