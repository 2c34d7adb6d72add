"""Decides how an order given to FreeSWITCH ended: by what its API answered, by the effect it was to have, or by how a call went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from appliance.core.clock import NS
from gateway.freeswitch.esl import Message
from gateway.pbx.order import Job
from gateway.pbx.outcome import outcome_of_name, reason_of

_EFFECT_S: Final = 5.0
_SETTLE_S: Final = 1.0
_GRACE_S: Final = 8.0
Told = Callable[[str, "EslJob | None"], None]


class EslJob(Job):
    """One that asks by API commands. `told` hears of each that was sent, so that a refusal finds its way back."""

    def __init__(self, asks: Sequence[str], now_ns: int, *, told: Told) -> None:
        super().__init__(list(asks), now_ns)
        self._told = told

    def sent(self, ask: str, request_id: str) -> None:
        if ask.startswith("event "):  # a refused subscription ends nothing: what was asked with it is under way
            self._told(request_id, None)
            return
        super().sent(ask, request_id)
        self._told(request_id, self)

    def replied(self, text: str) -> None:
        """The event socket took it as a job, or does not let this user ask that."""
        self.accepted = True
        if text.startswith("-ERR"):
            told = text.removeprefix("-ERR").strip()
            self.end("failed", f"pbx_denied: {told}; name it in that user's esl-allowed-api, or log in with the socket's password")

    def answer_in(self, message: Message) -> tuple[str, str] | None:
        """What was asked and what it printed, when the message answers this job."""
        if message.name != "BACKGROUND_JOB" or message.get("Job-UUID") not in self.pending:
            return None
        return self.pending.pop(message.get("Job-UUID")), message.text.strip()


class Answered(EslJob):
    """Over once every command was answered."""

    def __init__(self, asks: Sequence[str], now_ns: int, *, told: Told, then: Callable[[], None] | None = None, **result: Any) -> None:
        super().__init__(asks, now_ns, told=told)
        self._left, self._then, self._result = len(asks), then, result
        self._errors: list[str] = []

    def hears(self, message: Message, now_ns: int) -> None:
        answer = self.answer_in(message)
        if answer is None:
            return
        asked, text = answer
        self.accepted = True
        self._left -= 1
        if text.startswith("-"):  # -ERR, -USAGE
            self._errors.append(f"pbx_error: {asked.partition(' ')[0]}: {' '.join(text.removeprefix('-ERR').split())}")
        if self._left == 0:
            self.answered(now_ns)

    def answered(self, now_ns: int) -> None:
        """Everything was."""
        if self._then is not None:
            self._then()
        if self._errors:
            self.end("failed", "; ".join(dict.fromkeys(self._errors))[:400], **self._result)
        else:
            self.end("done", **self._result)


class Effect(Answered):
    """Commands that FreeSWITCH takes and a phone must heed: `done` once an event shows it."""

    def __init__(self, asks: Sequence[str], now_ns: int, *, told: Told, shows: Callable[[Message], bool], hint: str, **result: Any) -> None:
        super().__init__(asks, now_ns, told=told, **result)
        self._shows, self._hint, self._shown = shows, hint, False

    def hears(self, message: Message, now_ns: int) -> None:
        self._shown = self._shown or self._shows(message)
        super().hears(message, now_ns)
        if self._left == 0 and self._shown and not self._errors:
            self.end("done", **self._result)

    def answered(self, now_ns: int) -> None:
        if self._errors:
            super().answered(now_ns)
        else:
            self.after(_EFFECT_S, now_ns)

    def due(self, now_ns: int) -> None:
        if self._left:
            super().due(now_ns)
        else:
            self.end("failed", f"no_effect: the PBX took it and nothing came of it within {_EFFECT_S:g} s; {self._hint}")


class Call(EslJob):
    """A phone is rung (`whose`: agent or supervisor) and, with `number_s`, a number is dialled from it once it was picked up."""

    def __init__(
        self, asks: Sequence[str], now_ns: int, *, told: Told, uuid: str, call: Callable[[str], str], whose: str, ring_s: float,
        number_s: float | None,
    ) -> None:  # fmt: skip
        super().__init__(asks, now_ns, told=told)
        self._uuid, self._call, self._whose, self._ring_s, self._number_s = uuid, call, whose, ring_s, number_s
        self._picked_up = False
        self._cause = ""
        self._legs: set[str] = set()
        #: When the number was dialled first, and now.
        self._dialled_ns: int | None = None
        self._now_ns = now_ns
        self.after(ring_s + _GRACE_S, now_ns)

    def hears(self, message: Message, now_ns: int) -> None:
        self._now_ns = now_ns
        if (answer := self.answer_in(message)) is not None:
            self.accepted = True
            if answer[1].startswith("-"):
                self._fail(answer[1].removeprefix("-ERR").strip(), self._whose)
            else:
                self._up(now_ns)
        elif message.type == "event" and (handler := _HANDLERS.get(message.name)) is not None:
            handler(self, message, now_ns)

    def due(self, now_ns: int) -> None:
        self._now_ns = now_ns
        if self._picked_up and self._cause:
            self._fail(self._cause, "number")
        elif self._picked_up:
            self.end("done", None, **self._result("not_told"))
        else:
            self.end("unknown", f"no_answer: the PBX did not say within {self._ring_s + _GRACE_S:g} s whether the phone was reached")

    def _up(self, now_ns: int) -> None:
        if self._picked_up:
            return
        self.rings(self._call(self._uuid))
        self._picked_up = True
        if self._number_s is None:
            self.end("done", None, **self._result("answered", self._whose))
        else:
            self.after(self._number_s, now_ns)

    def _created(self, m: Message, now_ns: int) -> None:
        if m.get("Other-Leg-Unique-ID") == self._uuid and m.get("Unique-ID") != self._uuid:
            self._legs.add(m.get("Unique-ID"))
            self._dialled_ns = self._dialled_ns or now_ns
            if self._cause and self._number_s is not None:  # another way is tried
                self._cause = ""
                self.after(self._number_s, now_ns)

    def _progress(self, m: Message, now_ns: int) -> None:
        if m.get("Unique-ID") == self._uuid:
            self.rings(self._call(self._uuid))

    def _answered(self, m: Message, now_ns: int) -> None:
        if m.get("Unique-ID") == self._uuid:
            self._up(now_ns)
        elif m.get("Unique-ID") in self._legs:
            self.end("done", None, **self._result("answered"))

    def _hung_up(self, m: Message, now_ns: int) -> None:
        uuid, cause = m.get("Unique-ID"), m.get("Hangup-Cause")
        if uuid in self._legs:
            self._cause = cause
            self.after(_SETTLE_S, now_ns)
        elif uuid == self._uuid and self._picked_up:  # before its leg's or behind: once that was made the number was dialled
            told = self._cause or m.get("variable_last_bridge_hangup_cause")
            self._fail(told or cause, "number" if told or self._legs else self._whose)

    def _queue(self, m: Message, now_ns: int) -> None:
        if m.get("CC-Action") == "member-queue-start" and m.get("CC-Member-Session-UUID") == self._uuid:
            self.end("done", None, **self._result("queued"))

    def _fail(self, cause: str, whose: str) -> None:
        outcome = outcome_of_name(cause)
        self.end("failed", reason_of(outcome, whose), **self._result(outcome, whose), cause=cause)

    def _result(self, outcome: str, whose: str = "number") -> dict[str, Any]:
        told: dict[str, Any] = {"outcome": outcome, "of": whose, "call": self._call(self._uuid)}
        if whose == "number" and self._dialled_ns is not None:
            told["ring_s"] = round((self._now_ns - self._dialled_ns) / NS, 3)
        return told


_HANDLERS: Final[dict[str, Callable[[Call, Message, int], None]]] = {
    "CHANNEL_CREATE": Call._created,
    "CHANNEL_PROGRESS": Call._progress,
    "CHANNEL_PROGRESS_MEDIA": Call._progress,
    "CHANNEL_ANSWER": Call._answered,
    "CHANNEL_HANGUP": Call._hung_up,
    "callcenter::info": Call._queue,
}
