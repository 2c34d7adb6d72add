"""Decides who a caller is: the face of the directory for every service, which opens it to read and never waits for a sync.

Without a file everybody is unknown; one that appears later is found by itself. A file that cannot be read is told once, and everybody is
unknown until it can: a call must be shown and sent on whatever becomes of the cards. The do-not-call list is the other way round: what
cannot be read may not be dialled by.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from appliance.core.config import Config
from appliance.core.directory_card import Card, held_from_bytes
from appliance.core.directory_reader import CARDS_FILE, Books, Reader, Row
from appliance.core.do_not_call import LIST_FILE, DoNotCall
from appliance.core.e164 import e164, key_of
from appliance.core.emergency import country_of
from appliance.core.errors import CallfloorError

__all__ = ["Card", "Directory", "country_from", "directory_path"]

_log = logging.getLogger(__name__)
_SHARING_MOST: Final = 10
#: So many customers of one number are asked whether they may be called: a number of more is a clerk's *none*, and nobody is called by it.
_LOOKED_MOST: Final = 1_000


def directory_path(config: Config) -> Path:
    """Where the box keeps it: beside the journal."""
    return config.journal.path.with_name(CARDS_FILE)


def country_from(config: Config) -> str | None:
    """Whose way of dialling numbers without `+` are meant in."""
    return config.directory.country or config.commands.country or country_of(config.site.timezone)


class Directory:
    """The directory as of now, for one thread."""

    def __init__(self, path: Path, *, country: str | None = None, vip: tuple[str, ...] = ("vip",)) -> None:
        """Nothing is opened before it is asked. `vip`: the segments, in any case."""
        self._country = country
        self._vip = frozenset(segment.casefold() for segment in vip)
        self._reader = Reader(path)
        self._list = DoNotCall(path.with_name(LIST_FILE))
        self._told = ""

    @classmethod
    def open(cls, config: Config) -> Directory:
        """The box's own. Never raises."""
        return cls(directory_path(config), country=country_from(config), vip=config.directory.vip)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def lookup(self, number: str | None) -> Card | None:
        """Who has this number, as the PBX spells it; None: nobody that is known. Never raises and never waits for a writer."""
        # Asked first, so that a box without a directory never loads the rules of countries.
        found = self.e164(number) if self._reader.is_there else None
        if found is None:
            return None
        try:
            rows = self._reader.cards(key_of(found), _SHARING_MOST)
            card = self._card(found, rows) if rows else None
        except CallfloorError as fault:
            self._tell(str(fault))
            return None
        self._told = ""
        return card

    def e164(self, number: str | None) -> str | None:
        """The number as `+` and digits by this box's country; None for what is none."""
        return e164(number, self._country) if number else None

    def is_do_not_call(self, number: str) -> bool:
        """Whether it may not be dialled: it is on the list, or one of those who have it is marked so.

        Raises TransientError, CorruptError or UnsupportedError where there is a list, or cards, and they cannot be read.
        """
        found = self.e164(number)
        if found is None:
            return False
        key = key_of(found)
        if self._list.has(key):
            return True
        rows = self._reader.cards(key, _LOOKED_MOST + 1)
        return len(rows) > _LOOKED_MOST or any(held_from_bytes(row.body).do_not_call for row in rows)

    @property
    def has_do_not_call(self) -> bool:
        """Whether anything here could tell: a do-not-call list, be it empty, or customers' cards."""
        return self._list.is_there or self._reader.is_there

    @property
    def fault(self) -> str:
        """Why the last question could not be answered; "" when it was."""
        return self._told

    @property
    def version(self) -> int | None:
        """The version that it is at; None: there is no directory, or it cannot be read."""
        books = self.books()
        return None if books is None else books.version

    @property
    def entries(self) -> int:
        """How many customers it holds."""
        books = self.books()
        return 0 if books is None else books.entries

    def close(self) -> None:
        """Let go of the files; the next question opens them again."""
        self._reader.close()
        self._list.close()

    def books(self) -> Books | None:
        """Where it stands; None: there is none, or it cannot be read. Never raises."""
        try:
            return self._reader.books()
        except CallfloorError as fault:
            self._tell(str(fault))
            return None

    def _card(self, number: str, rows: list[Row]) -> Card:
        row = rows[0]
        held = held_from_bytes(row.body)
        return Card(
            customer=row.customer,
            number=number,
            name=held.name,
            segment=held.segment,
            language=held.language,
            last_case=held.last_case,
            do_not_call=any(held_from_bytes(each.body).do_not_call for each in rows),
            vip=held.segment is not None and held.segment.casefold() in self._vip,
            version=row.version,
            sharing=len(rows),
        )

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.warning("the directory cannot be read, callers are unknown meanwhile: %s", text)
