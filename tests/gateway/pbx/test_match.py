"""Whose call it is: looked up once, told in the same breath, whatever becomes of the directory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import catalogue as c
from appliance.core.catalogue import event_from_stored
from appliance.core.directory import Directory
from appliance.core.directory_card import Card, card_from, filed_from
from appliance.core.directory_store import Cards
from appliance.core.event import Event, body_from_event, stored_from_body
from appliance.core.journal_memory import MemoryJournal
from gateway.pbx.match import Matcher, MatchingOutbox
from gateway.pbx.service import newest_events
from gateway.pbx.shared_trunk import SharedTrunks

NUMBER = "+593991234567"


def event(data: Any, source: str = "gateway/central") -> Event:
    return Event(c.kind_of(data), source, 1, 1, "b", "synced", data)


def queued(call: str = "c1", caller: str | None = NUMBER, **more: Any) -> Event:
    return event(c.CallQueued(call=call, visit=f"{call}.1", pbx="central", queue="ventas", caller=caller, **more))


class Book:
    """A directory of one."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def lookup(self, number: str | None) -> Card | None:
        self.asked.append(number)
        return Card(customer="k-77", number=NUMBER, segment="vip", vip=True, version=7) if number == NUMBER else None


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(each.kind, each.data.call) for each in events if hasattr(each.data, "call")]


def test_it_is_told_behind_what_tells_the_caller_and_once_a_call() -> None:
    matcher = Matcher(book := Book())
    nameless = queued("c1", None)
    assert matcher.apply([nameless]) == [nameless]
    out = matcher.apply([queued("c1"), queued("c2", "+593990000000"), event(c.CallRinging(call="c1", pbx="central", caller=NUMBER))])
    assert told(out) == [("call.queued", "c1"), ("call.matched", "c1"), ("call.queued", "c2"), ("call.ringing", "c1")]
    assert out[1].data == c.CallMatched(
        call="c1", pbx="central", visit="c1.1", queue="ventas", caller=NUMBER, customer="k-77", segment="vip", vip=True, version=7
    )
    assert (out[1].source, out[1].mono_ns) == ("gateway/central", 1)
    assert matcher.apply([queued("c1"), queued("c2")]) == [queued("c1"), queued("c2")]
    assert len(book.asked) == 2
    assert [(sample.labels["result"], sample.value) for sample in next(iter(matcher.figures())).samples] == [("found", 1), ("not_found", 1)]


def test_who_dials_out_is_one_of_ours() -> None:
    matcher = Matcher(book := Book())
    matcher.apply([event(c.CallOffered(call="c1", pbx="central", direction="out", caller=NUMBER, dialled="0991"))])
    matcher.apply([event(c.CallRinging(call="c1", pbx="central", caller=NUMBER))])
    assert book.asked == []


def test_on_an_analog_line_the_number_comes_after_the_call() -> None:
    matcher = Matcher(Book())
    line: Any = {"line": "l1", "pbx": "lines"}
    visit = event(c.CallQueued(call="v1", visit="v1", pbx="lines", queue="ventas"), "gateway/l1")
    assert len(matcher.apply([event(c.LineRinging(**line), "gateway/l1"), visit])) == 2
    out = matcher.apply([event(c.LineCallerId(**line, number=NUMBER), "gateway/l1")])
    assert [each.kind for each in out] == ["line.caller_id", "call.matched"]
    assert (out[1].data.call, out[1].data.queue, out[1].data.caller) == ("v1", "ventas", NUMBER)
    assert len(matcher.apply([event(c.CallAnswered(call="v1", visit="v1", pbx="lines", caller=NUMBER, wait_s=4), "gateway/l1")])) == 1
    assert len(matcher.apply([event(c.LineReleased(**line)), event(c.LineCallerId(**line, number=NUMBER))])) == 2


