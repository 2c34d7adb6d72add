"""What is due to the CRM, by catalogue and configuration."""

from __future__ import annotations

import msgspec
import pytest

from appliance.core.catalogue import KINDS
from appliance.core.config import Config
from appliance.core.due import due_from_config, due_kinds
from appliance.core.event import Event, Origin
from appliance.schema.example import example_of


def configured(**crm: object) -> Config:
    return msgspec.convert({"crm": {"url": "mqtt://127.0.0.1", **crm}}, Config)


def test_without_a_crm_nothing_is_due() -> None:
    assert due_kinds(Config()) == frozenset()


def test_by_default_the_catalogue_decides() -> None:
    assert due_kinds(configured()) == {kind for kind, row in KINDS.items() if row.due}


@pytest.mark.parametrize(
    ("headsets", "due"),
    [
        ("none", {"attached", "detached", "fault"}),
        ("findings", {"attached", "detached", "fault", "finding"}),
        ("all", {"attached", "detached", "fault", "finding", "hook", "mute", "minute"}),
    ],
)
def test_headsets(headsets: str, due: set[str]) -> None:
    kinds = due_kinds(configured(headsets=headsets))
    assert {kind.partition(".")[2] for kind in kinds if kind.startswith("headset.")} == due


def test_a_seat_box_sends_its_headsets() -> None:
    config = msgspec.convert({"site": {"role": "seat"}, "crm": {"url": "mqtt://127.0.0.1"}}, Config)
    assert {kind for kind in KINDS if kind.startswith("headset.")} <= due_kinds(config)


def test_a_narrow_list_keeps_what_the_journal_says_of_itself() -> None:
    kinds = due_kinds(configured(events=["call", "agent.state"]))
    assert {kind.partition(".")[0] for kind in kinds} == {"call", "agent", "journal", "privacy"}
    assert {kind for kind in kinds if kind.startswith("agent.")} == {"agent.state"}


@pytest.mark.parametrize("kind", KINDS)
def test_rule_as_the_journal_asks_it(kind: str) -> None:
    config = configured(events=["call", "link"])
    event = Event(kind, "gateway/central", 2, 1, "b", "synced", example_of(kind))
    assert due_from_config(config)(event) == (kind in due_kinds(config))


def test_what_another_box_told_is_never_due_here() -> None:
    event = Event("headset.hook", "headsets/headsets", 2, 1, "b", "synced", example_of("headset.hook"))
    due = due_from_config(configured(headsets="all"))
    assert due(event)
    assert not due(msgspec.structs.replace(event, origin=Origin("e-1", "isla-4", 1, "synced")))
