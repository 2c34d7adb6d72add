"""Decides how a file of customers becomes the directory: added to what is held, or in its place, in one go or not at all.

Without a version nobody knows how old a file is: its cards take the place of those that are held, but who was deleted stays deleted. With
one, cards that are newer than the file stay. A file in the place of all that is held answers at its end, like a full load over MQTT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from appliance.core.directory_card import Filed, card_from, filed_from
from appliance.core.directory_store import Cards
from appliance.core.e164 import e164
from appliance.core.errors import MisconfiguredError
from appliance.directory.table import Line, Table

_BATCH: Final = 1_000
_TOLD_MOST: Final = 20


class Fault(Struct, frozen=True):
    """What of a line was not taken; `whole`: nothing of it."""

    line: int
    reason: str
    whole: bool


class Loaded(Struct, kw_only=True):
    """What became of a file. `older`: cards that are held in a newer version; `deleted`: customers who were deleted or forgotten since."""

    lines: int = 0
    filed: int = 0
    older: int = 0
    deleted: int = 0
    faulty_lines: int = 0
    faulty_numbers: int = 0
    faults: list[Fault] = []
    version: int = 0
    entries: int = 0

    def fault(self, line: int, reason: str, *, whole: bool) -> None:
        """Note one."""
        if whole:
            self.faulty_lines += 1
        if len(self.faults) < _TOLD_MOST:
            self.faults.append(Fault(line, reason, whole))


class Load:
    """One file on its way. Raises what the store raises, and MisconfiguredError for a file that holds no customer."""

    def __init__(self, table: Table, country: str | None, most: int, progress: Callable[[int], None] = lambda at: None) -> None:
        self._table, self._country, self._most, self._progress = table, country, most, progress
        self.told = Loaded()

    def dry(self) -> Loaded:
        """Read it whole and file nothing."""
        for batch in self._batches():
            self.told.filed += len(batch)
        return self.told

    def add(self, cards: Cards, version: int | None, wall_ns: int) -> Loaded:
        """Add it to what is held, a thousand at a time: who is interrupted does it again.

        The version is the file's once all of it is there: the CRM goes on from what the box says that it has.
        """
        with cards.turn():
            before = cards.books()
            for batch in self._batches():
                with cards.writing():
                    held = cards.books()
                    if held.entries + len(batch) > self._most:
                        self._bound(held.entries + cards.unknown(batch))
                    at = held.version if version is None else version
                    self._count(cards.upsert(batch, at, newest=False, as_of=version or 0))
            if self.told.lines > self.told.faulty_lines:
                with cards.writing():
                    cards.note(max(before.version, version or 0), wall_ns)
            return self._done(cards)

    def replace(self, cards: Cards, version: int | None, wall_ns: int) -> Loaded:
        """Put it in the place of all that is held. Interrupted, nothing has changed."""
        with cards.turn():
            at = cards.books().version if version is None else version
            with cards.writing():
                cards.begin_load(at)
            try:
                for batch in self._batches():
                    with cards.writing():
                        self._bound(self.told.filed + len(batch))
                        self._count(cards.load(batch, at))
                if not self.told.filed:
                    raise MisconfiguredError(f"{self._table.path} holds no customer that can be taken: all that is held stays")
                with cards.writing():
                    cards.end_load(at, wall_ns)
            except BaseException:
                with cards.writing():
                    cards.give_up_load()
                raise
            with cards.writing():
                cards.drop_old()
            return self._done(cards)

    def _batches(self) -> Iterator[list[Filed]]:
        batch: list[Filed] = []
        for line in self._table.lines():
            self.told.lines += 1
            card = self._filed(line)
            if card is not None:
                batch.append(card)
            if len(batch) >= _BATCH:
                self._progress(self._table.at)
                yield batch
                batch = []
        if batch:
            yield batch

    def _filed(self, line: Line) -> Filed | None:
        if line.fault is not None:
            self.told.fault(line.number, line.fault, whole=True)
            return None
        raw = line.card
        if isinstance(raw, dict):
            if "number" in raw and "numbers" not in raw:
                raw = {**raw, "numbers": [raw["number"]]}
            if "customer" not in raw:  # a list of numbers and names: the number is who he is
                whole = [number for text in raw.get("numbers") or () if isinstance(text, str) and (number := e164(text, self._country))]
                raw = {**raw, "customer": whole[0]} if whole else raw
        try:
            card, bad = filed_from(card_from(raw), self._country)
        except ValueError as fault:
            self.told.fault(line.number, str(fault), whole=True)
            return None
        self.told.faulty_numbers += bad
        if not card.held.numbers:
            self.told.fault(line.number, "no number: none at all, or only with letters, too short or too long", whole=True)
            return None
        if bad:
            self.told.fault(line.number, f"numbers left out, for they are none (letters, too short, too long): {bad}", whole=False)
        return card

    def _bound(self, entries: int) -> None:
        if entries > self._most:
            raise MisconfiguredError(f"more than {self._most} customers: raise [directory] max_entries, or import fewer")

    def _count(self, told: dict[str, int]) -> None:
        self.told.filed += told["filed"]
        self.told.older += told["older"]
        self.told.deleted += told["deleted"]

    def _done(self, cards: Cards) -> Loaded:
        books = cards.books()
        self.told.version, self.told.entries = books.version, books.entries
        return self.told
