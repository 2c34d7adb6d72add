"""The schema of a command as the CRM sends it: the envelope, and each verb's arguments from the types in core."""

from __future__ import annotations

from typing import Any, Final

from appliance.core.command import VERBS
from appliance.schema.json_schema import DIALECT, Schema, components

#: What each verb does, and arguments that would be taken.
_WORDS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "announce": ("Show a text on the boards.", {"text": "Reunión a las 15:00", "severity": "info", "until": "2026-11-21T20:15:00Z"}),
    "withdraw": ("Take an announcement off the boards.", {"announcement": "c-2026-11-21-0007"}),
    "acknowledge": ("Say that a person has seen an alarm.", {"alarm": "queue.ventas.abandon_rate"}),
    "originate": ("Call a number for an agent.", {"agent": "agente-101", "number": "+12025550143", "preview": True, "timeout_s": 30}),
    "answer": ("Answer the call that rings the agent.", {"agent": "agente-101"}),
    "hangup": ("Hang a call up.", {"call": "3f9a2c41d0-118"}),
    "hold": ("Put a call on hold.", {"agent": "agente-101"}),
    "resume": ("Take a call off hold.", {"agent": "agente-101"}),
    "transfer": ("Hand a call on.", {"call": "3f9a2c41d0-118", "to": "2040", "attended": False}),
    "pause": ("Pause an agent, in all his queues when none is named.", {"agent": "agente-101", "reason": "capacitacion"}),
    "unpause": ("End an agent's pause.", {"agent": "agente-101", "queues": ["ventas"]}),
    "queue_add": ("Let an agent join a queue.", {"agent": "agente-101", "queue": "soporte", "penalty": 2}),
    "queue_remove": ("Let an agent leave a queue.", {"agent": "agente-101", "queue": "soporte"}),
    "supervise": (
        "Listen to an agent's call, whisper to the agent, or break in.",
        {"supervisor": "jefa-1", "agent": "agente-101", "mode": "listen"},
    ),
    "callback": (
        "Take a callback on, or say that it is done (docs/callbacks.md).",
        {"callback": "cb-3f9a2c41d0-48177", "action": "claim", "by": "agente-101"},
    ),
    "headset_ring": ("Ring a headset, so that somebody finds it or looks up.", {"seat": "a12", "pattern": "short", "seconds": 2}),
    "beacon": (
        "Play a pattern over a lamp, `LIGHT.ROLE`, or a whole stack light, `LIGHT`: dark, steady, flash, single, double, triple; or beep.",
        {"lamp": "torre.blue", "pattern": "flash", "seconds": 30},
    ),
    "kpi": (
        "Tell the boards figures that only the CRM knows.",
        {
            "as_of": "2026-11-21T14:00:00Z",
            "fcr": 0.87,
            "paid_seconds": 172800,
            "channels": {"email": {"waiting": 12, "longest_wait": 5400, "service_level_of": [41, 50]}},
        },
    ),
    "directory": (
        "Hand the box a page of customer cards.",
        {"version": 7, "upserts": [{"number": "+12025550143"}], "deletes": ["k-0"]},
    ),
    "classify": ("Say what a call was about.", {"call": "3f9a2c41d0-118", "type": "reclamo", "topic": "factura"}),
    "resend": (
        "Send delivery numbers again, both ends included: same `id` and `delivery`, `late` true, in order, behind all that is due. "
        "`epoch` says which numbers are meant; without it this journal's.",
        {"from": 3801, "to": 3960, "epoch": "3f9a2c41d0"},
    ),
    "ping": ("Ask whether the box is there and takes commands.", {}),
}
_STAFF: Final = frozenset({"agent", "supervisor", "by"})
_CALLER: Final = frozenset({"number", "to", "card", "upserts", "deletes", "question"})
_UNITS: Final = {"seconds": "s", "paid_seconds": "s", "fcr": "1"}


def shapes(ref: str = "#/$defs/{name}") -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Each verb with a reference to its arguments' schema, and the components behind them, named `Command…`."""
    _, found = components([verb.args for verb in VERBS.values()])
    # Beside events and the snapshot in one document, `Pause` alone would not say whose.
    named = {f"Command{name}": shape for name, shape in found.items()}
    for name, shape in named.items():
        shape["title"] = name
        for member, content in shape["properties"].items():
            texts = any(branch.get("type") in {"string", "array"} for branch in [content, *content.get("anyOf", [])])
            if member in _STAFF:
                content["x-privacy"] = "staff"
            elif member in _CALLER and texts:
                content["x-privacy"] = "caller"
            if member in _UNITS:
                content["x-unit"] = _UNITS[member]
    named["CommandCallOrAgent"]["oneOf"] = [{"required": ["call"]}, {"required": ["agent"]}]
    return {name: {"$ref": ref.format(name=f"Command{verb.args.__name__}")} for name, verb in VERBS.items()}, named


def needs_expires(verb: str) -> bool:
    """Whether the verb touches a call, and so must say until when it is wanted."""
    return VERBS[verb].touches_call


def summary_of(verb: str) -> str:
    """One sentence about the verb."""
    return _WORDS[verb][0]


def example(verb: str) -> dict[str, Any]:
    """One command of the verb, as published."""
    sent: dict[str, Any] = {"id": "c-2026-11-21-0007", "time": "2026-11-21T14:06:40.000Z"}
    if needs_expires(verb):
        sent["expires"] = "2026-11-21T14:06:55.000Z"
    return {**sent, "args": _WORDS[verb][1]}


def message(verb: str, args: Schema) -> Schema:
    """The schema of one verb's message, given where its arguments' schema is."""
    moment = {"type": "string", "format": "date-time"}
    required = ["id", *(["expires"] if needs_expires(verb) else [])]
    return {
        "type": "object",
        "description": summary_of(verb),
        "required": required,
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "description": "unique for ever: a command runs at most once"},
            "time": {**moment, "description": "when it was sent"},
            "expires": {**moment, "description": "not to be run from then on"},
            "args": args,
        },
    }


def document() -> Schema:
    """`callfloor schema commands`: each verb's message is `#/$defs/VERB`."""
    verbs, found = shapes()
    return {
        "$schema": DIALECT,
        "$id": "urn:callfloor:1:commands",
        "title": "Commands: a payload on callfloor/1/{site}/{box}/cmd/{verb} must fit #/$defs/{verb}",
        "$defs": {**{verb: message(verb, args) for verb, args in verbs.items()}, **found},
    }
