"""What the uplink says beside events fits what the documents say of it."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from appliance.core.command import Reply
from appliance.floor.snapshot import Snapshot
from appliance.schema import example_floor, floor, link
from gateway.uplink.pop import Pop


def members(kind: type[msgspec.Struct]) -> list[str]:
    return sorted(field.encode_name for field in msgspec.structs.fields(kind))


@pytest.mark.parametrize(("kind", "schema"), [(Pop, link.POP), (Reply, link.REPLY)])
def test_members_are_those_of_the_type(kind: type[msgspec.Struct], schema: dict[str, Any]) -> None:
    assert sorted(schema["properties"]) == members(kind)


def test_pop_fits() -> None:
    at = "2026-11-21T14:06:40.123Z"
    pop = Pop("e-1", "c", "agente-101", "central", "ventas", "c.1", None, None, at, at)
    jsonschema.Draft202012Validator(link.POP).validate(msgspec.json.decode(msgspec.json.encode(pop)))


def test_states_of_a_reply_are_those_of_the_type() -> None:
    schema = msgspec.json.schema(Reply)["$defs"]["Reply"]["properties"]["state"]
    assert link.REPLY["properties"]["state"]["enum"] == schema["enum"]


@pytest.mark.parametrize("topic", [topic for topic in link.TOPICS if topic.payload], ids=lambda topic: topic.name)
def test_topic_has_examples_that_show_every_member(topic: link.Topic) -> None:
    assert topic.payload is not None
    assert {member for example in topic.examples.values() for member in example} == set(topic.payload["properties"])
    for example in topic.examples.values():
        jsonschema.Draft202012Validator(topic.payload, format_checker=jsonschema.FormatChecker()).validate(example)


def test_example_of_the_floor_is_a_snapshot_whose_figures_add_up() -> None:
    example = example_floor.example()
    jsonschema.Draft202012Validator(floor.document()).validate(example)
    assert msgspec.convert(example, Snapshot) == example_floor.SNAPSHOT
    today = example["queues"]["ventas"]["today"]
    assert today["offered"] == sum(today[name] for name in ("answered", "abandoned", "left", "unknown", "waiting"))
    assert today["service_level"] == today["service_level_of"][0] / today["service_level_of"][1]
    assert today["abandon_rate"] == round(today["abandon_rate_of"][0] / today["abandon_rate_of"][1], 4)
    assert example["crm"]["recorded"] == sum(example["crm"][name] for name in ("delivered", "backlog", "shed", "skipped"))
