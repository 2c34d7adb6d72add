"""The AsyncAPI document is whole: every reference leads somewhere, every kind and verb has its topic, examples fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest

import gateway.uplink.herald
import gateway.uplink.mqtt
from appliance.core.catalogue import KINDS
from appliance.core.config import Crm
from appliance.schema import asyncapi, command, link

DOCUMENT = asyncapi.document()
MESSAGES = DOCUMENT["components"]["messages"]


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
    topics = {message["x-topic"] for message in MESSAGES.values()}
    fixed = {"status", "info", "floor", "pop/{agent}", "reply/{id}"}
    kinds = {f"event/{kind.replace('.', '/')}" for kind in KINDS}
    assert topics == fixed | kinds | {f"cmd/{verb}" for verb in command.shapes()[0]}


def test_every_message_stands_on_the_channel_of_its_topic() -> None:
    for name, channel in DOCUMENT["channels"].items():
        pattern = re.sub(r"{\w+}", "[^/]+", channel["address"].removeprefix("callfloor/1/{site}/{box}/"))
        for message in channel["messages"]:
            assert re.fullmatch(pattern, MESSAGES[message]["x-topic"]), (name, message)
    assert sorted(name for channel in DOCUMENT["channels"].values() for name in channel["messages"]) == sorted(MESSAGES)


def test_parameters_are_those_of_the_address() -> None:
    for name, channel in DOCUMENT["channels"].items():
        assert sorted(channel["parameters"]) == sorted(re.findall(r"{(\w+)}", channel["address"])), name


def test_enumerated_parameters_are_those_of_the_messages() -> None:
    parts = DOCUMENT["components"]["parameters"]
    kinds = [kind.partition(".") for kind in KINDS]
    assert set(parts["group"]["enum"]) == {group for group, _, _ in kinds}
    assert set(parts["kind"]["enum"]) == {kind for _, _, kind in kinds}
    assert set(parts["verb"]["enum"]) == set(command.shapes()[0])


def test_box_sends_all_but_commands() -> None:
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] == ("receive" if name.startswith("cmd.") else "send"), name
        mqtt = operation["bindings"]["mqtt"]
        assert mqtt["qos"] == 1
        assert mqtt["retain"] == (name in {"status", "info", "floor"})
        states = {"status", "info", "floor"}
        assert mqtt.get("messageExpiryInterval") == (30 if name == "pop" else gateway.uplink.herald._HOLDS_S if name in states else None)
        assert ("reply" in operation) == name.startswith("cmd.")


def test_server_is_reached_as_the_box_reaches_it() -> None:
    """The session, keep-alive and will that stand in the document are the program's."""
    mqtt = DOCUMENT["servers"]["crm"]["bindings"]["mqtt"]
    assert mqtt["sessionExpiryInterval"] == gateway.uplink.mqtt._SESSION_S
    assert mqtt["keepAlive"] == Crm().keepalive_s
    assert mqtt["lastWill"]["topic"].endswith("/status")
    jsonschema.Draft202012Validator(link.STATUS).validate(msgspec.json.decode(mqtt["lastWill"]["message"]))


@pytest.mark.parametrize("name", DOCUMENT["components"]["messages"])
def test_examples_fit(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    schema = {**DOCUMENT, "$schema": "http://json-schema.org/draft-07/schema#", **message["payload"]}
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.check_schema(message["payload"])
    for example in message.get("examples", []):
        validator.validate(example["payload"])


def test_every_message_has_an_example() -> None:
    assert [name for name, message in MESSAGES.items() if not message["examples"]] == []
    assert [example["payload"]["state"] for example in MESSAGES["reply"]["examples"]] == link.REPLY["properties"]["state"]["enum"]
    assert {example["payload"]["state"] for example in MESSAGES["status"]["examples"]} == {"online", "offline"}
