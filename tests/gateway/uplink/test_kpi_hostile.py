"""Hostile figures and classes: whatever a CRM sends is refused with a reason or carried out, and never brings the uplink down."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import CallClassified, CommandFinished, CommandReceived, KpiTold, kind_of
from appliance.core.clock import NS, ManualClock, rfc3339
from appliance.core.command import args_of
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.core.journal_memory import MemoryJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.effect import Order
from gateway.uplink.effect_classify import classifier
from gateway.uplink.effect_kpi import kpi
from gateway.uplink.known_calls import KnownCalls

NOW_NS = 1_795_270_000 * NS
TIMES = st.one_of(
    st.integers(-(10**6), 10**6).map(lambda ago: rfc3339(NOW_NS + ago * 1_000_000)),
    st.datetimes().map(lambda at: at.isoformat() + "+14:00"),
    st.text(max_size=45),
)
NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.none(), st.booleans())
ANYTHING = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3))
CHANNEL = st.dictionaries(
    st.sampled_from(["title", "waiting", "longest_wait", "service_level_of", "target_s", "as_of", "x"]),
    st.one_of(st.integers(0, 100), st.tuples(st.integers(0, 9), st.integers(0, 9)).map(list), TIMES, ANYTHING),
    max_size=5,
)
KPI = st.fixed_dictionaries(
    {},
    optional={
        "as_of": TIMES,
        "fcr": st.one_of(st.floats(0, 1), ANYTHING),
        "paid_seconds": st.one_of(st.integers(0, 10**6), ANYTHING),
        "channels": st.one_of(st.dictionaries(st.one_of(st.sampled_from(["email", "chat"]), st.text(max_size=5)), CHANNEL, max_size=3), ANYTHING),
    },
)  # fmt: skip
CLASSIFY = st.dictionaries(
    st.sampled_from(["call", "type", "topic", "reason", "subreason", "question", "x"]),
    st.one_of(st.sampled_from(["k1", "perfect", "EXTRAORDINARY"]), ANYTHING),
)


class _Quiet:
    def ready(self) -> None: ...

    def progress(self) -> None: ...

    def status(self, text: str) -> None: ...


def box() -> tuple[Context, FloorView]:
    context = Context(Config(), MemoryJournal(), ManualClock(NOW_NS), _Quiet(), "uplink")
    return context, FloorView(context.journal, context.config, context.clock)


def order(context: Context, view: FloorView, verb: str, sent: dict[str, Any]) -> Order | None:
    """As the executor makes it of what came over the wire; None: refused."""
    told = msgspec.json.decode(msgspec.json.encode(sent))
    try:
        args = args_of(verb, told)
    except ValueError:
        return None
    return Order(1, CommandReceived(id="c", verb=verb, args=told), args, context, view)


def append(context: Context, data: Any) -> None:
    clock = context.clock
    event = Event(kind_of(data), "uplink/uplink", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)
    context.journal.append([event])


@given(st.lists(KPI, max_size=4))
def test_whatever_figures_come_the_newest_stand_and_the_snapshot_is_sound(sent: list[dict[str, Any]]) -> None:
    context, view = box()
    for one in sent:
        made = order(context, view, "kpi", one)
        if made is None:
            continue
        *told, end = kpi(made)
        assert isinstance(end, CommandFinished)
        assert (end.state == "done") == bool(told)
        for data in told:
            assert isinstance(data, KpiTold)
            append(context, data)
    view.catch_up()
    shown = msgspec.json.decode(msgspec.json.encode(view.snapshot()))
    for channel in shown["channels"].values():
        assert channel["waiting"] is None or channel["waiting"] >= 0
        assert channel["service_level"] is None or 0 <= channel["service_level"] <= 1
        assert channel["as_of"] <= rfc3339(context.clock.wall_ns())
    assert view.undecodable == 0


@given(st.lists(CLASSIFY, max_size=4))
def test_whatever_classes_come_only_known_calls_and_types_are_told(sent: list[dict[str, Any]]) -> None:
    context, view = box()
    append(context, CallClassified(call="k0", pbx="p", type="perfect"))
    effect = classifier(KnownCalls(context.journal))
    for one in sent:
        made = order(context, view, "classify", one)
        if made is None:
            continue
        *told, end = asyncio.run(effect(made))
        assert isinstance(end, CommandFinished)
        assert told == []
        assert (end.reason or "").startswith(("unknown_call", "unknown_type"))
