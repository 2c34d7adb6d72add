"""A fault in what a verb does ends its command, once: the uplink must not begin anew with it for ever."""

from __future__ import annotations

import pytest

from appliance.core.catalogue import CommandFinished, CommandReceived, event_from_stored
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.journal_memory import MemoryJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.effect import Order, Staged
from gateway.uplink.effects import AT_ONCE
from gateway.uplink.executor import OWNER, Executor
from gateway.uplink.ledger import Ledger
from gateway.uplink.staged import Lane


class Watching:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


def broken(order: Order) -> list[CommandFinished]:
    return [order.done(share=1 / (order.seq - order.seq))]


async def broken_later(order: Order) -> list[CommandFinished]:
    return broken(order)


async def received(verb: str) -> tuple[Context, FloorView, int, CommandReceived]:
    context = Context(Config(), MemoryJournal(), SystemClock(), Watching(), "uplink")
    command = CommandReceived(id="k", verb=verb, args={} if verb == "ping" else {"call": "c", "topic": "t"}, digest="d")
    seq = await context.emit(command)
    return context, FloorView(context.journal, context.config, context.clock), seq, command


def ends(context: Context) -> list[tuple[str, str]]:
    events = [event_from_stored(stored_from_body(row.body)) for row in context.journal.read(0)]
    found = [event.data for event in events if event is not None and isinstance(event.data, CommandFinished)]
    return [(end.state, (end.reason or "").partition(";")[0]) for end in found]


async def test_of_a_verb_at_once_nothing_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AT_ONCE, "ping", broken)
    context, view, seq, command = await received("ping")
    await Executor(context, Ledger(None), view, {}).run(seq, command)
    assert ends(context) == [("failed", "fault: ZeroDivisionError")]
    assert context.journal.transformed(OWNER).seq == seq


async def test_of_a_staged_verb_nobody_can_say() -> None:
    context, view, seq, _ = await received("classify")
    lane = Lane("classify", Staged(broken_later), context, view)
    await lane._one(seq)
    assert ends(context) == [("unknown", "fault: ZeroDivisionError")]
    assert lane.is_passed(seq)
