"""The reference pages that are written from the types: docs/events.md, docs/commands.md, docs/configuration.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

import msgspec

from appliance.core.catalogue import KINDS
from appliance.schema import command, config, event
from appliance.schema.json_schema import Schema, components

_NOTE: Final = "<!-- Written by `make docs` from the types in the code. Change those. -->"
_NONE: Final = "–"


def events() -> str:
    """docs/events.md: every kind, group by group, with its fields and an example."""
    references, found = components(kind.type for kind in KINDS.values())
    lines = [
        "# Events",
        "",
        _NOTE,
        "",
        "Everything that the box sees is an event in its journal; what is *due* is also sent to the CRM, as a CloudEvent whose",
        "`data` is described here, on the topic `callfloor/1/{site}/{box}/event/{group}/{kind}`. A member that is missing has its",
        "default; null means not known. Privacy: `staff` tells of one employee, `caller` is a caller's number, name or words.",
        "Members may be added to a kind, never renamed or removed. Schemas: [events.json](schema/events.json),",
        "[asyncapi.json](asyncapi.json).",
        "",
        "| kind | means | due |",
        "| --- | --- | --- |",
    ]
    shapes = {kind: found[ref["$ref"].rpartition("/")[2]] for kind, ref in zip(KINDS, references, strict=True)}
    for kind, row in KINDS.items():
        means = shapes[kind]["description"].partition("\n")[0]
        lines.append(f"| [`{kind}`](#{_anchor(kind)}) | {means} | {'yes' if row.due else 'unless configured, no'} |")
    for group, members in groupby(KINDS, key=lambda kind: kind.partition(".")[0]):
        kinds = list(members)
        shared = _shared([shapes[kind] for kind in kinds])
        lines += ["", f"## {group}"]
        if shared:
            lines += ["", f"Members of every `{group}` event:", "", *_table({**shapes[kinds[0]], "properties": shared}, found)]
        for kind in kinds:
            lines += ["", f"### {kind}", "", *_event(kind, shapes[kind], set(shared), found)]
    return "\n".join(lines) + "\n"


def _shared(shapes: list[Schema]) -> dict[str, Schema]:
    """The members that several kinds have in common, where there is more than one kind and more than one member."""
    first, *rest = (shape["properties"] for shape in shapes)
    shared = {name: member for name, member in first.items() if all(other.get(name) == member for other in rest)}
    return shared if rest and len(shared) > 1 else {}


def _event(kind: str, shape: Schema, shared: set[str], found: dict[str, Schema]) -> Iterator[str]:
    own = {name: member for name, member in shape["properties"].items() if name not in shared}
    yield shape["description"]
    yield ""
    yield f"Type `{event.type_of(kind)}`, since {KINDS[kind].since}."
    yield ""
    if own or not shared:
        yield from _table({**shape, "properties": own}, found)
        yield ""
    yield from _json(event.example(kind)["data"])


def commands() -> str:
    """docs/commands.md: every verb, its arguments and an example."""
    verbs, found = command.shapes()
    lines = [
        "# Commands",
        "",
        _NOTE,
        "",
        'The CRM publishes `{"id", "time", "expires", "args"}` to `callfloor/1/{site}/{box}/cmd/{verb}` and reads the reply on',
        "`callfloor/1/{site}/{box}/reply/{id}`; a person types `callfloor send VERB KEY=VALUE…`. A command runs at most once.",
        "How it lives: [contract.md](contract.md#commands); what reaches the PBX: [pbx-commands.md](pbx-commands.md). Schema:",
        "[commands.json](schema/commands.json).",
    ]
    for verb, args in verbs.items():
        shape = found[args["$ref"].rpartition("/")[2]]
        needs = " `expires` is required." if command.needs_expires(verb) else ""
        lines += ["", f"## {verb}", "", command.summary_of(verb) + needs, "", *_table(shape, found), "", *_json(command.example(verb))]
    return "\n".join(lines) + "\n"


def configuration() -> str:
    """docs/configuration.md: every key of the file."""
    lines = [
        "# Configuration",
        "",
        _NOTE,
        "",
        "One TOML file, `/etc/callfloor/callfloor.toml` unless `-c` names another. Secrets stand in files of their own that it",
        "names. Relative paths are relative to the file, the journal's to the service's state directory. `callfloor check -c FILE`",
        "names every fault with its line and its mend; `callfloor schema config` prints the schema for your editor. `NAME` is a",
        "name that you choose.",
    ]
    for table, rows in groupby(config.rows(), key=lambda row: row.table):
        lines += ["", f"## [{table}]", "", "| key | means | type | unit | default |", "| --- | --- | --- | --- | --- |"]
        for row in rows:
            default = "must be given" if row.required else f"`{row.default}`" if row.default is not None else _NONE
            unit = row.schema.get("x-unit", _NONE)
            lines.append(f"| `{row.key}` | {row.schema.get('description', '')} | {_type(row.schema, {})} | {unit} | {default} |")
    return "\n".join(lines) + "\n"


def _table(shape: Schema, found: dict[str, Schema]) -> Iterable[str]:
    """The members of an object as a table."""
    members = shape.get("properties", {})
    if not members:
        yield "No arguments."
        return
    yield "| member | type | unit | privacy | default |"
    yield "| --- | --- | --- | --- | --- |"
    for name, member in members.items():
        required = name in shape.get("required", ())
        default = "always there" if required else f"`{msgspec.json.encode(member.get('default')).decode()}`"
        unit, privacy = member.get("x-unit", _NONE), member.get("x-privacy", "open")
        yield f"| `{name}` | {_type(member, found)} | {unit} | {privacy} | {default} |"


def _type(schema: Schema, found: dict[str, Schema]) -> str:
    """A schema in a few words.

    >>> _type({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, {})
    '`a`, `b` or null'
    """
    kind = str(schema.get("type", "any"))
    if "anyOf" in schema:
        words = " or ".join(_type(branch, found) for branch in schema["anyOf"])
    elif "$ref" in schema:
        inner = found.get(schema["$ref"].rpartition("/")[2], {})
        words = "object of " + ", ".join(f"`{name}`" for name in inner.get("properties", {}))
    elif "enum" in schema:
        words = ", ".join(f"`{value}`" for value in schema["enum"])
    elif isinstance(schema.get("items"), dict):
        words = f"list of {_type(schema['items'], found)}"
    elif isinstance(schema.get("additionalProperties"), dict):
        words = f"object, values: {_type(schema['additionalProperties'], found)}"
    elif schema.get("format") == "date-time":
        words = "time"
    else:
        words = "path" if schema.get("x-path") else kind
    return words + _range(schema)


def _range(schema: Schema) -> str:
    """The bounds of a number, in words.

    >>> _range({"type": "number", "exclusiveMinimum": 0, "maximum": 60})
    ', above 0, at most 60'
    """
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return "".join(f", {word} {schema[key]}" for key, word in bounds.items() if key in schema)


def _json(value: object) -> Iterator[str]:
    yield "```json"
    yield msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    yield "```"


def _anchor(heading: str) -> str:
    """The fragment that a heading gets where Markdown is shown.

    >>> _anchor("call.answered")
    'callanswered'
    """
    return heading.lower().replace(".", "")
