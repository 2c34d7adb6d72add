"""What was published may grow and never break: each rule, every member of the real documents, and the guard that `make lint` runs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.main import main
from appliance.schema import asyncapi, released
from appliance.schema.breaking import Direction, breaks, topic_breaks
from appliance.schema.json_schema import text_of

DOCS = Path(__file__).parents[3] / "docs"
OUT, IN = "out", "in"


def member(schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    """A document of one member, and of one that stays."""
    must = ["a"] if required else []
    return {"$ref": "#/$defs/T", "$defs": {"T": {"type": "object", "required": must, "properties": {"a": schema, "stays": {}}}}}


TEXT, NUMBER, WHOLE, NULL = {"type": "string"}, {"type": "number"}, {"type": "integer"}, {"type": "null"}
MAYBE = {"anyOf": [TEXT, NULL]}
LIST = {"type": "array", "items": TEXT}
PLACES = {"type": "array", "prefixItems": [WHOLE, WHOLE], "items": False}


@pytest.mark.parametrize(
    ("old", "new", "out", "taken"),
    [
        # old, new, does it break readers of what the box tells, does it break writers of what the box takes
        (TEXT, NUMBER, True, True),
        (TEXT, MAYBE, False, False),
        (MAYBE, TEXT, False, True),
        (WHOLE, NUMBER, True, False),
        (NUMBER, WHOLE, True, True),
        ({"enum": ["x", "y"]}, {"enum": ["x"]}, True, True),
        ({"enum": ["x"]}, {"enum": ["x", "y"]}, False, False),
        ({"enum": ["x"]}, TEXT, True, False),
        (TEXT, {"enum": ["x"]}, False, True),
        ({"const": 1}, {"const": 2}, True, True),
        ({**NUMBER, "x-unit": "s"}, {**NUMBER, "x-unit": "ms"}, True, True),
        ({**TEXT, "format": "date-time"}, TEXT, True, False),
        (TEXT, {**TEXT, "format": "date-time"}, False, True),
        ({**TEXT, "pattern": "^a$"}, {**TEXT, "pattern": "^b$"}, True, True),
        ({**NUMBER, "minimum": 1}, {**NUMBER, "minimum": 2}, False, True),
        ({**NUMBER, "minimum": 1}, {**NUMBER, "minimum": 0}, True, False),
        ({**NUMBER, "maximum": 9}, NUMBER, True, False),
        (NUMBER, {**NUMBER, "maximum": 9}, False, True),
        ({**TEXT, "maxLength": 9}, {**TEXT, "maxLength": 8}, False, True),
        (LIST, {"type": "array", "items": NUMBER}, True, True),
        (PLACES, {"type": "array", "prefixItems": [WHOLE], "items": False}, True, True),
        ({"type": "object", "additionalProperties": TEXT}, {"type": "object", "additionalProperties": NUMBER}, True, True),
        ({"type": "object"}, {"type": "object", "additionalProperties": False}, False, True),
        ({**NUMBER, "default": 0}, {**NUMBER, "default": 1}, True, True),
        (TEXT, {**TEXT, "description": "said better"}, False, False),
    ],
    ids=str,
)
def test_each_rule(old: dict[str, Any], new: dict[str, Any], out: bool, taken: bool) -> None:
    assert bool(breaks(member(old), member(new), OUT)) is out
    assert bool(breaks(member(old), member(new), IN)) is taken
    for direction in (OUT, IN):
        assert all(one.where == "a" or one.where.startswith(("a[", "a.")) for one in breaks(member(old), member(new), direction))
        assert breaks(member(old), member(old), direction) == []


def test_members_that_go_and_come() -> None:
    without = member(TEXT)
    del without["$defs"]["T"]["properties"]["a"]
    for direction in (OUT, IN):
        assert [str(one) for one in breaks(member(TEXT), without, direction)] == ["a: is gone"]
        assert breaks(without, member(TEXT), direction) == []
    assert [str(one) for one in breaks(member(TEXT, required=True), member(TEXT), OUT)] == ["a: was always there"]
    assert [str(one) for one in breaks(member(TEXT), member(TEXT, required=True), IN)] == ["a: must be given now"]
    assert [str(one) for one in breaks(without, member(TEXT, required=True), IN)] == ["a: must be given now"]
    assert breaks(member(TEXT), member(TEXT, required=True), OUT) == []
    assert breaks(member(TEXT, required=True), member(TEXT), IN) == []


def test_what_was_always_known_may_not_become_null() -> None:
    assert [one.what for one in breaks(member(TEXT, required=True), member(MAYBE, required=True), OUT)] == [
        "was always known and may now be null"
    ]


def places(node: Any) -> Iterator[dict[str, Any]]:
    """Every `properties` in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node["properties"]:
            yield node
        for value in node.values():
            yield from places(value)
    elif isinstance(node, list):
        for value in node:
            yield from places(value)


