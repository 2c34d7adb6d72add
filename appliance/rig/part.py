"""Decides what a piece of a rig is: things that can be done to it, values that are seen of it, a state of rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from gateway.opcua.rig_port import RigArgument, Scalar

#: What came of it, for people and scripts; None: nothing to tell. May raise CallfloorError or ValueError: it could not be done.
Do = Callable[[Mapping[str, Scalar]], Awaitable[dict[str, Any] | None]]


class Deed(Struct, frozen=True, kw_only=True):
    """One thing that can be done, by its path below the rig. `free`: whoever holds the rig, this may be asked."""

    name: str
    text: str
    do: Do
    arguments: tuple[RigArgument, ...] = ()
    free: bool = False


class Part(Protocol):
    """A simulator, or a real device in its place."""

    def deeds(self) -> tuple[Deed, ...]:
        """What can be done to it."""
        ...

    async def rest(self) -> None:
        """Back to the state in which a run begins. The box does not run meanwhile."""
        ...


def number(args: Mapping[str, Scalar], name: str) -> float:
    """A number among the arguments. Raises ValueError."""
    value = args[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: {value!r} is no number")
    return float(value)


def text(args: Mapping[str, Scalar], name: str) -> str:
    """A text among the arguments; an empty one for none."""
    value = args.get(name)
    return "" if value is None else str(value)
