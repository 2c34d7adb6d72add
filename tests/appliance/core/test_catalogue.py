"""The catalogue holds the contract's kinds, and every kind survives the journal, whatever stands in its fields."""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import KIND_OF, KINDS, CallAnswered, event_from_stored, kind_of
from appliance.core.event import Event, body_from_event, stored_from_body

#: Group and kinds as the contract lists them.
CONTRACT = """
call offered queued ringing answered held resumed transferred abandoned left ended digits survey classified callback_requested lost
agent logged_in logged_out state
line ringing caller_id seized released fault all_busy all_busy_ended
headset attached detached hook mute fault finding
pbx up down resynced record
link up down
journal started gap pressure skipped
box started clock_stepped health
command received finished
alarm raised acknowledged cleared
announcement shown ended
"""
#: Beyond the first contract.
OURS = (
    "headset.minute",
    "journal.purged",
    "box.gap",
    "privacy.forgotten",
    "call.matched",
    "call.dissatisfied",
    "call.attempted",
    "call.previewed",
    "pop.settled",
    "callback.opened",
    "callback.claimed",
    "callback.closed",
    "kpi.told",
)
LISTED = [f"{group}.{kind}" for group, *kinds in map(str.split, CONTRACT.strip().splitlines()) for kind in kinds]


def test_kinds_are_the_contracts() -> None:
    assert [kind for kind in KINDS if kind not in OURS] == LISTED


def test_kind_and_type_name_each_other() -> None:
    assert len(KIND_OF) == len(KINDS)
    for name, kind in KINDS.items():
        assert KIND_OF[kind.type] == name


def test_type_outside_the_catalogue() -> None:
    class Stranger(msgspec.Struct):
        pass

    with pytest.raises(KeyError):
        kind_of(Stranger())


@pytest.mark.parametrize("name", KINDS)
def test_kind_is_frozen_documented_and_lean(name: str) -> None:
    kind = KINDS[name].type
    config = kind.__struct_config__
    assert config.frozen
    assert config.omit_defaults, "a default member must not be written: every byte is flushed"
    assert kind.__doc__
    assert not config.forbid_unknown_fields, "an older box must read a newer box's events"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=3,
)


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value that a field of this type may hold."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        low = next((meta.ge for meta in args[1:] if getattr(meta, "ge", None) is not None), None)
        high = next((meta.le for meta in args[1:] if getattr(meta, "le", None) is not None), None)
        return st.floats(min_value=low, max_value=high, allow_nan=False, allow_infinity=False) if args[0] is float else values_of(args[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values_of(arg) for arg in args])
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is tuple and args[-1] is not Ellipsis:
        return st.tuples(*map(values_of, args))
    if origin is tuple:
        return st.lists(values_of(args[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=8), values_of(args[1]), max_size=3)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(max_size=12),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        type(None): st.none(),
        Any: json_values,
    }
    return structs_of(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else plain[kind]


def structs_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in msgspec.structs.fields(kind)})


@settings(max_examples=10)
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_round_trip(name: str, data: st.DataObject) -> None:
    event = Event(name, "gateway/central", 2, 1, "b", "synced", data.draw(structs_of(KINDS[name].type)))
    assert event_from_stored(stored_from_body(body_from_event(event))) == event


def test_kind_of_a_newer_box_is_passed_over() -> None:
    stored = stored_from_body(b'{"k":"call.teleported","s":"x/y","w":2,"m":1,"b":"b","c":"synced","d":{"to":"mars"}}')
    assert event_from_stored(stored) is None


def test_member_of_a_newer_box_is_passed_over() -> None:
    body = b'{"k":"call.answered","s":"x/y","w":2,"m":1,"b":"b","c":"synced","d":{"call":"c","pbx":"p","wait_s":1.5,"mood":"sunny"}}'
    event = event_from_stored(stored_from_body(body))
    assert event is not None
    assert event.data == CallAnswered(call="c", pbx="p", wait_s=1.5)


@pytest.mark.parametrize(
    "data", [b"{}", b'{"call":"c","pbx":"p"}', b'{"call":"c","pbx":"p","wait_s":-1}', b'{"call":"c","pbx":"p","wait_s":"1"}']
)
def test_data_that_does_not_fit_its_kind_is_refused(data: bytes) -> None:
    stored = stored_from_body(b'{"k":"call.answered","s":"x/y","w":2,"m":1,"b":"b","c":"synced","d":' + data + b"}")
    with pytest.raises(msgspec.ValidationError):
        event_from_stored(stored)
