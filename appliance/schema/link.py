"""The topics beside events and commands: status, birth, floor, screen pop and replies, and what stands in each."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from appliance.schema import example_floor
from appliance.schema.json_schema import DIALECT, Schema

_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Final[Schema] = {"anyOf": [_TIME, {"type": "null"}]}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_OBJECT_OR_NULL: Final[Schema] = {"type": ["object", "null"]}
_NUMBER_OR_NULL: Final[Schema] = {"type": ["integer", "null"]}
_AT: Final = "2026-11-21T14:06:40.123Z"


#: What the broker says in the box's place when it loses it.
WILL: Final = '{"state":"offline","since":null,"boot":"0f6ad3b1c2e4"}'


class Topic(Struct, frozen=True, kw_only=True):
    """One topic that the box publishes under its root; `payload` None: the floor snapshot."""

    name: str
    topic: str
    summary: str
    payload: Schema | None
    examples: dict[str, dict[str, Any]]
    retain: bool = False
    #: MQTT 5: the broker forgets it after so long.
    expiry_s: int | None = None


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
        "first_delivery": {
            **_NUMBER_OR_NULL,
            "description": "the oldest delivery number that is held, for `resend`; null: none, or not known",
        },
        "last_delivery": {**_NUMBER_OR_NULL, "description": "the last delivery number given out"},
        "services": {"type": "array", "items": {"type": "string"}},
        "schemas": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "version by kind of event"},
        "directory": {
            "type": "object",
            "required": ["version", "entries", "as_of", "snapshot"],
            "description": "the customers that the box holds; said again when it changes",
            "properties": {
                "version": {"type": "integer", "minimum": 0, "description": "of the last page filed, 0: none; the next page follows it"},
                "entries": {"type": "integer", "minimum": 0, "description": "customers"},
                "as_of": {"type": ["string", "null"], "format": "date-time"},
                "snapshot": {"type": ["integer", "null"], "description": "of the last page of a full load under way"},
            },
        },
    },
}
POP: Final[Schema] = {
    "type": "object",
    "required": ["id", "call", "agent", "pbx", "time", "expires"],
    "properties": {
        "id": {"type": "string", "description": "that of the event that it is of: call.ringing, of a preview call.previewed"},
        "call": {"type": "string"},
        "agent": {"type": "string", "x-privacy": "staff"},
        "pbx": {"type": "string"},
        "queue": _TEXT_OR_NULL,
        "visit": _TEXT_OR_NULL,
        "caller": {**_TEXT_OR_NULL, "x-privacy": "caller"},
        "dialled": {**_TEXT_OR_NULL, "x-privacy": "caller"},
        "time": _TIME,
        "expires": {**_TIME, "description": "of no use after this; the message's own expiry says the same in MQTT 5"},
        "why": {
            "enum": ["call", "preview"],
            "description": "a call that rings; or a number (`dialled`) that will be dialled for the agent once he picks up. Absent: call",
        },
        "title": {**_TEXT_OR_NULL, "description": "the queue's name for people"},
        "digits": {
            "type": "array",
            "items": {"type": "string"},
            "x-privacy": "caller",
            "description": "what he chose in the menus, oldest first, as menu:digits",
        },
        "waited_s": {"type": ["number", "null"], "minimum": 0, "x-unit": "s", "description": "in this queue, up to the ring"},
        "card": {
            "type": ["object", "null"],
            "required": ["customer"],
            "x-privacy": "caller",
            "description": "whose number it is, as the box's directory has it now: the caller's, of a preview the dialled one's",
            "properties": {
                "customer": {"type": "string"},
                "name": _TEXT_OR_NULL,
                "segment": _TEXT_OR_NULL,
                "language": _TEXT_OR_NULL,
                "last_case": _TEXT_OR_NULL,
                "vip": {"type": "boolean"},
            },
        },
        "callback": {**_TEXT_OR_NULL, "description": "the callback that is open for this number"},
        "command": {**_TEXT_OR_NULL, "description": "of a preview: the originate command's id"},
        "text": {**_TEXT_OR_NULL, "x-privacy": "caller", "description": "of a preview: the card that the command gave him to read"},
    },
}

_REASONS: Final = {
    "expired": "wanted until 2026-11-21T14:06:55.000Z",
    "failed": "no lamp torre.blue",
    "refused": "id_reused: this id was announce with other arguments",
    "unknown": "the box died while it ran",
}


def _reply(state: str) -> dict[str, Any]:
    """What became of one command, by each way it may go."""
    result = {"announcement": "c-2026-11-21-0007"} if state == "done" else None
    return {"id": "c-2026-11-21-0007", "state": state, "reason": _REASONS.get(state), "result": result}


TOPICS: Final = (
    Topic(
        name="status",
        topic="status",
        summary="Whether the box is there; also its will.",
        payload=STATUS,
        retain=True,
        expiry_s=86_400,
        examples={
            "status.online": {
                "state": "online",
                "since": _AT,
                "boot": "0f6ad3b1c2e4",
                "floor": "2026-11-21T14:09:02.004Z",
                "every_s": 5.0,
                "headset": "3f9a2c41d0-48209",
            },
            "status.offline": {"state": "offline", "since": _AT, "boot": "0f6ad3b1c2e4"},
            "status.will": msgspec.json.decode(WILL),
        },
    ),
    Topic(
        name="info",
        topic="info",
        summary="Birth: who the box is and what it holds.",
        payload=INFO,
        retain=True,
        expiry_s=86_400,
        examples={
            "info": {
                "version": "0.1.0",
                "contract": 1,
                "epoch": "3f9a2c41d0",
                "first": 1,
                "last": 48213,
                "first_delivery": 1,
                "last_delivery": 3961,
                "services": ["gateway", "wallboard", "uplink"],
                "schemas": {"call.answered": 1},
                "directory": {"version": 1042, "entries": 51207, "as_of": "2026-11-21T14:00:00.000000Z", "snapshot": None},
            }
        },
    ),
    Topic(
        name="floor",
        topic="floor",
        summary="The floor snapshot, always the newest.",
        payload=None,
        retain=True,
        expiry_s=86_400,
        examples={"floor": example_floor.example()},
    ),
    Topic(
        name="pop",
        topic="pop/{agent}",
        summary="Screen pop, the moment a call rings an agent, or a number is about to be dialled for him.",
        payload=POP,
        expiry_s=30,
        examples={
            "pop": {
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
                "why": "call",
                "title": "Ventas",
                "digits": ["principal:2", "idioma:1"],
                "waited_s": 42.3,
                "card": {
                    "customer": "k-77",
                    "name": "Ana Ruiz",
                    "segment": "vip",
                    "language": "es",
                    "last_case": "F-2210",
                    "vip": True,
                },
                "callback": None,
                "command": None,
                "text": None,
            }
        },
    ),
    Topic(
        name="reply",
        topic="reply/{id}",
        summary="What became of a command.",
        payload=REPLY,
        examples={f"reply.{name}": _reply(name) for name in REPLY["properties"]["state"]["enum"]},
    ),
)


def document() -> Schema:
    """`callfloor schema link`: what is published beside events, by the topic's name: `#/$defs/status`, `info`, `pop`, `reply`.

    The snapshot on `floor` is `callfloor schema floor`.
    """
    return {
        "$schema": DIALECT,
        "$id": "urn:callfloor:1:link",
        "title": "Beside events: a payload on callfloor/1/{site}/{box}/{status,info,pop/…,reply/…} must fit #/$defs/{name}",
        "$defs": {topic.name: {"description": topic.summary, **topic.payload} for topic in TOPICS if topic.payload},
    }
