"""The AsyncAPI document is whole: every reference leads somewhere, every kind and verb has its topic, examples fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from appliance.core.catalogue import KINDS
from appliance.schema import asyncapi, command

DOCUMENT = asyncapi.document()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def test_version() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > len(KINDS)
    for reference in found:
        assert isinstance(resolved(reference), dict), reference


def test_names_are_legal() -> None:
    for part in DOCUMENT["components"].values():
        assert [name for name in part if not re.fullmatch(r"[\w.\-]+", name)] == []


def test_every_kind_and_verb_has_its_topic() -> None:
    topics = {channel["address"].removeprefix("callfloor/1/{site}/{box}/") for channel in DOCUMENT["channels"].values()}
    fixed = {"status", "info", "floor", "pop/{agent}", "reply/{command}"}
    kinds = {f"event/{kind.replace('.', '/')}" for kind in KINDS}
    assert topics == fixed | kinds | {f"cmd/{verb}" for verb in command.shapes()[0]}


def test_parameters_are_those_of_the_address() -> None:
    for name, channel in DOCUMENT["channels"].items():
        assert sorted(channel["parameters"]) == sorted(re.findall(r"{(\w+)}", channel["address"])), name


def test_box_sends_all_but_commands() -> None:
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] == ("receive" if name.startswith("cmd.") else "send"), name
        assert operation["bindings"]["mqtt"]["qos"] == 1
        assert operation["bindings"]["mqtt"]["retain"] == (name in {"status", "info", "floor"})
        assert ("reply" in operation) == name.startswith("cmd.")


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_examples_fit(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    schema = {**DOCUMENT, "$schema": "https://json-schema.org/draft/2020-12/schema", **message["payload"]}
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.check_schema(message["payload"])
    for example in message.get("examples", []):
        validator.validate(example["payload"])


def test_events_and_commands_all_have_examples() -> None:
    bare = [name for name, message in DOCUMENT["components"]["messages"].items() if "." in name and not message.get("examples")]
    assert bare == []
