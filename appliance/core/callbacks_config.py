"""Who counts as somebody to be called back, for how long, and which survey answers call for it at once."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

#: Reasons for which a queue lets a caller go unserved; who left to be called back (`callback`) asked for it anyhow.
LeftUnserved = Literal["timeout", "exit_key", "empty", "overflow", "transferred", "withdrawn", "pbx_stopped", "not_told"]


class CallbacksConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which callers who were not served are to be called back. `queues`, `without`: keys, `*` at the end for all that begin so."""

    enabled: bool = True
    short: bool = False
    left: tuple[LeftUnserved, ...] = ("timeout", "pbx_stopped")
    queues: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    keep_days: Annotated[float, Meta(gt=0, le=30)] = 2.0
    max_open: Annotated[int, Meta(ge=1, le=10_000)] = 1000


class SatisfactionConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Below which score an answer is a `call.dissatisfied`, by question; empty: never."""

    limit: dict[str, float] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
