"""The schema of an event as the CRM receives it: the CloudEvents envelope around each kind's own data."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from appliance.core.catalogue import KINDS
from appliance.core.clock import rfc3339
from appliance.schema.example import example_of
from appliance.schema.json_schema import DIALECT, Schema, components

_EXAMPLE_WALL_NS: Final = 1_795_270_000_123_000_000
_EXAMPLE_N: Final = 3961


def type_of(kind: str) -> str:
    """The CloudEvents `type` of a kind.

    >>> type_of("call.answered")
    'callfloor.call.answered.v1'
    """
    return f"callfloor.{kind}.v{KINDS[kind].version}"


def envelope() -> Schema:
    """What surrounds every event's data: CloudEvents 1.0, structured JSON, with our extensions."""
    return {
        "title": "Envelope",
        "description": "CloudEvents 1.0 in structured JSON. `id` is unique for ever and the same at every redelivery.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "sequence", "delivery", "clock", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "pattern": "^[0-9a-z]+-[0-9]+$", "description": "<epoch>-<seq>"},
            "source": {"type": "string", "pattern": "^(/[a-z0-9._-]{1,64}){4}$", "description": "/{site}/{box}/{service}/{name}"},
            "type": {"type": "string"},
            "time": {"type": "string", "format": "date-time", "description": "the box's clock when the event was seen"},
            "sequence": {"type": "string", "pattern": "^[0-9]{12,}$", "description": "place in the box's journal; not dense here"},
            "delivery": {
                "type": "string",
                "pattern": "^[0-9]{12,}$",
                "description": "dense number of what is due to the CRM in this epoch: a missing one is a gap",
            },
            "previous": {
                "type": "string",
                "pattern": "^[0-9]{12,}$",
                "description": "of headset events: behind this `sequence` none was before this one; whoever reads them alone sees a gap",
            },
            "clock": {"enum": ["holdover", "synced", "unset"], "description": "how far `time` is to be trusted"},
            "late": {"const": True, "description": "first sent more than 60 s after it was recorded, or sent again on request"},
            "datacontenttype": {"const": "application/json"},
            "data": {"type": "object"},
        },
    }


def message(kind: str, data: Schema, envelope_ref: str) -> Schema:
    """The schema of one kind as published, given where its data's and the envelope's schemas are."""
    return {"allOf": [{"$ref": envelope_ref}], "properties": {"type": {"const": type_of(kind)}, "data": data}}


def example(kind: str) -> dict[str, Any]:
    """One published event of a kind."""
    group = kind.partition(".")[0]
    service = {"call": "gateway", "agent": "gateway", "line": "gateway", "pbx": "gateway", "headset": "headsets", "alarm": "wallboard"}
    name = service.get(group, "uplink")
    return {
        "specversion": "1.0",
        "id": "3f9a2c41d0-48213",
        "source": f"/quito-norte/piso-3/{name}/{'central' if name == 'gateway' else name}",
        "type": type_of(kind),
        "time": rfc3339(_EXAMPLE_WALL_NS),
        "sequence": "000000048213",
        "delivery": f"{_EXAMPLE_N:012d}",
        "clock": "synced",
        "datacontenttype": "application/json",
        "data": msgspec.json.decode(msgspec.json.encode(example_of(kind))),
    }


def document() -> Schema:
    """`callfloor schema events`: any one event, told apart by `type`."""
    references, found = components(kind.type for kind in KINDS.values())
    defs: dict[str, Schema] = {"Envelope": envelope(), **found}
    return {
        "$schema": DIALECT,
        "$id": "urn:callfloor:1:events",
        "title": "An event of the floor, as published to callfloor/1/{site}/{box}/event/{group}/{kind}",
        "oneOf": [message(kind, data, "#/$defs/Envelope") for kind, data in zip(KINDS, references, strict=True)],
        "$defs": defs,
    }
