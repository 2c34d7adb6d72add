"""Decides what callfloor.toml may say of the routing help: `[routing]`, its rules and schedules, as types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct, field

from appliance.core.hours_config import Hours
from appliance.core.quantity import Period

#: A row of patterns: `*` any signs, `?` one.
Patterns = Annotated[tuple[str, ...], Meta(max_length=1000)]


class RoutingRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: what must hold of a call (all that is written, of a list any one), and what it then gets.

    None and an empty list: it does not matter. `queue` is the PBX's own name of it; without one the dialplan's own stands.
    """

    name: str
    caller: Patterns = ()
    dialled: Patterns = ()
    digits: Patterns = ()
    segment: Patterns = ()
    hours: str | None = None
    open: bool | None = None
    holiday: bool | None = None
    withheld: bool | None = None
    gave_up_from: Annotated[int, Meta(ge=1, le=1000)] | None = None
    queue: str | None = None
    priority: Annotated[int, Meta(ge=0, le=1000)] | None = None
    set: Annotated[dict[str, str], Meta(max_length=20)] = field(default_factory=dict)


class RoutingRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules in their order, and the hours that they name. What the file of `[routing] rules` holds."""

    rule: Annotated[tuple[RoutingRule, ...], Meta(max_length=2000)] = ()
    schedules: Annotated[dict[str, Hours], Meta(max_length=200)] = field(default_factory=dict)
    holidays: Annotated[tuple[str, ...], Meta(max_length=2000)] = ()


class RoutingConfig(RoutingRules, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The FastAGI server that a dialplan may ask: where it listens, whom it answers, how long it may take, and by which rules."""

    listen: str = "127.0.0.1:4573"
    allow: Annotated[tuple[str, ...], Meta(max_length=200)] = ()
    answer_ms: Annotated[float, Meta(ge=1, le=5000, extra={"unit": "ms"})] = 20.0
    max_connections: Annotated[int, Meta(ge=1, le=5000)] = 200
    rules: Path | None = None
    wait_from_calls: Annotated[int, Meta(ge=1, le=10_000)] = 5
    wait_most_s: Period = 3600.0
