"""Decides whether a new form of a document may follow a published one within the same major version, or breaks what others have built.

What the box tells may grow: members, kinds, values of an enumeration. What it told stays, in its type, unit, format and place, and what
was always there stays always there; null may join where a member may be missing, for both mean *not known*. What the box takes may become
more lenient and never stricter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct

from appliance.schema.json_schema import Schema

#: Who writes what the schema describes: the box (`out`: events, the snapshot), or its neighbours (`in`: commands, the configuration).
Direction = Literal["out", "in"]

#: Bounds that let less through when they rise, and those that do when they fall.
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_NOTHING: Final[Schema] = {}


class Break(Struct, frozen=True):
    """One thing that breaks others: where it is (a path of names), and what happened to it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def breaks(old: Schema, new: Schema, direction: Direction) -> list[Break]:
    """What breaks whoever built against `old`, from JSON Schemas whose references stay inside each document."""
    found: dict[Break, None] = {}
    for one in _Walk(old, new, direction).document():
        found.setdefault(one)
    return list(found)


def topic_breaks(old: Schema, new: Schema) -> list[Break]:
    """What breaks whoever built against `old`, from AsyncAPI documents: topics, their direction, delivery and the messages on them.

    What stands in the messages is for `breaks`.
    """
    return list(_topic_breaks(old, new))


def _topic_breaks(old: Schema, new: Schema) -> Iterator[Break]:
    for name, channel in old["channels"].items():
        now = new["channels"].get(name)
        if now is None:
            yield Break(f"channel {name}", "is gone")
            continue
        if channel["address"] != now["address"]:
            yield Break(f"channel {name}", f"was at {channel['address']} and is at {now['address']}")
        for message in channel["messages"]:
            if message not in now["messages"]:
                yield Break(f"message {message}", f"is gone from {channel['address']}")
    for name, operation in old["operations"].items():
        now = new["operations"].get(name)
        if now is None:
            yield Break(f"operation {name}", "is gone")
            continue
        for what, was, will in (
            ("action", operation["action"], now["action"]),
            ("channel", operation["channel"], now["channel"]),
            ("reply", operation.get("reply"), now.get("reply")),
            *((f"mqtt {key}", operation["bindings"]["mqtt"].get(key), now["bindings"]["mqtt"].get(key)) for key in ("qos", "retain")),
        ):
            if was != will:
                yield Break(f"operation {name}", f"its {what} was {was} and is {will}")


