"""The journal among its peers: one process that appends, one that opens what is left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from appliance.core.errors import CallfloorError
from appliance.core.event import stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from tests.bench.ledger import ACCEPTED, REFUSED, Ledger, number_from, paced
from tests.bench.work import event
from tests.bench.worker import heard, tell

#: Where nobody paces, events come in such lumps, as they do from a source that is behind.
_LUMP = 50


def writer(folder: str, ledger: str, count: int, rate: float) -> None:
    """Child: append, and write down what `append` said."""
    journal = SqliteJournal.open(Path(folder) / "journal.db")
    journal.upkeep()
    book = Ledger(ledger, count)
    now_ns = time.time_ns()
    lump: list[int] = []
    tell("ready")
    for number in paced(count, rate):
        lump.append(number)
        if rate or len(lump) == _LUMP or number == count - 1:
            try:
                journal.append([event(each, now_ns) for each in lump])
                said = ACCEPTED
            except CallfloorError:
                said = REFUSED
            for each in lump:
                book.note(each, said)
            lump.clear()
    book.end()
    heard()
    journal.close()


def reader(folder: str) -> dict[str, Any]:
    """Child: from opening to the first event in hand, then all that is there."""
    began = time.perf_counter()
    journal = SqliteJournal.open(Path(folder) / "journal.db")
    rows = journal.read(0)
    took_s = time.perf_counter() - began
    numbers, after = [], 0
    while rows:
        numbers += [number_from(row.body) for row in rows if stored_from_body(row.body).kind.startswith("call.")]
        after = rows[-1].seq
        rows = journal.read(after)
    faults = journal.check()
    journal.close()
    return {"numbers": numbers, "seconds": took_s if numbers else None, "faults": faults}
