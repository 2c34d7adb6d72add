"""The schema of a command as the CRM sends it: the envelope, and each verb's arguments from the types in core."""

from __future__ import annotations

from typing import Any

from appliance.schema.json_schema import DIALECT, Schema


def shapes(ref: str = "#/$defs/{name}") -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Each verb with a reference to its arguments' schema, and the components behind them."""
    return {}, {}


def needs_expires(verb: str) -> bool:
    """Whether the verb touches a call, and so must say until when it is wanted."""
    return verb in {"originate", "answer", "hangup", "hold", "resume", "transfer", "supervise"}


def summary_of(verb: str) -> str:
    """One sentence about the verb."""
    return verb


def example(verb: str) -> dict[str, Any]:
    """One command of the verb."""
    return {"id": verb}


def message(verb: str, args: Schema) -> Schema:
    """The schema of one verb's message, given where its arguments' schema is."""
    required = ["id", "expires"] if needs_expires(verb) else ["id"]
    return {"type": "object", "required": required, "properties": {"args": args}}


def document() -> Schema:
    """`callfloor schema commands`: any one command, by verb."""
    verbs, found = shapes()
    return {
        "$schema": DIALECT,
        "$id": "urn:callfloor:1:commands",
        "title": "Commands, by verb: the topic's last part tells which one a payload must fit",
        "$defs": {**found, **{f"cmd.{verb}": message(verb, args) for verb, args in verbs.items()}},
    }
