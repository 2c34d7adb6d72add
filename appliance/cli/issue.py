"""How a verb gives the box commands through its journal, and waits for their ends: as `callfloor send` and `callfloor ack` do."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS, Clock, rfc3339
from appliance.core.command import digest_of
from appliance.core.event import Event, stored_from_body
from appliance.core.journal import BATCH, PAGE
from appliance.core.journal_sqlite import SqliteJournal

_POLL_S: Final = 0.05
_MOST_S: Final = 86_400.0


def seconds(text: str) -> float:
    """How long to wait, as an argument's type. Raises argparse.ArgumentTypeError.

    >>> seconds("0.5")
    0.5
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MOST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no wait; write seconds, 0 to {_MOST_S:g}")
    return value


def command_from_args(
    verb: str, args: dict[str, Any], clock: Clock, *, expires_s: float | None = None, name: str | None = None
) -> CommandReceived:
    """A command of the box itself, under a new id unless it has a `name`; with `expires_s` it is not carried out later than that."""
    return CommandReceived(
        id=name or f"local-{os.urandom(6).hex()}",
        verb=verb,
        args=args,
        expires=rfc3339(clock.wall_ns() + round(expires_s * NS)) if expires_s is not None else None,
        by="local",
        digest=digest_of(verb, args),
    )


def append(journal: SqliteJournal, clock: Clock, commands: Sequence[CommandReceived]) -> int:
    """Give them to the box, 500 at a time; returns the row behind which all their ends will stand. Raises FullError."""
    wall_ns, mono_ns = clock.wall_ns(), clock.mono_ns()
    events = [Event("command.received", "cli/send", wall_ns, mono_ns, clock.boot, clock.quality(), each) for each in commands]
    return min(journal.append(events[at : at + BATCH]) for at in range(0, len(events), BATCH))


def ends(journal: SqliteJournal, ids: Iterable[str], after: int, wait_s: float) -> dict[str, CommandFinished]:
    """The ends of these commands as far as they came within `wait_s`, looked for behind row `after`."""
    missing, found = set(ids), dict[str, CommandFinished]()
    end_s = time.monotonic() + wait_s
    while True:
        page = journal.read(after)
        for row in page:
            after = row.seq
            if row.body.startswith(b'{"k":"command.finished'):
                finished = msgspec.json.decode(stored_from_body(row.body).data, type=CommandFinished)
                if finished.id in missing:
                    found[finished.id] = finished
        if len(found) == len(missing) or (len(page) < PAGE and time.monotonic() > end_s):
            return found
        if len(page) < PAGE:
            time.sleep(_POLL_S)
