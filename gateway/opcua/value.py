"""Decides how a figure looks on the OPC UA wire: its data type, its engineering unit, its status code, its timestamps.

Status codes: OPC 10000-4, 7.39; units: UNECE Recommendation 20 as OPC 10000-8, 5.6.3 numbers them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from asyncua import ua

from appliance.core.clock import NS, wall_ns_from_rfc3339
from gateway.opcua.member import Kind, Status, Unit

_Convert = Callable[[Any], Any]
_BITS_31: Final = (1 << 31) - 1


def _int32(value: Any) -> int:
    """As large as Int32 takes: a figure beyond it stays at its end."""
    return max(-_BITS_31 - 1, min(_BITS_31, int(value)))


def _moment(value: Any) -> datetime:
    return moment_from_ns(wall_ns_from_rfc3339(value)) if isinstance(value, str) else moment_from_ns(int(value))


#: Kind → its variant type, whether it is an array, and what makes the value of it.
TYPES: Final[dict[Kind, tuple[ua.VariantType, bool, _Convert]]] = {
    "bool": (ua.VariantType.Boolean, False, bool),
    "int": (ua.VariantType.Int32, False, _int32),
    "long": (ua.VariantType.Int64, False, int),
    "float": (ua.VariantType.Double, False, float),
    "text": (ua.VariantType.String, False, str),
    "time": (ua.VariantType.DateTime, False, _moment),
    "texts": (ua.VariantType.String, True, lambda values: [str(each) for each in values]),
    "ints": (ua.VariantType.Int32, True, lambda values: [_int32(each) for each in values]),
    "floats": (ua.VariantType.Double, True, lambda values: [float(each) for each in values]),
    "bytes": (ua.VariantType.ByteString, False, bytes),
}

#: Unit → its UNECE code, how it is written, and what it is called.
UNITS: Final[dict[Unit, tuple[str, str, str]]] = {
    "s": ("SEC", "s", "second"),
    "ms": ("C26", "ms", "millisecond"),
    "ns": ("C47", "ns", "nanosecond"),
    "percent": ("P1", "%", "percent"),
    "1": ("C62", "", "one"),
    "Hz": ("HTZ", "Hz", "hertz"),
    "V": ("VLT", "V", "volt"),
    "px": ("E37", "px", "pixel"),
}

_CODES: Final[dict[Status, ua.StatusCode]] = {
    "live": ua.StatusCode(ua.StatusCodes.Good),
    "stale": ua.StatusCode(ua.StatusCodes.UncertainLastUsableValue),
    "unknown": ua.StatusCode(ua.StatusCodes.BadNoCommunication),
}
_NOTHING: Final = ua.Variant(None, ua.VariantType.Null)


class Fixed(ua.DataValue):
    """A data value that nobody changes any more, so that whoever wants a copy of it has it already.

    asyncua copies each value for each subscriber, deeply: half of what a change costs.
    """

    __slots__ = ()

    def __deepcopy__(self, _memo: dict[int, Any]) -> Fixed:
        return self


def fixed(kind: Kind, value: Any, status: Status, source_ns: int, server_ns: int) -> Fixed:
    """The data value of a figure; None, and what is not known, is null. `source_ns`: when it became so; `server_ns`: when it is written."""
    return Fixed(
        Value=_NOTHING if value is None or status == "unknown" else variant(kind, value),
        StatusCode=_CODES[status],
        SourceTimestamp=moment_from_ns(source_ns),
        ServerTimestamp=moment_from_ns(server_ns),
    )


def gone() -> Fixed:
    """What a subscriber is told last of a node that is no more."""
    return Fixed(Value=_NOTHING, StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))


def variant(kind: Kind, value: Any) -> ua.Variant:
    """A value as its kind's variant. Raises ValueError, TypeError or OverflowError for one that is none of its kind."""
    type_, is_array, convert = TYPES[kind]
    return ua.Variant(convert(value), type_, is_array=is_array)


@lru_cache(maxsize=1024)  # most of what is written in a moment bears the same times
def moment_from_ns(wall_ns: int) -> datetime:
    """Wall time as OPC UA carries it, to the microsecond."""
    whole, rest = divmod(wall_ns, NS)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest // 1000)


def unit_id(code: str) -> int:
    """A UNECE code as EUInformation numbers it: its letters as bytes.

    >>> unit_id("SEC"), unit_id("P1"), unit_id("C62")
    (5457219, 20529, 4404786)
    """
    return int.from_bytes(code.encode(), "big")


def unit_information(unit: Unit) -> ua.EUInformation:
    """The property EngineeringUnits of a figure."""
    code, sign, word = UNITS[unit]
    return ua.EUInformation(
        NamespaceUri="http://www.opcfoundation.org/UA/units/un/cefact",
        UnitId=unit_id(code),
        DisplayName=ua.LocalizedText(sign or "1"),
        Description=ua.LocalizedText(word),
    )
