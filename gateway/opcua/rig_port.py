"""Decides what a rig looks like to the OPC UA server: actions that may be called, values that may be watched, and word of what changed.

Whoever drives simulators or real hardware implements `RigPort` and hands it to the service: `Opcua(rig=port)`. The server shows it under
`extra/rig/` to users with the role rig alone: a value as the variable `extra/rig/{path}`, an action as the method `extra/rig/{name}`.
Paths and names are slugs with slashes between them (`lines/pstn-3/ring`); the folders above them make themselves. Nothing here is OPC UA.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

#: What a value or an argument is: `bytes` is for pictures (PNG), `texts` a list of texts.
Kind = Literal["bool", "int", "float", "text", "bytes", "texts"]
Scalar = bool | int | float | str | bytes | tuple[str, ...] | None
#: Units go by their UCUM-like names, as in the catalogue: None for texts and switches.
Unit = Literal["s", "ms", "ns", "percent", "1", "Hz", "V", "px"]
#: `live`: it is so now; `stale`: it was so when last heard; `unknown`: nobody can tell (the value is then None).
Status = Literal["live", "stale", "unknown"]

#: So many actions and values are shown at most; more are left out, counted and told.
ACTIONS_MOST: Final = 500
VALUES_MOST: Final = 2000
#: A value of bytes or a text is no longer than this (a picture of a wall of LED panels is far below it).
BYTES_MOST: Final = 1 << 20


class RigArgument(Struct, frozen=True, kw_only=True):
    """One argument of an action. `text` says in words what it is; one that is not `required` is filled in with `default`.

    A client leaves an optional argument out as a null Variant or an empty text. `choices` of a text: no other is taken.
    """

    name: str
    kind: Kind
    text: str = ""
    unit: Unit | None = None
    required: bool = True
    default: Scalar = None
    choices: tuple[str, ...] = ()


class RigAnswer(Struct, frozen=True, kw_only=True):
    """How an action ended: `done` with its result, or `failed` / `refused` with a reason as `word: text`.

    `began_ns` and `ended_ns` are the box's wall clock around what was done to the (simulated) hardware, to measure latencies from.
    """

    state: Literal["done", "failed", "refused"] = "done"
    reason: str | None = None
    result: dict[str, Any] | None = None
    began_ns: int | None = None
    ended_ns: int | None = None


#: Arguments by name, of the kinds that the action names, every optional one filled in. May raise CallfloorError or ValueError: failed.
RigCall = Callable[[Mapping[str, Scalar]], Awaitable[RigAnswer]]


class RigAction(Struct, frozen=True, kw_only=True):
    """One thing that the rig can do. `name` is its path below `extra/rig/`, as `headsets/a12/plug`."""

    name: str
    text: str
    arguments: tuple[RigArgument, ...] = ()
    call: RigCall


class RigValue(Struct, frozen=True, kw_only=True):
    """One thing that the rig can observe, as it is now. `source_ns`: when it became so, by the box's wall clock (ns since 1970)."""

    path: str
    kind: Kind
    text: str = ""
    unit: Unit | None = None
    value: Scalar = None
    source_ns: int | None = None
    status: Status = "live"


class RigPort(Protocol):
    """What a rig offers. All three are called from the server's event loop and must not block it."""

    def actions(self) -> Mapping[str, RigAction]:
        """Every action by its name; asked again after each word of `changed`."""
        ...

    def values(self) -> Mapping[str, RigValue]:
        """Every value by its path, as of now. A path that is gone takes its node with it."""
        ...

    def changed(self) -> AsyncIterator[frozenset[str]]:
        """The paths (of values) and names (of actions) that changed, came or went since it was last asked; waits while nothing did.

        One reader at a time. Several changes of one path between two askings may be told as one; the empty set says: look at everything.
        An iterator that ends says that the rig is over: every value becomes unknown and no action is taken any more.
        """
        ...