class _Walk:
    """Two documents side by side. A pair of references is looked into once, where it is first met."""

    def __init__(self, old: Schema, new: Schema, direction: Direction) -> None:
        self._old, self._new, self._out = old, new, direction == "out"
        self._met: set[tuple[str, str]] = set()

    def document(self) -> Iterator[Break]:
        yield from self._pair(self._old, self._new, "")
        old, new = self._old.get("$defs", _NOTHING), self._new.get("$defs", _NOTHING)
        if "$ref" not in self._old and "oneOf" not in self._old and "properties" not in self._old:
            for name in old:  # a collection, each of which somebody names: `commands.json#/$defs/announce`
                if name not in new:
                    yield Break(name, "is gone")
                else:
                    yield from self._pair({"$ref": f"#/$defs/{name}"}, {"$ref": f"#/$defs/{name}"}, name)

    def _pair(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"])
            if pair in self._met:
                return
            self._met.add(pair)
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        if "allOf" in old or "allOf" in new:  # what stands around counts as if it stood here
            yield from self._pair(_whole(self._old, old), _whole(self._new, new), where)
            return
        if "oneOf" in old and "properties" not in old:
            yield from self._kinds(old, new, where)
            return
        before, after = _branches(self._old, old), _branches(self._new, new)
        yield from self._types(before, after, where)
        yield from self._same(old, new, where)
        for kind, branch in before.items():
            if kind in after:
                yield from self._branch(branch, after[kind], where)

    def _kinds(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        """Alternatives told apart by the constant of their `type`: kinds of event."""
        before, after = _by_constant(old["oneOf"]), _by_constant(new.get("oneOf", []))
        for name, schema in before.items():
            if name not in after:
                yield Break(f"{where}{name}", "is gone")
            else:
                yield from self._pair(schema, after[name], f"{where}{name}")

    def _types(self, before: dict[str, Schema], after: dict[str, Schema], where: str) -> Iterator[Break]:
        if ("any" in before and self._out) or ("any" in after and not self._out):
            return
        gone = [kind for kind in before if kind not in after and not (kind == "integer" and "number" in after and not self._out)]
        if self._out:
            gone = [kind for kind in gone if kind != "null"]  # what is always known now harms nobody
        if gone:
            yield Break(where, f"was {_or(before)} and is {_or(after)}")
        elif self._out and (joined := [kind for kind in after if kind not in before and kind != "null"]):
            yield Break(where, f"was {_or(before)} and may now be {_or(joined)}")

    def _same(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        if old.get("x-unit") != new.get("x-unit"):
            yield Break(where, f"its unit was {old.get('x-unit', 'none')} and is {new.get('x-unit', 'none')}")
        if "default" in old and old["default"] != new.get("default", old["default"]):  # what is not said means it
            yield Break(where, f"its default was {old['default']!r} and is {new['default']!r}")
        if not self._out and old.get("oneOf") != new.get("oneOf"):
            yield Break(where, "its members exclude or need one another in another way")

    def _branch(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        yield from self._values(old, new, where)
        yield from self._bounds(old, new, where)
        yield from self._members(old, new, where)
        yield from self._items(old, new, where)

    def _values(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        before, after = _listed(old), _listed(new)
        if before is not None and after is not None and (gone := [value for value in before if value not in after]):
            yield Break(where, f"{', '.join(map(repr, gone))} is gone from its values")
        elif before is None and after is not None and not self._out:
            yield Break(where, "took any value and takes only some")
        elif before is not None and after is None and self._out:
            yield Break(where, "was one of a few values and may be any")
        for word in ("pattern", "format"):
            lost, gained = word in old and old.get(word) != new.get(word), word in new and old.get(word) != new.get(word)
            if (self._out and lost) or (not self._out and gained):
                yield Break(where, f"its {word} was {old.get(word, 'none')} and is {new.get(word, 'none')}")

    def _bounds(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        """What the box takes keeps its room; what it tells stays in it."""
        for word, sign in (*((word, 1) for word in _LOWER), *((word, -1) for word in _UPPER)):
            before, after = old.get(word), new.get(word)
            if before == after:
                continue
            tighter = before is None or (after is not None and sign * after > sign * before)
            if tighter != self._out:
                yield Break(where, f"its {word} was {_word(before)} and is {_word(after)}")

    def _members(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        before, after = old.get("properties", _NOTHING), new.get("properties", _NOTHING)
        must, must_now = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            at = f"{where}.{name}" if where else name
            if name not in after:
                yield Break(at, "is gone")
                continue
            if self._out and name in must and self._may_be_null(self._new, after[name]) and not self._may_be_null(self._old, schema):
                yield Break(at, "was always known and may now be null")
            yield from self._pair(schema, after[name], at)
        for name in sorted(must - must_now if self._out else must_now - must):
            if name in before or not self._out:
                yield Break(f"{where}.{name}" if where else name, "was always there" if self._out else "must be given now")
        more, more_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(more, dict) and isinstance(more_now, dict):
            yield from self._pair(more, more_now, f"{where}.*")
        elif not self._out and more_now is False and more is not False:
            yield Break(where, "took members that it does not name and refuses them now")

    def _may_be_null(self, document: Schema, schema: Schema) -> bool:
        return "null" in _branches(document, _resolved(document, schema))

    def _items(self, old: Schema, new: Schema, where: str) -> Iterator[Break]:
        before, after = old.get("items"), new.get("items")
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self._pair(before, after, f"{where}[]")
        places, places_now = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(places) != len(places_now):
            yield Break(where, f"had {len(places)} places and has {len(places_now)}")
        for at, (was, now) in enumerate(zip(places, places_now, strict=False)):
            yield from self._pair(was, now, f"{where}[{at}]")


def _resolved(document: Schema, schema: Schema) -> Schema:
    """The schema itself where it is a reference, and what stands beside the reference."""
    while "$ref" in schema:
        node: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        schema = {**node, **{key: value for key, value in schema.items() if key not in ("$ref", "$defs", "$id", "$schema", "title")}}
    return schema


def _whole(document: Schema, schema: Schema) -> Schema:
    """`allOf` put together with what stands beside it, whose members are the more exact ones."""
    whole: Schema = {"type": "object", "properties": {}, "required": []}
    for part in [*(_resolved(document, one) for one in schema.get("allOf", [])), schema]:
        whole["properties"] = {**whole["properties"], **part.get("properties", _NOTHING)}
        whole["required"] = [*whole["required"], *part.get("required", ())]
    return whole


def _branches(document: Schema, schema: Schema) -> dict[str, Schema]:
    """The alternatives of one member by JSON's types; `any` where nothing is said."""
    out: dict[str, Schema] = {}
    for one in schema.get("anyOf", [schema]):
        branch = _resolved(document, one)
        kinds = branch.get("type", _kind_of(branch))
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            # Two texts, two objects: what is told apart further is looked at together.
            out[kind] = {**out[kind], **branch} if kind in out else branch
    return out


def _kind_of(schema: Schema) -> str:
    values = _listed(schema)
    if values and all(isinstance(value, str) for value in values):
        return "string"
    if values in ([True], [False]):
        return "boolean"
    if values and all(isinstance(value, int | float) for value in values):
        return "number"
    return "object" if "properties" in schema else "any"


def _listed(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _by_constant(alternatives: list[Schema]) -> dict[str, Schema]:
    return {str(one.get("properties", {}).get("type", {}).get("const", at)): one for at, one in enumerate(alternatives)}


def _or(kinds: Any) -> str:
    return " or ".join(kinds)


def _word(bound: float | None) -> str:
    return "none" if bound is None else f"{bound:g}"
