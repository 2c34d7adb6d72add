"""What each member of the snapshot is as a node, what a new snapshot changes, and the page that lists them: all from the types."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from appliance.floor import snapshot as out
from appliance.schema.example_floor import SNAPSHOT as FLOOR
from gateway.opcua.change import Changes, Differ
from gateway.opcua.extra import Extra
from gateway.opcua.member import LONG, OR_NONE, SECONDS, TIMES, members_of
from gateway.opcua.page import page
from gateway.opcua.value import UNITS, fixed, unit_id

PAGE = Path(__file__).parents[3] / "docs" / "opcua-nodes.md"
STRUCTS = [each for each in vars(out).values() if isinstance(each, type) and issubclass(each, Struct) and each is not Struct]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs"


def test_every_member_has_a_place() -> None:
    """A new member of the snapshot is a node by itself, or this says what to do."""
    for struct in [*STRUCTS, Extra]:
        for member in members_of(struct):
            assert (member.kind is None) != (member.below is None)
            assert hasattr(struct, member.name) or member.name in struct.__struct_fields__, (
                "a renamed member: the node's id is its name in JSON"
            )
            if member.kind in ("int", "long", "float", "ints", "floats"):
                assert member.unit in UNITS


def test_the_tables_name_members_that_there_are() -> None:
    names = {name for struct in STRUCTS for name in struct.__struct_fields__}
    assert names >= TIMES
    assert names >= SECONDS
    assert names >= LONG
    assert names >= OR_NONE


def test_texts_that_are_moments_are_told_as_such() -> None:
    """Whatever reads as RFC 3339 in the example is a DateTime, and nothing else is."""
    put = Differ().feed(FLOOR).put
    looks = {
        each.path for each in put if isinstance(each.value, str) and len(each.value) > 19 and each.value[4] == "-" and each.value[10] == "T"
    }
    assert looks == {each.path for each in put if each.kind == "time" and each.value is not None}
    for each in put:
        fixed(each.kind, each.value, each.status, 1, 2)


def test_units_as_unece_numbers_them() -> None:
    """OPC 10000-8 names these numbers."""
    assert {code: unit_id(code) for code, _, _ in UNITS.values()} == {
        "SEC": 5457219, "C26": 4403766, "C47": 4404279, "P1": 20529, "C62": 4404786, "HTZ": 4740186, "VLT": 5655636, "E37": 4535095,
    }  # fmt: skip


class Tree:
    """The nodes as changes leave them."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[str, ...], tuple[Any, str]] = {}

    def apply(self, changes: Changes) -> None:
        for path in changes.gone:
            for known in [known for known in self.nodes if known[: len(path)] == path]:
                del self.nodes[known]
        for put in changes.put:
            self.nodes[put.path] = (put.value, put.status)


KEYS = st.sampled_from(["ventas", "soporte", "a.b"])
QUEUES = st.builds(
    out.Queue,
    title=st.none() | st.just("V"),
    fresh=st.sampled_from(["live", "stale", "unknown"]),
    waiting=st.none() | st.integers(0, 3),
    agents=st.none() | st.builds(out.AgentCounts, available=st.integers(0, 2)),
    today=st.builds(out.Window, left_by=st.dictionaries(st.sampled_from(["timeout", "empty"]), st.integers(1, 2), max_size=2), satisfaction=st.none() | st.just(out.Satisfaction(mean=4.0, answers=2))),
    interval=st.none() | st.builds(out.Window, offered=st.integers(0, 1)),
)  # fmt: skip
FLOORS = st.builds(
    out.Snapshot,
    queues=st.dictionaries(KEYS, QUEUES, max_size=2),
    agents=st.none() | st.dictionaries(KEYS, st.builds(out.Agent, state=st.sampled_from(["talking", "unknown"])), max_size=2),
    alarms=st.lists(st.builds(out.Alarm, id=KEYS, level=st.just("red"), since=st.just("2026-01-01T00:00:00Z")), max_size=2, unique_by=lambda each: each.id),
    headsets=st.none() | st.dictionaries(KEYS, st.builds(out.Headset, seat=KEYS, fresh=st.sampled_from(["live", "stale"])), max_size=2),
)  # fmt: skip


@given(st.lists(FLOORS, min_size=2, max_size=4))
def test_changes_one_by_one_lead_where_all_at_once_does(floors: list[out.Snapshot]) -> None:
    step, differ = Tree(), Differ()
    for floor in floors:
        step.apply(differ.feed(floor))
        at_once = Tree()
        at_once.apply(Differ().feed(floor))
        # Only a window or count that was known stays behind, as not known.
        assert {path: value for path, value in step.nodes.items() if path in at_once.nodes} == at_once.nodes
        assert {value for path, value in step.nodes.items() if path not in at_once.nodes} <= {(None, "unknown")}


@given(FLOORS)
def test_nothing_changed_nothing_is_written(floor: out.Snapshot) -> None:
    differ = Differ()
    differ.feed(floor)
    again = differ.feed(msgspec.json.decode(msgspec.json.encode(floor), type=out.Snapshot))
    assert (again.put, again.gone) == ([], [])


def test_only_what_changed_is_written() -> None:
    differ = Differ()
    quiet = out.Queue(fresh="live", waiting=1)
    floor = out.Snapshot(queues={f"q{at}": quiet for at in range(50)})
    differ.feed(floor)
    changes = differ.feed(msgspec.structs.replace(floor, queues={**floor.queues, "q7": out.Queue(fresh="live", waiting=2)}))
    assert [(put.path, put.value) for put in changes.put] == [(("queues", "q7", "waiting"), 2)]


def test_what_is_stale_keeps_its_value_and_what_is_unknown_has_none() -> None:
    differ = Differ()
    live = out.Snapshot(queues={"v": out.Queue(title="V", fresh="live", waiting=4)})
    differ.feed(live)
    stale = differ.feed(msgspec.structs.replace(live, queues={"v": msgspec.structs.replace(live.queues["v"], fresh="stale")}))
    told = {put.path[2]: put for put in stale.put if len(put.path) == 3}
    assert (told["waiting"].value, told["waiting"].status, told["waiting"].moved) == (4, "stale", False)
    assert "title" not in told, "a name does not grow old"
    unknown = differ.feed(msgspec.structs.replace(live, queues={"v": msgspec.structs.replace(live.queues["v"], fresh="unknown")}))
    told = {put.path[2]: put for put in unknown.put if len(put.path) == 3}
    assert (told["waiting"].value, told["waiting"].status) == (None, "unknown")


def test_that_nobody_waits_is_known() -> None:
    """The longest wait of a queue in which nobody waits: there is none, which is no loss of sight."""

    def longest(fresh: Literal["live", "stale", "unknown"], waiting: int | None) -> tuple[Any, str]:
        queue = out.Queue(fresh=fresh, waiting=waiting)
        put = Differ().feed(msgspec.structs.replace(FLOOR, queues={"ventas": queue})).put
        (found,) = (each for each in put if each.path == ("queues", "ventas", "longest_wait"))
        return found.value, found.status

    assert longest("live", 0) == (None, "live")
    assert longest("stale", 0) == (None, "stale")
    assert longest("unknown", None) == (None, "unknown")