async def test_what_is_refused_is_matched_when_it_is_told_again_and_a_restart_matches_nothing_twice() -> None:
    journal, matcher = MemoryJournal(), Matcher(Book())
    outbox = MatchingOutbox(journal, 3, SharedTrunks({}), matcher)
    assert not outbox.put([queued("c1"), queued("c2")]), "with their matches four"
    task = asyncio.create_task(outbox.run())
    assert outbox.put([queued("c1")])
    await outbox.drained()
    assert not outbox.put([queued("c1"), queued("c3"), queued("c4")])
    assert outbox.put([queued("c1")])
    await outbox.drained()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kinds = [event_from_stored(stored_from_body(entry.body)).kind for entry in journal.read(0)]  # type: ignore[union-attr]
    assert [kind for kind in kinds if kind.startswith("call.")] == ["call.queued", "call.matched", "call.queued"]
    again = Matcher(book := Book())
    assert len(list(newest_events(journal, passed=again.passed))) == 2
    assert len(again.apply([queued("c1"), queued("c5")])) == 3
    assert len(book.asked) == 1


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([NUMBER, "+593990000000", None])), max_size=30), st.integers(1, 5))
def test_however_it_is_cut_each_call_is_asked_and_matched_once_at_most(calls: list[tuple[int, str | None]], size: int) -> None:
    matcher = Matcher(book := Book())
    events = [queued(f"c{number}", caller) for number, caller in calls]
    out = [each for at in range(0, len(events), size) for each in matcher.apply(events[at : at + size])]
    assert [each for each in out if each.kind != "call.matched"] == events, "in order, whole"
    matched = [each.data.call for each in out if each.kind == "call.matched"]
    assert len(matched) == len(set(matched))
    assert len(book.asked) == len({number for number, caller in calls if caller is not None})
    firsts: dict[int, str] = {}
    for number, caller in calls:
        if caller is not None:
            firsts.setdefault(number, caller)
    assert set(matched) == {f"c{number}" for number, caller in firsts.items() if caller == NUMBER}


def test_calls_remembered_are_bounded() -> None:
    matcher = Matcher(Book())
    for number in range(20_000):
        matched = event(c.CallMatched(call=f"c{number}", pbx="central", customer="k"))
        matcher.passed(body_from_event(matched))
    assert len(matcher.apply([queued("c19999")])) == 1
    assert len(matcher.apply([queued("c0")])) == 2, "forgotten: hours ago"


def filed(path: Path) -> None:
    store = Cards(path)
    with store.turn(), store.writing():
        store.upsert([filed_from(card_from({"customer": "k-77", "numbers": [NUMBER], "segment": "vip"}), "EC")[0]], 1, newest=True)
        store.note(1, 0)
    store.close()


@pytest.mark.parametrize("harm", ["missing", "damaged", "cut", "directory"])
def test_a_directory_that_cannot_be_read_costs_the_call_nothing_and_one_that_comes_back_is_found(tmp_path: Path, harm: str) -> None:
    path, good = tmp_path / "directory.db", tmp_path / "good.db"
    filed(good)
    if harm == "damaged":
        path.write_bytes(b"\0" * 9000)
    elif harm == "cut":
        path.write_bytes(good.read_bytes()[:3000])
    elif harm == "directory":
        path.mkdir()
    matcher = Matcher(Directory(path, country="EC"))
    assert told(matcher.apply([queued("c1")])) == [("call.queued", "c1")]
    if harm == "directory":
        path.rmdir()
    good.replace(path)
    assert told(matcher.apply([queued("c2")])) == [("call.queued", "c2"), ("call.matched", "c2")]


def test_a_file_replaced_and_a_writer_at_work_cost_nothing(tmp_path: Path) -> None:
    path, other = tmp_path / "directory.db", tmp_path / "other.db"
    filed(path)
    filed(other)
    matcher = Matcher(Directory(path, country="EC"))
    assert len(matcher.apply([queued("c1")])) == 2
    writer = Cards(path)
    with writer.turn(), writer.writing():
        writer.note(2, 0)
        assert len(matcher.apply([queued("c2")])) == 2, "as it was before"
    writer.close()
    other.replace(path)
    assert len(matcher.apply([queued("c3")])) == 2
    path.unlink()
    assert len(matcher.apply([queued("c4")])) in (1, 2)