@pytest.mark.parametrize(("name", "direction"), [("floor", OUT), ("trend", OUT), ("link", OUT), ("commands", IN), ("events", OUT)])
def test_no_member_of_the_real_documents_goes_unseen(name: str, direction: Direction) -> None:
    """One member taken out of every object: found, by its name."""
    whole = released.today(name)
    edited = copy.deepcopy(whole)
    looked = 0
    for place in places(edited):
        gone = next(reversed(place["properties"]))
        kept = place["properties"].pop(gone)
        told = breaks(whole, edited, direction)
        # The data of `journal.purged` has no members; the envelope's is any object, and each kind says which.
        purged = place["properties"].get("type", {}).get("const") == "callfloor.journal.purged.v1"
        empty = gone == "data" and (purged or place.get("title") == "Envelope")
        assert empty or any(gone in one.where.split(".") for one in told), (place.get("title"), gone)
        place["properties"][gone] = kept
        looked += 1
    assert looked >= {"floor": 15, "trend": 2, "link": 4, "commands": 35, "events": 50}[name]
    assert breaks(whole, edited, direction) == []


def test_a_kind_and_a_verb_that_go() -> None:
    events, commands = released.today("events"), released.today("commands")
    fewer = {**events, "oneOf": events["oneOf"][1:]}
    assert [str(one) for one in breaks(events, fewer, OUT)] == ["callfloor.call.offered.v1: is gone"]
    assert breaks(fewer, events, OUT) == []
    without = {**commands, "$defs": {name: shape for name, shape in commands["$defs"].items() if name != "ping"}}
    assert [str(one) for one in breaks(commands, without, IN)] == ["ping: is gone"]


def test_topics() -> None:
    whole = asyncapi.document()
    for edit, told in (
        (lambda d: d["channels"]["pop"].update(address="callfloor/1/{site}/{box}/popup/{agent}"), "channel pop"),
        (lambda d: d["channels"].pop("reply"), "channel reply"),
        (lambda d: d["channels"]["event"]["messages"].pop("event.call.lost"), "message event.call.lost"),
        (lambda d: d["operations"].pop("cmd.ping"), "operation cmd.ping"),
        (lambda d: d["operations"]["floor"]["bindings"]["mqtt"].update(retain=False), "operation floor"),
        (lambda d: d["operations"]["event.call.lost"]["bindings"]["mqtt"].update(qos=0), "operation event.call.lost"),
        (lambda d: d["operations"]["cmd.ping"].pop("reply"), "operation cmd.ping"),
        (lambda d: d["operations"]["status"].update(action="receive"), "operation status"),
    ):
        edited = copy.deepcopy(whole)
        edit(edited)
        assert [one.where for one in topic_breaks(whole, edited)] == [told]
    assert topic_breaks(whole, copy.deepcopy(whole)) == []


def test_what_was_published_still_holds() -> None:
    """Fails where a change of the types breaks what others have built. The text says what, and what to do."""
    assert released.check(DOCS) == []


def test_release_refuses_what_breaks_and_what_was_published_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "holds no published form" in released.check(tmp_path)[0]
    folder = released.release(tmp_path)
    assert folder.name == asyncapi.VERSION
    assert released.check(tmp_path) == []
    path = folder / "floor.json"
    was = released.read(path)
    was["$defs"]["Queue"]["properties"]["callers_waiting"] = {"type": "integer"}
    path.write_text(text_of(was), encoding="utf-8")
    told = released.check(tmp_path)
    assert told[0] == "floor: queues.*.callers_waiting: is gone"
    with pytest.raises(released.MisconfiguredError, match="callers_waiting: is gone"):
        released.release(tmp_path)
    del was["$defs"]["Queue"]["properties"]["callers_waiting"], was["$defs"]["Queue"]["properties"]["waiting"]
    path.write_text(text_of(was), encoding="utf-8")
    with pytest.raises(released.MisconfiguredError, match="raise VERSION"):
        released.release(tmp_path)
    monkeypatch.setattr(asyncapi, "VERSION", "1.0.1")
    assert released.release(tmp_path).name == "1.0.1"
    monkeypatch.setattr(asyncapi, "VERSION", "1.0.10")
    released.release(tmp_path)
    assert released.newest(tmp_path) == tmp_path / "schema" / "released" / "1.0.10"


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = released.today("link")
    old["$defs"]["pop"]["properties"]["mood"] = {"type": "string"}
    del old["$defs"]["pop"]["properties"]["visit"]
    path = tmp_path / "pops.json"
    path.write_text(text_of(old), encoding="utf-8")
    assert main(["schema", "diff", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == ["added   pop.visit", "breaks  pop.mood: is gone", "link: 1 added, 1 that break"]
    assert main(["schema", "diff", str(path), str(path)]) == 0
    path.write_text("[]", encoding="utf-8")
    assert main(["schema", "diff", str(path)]) == 1
    assert "no JSON object" in capsys.readouterr().err
    path.write_text("{}", encoding="utf-8")
    assert main(["schema", "diff", str(path)]) == 1
    assert "not a published form" in capsys.readouterr().err
