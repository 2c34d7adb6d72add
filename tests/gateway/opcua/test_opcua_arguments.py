"""What a client's variants become as arguments, whatever it sends."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.command import VERBS, args_of
from gateway.opcua.argument import Argument, UnfitError, arguments_from_struct, described, values_of
from gateway.opcua.verb import inputs_of

TEXT = Argument(name="text", kind="text")
ALL = (
    Argument(name="text", kind="text", required=False),
    Argument(name="number", kind="int", required=False),
    Argument(name="share", kind="float", required=False),
    Argument(name="flag", kind="bool", required=False),
    Argument(name="list", kind="texts", required=False),
    Argument(name="bytes", kind="bytes", required=False),
    Argument(name="json", kind="json", required=False),
)


def variant(value: Any, kind: str, *, is_array: bool | None = None) -> ua.Variant:
    return ua.Variant(value, getattr(ua.VariantType, kind), is_array=is_array)


def test_each_kind() -> None:
    given_ = [variant("a", "String"), variant(5, "UInt16"), variant(2, "Int32"), variant(False, "Boolean"), variant(["x", "y"], "String"), variant(b"\1", "ByteString"), variant('{"a": [1]}', "String")]  # fmt: skip
    assert values_of(ALL, given_) == {
        "text": "a", "number": 5, "share": 2.0, "flag": False, "list": ("x", "y"), "bytes": b"\1", "json": {"a": [1]},
    }  # fmt: skip


def test_what_is_left_out() -> None:
    """A null, an empty text, an empty list, a NaN, or nothing at all behind the last one."""
    nothing = [variant("", "String"), ua.Variant(), variant(float("nan"), "Double"), None, variant([], "String", is_array=True)]
    assert values_of(ALL, nothing) == {}
    assert values_of((Argument(name="s", kind="float", required=False, zero_is_none=True),), [variant(0.0, "Double")]) == {}
    assert values_of((TEXT,), [ua.Variant(ua.LocalizedText("hola"), ua.VariantType.LocalizedText)]) == {"text": "hola"}


@pytest.mark.parametrize(
    ("argument", "value", "status"),
    [
        (TEXT, variant(5, "Int32"), ua.StatusCodes.BadInvalidArgument),
        (TEXT, None, ua.StatusCodes.BadInvalidArgument),
        (TEXT, variant(["a"], "String"), ua.StatusCodes.BadInvalidArgument),
        (Argument(name="n", kind="int"), variant(1.5, "Double"), ua.StatusCodes.BadInvalidArgument),
        (Argument(name="n", kind="int"), variant(True, "Boolean"), ua.StatusCodes.BadInvalidArgument),
        (Argument(name="b", kind="bool"), variant(1, "Int32"), ua.StatusCodes.BadInvalidArgument),
        (Argument(name="j", kind="json"), variant("[" * 5000, "String"), ua.StatusCodes.BadInvalidArgument),
        (Argument(name="c", kind="text", choices=("a",)), variant("b", "String"), ua.StatusCodes.BadInvalidArgument),
    ],
)
def test_what_does_not_fit(argument: Argument, value: Any, status: int) -> None:
    with pytest.raises(UnfitError) as told:
        values_of((argument,), [value])
    assert told.value.status == status
    assert len(told.value.each) == 1


VARIANTS = st.one_of(
    st.none(),
    st.text(max_size=20).map(lambda text: variant(text, "String")),
    st.integers(-5, 5).map(lambda number: variant(number, "Int64")),
    st.floats().map(lambda number: variant(number, "Double")),
    st.booleans().map(lambda flag: variant(flag, "Boolean")),
    st.binary(max_size=5).map(lambda data: variant(data, "ByteString")),
    st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=4).map(lambda texts: variant(texts, "String", is_array=True)),
    st.lists(st.integers(0, 3), max_size=3).map(lambda numbers: variant(numbers, "Int32", is_array=True)),
    st.just(ua.Variant(ua.NodeId(1), ua.VariantType.NodeId)),
)


@given(st.lists(VARIANTS, max_size=9))
def test_whatever_is_sent_fits_or_is_refused(sent: list[Any]) -> None:
    refused: UnfitError | None = None
    values: dict[str, Any] = {}
    try:
        values = values_of(ALL, sent)
    except UnfitError as fault:
        refused = fault
    if refused is not None:
        assert ua.StatusCode(refused.status).is_bad()
        assert len(refused.each) <= len(sent)
    assert set(values) <= {argument.name for argument in ALL}
    assert all(value is not None for value in values.values())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_can_be_described_and_called_with_nothing_optional(verb: str) -> None:
    arguments = inputs_of(verb)
    for argument in arguments:
        assert described(argument).Name == argument.name
    names = [argument.name for argument in arguments_from_struct(VERBS[verb].args)]
    assert names == [argument.name for argument in arguments[:-2]]
    if not any(argument.required for argument in arguments) and verb not in ("answer", "hangup", "hold", "resume"):
        args_of(verb, values_of(arguments[:-2], []))
