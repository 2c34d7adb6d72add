"""The AsyncAPI 3 document: every MQTT topic towards the CRM, its direction, delivery and payload, as the box sees it."""

from __future__ import annotations

from typing import Any, Final

from appliance.core.catalogue import KINDS
from appliance.schema import command, event, floor, link
from appliance.schema.json_schema import Schema, components

#: Of the contract, not of the product: members may be added within a major version.
VERSION: Final = "1.0.0"
_REF: Final = "#/components/schemas/{name}"
_SLUG: Final = "a slug, [a-z0-9._-]{1,64}"
_PARAMETERS: Final[dict[str, str]] = {
    "site": f"the site, {_SLUG}",
    "box": f"the box at the site, {_SLUG}",
    "agent": f"the agent whose phone rings, {_SLUG}",
    "command": f"the command's id, {_SLUG}",
}


class _Document:
    """The document while it grows."""

    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.schemas: dict[str, Schema] = {}

    def add(
        self, name: str, topic: str, payload: Schema, summary: str, *, send: bool = True, retain: bool = False, example: Any = None
    ) -> dict[str, Any]:
        """One topic with its one message; returns its operation, to be added to."""
        used = [part for part in ("site", "box", *_PARAMETERS) if f"{{{part}}}" in f"{{site}}{{box}}{topic}"]
        self.messages[name] = {"name": name, "contentType": "application/json", "summary": summary, "payload": payload}
        if example is not None:
            self.messages[name]["examples"] = [{"name": name, "payload": example}]
        self.channels[name] = {
            "address": f"callfloor/1/{{site}}/{{box}}/{topic}",
            "messages": {name: {"$ref": f"#/components/messages/{name}"}},
            "parameters": {part: {"$ref": f"#/components/parameters/{part}"} for part in dict.fromkeys(used)},
        }
        operation = self.operations[name] = {
            "action": "send" if send else "receive",
            "channel": {"$ref": f"#/channels/{name}"},
            "summary": summary,
            "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
            "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": "0.2.0"}},
        }
        return operation


def document() -> Schema:
    """`callfloor schema asyncapi`. Directions are the box's: it sends events and receives commands."""
    grown = _Document()
    for topic in link.TOPICS:
        payload = topic.payload or floor.shapes(_REF)[0]
        grown.add(topic.name, topic.topic, payload, topic.summary, retain=topic.retain, example=topic.example)
    grown.schemas.update(floor.shapes(_REF)[1])

    references, found = components((kind.type for kind in KINDS.values()), _REF)
    grown.schemas.update(found)
    grown.schemas["Envelope"] = event.envelope()
    for kind, data in zip(KINDS, references, strict=True):
        summary = found[data["$ref"].rpartition("/")[2]]["description"].partition("\n")[0]
        payload = event.message(kind, data, _REF.format(name="Envelope"))
        grown.add(f"event.{kind}", f"event/{kind.replace('.', '/')}", payload, summary, example=event.example(kind))

    verbs, found = command.shapes(_REF)
    grown.schemas.update(found)
    for verb, args in verbs.items():
        operation = grown.add(
            f"cmd.{verb}", f"cmd/{verb}", command.message(verb, args), command.summary_of(verb), send=False, example=command.example(verb)
        )
        operation["reply"] = {"channel": {"$ref": "#/channels/reply"}, "messages": [{"$ref": "#/channels/reply/messages/reply"}]}
    return {
        "asyncapi": "3.0.0",
        "id": "urn:callfloor:1",
        "info": {
            "title": "Callfloor, towards the CRM",
            "version": VERSION,
            "description": "What a floor box publishes and takes over MQTT. The words around it: docs/contract.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "crm": {
                "host": "crm.example:8883",
                "protocol": "mqtts",
                "protocolVersion": "5.0",
                "description": "the customer's broker; TLS with a client certificate",
            }
        },
        "channels": grown.channels,
        "operations": grown.operations,
        "components": {
            "messages": grown.messages,
            "parameters": {name: {"description": text} for name, text in _PARAMETERS.items()},
            "schemas": dict(sorted(grown.schemas.items())),
        },
    }
