"""Decides how one caller's number is forgotten: in every event that is held, in any spelling, while services run.

A mark that was drawn by lot takes its place, so that nothing leads back to it; rows keep their places and numbers, and figures stay as
they are. What the CRM has not got yet stays as it is, unless that is asked for too. What was due to the CRM is named to it by
`privacy.forgotten`, for its own copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.callers import LEAST_DIGITS, MARK, Marks, changed, digits_of, new_mark, same_number
from appliance.core.catalogue import PrivacyForgotten
from appliance.core.errors import MisconfiguredError
from appliance.core.event import Entry, stored_from_body
from appliance.core.journal_sqlite import SqliteJournal

#: A page of the walk; writers wait for so long.
_PAGE: Final = 500


class Forgotten(Struct, frozen=True, kw_only=True):
    """What was done: rows changed, which of them (by delivery number) the CRM has or may have, how many wait for it and kept the number."""

    mark: str
    events: int
    deliveries: tuple[int, ...]
    waiting: int
    #: The number's digits as they stood, or a mark that stood for it, and how often; never for a log.
    spellings: dict[str, int]


class Forget:
    """One number, looked for row by row. Raises MisconfiguredError for what is no number."""

    def __init__(self, number: str, salt: Path | None = None, *, force: bool = False, dry: bool = False, mark: str | None = None) -> None:
        self._digits = digits_of(number)
        if len(self._digits) < LEAST_DIGITS:
            raise MisconfiguredError(f"{number!r} has fewer than {LEAST_DIGITS} digits and is no caller's number")
        self._force, self._dry = force, dry
        self._old = Marks(salt.read_bytes()).of_spellings(self._digits) if salt is not None and salt.exists() else frozenset()
        self.mark = mark or new_mark()
        self._events, self._waiting = 0, 0
        self._deliveries: list[int] = []
        self._spellings: dict[str, int] = {}

    def change(self, entry: Entry, delivered: bool) -> bytes | None:
        """The body that takes the place of a row's; None where it stays. `delivered`: the CRM has it, or is not to have it."""
        try:
            body = changed(stored_from_body(entry.body), self._mark, everywhere=True)
        except msgspec.DecodeError:
            return None
        if body is None:
            return None
        if not delivered and not self._force:
            self._waiting += 1
            return None
        self._events += 1
        if entry.n is not None:  # also one that is forced: it may be on its way already
            self._deliveries.append(entry.n)
        return None if self._dry else body

    def walk(self, journal: SqliteJournal, progress: Callable[[int], None]) -> Forgotten:
        """Look at every row once. `progress` is told the last one. Raises what the journal raises; what is done by then stays done."""
        at, last = 0, -1
        while at != last:
            last, at = at, self._page(journal, at)
            progress(at)
        return Forgotten(
            mark=self.mark,
            events=self._events,
            deliveries=tuple(self._deliveries),
            waiting=self._waiting,
            spellings=self._spellings,
        )

    def _page(self, journal: SqliteJournal, after: int) -> int:
        """One page behind a row, while nobody writes; returns its last row."""
        cursor = journal.cursor("uplink")
        with journal.locked_store() as store:
            settled = cursor.n if cursor.epoch == store.epoch else 0
            page = store.asked(lambda store: store.read(after, _PAGE))
            changes = ((self.change(entry, entry.n is None or entry.n <= settled), entry.seq) for entry in page)
            rows = [(body, seq) for body, seq in changes if body is not None]
            if rows:
                store.asked(lambda store: store.purge(rows, page[-1].seq, {}, "forgotten_to"))
        return page[-1].seq if page else after

    def _mark(self, digits: str) -> str | None:
        hit = digits in self._old if MARK.fullmatch(digits) else same_number(digits, self._digits)
        if not hit:
            return None
        self._spellings[digits] = self._spellings.get(digits, 0) + 1
        return self.mark


def told(mark: str, deliveries: Sequence[int]) -> Iterable[PrivacyForgotten]:
    """What the CRM is told: which of the events that it has held the number. None where it has none."""
    for at in range(0, len(deliveries), _PAGE):
        yield PrivacyForgotten(mark=mark, deliveries=tuple(deliveries[at : at + _PAGE]))
