"""The snapshot's schema takes what the snapshot type encodes, and tells units and privacy."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from appliance.floor import snapshot as s
from appliance.schema import floor

DOCUMENT = floor.document()
VALIDATOR = jsonschema.Draft202012Validator(DOCUMENT, format_checker=jsonschema.FormatChecker())


def full() -> s.Snapshot:
    """A snapshot with one of everything."""
    at = "2026-11-21T14:03:22.123Z"
    window = s.Window(offered=8, answered=4, service_level_of=(3, 6), service_level=0.5, satisfaction=s.Satisfaction(mean=4.2, answers=9))
    queue = s.Queue(title="Ventas", pbx="central", fresh="live", waiting=1, today=window, interval=window, rolling=window)
    return s.Snapshot(
        site="quito-norte",
        box="piso-3",
        epoch="3f9a2c41d0",
        seq=48213,
        time=at,
        clock="synced",
        pbx={"central": s.Pbx(state="up", since=at)},
        queues={"ventas": queue},
        floor=queue,
        groups={"todas": queue},
        agents={"agente-101": s.Agent(name="Agente 101", state="talking", since=at, queues=["ventas"])},
        trunks={"pstn": s.Trunk(lines=8, busy=3)},
        headsets={"a12": s.Headset(seat="a12", hook="off", mute=False)},
        health=[s.Health(id="disk", level="ok")],
        announcements=[s.Announcement(id="a1", text="Hola")],
        alarms=[s.Alarm(id="queue.ventas.asa", level="red", since=at)],
    )


def as_json(shot: s.Snapshot) -> Any:
    return msgspec.json.decode(msgspec.json.encode(shot))


def test_document_is_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)


def test_full_snapshot_fits() -> None:
    VALIDATOR.validate(as_json(full()))


def test_snapshot_as_it_goes_over_mqtt_on_a_large_floor_fits() -> None:
    shot = as_json(full())
    shot["agents"] = None
    del shot["queues"]["ventas"]["interval"], shot["queues"]["ventas"]["rolling"]
    VALIDATOR.validate(shot)


@pytest.mark.parametrize("member", floor.ALWAYS)
def test_snapshot_without_its_place_is_refused(member: str) -> None:
    shot = as_json(full())
    del shot[member]
    assert not VALIDATOR.is_valid(shot)


def test_wrong_state_is_refused() -> None:
    shot = as_json(full())
    shot["pbx"]["central"]["state"] = "sideways"
    assert not VALIDATOR.is_valid(shot)


def test_every_measure_says_its_unit() -> None:
    bare = [
        f"{name}.{member}"
        for name, shape in DOCUMENT["$defs"].items()
        for member, schema in shape.get("properties", {}).items()
        if "x-unit" not in schema and any(branch.get("type") == "number" for branch in [schema, *schema.get("anyOf", [])])
    ]
    assert bare == []


def test_units_name_members_that_exist() -> None:
    members = {member for shape in DOCUMENT["$defs"].values() for member in shape.get("properties", {})}
    assert set(floor.UNITS) - members == set()


def test_no_caller_in_a_snapshot() -> None:
    text = floor.document()
    assert '"x-privacy": "caller"' not in msgspec.json.format(msgspec.json.encode(text)).decode()
