"""The verbs of the uplink's own: one list of them for all, and a staged verb is run again after a kill, once at a time and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec import Struct

from appliance.core.catalogue import CommandReceived
from appliance.core.clock import SystemClock
from appliance.core.command import VERBS, Ping
from appliance.core.command_owner import UPLINK
from appliance.core.config import Config
from appliance.core.journal_memory import MemoryJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.effect import Order, Staged
from gateway.uplink.effect_directory import DirectoryDesk
from gateway.uplink.effects import AT_ONCE, OWNED, STAGED, staged
from gateway.uplink.known_calls import KnownCalls
from gateway.uplink.ledger import Known
from gateway.uplink.resend import VERB as RESEND
from gateway.uplink.staged import Lane


class _Quiet:
    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


@pytest.fixture
def context() -> Context:
    return Context(Config(), MemoryJournal(), SystemClock(), _Quiet(), "uplink")


def test_every_verb_that_is_owned_has_one_effect(context: Context) -> None:
    assert OWNED | {RESEND} == UPLINK
    assert not AT_ONCE.keys() & STAGED
    assert staged(DirectoryDesk(context), KnownCalls(context.journal)).keys() == STAGED
    assert VERBS.keys() >= OWNED


async def test_a_staged_command_is_run_again_unless_its_end_is_durable(context: Context) -> None:
    """Three wait; the effect is cut off in the second: a new lane runs that one again and the third, and the first no more."""
    began: list[int] = []
    cut = asyncio.Event()

    async def effect(order: Order) -> Sequence[Struct]:
        assert isinstance(order.args, Ping)
        began.append(order.seq)
        if len(began) == 2:
            cut.set()
            await asyncio.sleep(3600)
        return [order.done(row=order.seq)]

    rows = [await context.emit(CommandReceived(id=f"c{n}", verb="ping", args={}, digest=str(n))) for n in range(3)]
    known = [Known(f"c{n}", "ping", str(n), 0, context.journal.epoch, seq) for n, seq in enumerate(rows)]
    view = FloorView(context.journal, context.config, context.clock)

    first = Lane("ping", Staged(effect), context, view)
    first.put(rows[0])  # before `begin`: it is found there
    first.begin(known)
    task = asyncio.create_task(first.run())
    await cut.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    second = Lane("ping", Staged(effect), context, view)
    assert (second.is_passed(rows[0]), second.is_passed(rows[1])) == (True, False)
    second.begin(known[1:])
    task = asyncio.create_task(second.run())
    async with asyncio.timeout(20):
        while second.waiting:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert began == [rows[0], rows[1], rows[1], rows[2]]
    ends = [row for row in context.journal.read(0) if b'"command.finished"' in row.body]
    assert len(ends) == 3
