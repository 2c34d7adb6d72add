"""Decides what the arguments of a method are: how they are described, and what a client's variants make of them.

One that a client leaves out is a null, an empty text, a NaN, or is not there at all behind the last one given.
"""

from __future__ import annotations

import math
import types
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from asyncua import ua
from msgspec import Meta, Struct

from gateway.opcua.member import Unit

ArgumentKind = Literal["bool", "int", "float", "text", "bytes", "texts", "json"]

_INTEGERS: Final = {getattr(ua.VariantType, f"{sign}Int{bits}") for sign in ("", "U") for bits in (16, 32, 64)} | {
    ua.VariantType.SByte,
    ua.VariantType.Byte,
}
_FLOATS: Final = {ua.VariantType.Float, ua.VariantType.Double}
_DATA_TYPES: Final[dict[ArgumentKind, Any]] = {
    "bool": ua.VariantType.Boolean,
    "int": ua.VariantType.Int64,
    "float": ua.VariantType.Double,
    "text": ua.VariantType.String,
    "bytes": ua.VariantType.ByteString,
    "texts": ua.VariantType.String,
    "json": ua.VariantType.String,
}
#: No text is longer, no list has more, whatever the method makes of it.
_TEXT_MOST: Final = 64 * 1024
_LIST_MOST: Final = 1000


class Argument(Struct, frozen=True, kw_only=True):
    """One argument. `zero_is_none`: nought cannot be meant, so it leaves an optional argument out as well."""

    name: str
    kind: ArgumentKind
    text: str = ""
    unit: Unit | None = None
    required: bool = True
    default: Any = None
    choices: tuple[str, ...] = ()
    zero_is_none: bool = False


class UnfitError(ValueError):
    """Arguments that a method does not take. `status`: of the call; `each`: of the arguments, as far as they were looked at."""

    def __init__(self, status: int, each: list[Any]) -> None:
        super().__init__(f"{status:#x}")
        self.status, self.each = status, each


def described(argument: Argument) -> Any:
    """The argument as a method's property tells it."""
    words = [argument.text] if argument.text else []
    words += [f"in {argument.unit}"] if argument.unit not in (None, "1") else []
    words += ["one of " + ", ".join(argument.choices)] if argument.choices else []
    words += ["JSON"] if argument.kind == "json" else []
    if not argument.required:
        words.append("optional" if argument.default in (None, (), "") else f"optional, {argument.default} when left out")
    return ua.Argument(
        Name=argument.name,
        DataType=ua.NodeId(_DATA_TYPES[argument.kind].value),
        ValueRank=ua.ValueRank.OneDimension if argument.kind == "texts" else ua.ValueRank.Scalar,
        ArrayDimensions=[0] if argument.kind == "texts" else [],
        Description=ua.LocalizedText("; ".join(words)),
    )


def values_of(arguments: Sequence[Argument], variants: Sequence[Any] | None) -> dict[str, Any]:
    """What was given, by name; optional ones that were left out are not there. Raises UnfitError."""
    given = list(variants or ())
    if len(given) > len(arguments):
        raise UnfitError(ua.StatusCodes.BadTooManyArguments, [])
    values: dict[str, Any] = {}
    each: list[Any] = []
    missing = False
    for at, argument in enumerate(arguments):
        variant = given[at] if at < len(given) else None
        try:
            value = _value(argument, variant)
        except ValueError:
            each.append(ua.StatusCode(ua.StatusCodes.BadTypeMismatch))
            continue
        if value is None:
            missing = missing or argument.required
            each.append(ua.StatusCode(ua.StatusCodes.BadInvalidArgument if argument.required else ua.StatusCodes.Good))
        elif argument.choices and value not in argument.choices:
            each.append(ua.StatusCode(ua.StatusCodes.BadOutOfRange))
        else:
            values[argument.name] = value
            each.append(ua.StatusCode())
    if any(not code.is_good() for code in each):
        short = missing and len(given) < len(arguments)
        raise UnfitError(ua.StatusCodes.BadArgumentsMissing if short else ua.StatusCodes.BadInvalidArgument, each[: len(given)])
    return values


def _value(argument: Argument, variant: Any) -> Any:
    """The value, None where it is left out. Raises ValueError where it is of another kind."""
    raw = getattr(variant, "Value", None)
    if raw is None:
        return None
    type_, is_array = variant.VariantType, bool(variant.is_array)
    if is_array != (argument.kind == "texts"):
        raise ValueError(argument.name)
    value = _read(argument.kind, type_, raw)
    return None if argument.zero_is_none and value == 0 else value


def _read(kind: ArgumentKind, type_: Any, raw: Any) -> Any:
    fits = {
        "bool": type_ == ua.VariantType.Boolean,
        "int": type_ in _INTEGERS,
        "float": type_ in _FLOATS | _INTEGERS,
        "bytes": type_ == ua.VariantType.ByteString,
        "texts": type_ == ua.VariantType.String and isinstance(raw, list | tuple) and len(raw) <= _LIST_MOST,
    }
    if not fits.get(kind, type_ in (ua.VariantType.String, ua.VariantType.LocalizedText)):
        raise ValueError(kind)
    if kind in ("text", "json"):
        text = _text((raw.Text if type_ == ua.VariantType.LocalizedText else raw) or "")
        return _json(text) if text and kind == "json" else text or None
    if kind == "texts":
        return tuple(_text(each) for each in raw if each) or None
    if kind == "float":
        return None if math.isnan(raw) else float(raw)
    return raw if raw != b"" else None


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > _TEXT_MOST:
        raise ValueError("no text, or too long")
    return raw


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as fault:
        raise ValueError("no JSON") from fault


def arguments_from_struct(struct: type[Struct]) -> tuple[Argument, ...]:
    """The arguments that a command's struct takes, in its order; what is nested is JSON in a text."""
    hints = get_type_hints(struct, include_extras=True)
    return tuple(
        Argument(
            name=field.encode_name,
            required=field.required,
            default=None if field.required or field.default is msgspec.NODEFAULT else field.default,
            **_kind(hints[field.name]),
        )
        for field in msgspec.structs.fields(struct)
    )


def _kind(hint: Any) -> dict[str, Any]:
    metas: list[Meta] = []
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            metas += [each for each in get_args(hint)[1:] if isinstance(each, Meta)]
            hint = get_args(hint)[0]
        elif origin in (Union, types.UnionType):
            (hint,) = (each for each in get_args(hint) if each is not types.NoneType)
        else:
            break
    if origin is Literal:
        return {"kind": "text", "choices": get_args(hint)}
    simple: dict[Any, ArgumentKind] = {bool: "bool", int: "int", float: "float", str: "text"}
    if hint in simple:
        above_zero = any((meta.gt is not None and meta.gt >= 0) or (meta.ge is not None and meta.ge > 0) for meta in metas)
        return {"kind": simple[hint], "zero_is_none": above_zero}
    inside = get_args(hint)[0] if origin is tuple else None
    while get_origin(inside) is Annotated:
        inside = get_args(inside)[0]
    return {"kind": "texts"} if inside is str else {"kind": "json"}
