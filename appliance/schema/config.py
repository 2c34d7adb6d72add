"""The schema of callfloor.toml, and its rows for the reference page: what TOML can say, with the meaning of every key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from appliance.core.config import Config, JournalConfig
from appliance.schema.config_words import WORDS
from appliance.schema.json_schema import DIALECT, Schema, components

_NULL: Final = {"type": "null"}


def document() -> Schema:
    """`callfloor schema config`: for editors and for whoever writes the file by program."""
    (reference,), found = components([Config])
    for name, schema in found.items():
        for key, member in schema["properties"].items():
            _without_null(member)
            word = WORDS.get(f"{name}.{key}")
            if word:
                member["description"] = word
    # A default that is no JSON type has to be told here.
    found["JournalConfig"]["properties"]["path"]["default"] = str(JournalConfig().path)
    return {"$schema": DIALECT, "$id": "urn:callfloor:1:config", "title": "callfloor.toml", **reference, "$defs": found}


def _without_null(member: Schema) -> None:
    """TOML has no null: a key that may be null is one that may be left out."""
    if "anyOf" in member:
        left = [branch for branch in member.pop("anyOf") if branch != _NULL]
        member.update(left[0] if len(left) == 1 else {"anyOf": left})
    if member.get("default", ...) is None:
        del member["default"]


class Row(msgspec.Struct, frozen=True):
    """One key for the reference page: its table in the file, its name, JSON Schema, default as TOML (None: none), whether it must stand."""

    table: str
    key: str
    schema: Schema
    default: str | None
    required: bool


def rows() -> Iterator[Row]:
    """Every key of the file, table by table, in the order of the types; `NAME` stands for a name that the site chooses."""
    yield from _rows(document()["$defs"], "Config", "")


def _rows(defs: dict[str, Schema], name: str, table: str) -> Iterator[Row]:
    deeper: list[tuple[str, str]] = []
    for key, member in defs[name]["properties"].items():
        inner = member.get("$ref") or member.get("additionalProperties", {}).get("$ref") if isinstance(member, dict) else None
        if inner:
            path = f"{table}.{key}".lstrip(".") + ("" if "$ref" in member else ".NAME")
            deeper.append((inner.rpartition("/")[2], path))
            continue
        default = _toml(member["default"]) if "default" in member else None
        yield Row(table, key, member, default, key in defs[name]["required"])
    for inner, path in deeper:
        yield from _rows(defs, inner, path)


def _toml(value: Any) -> str:
    """A default as it would stand in the file.

    >>> _toml(["a", 1, True])
    '["a", 1, true]'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
