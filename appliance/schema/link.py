"""The topics beside events and commands: status, birth, floor, screen pop and replies, and what stands in each."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from appliance.schema.json_schema import Schema

_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Final[Schema] = {"anyOf": [_TIME, {"type": "null"}]}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_OBJECT_OR_NULL: Final[Schema] = {"type": ["object", "null"]}
_NUMBER_OR_NULL: Final[Schema] = {"type": ["integer", "null"]}
_AT: Final = "2026-11-21T14:06:40.123Z"


class Topic(Struct, frozen=True, kw_only=True):
    """One topic that the box publishes under its root; `payload` None: the floor snapshot."""

    name: str
    topic: str
    summary: str
    payload: Schema | None
    retain: bool = False
    example: dict[str, Any] | None = None


STATUS: Final[Schema] = {
    "type": "object",
    "required": ["state", "since", "boot"],
    "properties": {
        "state": {"enum": ["online", "offline"]},
        "since": {**_TIME_OR_NULL, "description": "null in the will: the receiver's time counts"},
        "boot": {**_TEXT_OR_NULL, "description": "the boot of the box; another one means it started again"},
        "floor": {
            **_TIME_OR_NULL,
            "description": "the `time` of the newest `floor`, said again while that does not change; null: none yet",
        },
        "every_s": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "x-unit": "s",
            "description": "how often `floor` or `status` comes at least",
        },
        "headset": {
            "type": "string",
            "description": "the `id` of the last headset event told, where there are headsets: whoever has not heard up to it misses some",
        },
    },
}
REPLY: Final[Schema] = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string", "description": "the command's id"},
        "state": {"enum": ["accepted", "done", "expired", "failed", "refused", "unknown"]},
        "reason": {**_TEXT_OR_NULL, "description": "why not"},
        "result": {**_OBJECT_OR_NULL, "x-privacy": "caller"},
    },
}
INFO: Final[Schema] = {
    "type": "object",
    "required": ["version", "contract", "epoch", "first", "last", "last_delivery", "services", "schemas"],
    "properties": {
        "version": {"type": "string", "description": "the product's version"},
        "contract": {"const": 1, "description": "the contract's major version"},
        "epoch": {"type": "string", "description": "the journal's name; another one means that numbers begin again"},
        "first": {**_NUMBER_OR_NULL, "description": "sequence of the oldest event held"},
        "last": {**_NUMBER_OR_NULL, "description": "sequence of the newest"},
        "last_delivery": {**_NUMBER_OR_NULL, "description": "the last delivery number given out"},
        "services": {"type": "array", "items": {"type": "string"}},
        "schemas": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "version by kind of event"},
    },
}
POP: Final[Schema] = {
    "type": "object",
    "required": ["id", "call", "agent", "pbx", "time", "expires"],
    "properties": {
        "id": {"type": "string", "description": "that of the call.ringing event"},
        "call": {"type": "string"},
        "agent": {"type": "string", "x-privacy": "staff"},
        "pbx": {"type": "string"},
        "queue": _TEXT_OR_NULL,
        "visit": _TEXT_OR_NULL,
        "caller": {**_TEXT_OR_NULL, "x-privacy": "caller"},
        "dialled": {**_TEXT_OR_NULL, "x-privacy": "caller"},
        "time": _TIME,
        "expires": {**_TIME, "description": "of no use after this; the message's own expiry says the same in MQTT 5"},
    },
}

TOPICS: Final = (
    Topic(
        name="status",
        topic="status",
        summary="Whether the box is there; also its will.",
        payload=STATUS,
        retain=True,
        example={
            "state": "online",
            "since": _AT,
            "boot": "0f6ad3b1c2e4",
            "floor": "2026-11-21T14:09:02.004Z",
            "every_s": 5.0,
            "headset": "3f9a2c41d0-48209",
        },
    ),
    Topic(
        name="info",
        topic="info",
        summary="Birth: who the box is and what it holds.",
        payload=INFO,
        retain=True,
        example={
            "version": "0.1.0",
            "contract": 1,
            "epoch": "3f9a2c41d0",
            "first": 1,
            "last": 48213,
            "last_delivery": 3961,
            "services": ["gateway", "wallboard", "uplink"],
            "schemas": {"call.answered": 1},
        },
    ),
    Topic(name="floor", topic="floor", summary="The floor snapshot, always the newest.", payload=None, retain=True),
    Topic(
        name="pop",
        topic="pop/{agent}",
        summary="Screen pop, the moment a call rings an agent.",
        payload=POP,
        example={
            "id": "3f9a2c41d0-48213",
            "call": "3f9a2c41d0-118",
            "agent": "agente-101",
            "pbx": "central",
            "queue": "ventas",
            "visit": "3f9a2c41d0-118.1",
            "caller": "+12025550143",
            "dialled": "1800",
            "time": _AT,
            "expires": "2026-11-21T14:07:10.123Z",
        },
    ),
    Topic(
        name="reply",
        topic="reply/{command}",
        summary="What became of a command.",
        payload=REPLY,
        example={"id": "c-2026-11-21-0007", "state": "done", "reason": None, "result": {"announcement": "c-2026-11-21-0007"}},
    ),
)
