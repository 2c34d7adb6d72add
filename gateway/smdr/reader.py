"""Decides what a stream of lines means by one profile: headers passed over, wrapped and continued records put together, chains told.

Whatever does not fit is counted, never a reason to stop. A record that may be continued is held until the next line, or until `idle`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from msgspec import UNSET, Struct

from gateway.smdr.match import Found, find, merged, record_from
from gateway.smdr.moment import Dates
from gateway.smdr.profile import ReadyProfile
from gateway.smdr.record import CallRecord

#: A ruler, a page number alone: of every printer.
_RULER: Final = re.compile(r"[\s\-=_*+|.~]*|\s*(?:PAGE|Page|P[aá]gina)\s*:?\s*\d*\s*")
#: A record wrapped by a narrow printer is in so many pieces at most, and none but the last is shorter than that.
WRAPS: Final = 4
_WRAP_FROM: Final = 20
#: Calls passed on and not ended; a restarted PBX forgets its own.
_OPEN_CHAINS: Final = 256


class Counts(Struct):
    """What became of the lines. `unknown` are those that no kind of line of the profile is."""

    lines: int = 0
    records: int = 0
    events: int = 0
    headers: int = 0
    continued: int = 0
    wrapped: int = 0
    unknown: int = 0


class Reader:
    """One source, one profile. Feed it lines; it gives records."""

    def __init__(self, profile: ReadyProfile, dates: Dates) -> None:
        self.profile, self.dates = profile, dates
        self.counts = Counts()
        #: The newest lines that did not fit, for a person to look at.
        self.strange: list[str] = []
        self._holds = any(line.spec.continues for line in profile.lines)
        self._held: CallRecord | None = None
        self._pieces: list[str] = []
        self._open: dict[str, str] = {}

    def feed(self, text: str, now: datetime) -> list[CallRecord]:
        """The records that this line completes."""
        self.counts.lines += 1
        found = find(self.profile, text)
        if found is not None:
            self._drop_pieces()
            return self._take(found, text, now)
        if _RULER.fullmatch(text) or (self.profile.skip is not None and self.profile.skip.search(text)):
            self.counts.headers += 1
            self._drop_pieces()
            return []
        return self._wrapped(text, now)

    def idle(self) -> list[CallRecord]:
        """No line came for a while, or none will: what was held is complete."""
        self._drop_pieces()
        return self._release()

    def _take(self, found: Found, text: str, now: datetime) -> list[CallRecord]:
        line, fields = found
        if line.spec.day:
            self.counts.headers += 1
            self.dates.day_line(fields.get("date", ""), now)
            return []
        record = record_from(self.profile, found, text, self.dates, now)
        if line.spec.continues and self._held is not None:
            self.counts.continued += 1
            merged(self._held, record)
            return self._release() if line.spec.closes else []
        if line.spec.continues and record.is_call:
            record.event = text.strip()  # of a record that we have not seen
        out = self._release()
        self._chain(record)
        if self._holds and not line.spec.continues and (record.is_call or line.spec.begins):
            self._held = record
            return out
        return [*out, self._counted(record)]

    def _release(self) -> list[CallRecord]:
        record, self._held = self._held, None
        return [] if record is None else [self._counted(record)]

    def _counted(self, record: CallRecord) -> CallRecord:
        if record.is_call:
            self.counts.records += 1
        else:
            self.counts.events += 1
        return record

    def _wrapped(self, text: str, now: datetime) -> list[CallRecord]:
        """Whether this line and those before it that did not fit are one record in pieces."""
        for first in range(len(self._pieces)):
            pieces = [*self._pieces[first:], text]
            for joined in dict.fromkeys(("".join(pieces), " ".join(piece.strip() for piece in pieces))):
                found = find(self.profile, joined)
                if found is not None and not found[0].spec.continues:
                    self._drop_pieces(first)
                    self._pieces = []
                    self.counts.wrapped += 1
                    return self._take(found, joined, now)
        if len(text) < _WRAP_FROM:
            self._drop_pieces()
            self._strange(text)
        else:
            if len(self._pieces) >= WRAPS - 1:
                self._drop_pieces(1)
            self._pieces.append(text)
        return []

    def _drop_pieces(self, count: int | None = None) -> None:
        for piece in self._pieces[:count]:
            self._strange(piece)
        self._pieces = [] if count is None else self._pieces[count:]

    def _strange(self, text: str) -> None:
        self.counts.unknown += 1
        self.strange = [*self.strange[-9:], text.rstrip()]

    def _chain(self, record: CallRecord) -> None:
        chain = self.profile.spec.chain
        if chain is None or record.opened_by is not UNSET:
            return
        fields = record.fields
        kind, key, number = (fields.get(name, "") for name in (chain.by, chain.key, chain.number))
        if re.fullmatch(chain.opens, kind):
            while len(self._open) >= _OPEN_CHAINS:
                del self._open[next(iter(self._open))]
            self._open[key] = f"{kind} {number}"
        elif re.fullmatch(chain.closes, kind) and key in self._open:
            record.opened_by = self._open[key]
