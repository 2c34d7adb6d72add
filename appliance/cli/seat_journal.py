"""Decides what verbs know of the headsets at the seats from the box's own service: its events in the journal, and whether it lives."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import DecodeError

from appliance.cli.access import as_owner
from appliance.cli.terminal import Progress
from appliance.core.alive import is_alive
from appliance.core.catalogue import event_from_stored
from appliance.core.config import Config
from appliance.core.errors import CallfloorError
from appliance.core.event import Entry, Event, stored_from_body
from appliance.core.journal import PAGE
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.floor.floor import Floor
from appliance.floor.snapshot import Headset

#: How a body begins that tells of headsets, or that what was told of them holds no more: others need not be decoded.
_WANTED: Final = (b'{"k":"headset.', b'{"k":"box.started"', b'{"k":"journal.pressure"')


class SeatJournal:
    """Follows the headset events of this box; those of seat boxes are left out. `fault`: why nothing can be known; None: it can."""

    def __init__(self, config: Config | None, run_dir: Path | None = None) -> None:
        """`run_dir`: where the services' locks are. Raises nothing."""
        self.fault: str | None = None
        self._journal: ReadonlyJournal | None = None
        self._run_dir = run_dir
        self._floor = Floor(config or Config())
        self._seq, self._first = 0, True
        if config is None:
            self.fault = "no configuration names a journal"
            return
        try:
            with as_owner(config.journal.path):  # not for good: only root sees who holds a device
                self._journal = ReadonlyJournal(config.journal.path, config.journal.run_dir)
            self._run_dir = run_dir or self._journal.run_dir
        except CallfloorError as fault:
            self.fault = str(fault)

    @property
    def is_watched(self) -> bool:
        """Whether the box's service looks at its headsets now."""
        return self._journal is not None and self._run_dir is not None and is_alive(self._run_dir, "headsets")

    def state(self, seat: str) -> Headset | None:
        """What the service knows of the seat now; None where it is dead, or the seat's device does not speak."""
        found = self._floor.headsets.shown((), linked=False).get(seat)
        return found if found is not None and found.fresh == "live" and self.is_watched else None

    def catch_up(self) -> list[Event]:
        """The headset events since the last call, oldest first. The first call takes all that the journal holds, and returns none of it."""
        out: list[Event] = []
        journal, first, self._first = self._journal, self._first, False
        if journal is None:
            return out
        progress = Progress("events looked through")
        while rows := self._page(journal):
            for row in rows:
                if row.body.startswith(_WANTED):
                    event = self._taken(row.seq, row.body)
                    if event is not None and not first:
                        out.append(event)
            self._seq = rows[-1].seq
            progress.at(self._seq)
        progress.end()
        return out

    def _page(self, journal: ReadonlyJournal) -> list[Entry]:
        with as_owner(journal.path):
            return journal.read(self._seq, PAGE)

    def close(self) -> None:
        """Let the journal go."""
        if self._journal is not None:
            self._journal.close()

    def _taken(self, seq: int, body: bytes) -> Event | None:
        """Fold one row; the event that it holds, if that is a headset's."""
        try:
            stored = stored_from_body(body)
            event = event_from_stored(stored) if stored.origin is None else None
        except DecodeError:
            return None  # `journal verify` tells of such rows
        if event is None:
            return None
        self._floor.apply(seq, event)
        return event if event.group == "headset" else None
