"""Decides what a call is answered: which rule takes it, who the caller is, where it would stand. For one thread of its own.

What the follower of the journal knows is put in whole (`sights`), so that the answering thread never sees half of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from msgspec import Struct

from appliance.core.channel_variable import value
from appliance.core.directory_card import Card
from appliance.core.routing_config import RoutingRule
from appliance.floor.route import Asked, Router
from appliance.floor.route_caller import CallerBook
from appliance.floor.route_wait import QueueSight
from gateway.agi.wire import Request

#: What every variable of ours begins with.
PREFIX: Final = "CALLFLOOR_"
#: So many of the newest calls are remembered by what priority they were given.
_GIVEN_KEPT: Final = 10_000


class Cards(Protocol):
    """The directory of customers."""

    def lookup(self, number: str | None) -> Card | None:
        """Who has this number."""
        ...

    def e164(self, number: str | None) -> str | None:
        """The number as `+` and digits."""
        ...


class Floor(Struct, frozen=True):
    """The floor as the follower saw it last: queues in sight by the PBX's own name and by key; `callers` None: not caught up yet."""

    queues: Mapping[str, QueueSight] = {}
    callers: CallerBook | None = None


class Given:
    """The priorities that were given out, by the channel's uniqueid."""

    def __init__(self) -> None:
        self._by_uniqueid: dict[str, int] = {}

    def put(self, uniqueid: str, priority: int) -> None:
        """This call was told so."""
        self._by_uniqueid[uniqueid] = priority
        while len(self._by_uniqueid) > _GIVEN_KEPT:
            del self._by_uniqueid[next(iter(self._by_uniqueid))]

    def of(self, uniqueid: str) -> int:
        """What it was told; 0 where it asked nothing, or too long ago."""
        return self._by_uniqueid.get(uniqueid, 0)


class Desk:
    """Answers calls. `router` and `floor` are put in from outside, whole. `now_ns` None: the clock is not to be believed."""

    def __init__(self, now_ns: Callable[[], int | None], wait_most_s: float) -> None:
        self.router: Router | None = None
        self.floor = Floor()
        self.cards: Cards | None = None
        self.given = Given()
        self._now_ns = now_ns
        self._wait_most_s = wait_most_s

    def answer(self, request: Request) -> dict[str, str]:
        """The variables to set, by name; none at all for a path that nobody knows."""
        path, _, rest = request.path.partition("/")
        if path == "queue":
            return self._standing(rest or request.query.get("default"), 0)
        return self._route(request) if path in ("", "route") and not rest else {}

    def asked(self, request: Request) -> tuple[Asked, Card | None]:
        """The call as the rules see it, and whose it is."""
        caller = None if request.withheld else request.caller
        callers = self.floor.callers
        card = self.cards.lookup(caller) if caller and self.cards is not None else None
        uniqueid = request.fields.get("uniqueid", "")
        asked = Asked(
            at_ns=self._now_ns(),
            caller=self.spellings(caller),
            dialled=self.spellings(request.dialled),
            digits=request.digits or (callers.digits(uniqueid) if callers is not None else ()),
            segment=card.segment if card is not None else None,
            gave_up=callers.gave_up(caller) if caller and callers is not None else None,
            withheld=request.withheld,
        )
        return asked, card

    def spellings(self, number: str | None) -> tuple[str, ...]:
        """A number as it was told, and as E.164 where it is one."""
        if not number:
            return ()
        whole = self.cards.e164(number) if self.cards is not None else None
        return (number,) if whole in (None, number) else (number, str(whole))

    def _route(self, request: Request) -> dict[str, str]:
        asked, card = self.asked(request)
        rule = self.router.route(asked).rule if self.router is not None else None
        uniqueid = request.fields.get("uniqueid")
        if uniqueid and rule is not None and rule.priority is not None:
            self.given.put(uniqueid, rule.priority)
        return self.variables(rule, asked, card, request.query.get("default"))

    def variables(self, rule: RoutingRule | None, asked: Asked, card: Card | None, default: str | None) -> dict[str, str]:
        """What a call that this rule takes is told; `default`: the queue to which the dialplan sends it without one."""
        told = {**_card(card), **_rule(rule)}
        if asked.gave_up is not None:
            told["GAVE_UP"] = str(asked.gave_up)
        priority = rule.priority if rule is not None and rule.priority is not None else 0
        queue = rule.queue if rule is not None and rule.queue is not None else default
        found = {PREFIX + name: text for name, text in told.items()}
        return {**(dict(rule.set) if rule is not None else {}), **found, **self._standing(queue, priority)}

    def _standing(self, queue: str | None, priority: int) -> dict[str, str]:
        sight = self.floor.queues.get(queue) if queue else None
        if sight is None:
            return {}
        position = sight.position(priority)
        wait_s = sight.wait_s(position)
        told = {PREFIX + "POSITION": str(position)}
        if wait_s is not None and wait_s <= self._wait_most_s:
            told[PREFIX + "WAIT_S"] = str(round(wait_s))
        return told


def _card(card: Card | None) -> dict[str, str]:
    if card is None:
        return {}
    told = {"SEGMENT": value(card.segment or ""), "LANGUAGE": value(card.language or "")}
    return {name: text for name, text in told.items() if text}


def _rule(rule: RoutingRule | None) -> dict[str, str]:
    if rule is None:
        return {}
    told = {"RULE": rule.name}
    if rule.priority is not None:
        told["PRIORITY"] = str(rule.priority)
    if rule.queue is not None:
        told["QUEUE"] = rule.queue
    return told
