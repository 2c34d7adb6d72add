"""Decides what an order to a PBX is, and what a job: one order under way, pure, fed with what the PBX says until it knows how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from appliance.command_crew import Ended
from appliance.core.clock import NS

#: What is to be sent: opaque to everything but the dialect itself.
Ask = Any


class RefusedOrderError(Exception):
    """An order that cannot even be begun; `ended` says why."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


def failed(reason: str, **result: Any) -> RefusedOrderError:
    """It may be, and cannot: nobody there, nothing to hang up."""
    return RefusedOrderError(Ended("failed", reason, result or None))


def unsupported(reason: str) -> RefusedOrderError:
    """This PBX cannot do it at all."""
    return RefusedOrderError(Ended("refused", f"unsupported: {reason}"))


class Order(Struct, frozen=True, kw_only=True):
    """What is asked of a PBX: a command's id, verb and arguments."""

    id: str
    verb: str
    args: Any


class Job:
    """One order under way. A dialect's jobs say what they ask, hear every message, and have an end."""

    #: How long the PBX may take to answer what was asked.
    answer_s = 10.0

    def __init__(self, asks: list[Ask], now_ns: int) -> None:
        self._asks = list(asks)
        #: What was sent and is not answered, by its request id.
        self.pending: dict[str, Ask] = {}
        self.due_ns: int | None = now_ns + round(self.answer_s * NS)
        self.ended: Ended | None = None
        #: The PBX has taken what was asked first.
        self.accepted = False
        #: Told the call (ours) once, when the phone that is rung first begins to ring, or is picked up without ringing.
        self.on_rings: Callable[[str], None] | None = None

    def asks(self) -> list[Ask]:
        """What is to be sent now; each is handed out once."""
        asks, self._asks = self._asks, []
        return asks

    def sent(self, ask: Ask, request_id: str) -> None:
        """It was sent under this id."""
        self.pending[request_id] = ask

    def hears(self, message: Any, now_ns: int) -> None:
        """The PBX says something, to this job or to nobody in particular."""

    def due(self, now_ns: int) -> None:
        """The time for the answer is over."""
        self.end("unknown", f"no_answer: the PBX did not say within {self.answer_s:g} s what became of it")

    def rings(self, call: str) -> None:
        """The phone that is rung first rings; only the first word counts."""
        told, self.on_rings = self.on_rings, None
        if told is not None:
            told(call)

    def end(self, state: Any, reason: str | None = None, **result: Any) -> None:
        """It is known how it ended; the first word counts."""
        if self.ended is None:
            self.ended, self.due_ns = Ended(state, reason, result or None), None

    def after(self, seconds: float, now_ns: int) -> None:
        """`due` is to be called then."""
        self.due_ns = now_ns + round(seconds * NS)


class Commander(Protocol):
    """What carries out the orders of one PBX; a dialect makes it where it can."""

    def job(self, order: Order, now_ns: int) -> Job:
        """An order begins. Raises RefusedOrderError."""
        ...

    def knows(self, *, agent: str | None, call: str | None) -> bool:
        """Whether this PBX has that agent, or that call."""
        ...
