"""Decides who is to be called back, and who no more: call events go in, `callback.*` and `call.dissatisfied` come out. Pure.

One callback per number: whoever tries again is told under the same id, with how often and how long he waited in all. It ends when he gets
through in any queue, when an outbound call to his number is answered, when a person says so, or after `[callbacks] keep_days`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from appliance.core.callers import LEAST_DIGITS
from appliance.core.catalogue import (
    CallAbandoned,
    CallAnswered,
    CallAttempted,
    CallbackClosed,
    CallbackOpened,
    CallbackWhy,
    CallCallbackRequested,
    CallDissatisfied,
    CallLeft,
    CallQueued,
    CallSurvey,
    LineReleased,
    PbxRecord,
)
from appliance.core.clock import NS, rfc3339
from appliance.core.config import Config
from appliance.floor.callback import CallbackBook, CallbackState, answer_key, is_kept
from appliance.floor.callback_number import Numbers, digits_from_number

#: What it goes by.
KINDS: Final = frozenset(
    {
        "call.abandoned", "call.left", "call.queued", "call.answered", "call.callback_requested", "call.survey", "call.attempted",
        "line.released", "pbx.record",
    }
)  # fmt: skip
#: Who left a queue unserved may still be on his way to another one, or to a person.
LEFT_NS: Final = 60 * NS
_DAY_NS: Final = 86_400 * NS
_LEFT_MOST: Final = 20_000
Ended = Literal["reached", "called_through", "closed", "expired", "forgotten"]
Handler = Callable[[int, Any, int], list[Struct]]
_WEIGHT: Final[dict[str, int]] = {"abandoned": 0, "survey": 1, "requested": 2}


class Open(Struct):
    """One callback as the rules see it: `row` the row that opened it, 0 where the id tells none."""

    key: str
    why: CallbackWhy
    number: str
    digits: str
    times: int
    waited_s: float
    since: str
    tried_ns: int
    row: int = 0
    pbx: str | None = None
    queue: str | None = None
    call: str | None = None
    visit: str | None = None

    def told(self) -> CallbackOpened:
        """The event that tells it as it is."""
        return CallbackOpened(
            callback=self.key, why=self.why, number=self.number, times=self.times, waited_s=self.waited_s, since=self.since, pbx=self.pbx,
            queue=self.queue, call=self.call, visit=self.visit,
        )  # fmt: skip


class _Left(Struct):
    """Somebody who left a queue unserved and is watched for a minute."""

    row: int
    at_ns: int
    data: CallLeft


class CallbackRules:
    """The rules over one journal. `withheld`: callers who told no number that can be called back."""

    def __init__(self, config: Config, epoch: str) -> None:
        self._config, self._callbacks, self._epoch = config, config.callbacks, epoch
        self._is_kept = is_kept(config)
        days = (self._callbacks.keep_days, config.journal.keep_days, config.privacy.callers_days)
        self._keep_ns = int(min(each for each in days if each is not None) * _DAY_NS)
        self.open: dict[str, Open] = {}
        self._dissatisfied: Collection[str] = ()
        self._told: set[str] = set()
        self._numbers = Numbers[str]()
        self._calls: dict[str, str] = {}
        self._left: dict[str, _Left] = {}
        self._left_numbers = Numbers[str]()
        self.withheld = 0
        kept: dict[type, Handler] = {
            CallAbandoned: self._abandoned,
            CallLeft: self._went,
            CallQueued: self._joined,
            CallAnswered: self._answered,
            CallCallbackRequested: self._requested,
            CallAttempted: self._called,
            LineReleased: self._called,
            PbxRecord: self._called,
        }
        self._handlers: dict[type, Handler] = {CallSurvey: self._surveyed, **(kept if is_kept(config) else {})}

    # -- what the journal holds already ------------------------------------------------------------------------------

    def learn(self, book: CallbackBook, changed: Iterable[str], number_of: Callable[[int], str | None]) -> None:
        """Take over what the journal says of these callbacks. `number_of` reads the number in a row, None where it holds none any more."""
        self._dissatisfied, self._told = book.dissatisfied, set()
        for key in changed:
            known, state = self.open.get(key), book.open.get(key)
            if state is None:
                self._drop(key)
                continue
            number = known.number if known is not None else number_of(state.row) or ""
            self._put(_open_of(key, state, number))

    def watch(self, row: int, data: Any, at_ns: int) -> None:
        """A row that was decided on before a restart, or a `callback.opened`: who left unserved and was not told is watched again."""
        if isinstance(data, CallLeft):
            self._watch(row, data, at_ns)
        elif isinstance(data, CallbackOpened):
            left = self._left.get(data.call or "")
            if left is not None and left.data.visit == data.visit:
                self._unwatch(left.data.call)
        elif isinstance(data, CallQueued | CallAbandoned):
            self._unwatch(data.call)
        elif isinstance(data, CallAnswered):
            self._served(data.call, digits_from_number(data.caller))
        elif isinstance(data, CallAttempted | LineReleased | PbxRecord):
            self._served("", digits_from_number(_reached(data)))

    # -- what happens --------------------------------------------------------------------------------------------------

    def feed(self, row: int, data: Any, at_ns: int, now_ns: int) -> list[Struct]:
        """What comes of one event of `KINDS`, in the order in which it is to be told; nothing of what is too old to matter."""
        handler = self._handlers.get(type(data))
        if handler is None or now_ns - at_ns > self._keep_ns:
            return []
        return handler(row, data, at_ns)

    def turn(self, now_ns: int) -> list[Struct]:
        """What time brings: who was not served within a minute, who is given up."""
        out: list[Struct] = []
        for call, left in list(self._left.items()):
            if 0 <= now_ns - left.at_ns < LEFT_NS:
                break  # in the order in which they left; later than now is one from before the clock was set back
            self._unwatch(call)
            out += self._try(left.row, left.data, left.at_ns, "abandoned", left.data.caller, left.data.wait_s)
        out += [self._close(one.key, "expired") for one in list(self.open.values()) if now_ns - one.tried_ns > self._keep_ns]
        return out

    def gone(self, key: str, reason: Ended) -> Struct:
        """A callback of which nobody can call the number any more."""
        return self._close(key, reason)

    # -- how ------------------------------------------------------------------------------------------------------------

    def _abandoned(self, row: int, data: CallAbandoned, at_ns: int) -> list[Struct]:
        self._unwatch(data.call)
        own = self._config.queues.get(data.queue or "")
        short_s = own.short_abandon_s if own and own.short_abandon_s is not None else self._config.kpi.short_abandon_s
        if not self._counts(data.queue) or (not self._callbacks.short and data.wait_s <= short_s):
            return []
        return self._try(row, data, at_ns, "abandoned", data.caller, data.wait_s)

    def _went(self, row: int, data: CallLeft, at_ns: int) -> list[Struct]:
        if data.reason == "callback":
            return self._try(row, data, at_ns, "requested", data.caller, data.wait_s)
        self._watch(row, data, at_ns)
        return []

    def _watch(self, row: int, data: CallLeft, at_ns: int) -> None:
        self._unwatch(data.call)
        if data.reason in self._callbacks.left and self._counts(data.queue):
            self._left[data.call] = _Left(row, at_ns, data)
            self._left_numbers.put(data.call, digits_from_number(data.caller))
            if len(self._left) > _LEFT_MOST:
                self._unwatch(next(iter(self._left)))

    def _unwatch(self, call: str) -> None:
        self._left.pop(call, None)
        self._left_numbers.drop(call)

    def _served(self, call: str, digits: str) -> None:
        """This call got through, or somebody else's of the same number."""
        for each in (call, *self._left_numbers.of(digits)):
            self._unwatch(each)

    def _joined(self, _row: int, data: CallQueued, _at_ns: int) -> list[Struct]:
        self._unwatch(data.call)
        return []

    def _requested(self, row: int, data: CallCallbackRequested, at_ns: int) -> list[Struct]:
        return self._try(row, data, at_ns, "requested", data.number or data.caller, 0.0)

    def _surveyed(self, row: int, data: CallSurvey, at_ns: int) -> list[Struct]:
        limit, key = self._config.satisfaction.limit.get(data.question), answer_key(data.call, data.question)
        if limit is None or data.score >= limit or not _among(data.queue, self._config.satisfaction.queues):
            return []
        if key in self._dissatisfied or key in self._told:
            return []
        self._told.add(key)
        told = CallDissatisfied(
            call=data.call, pbx=data.pbx, visit=data.visit, queue=data.queue, agent=data.agent, caller=data.caller, dialled=data.dialled,
            uniqueid=data.uniqueid, pbx_time=data.pbx_time, question=data.question, score=data.score, limit=limit,
        )  # fmt: skip
        return [told, *(self._try(row, data, at_ns, "survey", data.caller, 0.0) if self._is_kept else [])]

    def _try(self, row: int, data: Any, at_ns: int, why: CallbackWhy, number: str | None, wait_s: float) -> list[Struct]:
        """Somebody was not served (or not well): a new callback, or his old one told again."""
        digits = digits_from_number(number)
        known = self._of_call(data.call) or self._of_number(digits)
        if known is None and len(digits) < LEAST_DIGITS:
            self.withheld += 1
            return []
        one = self._again(known, data, why, wait_s) if known is not None else self._first(row, at_ns, why, wait_s)
        wished = isinstance(data, CallCallbackRequested) and data.number is not None
        if (known is None or wished) and len(digits) >= LEAST_DIGITS:
            one.number, one.digits = number or "", digits
        one.pbx, one.call, one.queue, one.tried_ns = data.pbx, data.call, data.queue or one.queue, at_ns
        one.visit = data.visit or (one.visit if known is not None and known.call == data.call else None)
        if known is not None and one.told() == known.told():
            return []
        self._put(one)
        out: list[Struct] = [one.told()]
        while len(self.open) > self._callbacks.max_open:
            out.append(self._close(next(iter(self.open)), "expired"))
        return out

    def _first(self, row: int, at_ns: int, why: CallbackWhy, wait_s: float) -> Open:
        times = 0 if why == "survey" else 1
        return Open(f"cb-{self._epoch}-{row}", why, "", "", times, round(wait_s, 3), rfc3339(at_ns), at_ns, row)

    def _again(self, known: Open, data: Any, why: CallbackWhy, wait_s: float) -> Open:
        """Of several reasons the weightiest stands; a call counts once, however many queues it went through."""
        one = replace(known, waited_s=round(known.waited_s + wait_s, 3))
        if why != "survey" and (data.call != known.call or not known.times):
            one.times += 1
        if _WEIGHT[why] > _WEIGHT[known.why]:
            one.why = why
        return one

    def _answered(self, row: int, data: CallAnswered, _at_ns: int) -> list[Struct]:
        digits = digits_from_number(data.caller)
        self._served(data.call, digits)
        return self._end(row, self._of_call(data.call) or self._of_number(digits), "called_through", data.call, data.agent)

    def _called(self, row: int, data: CallAttempted | LineReleased | PbxRecord, _at_ns: int) -> list[Struct]:
        number = _reached(data)
        if number is None:
            return []
        call, agent = (data.call, data.agent) if isinstance(data, CallAttempted) else (None, None)
        digits = digits_from_number(number)
        self._served(call or "", digits)
        return self._end(row, self._of_number(digits), "reached", call, agent)

    def _end(self, row: int, one: Open | None, reason: Ended, call: str | None, agent: str | None) -> list[Struct]:
        if one is None or one.row >= row:
            return []
        return [replace(self._close(one.key, reason), by=agent, call=call)]

    def _counts(self, queue: str | None) -> bool:
        without = self._callbacks.without
        return _among(queue, self._callbacks.queues) and not (without and _among(queue, without))

    def _of_call(self, call: str) -> Open | None:
        key = self._calls.get(call)
        return self.open.get(key) if key is not None else None

    def key_of_number(self, number: str) -> str | None:
        """The callback that is open for this number, in any spelling."""
        one = self._of_number(digits) if (digits := digits_from_number(number)) else None
        return one.key if one is not None else None

    def _of_number(self, digits: str) -> Open | None:
        return next((self.open[key] for key in self._numbers.of(digits)), None)

    def _put(self, one: Open) -> None:
        self._forget_call(self.open.get(one.key))
        self.open[one.key] = one
        self._numbers.put(one.key, one.digits)
        if one.call is not None:
            self._calls[one.call] = one.key

    def _drop(self, key: str) -> None:
        self._forget_call(self.open.pop(key, None))
        self._numbers.drop(key)

    def _forget_call(self, known: Open | None) -> None:
        if known is not None and known.call is not None and self._calls.get(known.call) == known.key:
            del self._calls[known.call]

    def _close(self, key: str, reason: Ended) -> CallbackClosed:
        self._drop(key)
        return CallbackClosed(callback=key, reason=reason)


