"""Decides what one process of the box tells of itself, and lets it be asked while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from appliance.core.config import Config
from appliance.core.journal import Journal
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.meter import Family, Meter, count
from appliance.metrics import own
from appliance.metrics.line import Voices, open_line


@asynccontextmanager
async def answering(
    run_dir: Path, names: Sequence[str], meter: Meter, journal: SqliteJournal, posts: Sequence[own.Fares]
) -> AsyncIterator[None]:
    """Answer for this process, which runs these services, while the block runs."""
    process = "-".join(names)
    meter.ask("process", lambda: own.of_process(process))
    meter.ask("services", lambda: own.of_services(posts))
    meter.ask("journal", of_writer(process, journal))
    async with open_line(run_dir, process[:64], Voices(meter)):
        yield


def of_writer(process: str, journal: SqliteJournal) -> Callable[[], Iterable[Family]]:
    """How long this process's appends and commits take."""
    tickets, pace = journal.instruments
    one = {"process": process}

    def figures() -> Iterable[Family]:
        text = "From an append to its being durable, as the service has it."
        yield Family("callfloor_journal_append_seconds", "histogram", text, (tickets.took.sample(one),), tickets.took.bounds)
        text = "One commit, with what the disk makes of it."
        yield Family("callfloor_journal_commit_seconds", "histogram", text, (pace.took.sample(one),), pace.took.bounds)
        text = "Appends refused because too many waited for the disk already."
        yield count("callfloor_journal_refused_appends", text, [(one, tickets.refused.value)])

    return figures


def listeners_of(config: Config, journal: Journal, meter: Meter) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """What one process of the box is to run beside its services: the listener of `[metrics]`."""
    if config.metrics.listen is None:
        return []
    from appliance.metrics.gather import Gatherer  # noqa: PLC0415 - a box that nobody scrapes so starts without it
    from appliance.metrics.listener import MetricsListener  # noqa: PLC0415

    return [MetricsListener(config, Gatherer(config, journal, meter)).run]
