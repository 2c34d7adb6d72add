"""How our types become JSON Schema (2020-12): references, units and privacy on the member itself, formats of times."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import msgspec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

#: A unit in the member's name (docs/architecture.md, names): the longest suffix that fits.
_SUFFIX_UNITS: Final = {"_per_s": "1/s", "_s": "s", "_ns": "ns", "_bytes": "bytes", "_days": "d"}
#: Members whose text is a time of day, RFC 3339 in UTC.
_TIMES: Final = frozenset({"time", "since", "until", "as_of", "oldest", "longest_since", "expires", "from", "acknowledged"})


def components(types: Iterable[Any], ref: str = "#/$defs/{name}") -> tuple[list[Schema], dict[str, Schema]]:
    """Schemas of the types, as references, and what they refer to, by name.

    `ref` is where the document keeps its components. Every member of an object has `x-unit` where it is a
    measure and `x-privacy` where it is not open.
    """
    references, found = msgspec.json.schema_components(list(types), schema_hook=_foreign, ref_template=ref)
    for schema in found.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
        for name, member in schema.get("properties", {}).items():
            _finish(name, member)
    # Through JSON once, so that a default is a list here as it is everywhere else.
    return [dict(reference) for reference in references], msgspec.json.decode(msgspec.json.encode(dict(sorted(found.items()))))


def _foreign(kind: type) -> Schema:
    """Schemas of types that are not JSON's own."""
    if issubclass(kind, Path):
        return {"type": "string", "minLength": 1, "x-path": True}
    raise NotImplementedError(f"no JSON Schema for {kind!r}: add it to appliance/schema/json_schema.py")


def _finish(name: str, member: Schema) -> None:
    """Lift what an alternative says about the whole member; add the unit or the format that the name tells."""
    branches = [member, *member.get("anyOf", [])]
    for branch in branches[1:]:
        for key in [key for key in branch if key.startswith("x-")]:
            member[key] = branch.pop(key)
    numeric = any(branch.get("type") in {"number", "integer"} for branch in branches)
    unit = next((unit for suffix, unit in _SUFFIX_UNITS.items() if name.endswith(suffix)), None)
    if numeric and unit:
        member.setdefault("x-unit", unit)
    for branch in branches:
        if name in _TIMES and branch.get("type") == "string":
            branch["format"] = "date-time"


def text_of(document: Schema) -> str:
    """A document as it is printed and committed: indented, letters as they are, one newline at the end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
