"""The AsyncAPI 3 document: every MQTT topic towards the CRM, its direction, delivery and payload, as the box sees it.

One channel a kind of topic, with its variable parts as parameters; one operation and one message a kind of event and a verb.
"""

from __future__ import annotations

from typing import Any, Final

from appliance.core.catalogue import KINDS
from appliance.core.command import VERBS
from appliance.core.config import Crm
from appliance.schema import command, event, floor, link
from appliance.schema.json_schema import Schema, components

#: Of the contract, not of the product: members may be added within a major version.
VERSION: Final = "1.0.0"
ROOT: Final = "callfloor/1/{site}/{box}"
_REF: Final = "#/components/schemas/{name}"
_MQTT: Final = "0.2.0"
_SLUG: Final = "a slug, `[a-z0-9._-]{1,64}`"
_EVENT: Final = "event/{group}/{kind}"
_COMMAND: Final = "cmd/{verb}"

_TAGS: Final = {
    "state": "Retained: how it is now. Whoever subscribes later has it at once.",
    "event": "What happened, once and in order: CloudEvents 1.0.",
    "live": "For now or never: it expires.",
    "command": "What the CRM asks of the box, and what became of it.",
}
_TAG_OF: Final = {"status": "state", "info": "state", "floor": "state", "pop": "live", "reply": "command"}


def document() -> Schema:
    """`callfloor schema asyncapi`. Directions are the box's: it sends events and receives commands."""
    grown = _Document()
    snapshot, found = floor.shapes(_REF)
    grown.schemas.update(found)
    for topic in link.TOPICS:
        grown.channel(topic.name, topic.topic, topic.summary)
        message = _message(topic.name, topic.topic, topic.summary, topic.payload or snapshot, _TAG_OF[topic.name])
        message["examples"] = [{"name": name, "payload": example} for name, example in topic.examples.items()]
        if topic.name == "reply":
            message["correlationId"] = {"$ref": "#/components/correlationIds/command"}
            message["bindings"]["mqtt"]["correlationData"] = {"type": "string", "description": "the command's own, MQTT 5"}
        grown.add(topic.name, topic.name, message, retain=topic.retain, expiry_s=topic.expiry_s)
    _events(grown)
    _commands(grown)
    return _whole(grown)


def topic_of(topic: str, payload: dict[str, Any]) -> str:
    """The whole topic of an example: its variable parts are members of the payload, but for the examples' own site and box."""
    return f"{ROOT}/{topic}".format(**{**payload, "site": "quito-norte", "box": "piso-3"})


class _Document:
    """The document while it grows."""

    def __init__(self) -> None:
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.schemas: dict[str, Schema] = {}

    def channel(self, name: str, topic: str, summary: str) -> None:
        """A kind of topic under the root."""
        address = f"{ROOT}/{topic}"
        parts = [part[1:-1] for part in address.split("/") if part.startswith("{")]
        self.channels[name] = {
            "address": address,
            "title": topic,
            "summary": summary,
            "messages": {},
            "parameters": {part: {"$ref": f"#/components/parameters/{part}"} for part in parts},
        }

    def add(
        self, name: str, channel: str, message: dict[str, Any], *, send: bool = True, retain: bool = False, expiry_s: int | None = None
    ) -> dict[str, Any]:
        """A message on a channel, and the operation that sends or receives it; returns the latter, to be added to."""
        self.messages[name] = message
        self.channels[channel]["messages"][name] = {"$ref": f"#/components/messages/{name}"}
        expiry = {} if expiry_s is None else {"messageExpiryInterval": expiry_s}
        operation = self.operations[name] = {
            "action": "send" if send else "receive",
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": message["summary"],
            "tags": message["tags"],
            "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"}],
            "bindings": {"mqtt": {"qos": 1, "retain": retain, **expiry, "bindingVersion": _MQTT}},
        }
        return operation


def _events(grown: _Document) -> None:
    grown.channel("event", _EVENT, "Everything that happens, one topic a kind of event; subscribe to `event/#`.")
    references, found = components((kind.type for kind in KINDS.values()), _REF)
    grown.schemas.update(found)
    grown.schemas["Envelope"] = event.envelope()
    for kind, data in zip(KINDS, references, strict=True):
        summary = found[data["$ref"].rpartition("/")[2]]["description"].partition("\n")[0]
        payload = event.message(kind, data, _REF.format(name="Envelope"))
        message = _message(f"event.{kind}", f"event/{kind.replace('.', '/')}", summary, payload, "event", kind.partition(".")[0])
        message["examples"] = [{"name": kind, "payload": event.example(kind)}]
        message["correlationId"] = {"$ref": "#/components/correlationIds/event"}
        message["x-version"] = KINDS[kind].version
        message["x-since"] = KINDS[kind].since
        message["x-due"] = KINDS[kind].due
        grown.add(f"event.{kind}", "event", message)


