"""Decides after a fault whether the box kept its word: the account balances, the consumer has every event once, the board told the truth.

One judge for all faults and all rounds of a run; pure: it is handed what was seen and says what is wrong with it. Times are seconds
of a clock that never steps, unless their name says otherwise.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import Any

import msgspec

#: How far the board may be behind the truth.
BOARD_S = 2.0
#: The moments between a look's question and our noting of it.
SLACK_S = 0.25
#: What ended a wait is told by a later message of the PBX; an ending waits for it so long (gateway/pbx/visits.py).
HELD_BACK_S = 2.3
#: The PBX tells waits in whole seconds, and a visit that was found waiting is as exact as that.
TOLD_S = 2.0
#: What the account is made of, as the journal and as the board name it.
PARTS = ("delivered", "waiting", "shed", "skipped")


class Truth(msgspec.Struct, frozen=True):
    """Who waited at the simulated PBX since the look before: the least and the most, and the longest wait likewise; how many waits ended."""

    at_s: float
    waiting: tuple[int, int]
    longest_s: tuple[float, float]
    ended: int


class Books(msgspec.Struct, frozen=True):
    """The journal's account at a moment."""

    at_s: float
    recorded: int
    delivered: int
    waiting: int
    shed: int
    skipped: int


class Look(msgspec.Struct, frozen=True):
    """The board's document: when it was asked for, when it came, what of it is judged. `fresh` and `pbx` as the board says them."""

    asked_s: float
    came_s: float
    fresh: str
    waiting: int | None
    longest_s: float | None
    crm: dict[str, Any]
    red: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """A row of the journal that is due, with what it says."""

    seq: int
    n: int
    kind: str
    data: dict[str, Any]


class Span(msgspec.Struct, frozen=True):
    """From when to when something was so, as whoever did it knows."""

    from_s: float
    to_s: float


class Seen(msgspec.Struct):
    """Everything seen of one round. `blind`: the board may know nothing of the PBX; `down`: the link to the CRM cannot be up."""

    rows: list[Row]
    received: list[dict[str, Any]]
    books: list[Books]
    looks: list[Look]
    truths: list[Truth]
    blind: list[Span] = []
    down: list[Span] = []
    #: How much longer than `BOARD_S` the board may take, as on a slow disk.
    slower_s: float = 0.0


