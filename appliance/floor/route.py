"""Decides which rule takes a call: the first of which everything that it wants holds; and of each rule before it, why not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Final

from msgspec import Struct

from appliance.core.hours_config import Hours
from appliance.core.route_pattern import Patterns, number_pattern
from appliance.core.routing_config import RoutingRule, RoutingRules
from appliance.floor.calendar import Calendar


class Asked(Struct, frozen=True, kw_only=True):
    """A call as the rules see it, now (`at_ns`, nanoseconds since 1970; None: the clock is not set, and nothing is closed by a guess).

    Numbers in all their spellings: as the PBX tells them, and E.164 where they are one. `digits`: what was chosen in menus, oldest first,
    as `menu:digits` or digits alone. `gave_up`: how often the caller hung up waiting today; None: his number is not known.
    """

    at_ns: int | None
    caller: tuple[str, ...] = ()
    dialled: tuple[str, ...] = ()
    digits: tuple[str, ...] = ()
    segment: str | None = None
    gave_up: int | None = None
    withheld: bool = False


class Passed(Struct, frozen=True):
    """A rule that did not take the call, and the first thing that it wanted in vain."""

    rule: str
    why: str


class Routed(Struct, frozen=True):
    """The rule that takes the call; None: none does, and the dialplan's default stands. `place` counts from 1."""

    rule: RoutingRule | None
    place: int | None
    passed: tuple[Passed, ...] = ()


class _Call(Struct):
    """What is asked, prepared once for all rules."""

    asked: Asked
    caller: tuple[str, ...]
    dialled: tuple[str, ...]
    digits: tuple[str, ...]
    segment: tuple[str, ...]


#: Whether it holds, and why it does not, of one call.
_Condition = tuple[Callable[[_Call], bool], Callable[[_Call], str]]
_NO_CLOCK: Final = "the box's clock is not set: every schedule counts as open"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Router:
    """Rules ready to be asked, for one thread. `timezone` and `hours` are the site's.

    Raises zoneinfo.ZoneInfoNotFoundError and ValueError for what the configuration's own rules do not let through.
    """

    def __init__(self, rules: RoutingRules, timezone: str, hours: Hours | None = None) -> None:
        self.rules = rules
        self._times = {name: _Times(timezone, each, rules.holidays) for name, each in rules.schedules.items()}
        self._site = _Times(timezone, hours, rules.holidays)
        self._rows = [(rule, tuple(self._conditions(rule))) for rule in rules.rule]

    def route(self, asked: Asked) -> Routed:
        """The rule that takes the call, without the reasons."""
        call = _call(asked)
        for place, (rule, conditions) in enumerate(self._rows, 1):
            for holds, _ in conditions:
                if not holds(call):
                    break
            else:
                return Routed(rule, place)
        return Routed(None, None)

    def explain(self, asked: Asked) -> Routed:
        """The same, and why each rule before it did not."""
        call = _call(asked)
        passed: list[Passed] = []
        for place, (rule, conditions) in enumerate(self._rows, 1):
            failed = next((why for holds, why in conditions if not holds(call)), None)
            if failed is None:
                return Routed(rule, place, tuple(passed))
            passed.append(Passed(rule.name, failed(call)))
        return Routed(None, None, tuple(passed))

    def queues(self) -> tuple[str, ...]:
        """Every queue that a rule names, once, in order."""
        return tuple(dict.fromkeys(rule.queue for rule in self.rules.rule if rule.queue is not None))

    def _conditions(self, rule: RoutingRule) -> Iterator[_Condition]:
        if rule.withheld is not None:
            yield _withheld(rule.withheld)
        if rule.caller:
            yield _fits("caller", Patterns(map(number_pattern, rule.caller)), rule.caller)
        if rule.dialled:
            yield _fits("dialled", Patterns(map(number_pattern, rule.dialled)), rule.dialled)
        if rule.digits:
            yield _fits("digits", Patterns(rule.digits), rule.digits)
        if rule.segment:
            yield _fits("segment", Patterns(rule.segment), rule.segment)
        if rule.gave_up_from is not None:
            yield _gave_up(rule.gave_up_from)
        if rule.hours is not None or rule.open is not None or rule.holiday is not None:
            times = self._times[rule.hours] if rule.hours is not None else self._site
            if rule.holiday is not None:
                yield times.holiday(rule.holiday)
            if rule.open is not None or rule.holiday is None:
                yield times.open(rule.open is not False)


class _Times:
    """One schedule: whether a moment is within its hours, whether on a holiday of theirs."""

    def __init__(self, timezone: str, hours: Hours | None, holidays: tuple[str, ...]) -> None:
        own = hours.holidays if hours is not None else ()
        self._holidays = frozenset((*holidays, *own))
        week = {day: getattr(hours, day) for day in _DAYS} if hours is not None else dict.fromkeys(_DAYS, ("00:00-24:00",))
        self._calendar = Calendar(timezone, Hours(**week, holidays=tuple(self._holidays)))

    def open(self, wanted: bool) -> _Condition:
        calendar = self._calendar
        what = "outside its hours" if wanted else "within its hours"

        def holds(call: _Call) -> bool:
            at_ns = call.asked.at_ns
            return (at_ns is None or calendar.is_open(at_ns)) is wanted

        def why(call: _Call) -> str:
            at_ns = call.asked.at_ns
            return _NO_CLOCK if at_ns is None else f"{calendar.date_of(at_ns):%a} {calendar.time_of_day(at_ns)} is {what}"

        return holds, why

    def holiday(self, wanted: bool) -> _Condition:
        calendar, holidays = self._calendar, self._holidays
        what = "no holiday" if wanted else "a holiday"

        def holds(call: _Call) -> bool:
            at_ns = call.asked.at_ns
            return (at_ns is not None and calendar.date_of(at_ns).isoformat() in holidays) is wanted

        def why(call: _Call) -> str:
            return _NO_CLOCK if call.asked.at_ns is None else f"{calendar.date_of(call.asked.at_ns)} is {what}"

        return holds, why


def _call(asked: Asked) -> _Call:
    digits = [spelling for one in asked.digits for spelling in {one, one.rpartition(":")[2]}]
    segment = (asked.segment,) if asked.segment else ()
    return _Call(asked, _lower(asked.caller), _lower(asked.dialled), _lower(digits), _lower(segment))


def _lower(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.casefold() for text in texts)


def _fits(name: str, patterns: Patterns, told: tuple[str, ...]) -> _Condition:
    some = ", ".join(told[:3]) + (f" … ({len(told)})" if len(told) > 3 else "")

    spellings: Callable[[_Call], tuple[str, ...]] = attrgetter(name)
    fit = patterns.fit

    def why(call: _Call) -> str:
        there = spellings(call)
        return f"{name} {' = '.join(there)} does not fit {some}" if there else f"{name} is not known, and wanted: {some}"

    return lambda call: fit(spellings(call)), why


def _withheld(wanted: bool) -> _Condition:
    what = "the caller shows his number" if wanted else "the caller's number is withheld or not known"
    return lambda call: call.asked.withheld is wanted, lambda _: what


def _gave_up(least: int) -> _Condition:
    def why(call: _Call) -> str:
        count = call.asked.gave_up
        return f"gave up {count} times today, wanted {least}" if count is not None else "how often he gave up is not known"

    return lambda call: call.asked.gave_up is not None and call.asked.gave_up >= least, why
