"""Decides what each member of the floor snapshot is to OPC UA, read off the snapshot's own types: its kind, its unit, what null means.

What the types do not tell stands here in small tables by the member's name, and a test holds that every member is covered. Pure.
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from appliance.floor import snapshot as out

Kind = Literal["bool", "int", "long", "float", "text", "time", "texts", "ints", "floats", "bytes"]
Unit = Literal["s", "ms", "ns", "percent", "1", "Hz", "V", "px"]
Status = Literal["live", "stale", "unknown"]

#: Texts that are moments, RFC 3339 in the snapshot.
TIMES: Final = frozenset(
    {"since", "as_of", "longest_since", "oldest_since", "vip_longest_since", "oldest", "until", "time", "acknowledged"}
)
#: Durations in seconds; every other number is a count or a share of 1.
SECONDS: Final = frozenset(
    {
        *("full_in_s", "drain_s", "wait_sum", "wait_max", "talk_sum", "hold_sum", "wrap_up_sum", "target", "asa", "talk_avg", "aht"),
        *("longest_wait", "ring_avg", *out.Seconds.__struct_fields__),
    }
)
#: Counts that a busy year takes beyond 32 bits.
LONG: Final = frozenset({"seq", "recorded", "delivered", "shed", "skipped", "backlog"})
#: What says how fresh the rest is, or only names the thing: it holds however long nobody was heard.
ALWAYS: Final = frozenset({"title", "pbx", "fresh", "as_of", "seat", "box", "site", "product", "name", "id", "since", "target"})
#: Durations of which there may be none: nobody waits.
OR_NONE: Final = frozenset({"longest_wait"})
#: Structs whose nodes stay while the snapshot has null in their place: their figures are not known then.
STAYS: Final = (out.AgentCounts, out.Window)
#: Left out of the tree: they say the same as the node ids do.
_SKIPPED: Final = frozenset({(out.Health, "id"), (out.Alarm, "id"), (out.Announcement, "id")})


class Member(Struct, frozen=True):
    """One member of a struct: either a value (`kind`), or what stands below it.

    `below` is a struct; with `many` there is one for each key of a mapping or each `id` of a list; a mapping of values has both `kind`
    and `many`. `always`: the value holds whatever the state of what surrounds it. `stays`: what is below does so when it is null.
    """

    name: str
    kind: Kind | None = None
    unit: Unit | None = None
    below: type[Struct] | None = None
    many: Literal["keys", "ids"] | None = None
    always: bool = False
    stays: bool = False

    @property
    def null_is_none(self) -> bool:
        """Whether null says that there is none, rather than that it is not known."""
        return self.kind in ("text", "time") or self.name in OR_NONE


@cache
def members_of(struct: type[Struct]) -> tuple[Member, ...]:
    """The members of a snapshot's struct, in its order. Raises TypeError for one that has no place in OPC UA."""
    hints = get_type_hints(struct)
    fields = msgspec.structs.fields(struct)
    return tuple(_member(struct, field.encode_name, hints[field.name]) for field in fields if (struct, field.encode_name) not in _SKIPPED)


def _member(struct: type[Struct], name: str, hint: Any) -> Member:
    hint = _without_null(hint)
    origin, args = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return Member(name, below=hint, stays=issubclass(hint, STAYS))
    if origin is dict:
        inside = args[1]
        if isinstance(inside, type) and issubclass(inside, Struct):
            return Member(name, below=inside, many="keys")
        return Member(name, kind=_kind(name, inside), unit=_unit(name, inside), many="keys")
    if origin is list and isinstance(args[0], type) and issubclass(args[0], Struct):
        return Member(name, below=args[0], many="ids")
    always = name in ALWAYS or struct in (out.Crm, out.Pbx, out.Health, out.Alarm, out.Announcement, out.Snapshot)
    return Member(name, kind=_kind(name, hint), unit=_unit(name, hint), always=always)


def _kind(name: str, hint: Any) -> Kind:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "text"
    if origin in (list, tuple):
        inside = {arg for arg in args if arg is not Ellipsis}
        return "texts" if inside == {str} else "floats" if float in inside else "ints"
    simple: dict[Any, Kind] = {bool: "bool", int: "int", float: "float", str: "text"}
    if hint not in simple:
        raise TypeError(f"{name}: {hint} has no place in OPC UA; say in gateway/opcua/member.py what it is")
    if name in LONG and hint is int:
        return "long"
    return "time" if name in TIMES and hint is str else simple[hint]


def _unit(name: str, hint: Any) -> Unit | None:
    kind = _kind(name, hint)
    if kind == "float" and name in SECONDS:
        return "s"
    return "1" if kind in ("int", "long", "float", "ints", "floats") else None


def _without_null(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        rest = [arg for arg in get_args(hint) if arg is not types.NoneType]
        if len(rest) == 1:
            return rest[0]
    return hint


def status_of(struct: Struct, around: Status) -> Status:
    """How fresh what a struct tells is: its own word, where it has one, else that of what surrounds it.

    >>> status_of(out.Queue(fresh="stale"), "live"), status_of(out.Agent(state="unknown"), "live"), status_of(out.Trunk(), "live")
    ('stale', 'unknown', 'live')
    """
    if isinstance(struct, out.Site) and struct.state in ("silent", "down"):
        return "unknown" if struct.fresh == "unknown" else "stale"
    if isinstance(struct, out.Queue | out.Headset):
        return struct.fresh
    if isinstance(struct, out.Agent):
        return "unknown" if struct.state == "unknown" else "live"
    return around
