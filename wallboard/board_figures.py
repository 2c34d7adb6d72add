"""Decides what the boards' service tells a monitoring system of itself: its boards, chains, signs and lamps, and how late they are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from appliance.core.clock import NS
from appliance.core.meter import Family, WireBook, count, gauge, wire_families
from appliance.floor_view import FloorView
from appliance.service import Context
from wallboard.stream.feed import Feed

if TYPE_CHECKING:
    from appliance.metrics.gather import Gatherer
    from wallboard.beacon.together import Beacons
    from wallboard.led.run import LedRun
    from wallboard.web.http import Server


class BoardFigures:
    """The figures of one run of the service."""

    def __init__(self, context: Context, view: FloorView, feed: Feed) -> None:
        self._context, self._view, self._feed = context, view, feed
        text = "From an event as the box saw it to its being handed to all boards; of events folded together, the oldest."
        self._told = context.meter.histogram("callfloor_event_to_board_seconds", text)
        self._signs: dict[str, WireBook] = {}
        self._runs: Sequence[LedRun] = ()
        self._beacons: Beacons | None = None
        self._server: Server | None = None
        self._gatherer: Gatherer | None = None
        context.meter.ask("boards", self._families)
        context.meter.floors[context.service] = lambda: msgspec.json.encode(feed.snapshot())

    def sign(self, name: str) -> WireBook:
        """The book of a line of signs, the same at each of its lives."""
        return self._signs.setdefault(name, WireBook())

    def media(self, runs: Sequence[LedRun], beacons: Beacons | None, server: Server | None) -> None:
        """What else is told of."""
        self._runs, self._beacons, self._server = runs, beacons, server

    def turned(self, now_ns: int) -> None:
        """A turn ended: everybody was told what was folded before it."""
        oldest_ns, self._view.oldest_ns = self._view.oldest_ns, None
        if oldest_ns is not None:
            self._told.observe((now_ns - oldest_ns) / NS)

    async def scrape(self, accept: str) -> tuple[bytes, str]:
        """The whole box's figures, and their type."""
        if self._gatherer is None:
            from appliance.metrics.gather import Gatherer  # noqa: PLC0415 - at the first scrape

            context = self._context
            self._gatherer = Gatherer(context.config, context.journal, context.meter, self._feed.snapshot)
        return await self._gatherer.scrape(accept)

    def _families(self) -> Iterable[Family]:
        yield from wire_families("sign", (book.wire(name) for name, book in self._signs.items()))
        yield from wire_families("led", (run.book.wire(run.chain.name) for run in self._runs))
        if self._beacons is not None:
            yield from wire_families("beacon", (run.book.wire(name) for name, run in self._beacons.runs.items()))
        behind = self._context.journal.head().seq - self._view.seq
        yield gauge("callfloor_journal_reader_behind_events", "Events that a reader of the journal has not read yet.",
                    [({"reader": "wallboard"}, behind)])  # fmt: skip
        yield count("callfloor_journal_undecodable_rows", "Rows of the journal that could not be read.",
                    [({"reader": "wallboard"}, self._view.undecodable)])  # fmt: skip
        if self._server is None:
            return
        hub, gate = self._feed.hub, self._server.gate
        yield gauge("callfloor_board_clients", "Boards that follow the stream.", [({}, len(hub))])
        yield count("callfloor_board_clients_dropped", "Boards cut off because they were too slow.", [({}, hub.dropped)])
        yield count("callfloor_board_events", "Stream events sent.", [({}, hub.sent)])
        yield count("callfloor_board_sent_bytes", "Bytes of stream events, over all boards.", [({}, hub.bytes)])
        yield count("callfloor_board_connections_refused", "Connections cut: too many, or silent.",
                    [({}, None if gate is None else gate.refused + gate.silent)])  # fmt: skip
        yield count("callfloor_board_wrong_tokens", "Wrong tokens shown.", [({}, self._server.guard.guesses.wrong)])