def _commands(grown: _Document) -> None:
    grown.channel("cmd", _COMMAND, "Commands, one topic a verb; never retained.")
    verbs, found = command.shapes(_REF)
    grown.schemas.update(found)
    for verb, args in verbs.items():
        message = _message(f"cmd.{verb}", f"cmd/{verb}", command.summary_of(verb), command.message(verb, args), "command")
        message["examples"] = [{"name": verb, "payload": command.example(verb)}]
        message["correlationId"] = {"$ref": "#/components/correlationIds/command"}
        message["bindings"]["mqtt"]["responseTopic"] = {
            "type": "string",
            "description": "MQTT 5: the reply goes there too, with the correlation data that came with the command",
        }
        operation = grown.add(f"cmd.{verb}", "cmd", message, send=False)
        operation["reply"] = {"channel": {"$ref": "#/channels/reply"}, "messages": [{"$ref": "#/channels/reply/messages/reply"}]}


def _message(name: str, topic: str, summary: str, payload: Schema, *tags: str) -> dict[str, Any]:
    """A message as components list it. `x-topic` is its topic under the root, exactly."""
    return {
        "name": name,
        "title": name,
        "summary": summary,
        "contentType": "application/json",
        "tags": [{"name": tag} for tag in tags],
        "payload": _draft_07(payload),
        "bindings": {"mqtt": {"contentType": "application/json", "bindingVersion": _MQTT}},
        "x-topic": topic,
    }


def _draft_07(node: Any) -> Any:
    """The same schema in AsyncAPI's own dialect, which is of 2017: a list with places is `items`, and what follows `additionalItems`."""
    if isinstance(node, list):
        return [_draft_07(one) for one in node]
    if not isinstance(node, dict):
        return node
    out = {key: _draft_07(value) for key, value in node.items()}
    if isinstance(out.get("prefixItems"), list):
        rest = out.pop("items", None)
        out["items"] = out.pop("prefixItems")
        if rest is not None:
            out["additionalItems"] = rest
    return out


def _whole(grown: _Document) -> Schema:
    groups = sorted({kind.partition(".")[0] for kind in KINDS})
    names = sorted({kind.partition(".")[2] for kind in KINDS})
    return {
        "asyncapi": "3.0.0",
        "id": "urn:callfloor:1",
        "info": {
            "title": "Callfloor, towards the CRM",
            "version": VERSION,
            "description": (
                "What a floor box publishes and takes over MQTT. The words around it: docs/contract.md.\n\n"
                "Within a major version members, kinds, verbs and values are added, never renamed or removed: pass over what you do not "
                "know. `null`, or a missing member, means *not known*. Events come at least once: drop each `id` that you have seen. "
                "`x-unit` is a member's unit; `x-privacy` is `caller` or `staff` where it tells of a person."
            ),
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": name, "description": text} for name, text in _TAGS.items()] + [{"name": name} for name in groups],
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": grown.channels,
        "operations": grown.operations,
        "components": {
            "messages": grown.messages,
            "parameters": {
                "site": {"description": f"the site, {_SLUG}"},
                "box": {"description": f"the box at the site, {_SLUG}"},
                "group": {"description": "the group of events", "enum": groups},
                "kind": {"description": "the kind of event in its group; each message says its topic as `x-topic`", "enum": names},
                "agent": {"description": f"the agent whose phone rings, {_SLUG}", "location": "$message.payload#/agent"},
                "verb": {"description": "what to do", "enum": list(VERBS)},
                "id": {"description": f"the command's id, {_SLUG}", "location": "$message.payload#/id"},
            },
            "correlationIds": {
                "event": {"location": "$message.payload#/id", "description": "unique for ever, and the same at every redelivery"},
                "command": {"location": "$message.payload#/id", "description": "the command's id; its reply carries the same"},
            },
            "securitySchemes": {
                "mutualTls": {"type": "X509", "description": "TLS 1.2 or newer; each box has a client certificate of its own"},
                "password": {"type": "userPassword", "description": "within TLS, beside or instead of the certificate"},
            },
            "schemas": _draft_07(dict(sorted(grown.schemas.items()))),
        },
    }


def _servers() -> dict[str, Any]:
    binding = {
        "clientId": "callfloor-{site}-{box}",
        "cleanSession": False,
        "keepAlive": Crm().keepalive_s,
        "sessionExpiryInterval": 604_800,
        "lastWill": {"topic": f"{ROOT}/status", "qos": 1, "retain": True, "message": link.WILL},
        "bindingVersion": _MQTT,
    }
    security = [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("mutualTls", "password")]
    return {
        "crm": {
            "host": "crm.example:8883",
            "protocol": "secure-mqtt",
            "protocolVersion": "5.0",
            "title": "The customer's broker",
            "description": "TLS with a client certificate; MQTT 3.1.1 where the broker has no 5",
            "security": security,
            "bindings": {"mqtt": binding},
        },
        "crm-websocket": {
            "host": "crm.example:443",
            "pathname": "/mqtt",
            "protocol": "wss",
            "title": "The same through a web front",
            "description": "MQTT in a WebSocket (subprotocol `mqtt`), where only port 443 leaves the building",
            "security": security,
            "bindings": {"mqtt": binding},
        },
    }
