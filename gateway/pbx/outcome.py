"""Decides what became of a number that was dialled, by the cause that the network gave (Q.850) and what the PBX made of it.

Asterisk's OriginateResponse tells busy, congested and unallocated apart from nothing; the channel's own hang-up does.
"""

from __future__ import annotations

from typing import Final, Literal

Outcome = Literal["answered", "busy", "no_answer", "rejected", "congested", "unallocated", "unreachable", "cancelled", "failed"]

_CAUSES: Final[dict[int, Outcome]] = {
    1: "unallocated", 2: "unreachable", 3: "unreachable", 6: "failed", 16: "cancelled", 17: "busy", 18: "no_answer", 19: "no_answer",
    20: "unreachable", 21: "rejected", 22: "unallocated", 26: "cancelled", 27: "unreachable", 28: "unallocated", 31: "cancelled",
    34: "congested", 38: "congested", 41: "congested", 42: "congested", 43: "congested", 44: "congested", 47: "congested", 102: "no_answer",
}  # fmt: skip
#: DialStatus of Asterisk.
_STATUS: Final[dict[str, Outcome]] = {
    "ANSWER": "answered", "BUSY": "busy", "NOANSWER": "no_answer", "CONGESTION": "congested", "CHANUNAVAIL": "unreachable",
    "CANCEL": "cancelled", "DONTCALL": "rejected", "TORTURE": "rejected", "INVALIDARGS": "failed",
}  # fmt: skip
#: FreeSWITCH's names of causes.
_NAMES: Final[dict[str, Outcome]] = {
    "USER_BUSY": "busy", "NO_ANSWER": "no_answer", "NO_USER_RESPONSE": "no_answer", "ALLOTTED_TIMEOUT": "no_answer",
    "RECOVERY_ON_TIMER_EXPIRE": "no_answer", "PROGRESS_TIMEOUT": "no_answer", "CALL_REJECTED": "rejected",
    "UNALLOCATED_NUMBER": "unallocated", "NUMBER_CHANGED": "unallocated", "INVALID_NUMBER_FORMAT": "unallocated",
    "NO_ROUTE_DESTINATION": "unreachable", "NO_ROUTE_TRANSIT_NET": "unreachable", "SUBSCRIBER_ABSENT": "unreachable",
    "USER_NOT_REGISTERED": "unreachable", "DESTINATION_OUT_OF_ORDER": "unreachable", "NORMAL_CIRCUIT_CONGESTION": "congested",
    "SWITCH_CONGESTION": "congested", "NETWORK_OUT_OF_ORDER": "congested", "NORMAL_TEMPORARY_FAILURE": "congested",
    "REQUESTED_CHAN_UNAVAIL": "congested", "GATEWAY_DOWN": "congested", "ORIGINATOR_CANCEL": "cancelled", "NORMAL_CLEARING": "cancelled",
    "LOSE_RACE": "cancelled", "MANAGER_REQUEST": "cancelled",
}  # fmt: skip
#: Those of FreeSWITCH's names that Q.850 has too, as `switch_types.h` numbers them.
_NUMBERS: Final[dict[str, int]] = {
    "UNALLOCATED_NUMBER": 1, "NO_ROUTE_TRANSIT_NET": 2, "NO_ROUTE_DESTINATION": 3, "NORMAL_CLEARING": 16, "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18, "NO_ANSWER": 19, "SUBSCRIBER_ABSENT": 20, "CALL_REJECTED": 21, "NUMBER_CHANGED": 22,
    "DESTINATION_OUT_OF_ORDER": 27, "INVALID_NUMBER_FORMAT": 28, "NORMAL_UNSPECIFIED": 31, "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38, "NORMAL_TEMPORARY_FAILURE": 41, "SWITCH_CONGESTION": 42, "REQUESTED_CHAN_UNAVAIL": 44,
    "BEARERCAPABILITY_NOTAUTH": 57, "BEARERCAPABILITY_NOTAVAIL": 58, "INCOMPATIBLE_DESTINATION": 88, "RECOVERY_ON_TIMER_EXPIRE": 102,
    "INTERWORKING": 127,
}  # fmt: skip
_WORDS: Final[dict[Outcome, str]] = {
    "answered": "answered", "busy": "busy", "no_answer": "did not answer", "rejected": "rejected the call", "congested": "no free line",
    "unallocated": "no such number", "unreachable": "cannot be reached", "cancelled": "was hung up before it was answered",
    "failed": "could not be called",
}  # fmt: skip


def outcome_of(cause: int | None, status: str = "") -> Outcome:
    """By the cause where it tells; else by the DialStatus. (CHANUNAVAIL stands for nearly all that fails, so the cause goes first.)

    >>> outcome_of(1, "CHANUNAVAIL"), outcome_of(34), outcome_of(0, "BUSY"), outcome_of(16, "NOANSWER"), outcome_of(None)
    ('unallocated', 'congested', 'busy', 'no_answer', 'failed')
    """
    told = _CAUSES.get(cause or 0)
    if told is None or (told == "cancelled" and status):
        return _STATUS.get(status, told or "failed")
    return told


def outcome_of_name(cause: str) -> Outcome:
    """By FreeSWITCH's name of the cause.

    >>> outcome_of_name("USER_BUSY"), outcome_of_name("BEARERCAPABILITY_NOTAVAIL")
    ('busy', 'failed')
    """
    return _NAMES.get(cause, "failed")


def number_of_cause(cause: object) -> int | None:
    """A cause as Q.850 numbers it: a number as it is, one of FreeSWITCH's names that Q.850 has too; None for any other.

    >>> number_of_cause(17), number_of_cause("USER_BUSY"), number_of_cause("LOSE_RACE"), number_of_cause(None)
    (17, 17, None, None)
    """
    return cause if isinstance(cause, int) else _NUMBERS.get(cause) if isinstance(cause, str) else None


def reason_of(outcome: Outcome, whose: str) -> str:
    """The reason of a reply: its first word is for programs.

    >>> reason_of("busy", "number"), reason_of("no_answer", "agent")
    ('busy: the number: busy', "agent_no_answer: the agent's phone: did not answer")
    """
    who = {"agent": "the agent's phone", "supervisor": "the supervisor's phone"}.get(whose, "the number")
    return f"{'' if whose == 'number' else whose + '_'}{outcome}: {who}: {_WORDS[outcome]}"