class Judge:
    """Remembers from round to round what came and what was announced. `faults` of a round are sentences; none: it was well."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self._due: dict[int, Row] = {}
        self._came: dict[str, bytes] = {}
        self._numbers: dict[int, str] = {}
        self._gone: set[int] = set()
        self._last: Books | None = None
        self.last_n = 0
        self.doubles = 0
        self.compared = 0

    @property
    def missing(self) -> list[int]:
        """Delivery numbers that were recorded, did not come and were not announced."""
        return [n for n in self._due if n not in self._numbers and n not in self._gone]

    def faults(self, seen: Seen) -> list[str]:
        """Judge one round."""
        found = [*self._journal(seen.rows), *self._consumer(seen.received), *self._books(seen.books)]
        found += [f"event {n} ({self._due[n].kind}) never came and no gap was announced" for n in self.missing]
        for n in [n for n in self._due if n in self._numbers or n in self._gone]:
            found += self._same(self._due.pop(n))
        return found + self._board(seen)

    def _journal(self, rows: list[Row]) -> list[str]:
        found = []
        for row in rows:
            if row.n != self.last_n + 1:
                found.append(f"delivery numbers are not dense: {row.n} follows {self.last_n}")
            self.last_n = row.n
            self._due[row.n] = row
            if row.kind == "journal.gap" and row.data.get("to") is not None:
                self._gone.update(range(row.data["from"], row.data["to"] + 1))
            if row.kind == "journal.skipped":
                self._gone.add(row.data["n"])
        return found

    def _consumer(self, received: list[dict[str, Any]]) -> list[str]:
        found = []
        for event in received:
            same = msgspec.json.encode({key: value for key, value in event.items() if key != "late"})
            known = self._came.setdefault(event["id"], same)
            n = int(event["delivery"])
            if known is not same:
                self.doubles += 1
                if known != same:
                    found.append(f"one id, two events: {event['id']}")
                continue
            if n in self._numbers:
                found.append(f"number {n} came under two ids: {self._numbers[n]} and {event['id']}")
            elif self._numbers and n < max(next(reversed(self._numbers)), 0):
                found.append(f"out of order: {n} came for the first time after {next(reversed(self._numbers))}")
            self._numbers[n] = event["id"]
        return found

    def _same(self, row: Row) -> list[str]:
        """The event that came under this row's number is this row."""
        name = self._numbers.get(row.n)
        if name is None:
            return []
        event = msgspec.json.decode(self._came[name])
        if (event["id"], event["type"], event["data"]) == (f"{self.epoch}-{row.seq}", f"callfloor.{row.kind}.v1", row.data):
            return []
        return [f"event {row.n} is not what was recorded: {event['id']} {event['type']}, recorded row {row.seq} {row.kind}"]

    def _books(self, books: list[Books]) -> list[str]:
        found = []
        for now in books:
            if self._last is not None and now.at_s <= self._last.at_s:
                continue  # judged with the round before
            parts = [getattr(now, part) for part in PARTS]
            if now.recorded != sum(parts) or min(parts) < 0:
                found.append(f"the account does not balance: {now}")
            last = self._last
            if last is not None and (now.recorded < last.recorded or now.delivered < last.delivered or now.skipped < last.skipped):
                found.append(f"the account went back: {now} after {last}")
            self._last = now
        return found[:5]

    def _board(self, seen: Seen) -> list[str]:
        found: list[str] = []
        books, truths = [b.at_s for b in seen.books], [t.at_s for t in seen.truths]
        for look in seen.looks:
            crm = look.crm
            if crm.get("recorded") is not None and crm["recorded"] != crm["delivered"] + crm["backlog"] + crm["shed"] + crm["skipped"]:
                found.append(f"the board's account does not balance: {crm}")
            from_s, to_s = look.asked_s - BOARD_S - seen.slower_s, look.came_s + SLACK_S
            near = _within(seen.books, books, from_s, to_s)
            # Both ends of the time must have been looked at: otherwise nobody can say what was true in it.
            if near and crm.get("backlog") is not None:
                # Between two looks of ours no count went back: all that can have waited lies between these.
                pairs = list(pairwise(near))
                least = min(a.recorded - (b.recorded - b.waiting) for a, b in pairs)
                most = max(b.recorded - (a.recorded - a.waiting) for a, b in pairs)
                if not least <= crm["backlog"] <= most:
                    found.append(
                        f"the board's backlog is {crm['backlog']}; it was {least} to {most} ({_told(near)}; asked {look.asked_s:.2f})"
                    )
            if crm["state"] in {"up", "draining"} and any(s.from_s + BOARD_S < look.asked_s and look.came_s < s.to_s for s in seen.down):
                found.append(f"the board says the link is {crm['state']} while it cannot be")
            found += self._floor(look, _within(seen.truths, truths, from_s, to_s), seen)
        return found[:8]

    def _floor(self, look: Look, near: list[Truth], seen: Seen) -> list[str]:
        if look.red and {"disk", "journal"} & set(look.red):
            return []  # it says itself that nothing is recorded
        if look.fresh != "live":
            if not any(s.from_s <= look.came_s and look.asked_s - BOARD_S - seen.slower_s <= s.to_s for s in seen.blind):
                return [f"the board says {look.fresh} though the PBX was in sight"]
            return []
        for span in seen.blind:
            if span.from_s + BOARD_S + seen.slower_s < look.asked_s and look.came_s < span.to_s - BOARD_S:
                return ["the board says live though the PBX was out of sight"]
            if span.from_s - BOARD_S < look.came_s and look.asked_s < span.to_s + BOARD_S:
                return []
        if len(near) < 3 or look.waiting is None:
            return []
        self.compared += 1
        found = []
        least, most = min(t.waiting[0] for t in near), max(t.waiting[1] for t in near)
        most += sum(t.ended for t in near if t.at_s > look.asked_s - HELD_BACK_S)
        if not least <= look.waiting <= most:
            found.append(f"the board says {look.waiting} wait; it was {least} to {most}")
        longest_s = look.longest_s or 0.0
        least_s, most_s = min(t.longest_s[0] for t in near), max(t.longest_s[1] for t in near)
        if not least_s - TOLD_S <= longest_s <= most_s + TOLD_S:
            found.append(f"the board says {longest_s:.1f} s is the longest wait; it was {least_s:.1f} to {most_s:.1f}")
        return found


def _within(things: list[Any], times: list[float], from_s: float, to_s: float) -> list[Any]:
    """Those of a time and the ones just before and after it; none unless looks reach beyond both of its ends."""
    if not times or times[0] > from_s or times[-1] < to_s:
        return []
    return things[bisect_right(times, from_s) - 1 : bisect_left(times, to_s) + 1]


def _told(near: list[Books]) -> str:
    """The last of the account before and after: what a person wants to see of a disagreement."""
    return f"last at {near[-1].at_s:.2f}: {near[-1].waiting} of {near[-1].recorded}"
