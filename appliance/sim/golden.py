"""Decides what the golden stream of a simulated day is: the events that a box would send its CRM, as a file that is always the same.

A whole box runs on the simulated floor in the model's time; its journal's name, its start and its jitter come from the seed. So one seed
gives one file, byte by byte, within a version: a consumer can be tested against it without a broker, and without a box.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from appliance.core.catalogue import JournalStarted
from appliance.core.clock import NS
from appliance.core.config import Config, Crm
from appliance.core.due import due_from_config
from appliance.core.event import Event
from appliance.core.journal_memory import MemoryJournal
from appliance.sim.floor_scenario import Headsets, Scenario, seconds_of
from appliance.sim.floor_stage import BOX, SITE, Stage, begins_ns, on_stage
from appliance.sim.model_time import ModelLoop
from gateway.uplink.envelope import Envelope
from gateway.uplink.topic import Topics

#: Told now and then: the time of day, events so far.
Progress = Callable[[str, int], object]
_LOOK_S = 1800.0


class SeededJournal(MemoryJournal):
    """A journal in memory whose name comes from a seed."""

    def __init__(self, seed: int, scenario: Scenario) -> None:
        # The embedded CRM is named only so that the rule of what is due is the usual one.
        super().__init__(due=due_from_config(Config(crm=Crm(url="mqtt://127.0.0.1"))))
        self._epoch = hashlib.sha256(f"{scenario.title}/{scenario.day}/{seed}".encode()).hexdigest()[:10]


def golden(
    scenario: Scenario, *, seed: int, folder: Path, until: str | None = None, progress: Progress = lambda _at, _n: None
) -> Iterator[bytes]:
    """The lines of a golden stream: one CloudEvent each, in order, without its line end. `folder`: for the box's files.

    Headsets are left out: what several tell in one moment has no order.
    """
    scenario = replace(scenario, headsets=Headsets())
    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        journal, last = runner.run(_played(scenario, seed, folder, until, progress))
    envelope = Envelope(Topics(SITE, BOX), journal.epoch)
    after = 0
    while page := journal.read(after):
        for entry in page:
            if entry.n is not None and entry.seq <= last:
                yield envelope.event(entry, late=False)[1]
        after = page[-1].seq


async def _played(scenario: Scenario, seed: int, folder: Path, until: str | None, progress: Progress) -> tuple[MemoryJournal, int]:
    """The journal, and its last row of the day: what comes after it is the end of the play."""
    journal = SeededJournal(seed, scenario)
    zero_ns = begins_ns(scenario)
    begun = Event("journal.started", "box/journal", zero_ns, 1_000 * NS, "model", "synced", JournalStarted())
    journal.append([begun])
    begins_s, ends_s = seconds_of(scenario.begins), seconds_of(until or scenario.ends)
    async with on_stage(scenario, seed=seed, folder=folder, journal=journal) as stage:
        at_s = 0.0
        while at_s < ends_s - begins_s:
            at_s = min(at_s + _LOOK_S, float(ends_s - begins_s))
            await stage.until(stage.zero_ms + round(at_s * 1000))
            whole = begins_s + round(at_s)
            progress(f"{whole // 3600:02d}:{whole // 60 % 60:02d}", journal.head().n)
        _exact(stage)
        last = journal.head().seq
    return journal, last


def _exact(stage: Stage) -> None:
    if stage.loop.hurried:
        raise RuntimeError("this machine was too slow to be exact; make the golden stream on one that is less busy")


def write(lines: Iterator[bytes], path: Path) -> int:
    """Write a stream; packed with gzip where the name says so, and the same bytes each time. How many events. Raises OSError."""
    text = b"".join(line + b"\n" for line in lines)
    if path.suffix == ".gz":
        packed = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
            file.write(text)
        path.write_bytes(packed.getvalue())
    else:
        path.write_bytes(text)
    return text.count(b"\n")


def numbers_of(lines: Iterator[bytes]) -> list[int]:
    """The delivery numbers of a stream, in its order."""
    return [int(msgspec.json.decode(line)["delivery"]) for line in lines]
