"""Analog lines while the journal takes nothing: what fits in memory is told in order later, and what does not makes nothing abandoned."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from lines_rig import Site, Watching, floor_of, in_sight, of, told
from wire_rig import until

from appliance.core.clock import SystemClock
from appliance.core.errors import FullError
from appliance.core.event import Event
from appliance.core.journal_memory import MemoryJournal
from appliance.outbox import Outbox
from appliance.service import Context
from gateway.fxo.service import AnalogLines


class Full(MemoryJournal):
    """A real journal in memory whose disk is full while `full` is set."""

    full = False

    async def appended(self, events: Sequence[Event], advance: tuple[str, int] | None = None) -> int:
        if self.full:
            text = "no room"
            raise FullError(text)
        return await super().appended(events, advance)


async def a_call_while_full(folder: Path, journal: Full, most_held: int) -> Site:
    """A call that rings is answered while nothing can be recorded, and much goes on on another line; then another comes."""
    site = Site(folder, lines=2)
    site.plug()
    outbox = Outbox(journal, max_events=most_held, retry_s=0.1)
    lines = AnalogLines(
        Context(site.config, journal, SystemClock(), Watching(), "gateway"), outbox, lambda _name, _sight: None, most_held=most_held
    )  # fmt: skip
    tasks = [asyncio.create_task(life) for life in (outbox.run(), lines.run())]
    try:
        await in_sight(journal)
        first, second = (lines.sources[name].lines[0] for name in ("l1", "l2"))
        async with site.ringing("l1"):
            await told(journal, "call.queued")
            journal.full = True
            site.hook("l1", True)
            await until(lambda: first.state == "in_use")
        for _ in range(16):  # people call out on the other line meanwhile
            site.hook("l2", True)
            await until(lambda: second.state == "in_use")
            site.hook("l2", False)
            await until(lambda: second.state == "idle")
        site.hook("l1", False)
        await until(lambda: first.state == "idle")
        journal.full = False
        await told(journal, "call.ended")
        async with site.ringing("l1"):
            await told(journal, "call.queued", 2)
            site.hook("l1", True)
            await told(journal, "call.answered", 2)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await outbox.finish()
    return site


async def test_what_fits_in_memory_is_told_later(tmp_path: Path) -> None:
    journal = Full()
    site = await a_call_while_full(tmp_path, journal, most_held=1000)
    today = floor_of(journal, site.config).queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned, today.unknown) == (2, 2, 0, 0)
    assert len(of(journal, "line.seized")) == 18


async def test_what_does_not_fit_is_closed_as_far_as_it_is_known(tmp_path: Path) -> None:
    """That the call was taken had still found room; that it ended had not."""
    journal = Full()
    site = await a_call_while_full(tmp_path, journal, most_held=8)
    today = floor_of(journal, site.config).queues["ventas"].today
    assert (today.offered, today.answered, today.abandoned, today.unknown, today.waiting) == (2, 2, 0, 0, 0)
    assert [each.inferred for each in of(journal, "call.ended")][:1] == [True]
    assert len(of(journal, "line.seized")) < 18


class Counting(Watching):
    """A runner that counts the signs of life."""

    turns = 0

    def progress(self) -> None:
        self.turns += 1


async def test_a_journal_that_stays_full_does_not_stop_the_signs_of_life(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal, watch, site = Full(), Counting(), Site(tmp_path, lines=1)
    site.plug()
    outbox = Outbox(journal, max_events=8, retry_s=0.1)
    lines = AnalogLines(
        Context(site.config, journal, SystemClock(), watch, "gateway"), outbox, lambda _name, _sight: None, most_held=8
    )  # fmt: skip
    tasks = [asyncio.create_task(life) for life in (outbox.run(), lines.run())]
    try:
        await in_sight(journal)
        line = lines.sources["l1"].lines[0]
        journal.full = True
        off = False
        while "not recorded" not in caplog.text:  # until memory has no room for more, and nothing happens after that
            off = not off
            site.hook("l1", off)
            await until(lambda wanted="in_use" if off else "idle": line.state == wanted)  # type: ignore[misc]
        before = watch.turns
        await until(lambda: watch.turns >= before + 4)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
