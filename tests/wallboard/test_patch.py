"""Merge patches: what is sent to a board rebuilds the document exactly."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from appliance.floor.snapshot import Agent, AgentCounts, Health, Queue, Snapshot, Window
from wallboard.stream.patch import apply, diff, is_due, without_nulls

KEYS = st.sampled_from(["a", "b", "time", "seconds", "queues", "waiting", "coverage", "longest_wait"])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3)
VALUES = st.recursive(
    LEAVES | st.lists(LEAVES | st.dictionaries(KEYS, LEAVES, max_size=2), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_rebuilds_the_document(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = copy.deepcopy((old, new))
    patched = apply(old, diff(old, new))
    assert without_nulls(patched) == without_nulls(new)
    assert (old, new) == before


@given(DOCUMENTS, st.lists(DOCUMENTS, max_size=4))
def test_a_chain_of_patches_rebuilds_the_last(first: dict[str, Any], rest: list[dict[str, Any]]) -> None:
    seen, sent = first, first
    for new in rest:
        seen = apply(seen, json.loads(json.dumps(diff(sent, new))))
        sent = new
    assert without_nulls(seen) == without_nulls(sent)


@given(DOCUMENTS)
def test_no_change_is_an_empty_patch_and_never_due(document: dict[str, Any]) -> None:
    assert diff(document, copy.deepcopy(document)) == {}
    assert not is_due({})


def test_what_ticks_is_not_news_but_its_neighbour_is() -> None:
    ticking = {
        "time": "t", "utilisation": {"coverage": 1.0}, "floor": {"longest_wait": 2.0, "today": {"coverage": 0.9}},
        "agents": {"a": {"seconds": {"talking": 3.0}}}, "trunks": {"pstn": {"all_busy_share": 0.1}},
    }  # fmt: skip
    assert not is_due(ticking)
    assert is_due({**ticking, "seq": 4})
    assert is_due({**ticking, "floor": {"longest_wait": 2.0, "today": {"answered": 4}}})
    assert is_due({"agents": {"a": None}})
    assert is_due({"queues": {"coverage": {"waiting": 1}}})
    assert is_due({"alarms": []})
    assert is_due({"queues": {"ventas": {}}})


WINDOWS = st.none() | st.builds(Window, offered=st.integers(0, 2), left_by=st.dictionaries(KEYS, st.integers(0, 2), max_size=2))
QUEUES = st.builds(
    Queue, waiting=st.none() | st.integers(0, 2), interval=WINDOWS, rolling=WINDOWS, agents=st.none() | st.builds(AgentCounts)
)
FLOORS = st.builds(
    Snapshot,
    seq=st.integers(0, 2),
    queues=st.dictionaries(KEYS, QUEUES, max_size=3),
    agents=st.none()
    | st.dictionaries(KEYS, st.builds(Agent, reason=st.none() | st.just("x"), queues=st.lists(KEYS, max_size=2)), max_size=3),
    health=st.lists(st.builds(Health, id=KEYS, level=st.sampled_from(["amber", "red"])), max_size=2),
)


@given(FLOORS, FLOORS)
def test_a_patch_between_snapshots_is_the_patch_between_their_documents(old: Snapshot, new: Snapshot) -> None:
    patch = json.loads(msgspec.json.encode(diff(old, new)))
    before, after = json.loads(msgspec.json.encode(old)), json.loads(msgspec.json.encode(new))
    assert without_nulls(apply(before, patch)) == without_nulls(after)
    assert patch == diff(before, after)
    assert is_due(diff(old, new)) == is_due(patch)