def _open_of(key: str, state: CallbackState, number: str) -> Open:
    row = key.rpartition("-")[2]
    return Open(
        key, state.why, number, digits_from_number(number), state.times, state.waited_s, state.since, state.tried_ns,  # type: ignore[arg-type]
        int(row) if row.isdecimal() else 0, state.pbx, state.queue, state.call, state.visit,
    )  # fmt: skip


def _reached(data: CallAttempted | LineReleased | PbxRecord) -> str | None:
    """The number of a call out that was answered: one that a command dialled, one that a line of the PBX or its bookkeeping tells, whoever
    dialled it.
    """
    if isinstance(data, CallAttempted):
        return data.dialled if data.outcome == "answered" else None
    if isinstance(data, LineReleased):
        return data.reached
    talked = data.answered or (data.answered is None and bool(data.duration_s))
    return data.number or data.dialled if data.direction == "out" and talked else None


def _among(queue: str | None, patterns: tuple[str, ...]) -> bool:
    """Whether a queue is one of these; all are where none is named. What came by no queue is among all alone.

    >>> _among("ventas-2", ("ventas*",)), _among("soporte", ("ventas*",)), _among(None, ()), _among(None, ("*",))
    (True, False, True, False)
    """
    if not patterns:
        return True
    if queue is None:
        return False
    return any(queue.startswith(each[:-1]) if each.endswith("*") else queue == each for each in patterns)
