"""Decides whose call it is: a caller is looked up in the directory once per call, when the PBX first tells him, beside what tells him.

What is found stands in the journal with the call, in the same breath; folds, boards and routing read it there and look nobody up. A
directory that is away, locked or damaged costs a call nothing but its card. On an analog line the number comes later, and is looked
up then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

import msgspec

from appliance.core.catalogue import CallMatched, CallOffered, CallQueued, LineCallerId, LineReleased, LineRinging
from appliance.core.directory_card import Card
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import Journal
from appliance.core.line_config import LINES
from appliance.core.meter import Family, count
from appliance.service import Watch
from gateway.pbx.shared_trunk import SharedOutbox, SharedTrunks

#: Calls whose caller was looked up, remembered; a floor has a few hundred at a time.
_CALLS: Final = 16_384
_MATCHED: Final = b'{"k":"call.matched"'
_decoder: Final = msgspec.json.Decoder(CallMatched)


class Book(Protocol):
    """The directory as the match needs it: neither raises nor waits."""

    def lookup(self, number: str | None) -> Card | None:
        """Who has this number."""
        ...


class Matcher:
    """The calls that were looked up already."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._calls: dict[str, None] = {}
        #: Calls first looked up in the batch at hand.
        self._fresh: list[str] = []
        #: Analog lines: the one that began to ring by source, and by line the call on it of which nobody knows yet who calls.
        self._begun: dict[str, str] = {}
        self._unknown: dict[str, CallQueued] = {}
        #: Callers looked up, and those of them who are customers.
        self.looked_up = self.found = 0

    def passed(self, body: bytes) -> None:
        """A row that stands in the journal from before. Raises msgspec.DecodeError when it is a match and cannot be read."""
        if body.startswith(_MATCHED):
            self._remember(_decoder.decode(stored_from_body(body).data).call)

    def apply(self, events: list[Event]) -> list[Event]:
        """The same events, behind the first that tells a call's caller who he is. The list itself where nothing is to be added."""
        out: list[Event] | None = None
        self._fresh.clear()
        for at, event in enumerate(events):
            matched = self._match(event) if event.kind.startswith(("call.", "line.")) else None
            if matched is not None and out is None:
                out = events[:at]
            if out is not None:
                out.append(event)
            if matched is not None and out is not None:
                out.append(matched)
        return events if out is None else out

    def undo(self) -> None:
        """The batch at hand was refused, and will be told again."""
        for call in self._fresh:
            self._calls.pop(call, None)

    def figures(self) -> Iterator[Family]:
        """For a monitoring system."""
        rows = [({"result": "found"}, self.found), ({"result": "not_found"}, self.looked_up - self.found)]
        yield count("callfloor_directory_lookups", "Callers that were looked up in the directory, one a call.", rows)

    def _match(self, event: Event) -> Event | None:
        data = event.data
        if event.kind.startswith("line."):
            return self._match_line(event)
        call: str | None = getattr(data, "call", None)
        if call is None or call in self._calls:
            return None
        if isinstance(data, CallOffered) and data.direction == "out":
            self._remember(call)  # who calls is one of ours
            return None
        caller: str | None = getattr(data, "caller", None)
        if caller is not None:
            return self._look_up(event, data, caller)
        if isinstance(data, CallQueued) and (line := self._begun.pop(event.source, None)) is not None:
            self._unknown[line] = data
        return None

    def _match_line(self, event: Event) -> Event | None:
        data = event.data
        if isinstance(data, LineRinging) and data.pbx == LINES:
            self._begun[event.source] = data.line
            self._unknown.pop(data.line, None)
        elif isinstance(data, LineReleased):
            self._unknown.pop(data.line, None)
        elif isinstance(data, LineCallerId) and data.number is not None:
            queued = self._unknown.pop(data.line, None)
            if queued is not None and queued.call not in self._calls:
                return self._look_up(event, queued, data.number)
        return None

    def _look_up(self, event: Event, data: Any, caller: str) -> Event | None:
        self._remember(data.call)
        self.looked_up += 1
        card = self._book.lookup(caller)
        if card is None:
            return None
        self.found += 1
        told = CallMatched(
            call=data.call, pbx=data.pbx, visit=data.visit, queue=data.queue, caller=caller, uniqueid=data.uniqueid,
            customer=card.customer, segment=card.segment, language=card.language, vip=card.vip, version=card.version,
        )  # fmt: skip
        return msgspec.structs.replace(event, kind="call.matched", data=told)

    def _remember(self, call: str) -> None:
        self._calls[call] = None
        self._fresh.append(call)
        if len(self._calls) > _CALLS:
            del self._calls[next(iter(self._calls))]


class MatchingOutbox(SharedOutbox):
    """The way to the journal of a gateway that knows customers."""

    def __init__(self, journal: Journal, max_events: int, trunks: SharedTrunks, matcher: Matcher, *, watch: Watch | None = None) -> None:
        super().__init__(journal, max_events, trunks, watch=watch)
        self.matcher = matcher

    def put(self, events: list[Event]) -> bool:
        """Queue events, all or none, with who their callers are; False when there is no room."""
        if super().put(self.matcher.apply(events)):
            return True
        self.matcher.undo()
        return False
