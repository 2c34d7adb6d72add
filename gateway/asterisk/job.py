"""Decides how an order given to Asterisk ended: by the answers to its actions, by the effect they were to have, or by how a call went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from appliance.core.clock import NS
from gateway.asterisk.ami import Message
from gateway.asterisk.whom import Whom
from gateway.pbx.number import whole
from gateway.pbx.order import Job
from gateway.pbx.outcome import Outcome, outcome_of, reason_of

#: An action and its headers; a list is a header that repeats.
Action = tuple[str, dict[str, str | list[str]]]
#: The class that manager.conf's `write` must name.
_NEEDS: Final = {
    "Originate": "originate", "Hangup": "call", "Redirect": "call", "BlindTransfer": "call", "Atxfer": "call", "QueuePause": "agent",
    "QueueAdd": "agent", "QueueRemove": "agent", "PJSIPNotify": "system", "SIPnotify": "system",
}  # fmt: skip
_EFFECT_S: Final = 5.0
#: The word that tells the cause may come just after the one that it failed.
_SETTLE_S: Final = 1.0
_RINGING, _UP = "5", "6"
_NO_ANSWER, _RESPONSE_GRACE_S = 3, 8.0


class Answered(Job):
    """Over once every action was answered; `done` if all were taken."""

    def __init__(self, actions: Sequence[Action], now_ns: int, *, user: str, result: dict[str, Any] | None = None) -> None:
        super().__init__(list(actions), now_ns)
        self._left, self._user, self._result = len(actions), user, result or {}
        self._errors: list[str] = []

    def hears(self, message: Message, now_ns: int) -> None:
        if message.type != "response" or message.get("ActionID") not in self.pending:
            return
        action, _ = self.pending.pop(message.get("ActionID"))
        self.accepted = True
        self._left -= 1
        if message.name != "Success":
            self._errors.append(error_of(action, message, self._user))
        if self._left == 0:
            self.answered(now_ns)

    def answered(self, now_ns: int) -> None:
        """Everything was."""
        if self._errors:
            self.end("failed", "; ".join(dict.fromkeys(self._errors))[:400], **self._result)
        else:
            self.end("done", **self._result)


class Effect(Answered):
    """Actions that the PBX takes and a phone must heed: `done` once an event shows it."""

    def __init__(
        self, actions: Sequence[Action], now_ns: int, *, user: str, shows: Callable[[Message], bool], hint: str, **result: Any
    ) -> None:
        super().__init__(actions, now_ns, user=user, result=result)
        self._shows, self._hint, self._shown = shows, hint, False

    def hears(self, message: Message, now_ns: int) -> None:
        self._shown = self._shown or (message.type == "event" and self._shows(message))
        super().hears(message, now_ns)
        if self.accepted and self._shown and not self._errors:
            self.end("done", **self._result)

    def answered(self, now_ns: int) -> None:
        if self._errors:
            super().answered(now_ns)
        else:
            self.after(_EFFECT_S, now_ns)

    def due(self, now_ns: int) -> None:
        if not self.accepted:
            super().due(now_ns)
        else:
            self.end("failed", f"no_effect: the PBX took it and nothing came of it within {_EFFECT_S:g} s; {self._hint}")


class Call(Job):
    """A phone is rung (`whose`: agent or supervisor) and, with `number_s`, a number is dialled from it once it was picked up."""

    def __init__(
        self, action: Action, now_ns: int, *, uniqueid: str, whom: Whom, user: str, whose: str, ring_s: float, number_s: float | None
    ) -> None:  # fmt: skip
        super().__init__([action], now_ns)
        self._id, self._whom, self._user, self._whose = uniqueid, whom, user, whose
        self._ring_s, self._number_s = ring_s, number_s
        self._action_id = ""
        self._picked_up = self._refused = False
        self._by_person = False
        self._status = ""
        self._cause: int | None = None
        #: When the number was dialled first, and now.
        self._dialled_ns: int | None = None
        self._now_ns = now_ns
        #: Channels that the picked up phone's channel dialled, and what they were told at their end.
        self._legs: dict[str, int | None] = {}
        self._leg = ""

    def hears(self, message: Message, now_ns: int) -> None:
        self._now_ns = now_ns
        if message.type == "response":
            self._response(message, now_ns)
        elif message.type == "event" and (handler := _HANDLERS.get(message.name)) is not None:
            handler(self, message, now_ns)

    def due(self, now_ns: int) -> None:
        self._now_ns = now_ns
        if not self.accepted:
            super().due(now_ns)
        elif self._refused or (self._picked_up and self._status):
            self._conclude()
        elif self._picked_up:
            self.end("done", None, **self._result("not_told"))
        else:
            self.end(
                "unknown", f"no_answer: the PBX did not say within {self._ring_s + _RESPONSE_GRACE_S:g} s whether the phone was reached"
            )

    # -- what the PBX says ---------------------------------------------------------------------------------------

    def _response(self, m: Message, now_ns: int) -> None:
        asked = self.pending.pop(m.get("ActionID"), None)
        if asked is None:
            return
        self._action_id = m.get("ActionID")
        if m.name != "Success":
            self.end("failed", error_of(asked[0], m, self._user))
            return
        self.accepted = True
        self.after(self._ring_s + _RESPONSE_GRACE_S, now_ns)

    def _originated(self, m: Message, now_ns: int) -> None:
        if m.get("ActionID") != self._action_id or self._picked_up or self._refused:
            return
        if m.get("Response") == "Success":
            self.rings(self._whom.call_of(self._id))
            self._picked_up, self._status, self._cause = True, "", None
            if self._number_s is None:
                self.end("done", None, **self._result("answered"))
            else:
                self.after(self._number_s, now_ns)
            return
        self._refused = True
        if whole(m.get("Reason")) == _NO_ANSWER and not self._cause:
            self._status = self._status or "NOANSWER"
        if self._cause is not None:
            self._conclude()
        else:
            self.after(_SETTLE_S, now_ns)

    def _dial_begin(self, m: Message, now_ns: int) -> None:
        if self._picked_up and m.get("Uniqueid") == self._id:
            self._leg = m.get("DestUniqueid")
            self._legs[self._leg] = None
            self._dialled_ns = self._dialled_ns or now_ns
            if self._status and self._number_s is not None:  # another way is tried
                self._status, self._cause = "", None
                self.after(self._number_s, now_ns)

    def _dial_end(self, m: Message, now_ns: int) -> None:
        if not self._picked_up and m.get("DestUniqueid") == self._id and m.get("DialStatus") != "ANSWER":
            self._status = m.get("DialStatus")
        elif self._picked_up and m.get("Uniqueid") == self._id:
            self._status = m.get("DialStatus")
            self._cause = self._legs.get(m.get("DestUniqueid"))
            if self._status == "ANSWER":
                self.end("done", None, **self._result("answered"))
            else:
                self.after(_SETTLE_S, now_ns)

    def _state(self, m: Message, now_ns: int) -> None:
        if m.get("Uniqueid") == self._id and m.get("ChannelState") in (_RINGING, _UP):
            self.rings(self._whom.call_of(self._id))

    def _hangup(self, m: Message, now_ns: int) -> None:
        uniqueid, cause = m.get("Uniqueid"), whole(m.get("Cause"))
        if uniqueid in self._legs:
            self._legs[uniqueid] = cause
            if uniqueid == self._leg and self._status:
                self._cause = cause
        elif uniqueid == self._id:
            if not (self._picked_up and self._status):
                self._cause = cause
            if self._refused or self._picked_up:
                self._conclude()

    def _asked(self, m: Message, now_ns: int) -> None:
        if m.get("Uniqueid") == self._id and self._picked_up:
            self._by_person = True

    def _joined(self, m: Message, now_ns: int) -> None:
        if m.get("Uniqueid") == self._id and self._picked_up:
            self.end("done", None, **self._result("queued"))

    # -- the verdict ---------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        whose = "number" if self._picked_up else self._whose
        outcome: Outcome = outcome_of(self._cause, self._status)
        if outcome == "failed" and not self._picked_up:  # a phone that is not registered: no channel, and no word why
            outcome = "unreachable"
        if self._picked_up and not self._status and self._by_person:
            outcome, whose = "cancelled", self._whose
        self.end("failed", reason_of(outcome, whose), **self._result(outcome, whose))

    def _result(self, outcome: str, whose: str = "") -> dict[str, Any]:
        whose = whose or (self._whose if self._number_s is None else "number")
        told: dict[str, Any] = {"outcome": outcome, "of": whose, "call": self._whom.call_of(self._id)}
        if whose == "number" and self._dialled_ns is not None:
            told["ring_s"] = round((self._now_ns - self._dialled_ns) / NS, 3)
        return told | ({"cause": self._cause} if self._cause else {})


_HANDLERS: Final[dict[str, Callable[[Call, Message, int], None]]] = {
    "OriginateResponse": Call._originated,
    "DialBegin": Call._dial_begin,
    "DialEnd": Call._dial_end,
    "Hangup": Call._hangup,
    "Newstate": Call._state,
    "HangupRequest": Call._asked,
    "QueueCallerJoin": Call._joined,
}


def error_of(action: str, m: Message, user: str) -> str:
    """What the PBX said against it, and for a missing right what to put into manager.conf."""
    told = " ".join(m.get("Message").split())
    if told == "Permission denied":
        need = _NEEDS.get(action, "all")
        return f'pbx_denied: the manager user "{user}" may not {action}; add {need} to its write line in manager.conf, then manager reload'
    return f"pbx_error: {action}: {told or m.name}"
