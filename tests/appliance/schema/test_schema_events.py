"""Every kind has an example that its own schema takes, and the schema refuses what the types refuse."""

from __future__ import annotations

import copy
import re
from typing import Any

import jsonschema
import msgspec
import pytest

from appliance.core.catalogue import KINDS
from appliance.schema import event
from appliance.schema.example import EXAMPLES, example_of
from appliance.schema.json_schema import DIALECT

DOCUMENT = event.document()
VALIDATOR = jsonschema.Draft202012Validator(DOCUMENT, format_checker=jsonschema.FormatChecker())


def test_document_is_json_schema() -> None:
    assert DOCUMENT["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)


def test_every_kind_has_one_example() -> None:
    assert len(EXAMPLES) == len(KINDS)
    assert [type(example_of(kind)) for kind in KINDS] == [row.type for row in KINDS.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_example_fits_its_schema_and_no_other(kind: str) -> None:
    published = event.example(kind)
    VALIDATOR.validate(published)
    assert msgspec.convert(published["data"], KINDS[kind].type) == example_of(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_example_shows_what_the_kind_is_about(kind: str) -> None:
    """An example that leaves out a kind's own members teaches nothing: each is shown once, unless null or off says as much."""
    shown = set(event.example(kind)["data"])
    encoded = [field.encode_name for field in msgspec.structs.fields(KINDS[kind].type) if field.required]
    assert set(encoded) <= shown


def breaches() -> list[tuple[str, dict[str, Any]]]:
    """Published events that must be refused, and why."""
    good = event.example("call.answered")

    def changed(**changes: object) -> dict[str, Any]:
        return {**copy.deepcopy(good), **changes}

    return [
        ("negative wait", changed(data={**good["data"], "wait_s": -1.0})),
        ("wait as text", changed(data={**good["data"], "wait_s": "11"})),
        ("no wait", changed(data={name: value for name, value in good["data"].items() if name != "wait_s"})),
        ("queue no slug", changed(data={**good["data"], "queue": "Atención al cliente"})),
        ("type of nothing", changed(type="callfloor.call.eaten.v1")),
        ("data of another kind", changed(type="callfloor.link.down.v1")),
        ("number too short", changed(delivery="3961")),
        ("source of three parts", changed(source="/quito/piso-3/gateway")),
        ("clock unheard of", changed(clock="sundial")),
        ("late said to be false", changed(late=False)),
    ]


@pytest.mark.parametrize(("why", "published"), breaches())
def test_breach_is_refused(why: str, published: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(published), why


def test_newer_member_is_let_pass() -> None:
    """Members may be added within a major version: an older schema must take a newer box's event."""
    published = event.example("call.answered")
    published["data"]["mood"] = "sunny"
    published["traceparent"] = "00-1"
    VALIDATOR.validate(published)


def members() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (name, member, schema)
        for name, shape in DOCUMENT["$defs"].items()
        if name != "Envelope"
        for member, schema in shape.get("properties", {}).items()
    ]


def test_every_measure_says_its_unit() -> None:
    """A number with a fraction is a measure; without its unit nobody can use it."""
    bare = [
        f"{name}.{member}"
        for name, member, schema in members()
        if "x-unit" not in schema and any(branch.get("type") == "number" for branch in [schema, *schema.get("anyOf", [])])
    ]
    assert bare == []


def test_callers_are_marked() -> None:
    """Whatever holds a caller's number or words carries the class that keeps it off boards and out of logs."""
    for name, member, schema in members():
        if member in {"caller", "dialled", "number", "digits"}:
            assert schema.get("x-privacy") == "caller", f"{name}.{member}"
        if member in {"agent"}:
            assert schema.get("x-privacy") == "staff", f"{name}.{member}"


def test_what_one_employees_headset_does_is_marked() -> None:
    told = {(name, member) for name, member, schema in members() if name.startswith("Headset") and schema.get("x-privacy") == "staff"}
    agents = {(name, member) for name, member in told if member == "agent"}
    assert {member for _, member in told - agents} == {
        "serial", "hook", "mute", "finding", "for_s", "told_s", "off_hook_s", "muted_s", "in_call_s", "unknown_s", "changes"
    }  # fmt: skip
    assert len(agents) == 7


def test_examples_name_nobody() -> None:
    """Numbers in examples are from the range kept for fiction, or internal."""
    for data in EXAMPLES:
        for number in re.findall(
            r"\+?\d{7,}", " ".join(str(value) for value in msgspec.to_builtins(data).values() if isinstance(value, str))
        ):
            assert "20255501" in number or number == "1795270000", number
