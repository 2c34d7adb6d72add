"""A clock that was stepped has the whole journal folded anew: in the uplink page by page, for screen pops go by the same loop."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from appliance.core.catalogue import BoxClockStepped, CallQueued, CommandReceived
from appliance.core.clock import NS, SystemClock
from appliance.core.config import Config
from appliance.core.journal import PAGE
from appliance.core.journal_memory import MemoryJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.executor import Executor
from gateway.uplink.extraordinary import ExtraordinaryCalls
from gateway.uplink.herald import Herald
from gateway.uplink.ledger import Ledger
from gateway.uplink.live import Live
from gateway.uplink.topic import Topics

PAGES = 8


class Watching:
    def __init__(self) -> None:
        self.moved = 0

    def ready(self) -> None: ...
    def status(self, text: str) -> None: ...
    def progress(self) -> None:
        self.moved += 1


async def held() -> tuple[Context, FloorView, Watching]:
    """A journal of some whole pages that is folded but for its last one."""
    watch = Watching()
    context = Context(Config(), MemoryJournal(), SystemClock(), watch, "uplink")
    view = FloorView(context.journal, context.config, context.clock)
    await queue(context, (PAGES - 1) * PAGE)
    view.catch_up()
    await queue(context, PAGE - 1)
    return context, view, watch


async def queue(context: Context, count: int) -> None:
    first = context.journal.head().seq
    calls = [CallQueued(call=f"c{at}", visit=f"c{at}.1", pbx="central", queue="ventas") for at in range(first, first + count)]
    for at in range(0, count, 100):
        await context.emit(*calls[at : at + 100])


async def step(context: Context) -> None:
    """By an hour."""
    offset_ns = context.clock.wall_ns() - context.clock.mono_ns() + 3600 * NS
    await context.emit(BoxClockStepped(offset_ns=offset_ns, by_s=3600.0, quality="synced"))


async def turns_until_folded(view: FloorView, task: asyncio.Task[None]) -> int:
    """How often the loop turned until everything was dated anew."""
    turns, dated = 0, view.floor
    async with asyncio.timeout(20):
        while (view.floor is dated or view.seq < view.journal.head().seq) and not task.done():
            turns += 1
            await asyncio.sleep(0)
    if not task.done():
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return turns


async def test_a_fold_that_begins_anew_says_that_there_is_more() -> None:
    """Rows that end with a whole page leave nothing to read behind the step: an empty floor would be shown."""
    context, view, _ = await held()
    await step(context)
    assert view.journal.head().seq == PAGES * PAGE
    while view.catch_up(1):
        pass
    assert view.seq == view.journal.head().seq
    assert len(view.floor.state.queues["ventas"].waiting) == PAGES * PAGE - 1


@pytest.mark.parametrize("who", ["extraordinary", "command", "herald"])
async def test_the_loop_turns_while_the_journal_is_dated_anew(who: str) -> None:
    context, view, watch = await held()
    executor = Executor(context, Ledger(None), view, {})
    if who == "extraordinary":
        await step(context)
        ready = asyncio.Event()
        ready.set()
        task = asyncio.ensure_future(ExtraordinaryCalls(context, view, executor.turn).run(ready))
    elif who == "command":
        await step(context)
        command = CommandReceived(id="k", verb="acknowledge", args={"alarm": "none"}, digest="d")
        task = asyncio.ensure_future(executor.run(await context.emit(command), command))
    else:
        herald = Herald(context, Topics("quito", "p3"), Live(lambda: None), view, 5.0)
        task = asyncio.ensure_future(herald.run())
        await herald.ready.wait()
        watch.moved = 0
        await step(context)
        herald.urgent()
    turns = await turns_until_folded(view, task)
    assert turns >= PAGES
    assert watch.moved >= PAGES
