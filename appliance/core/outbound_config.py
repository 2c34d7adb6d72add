"""When and how often a command may call somebody outside the house; whom it may never call is a list (docs/directory.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from appliance.core.hours_config import Hours


class Outbound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `originate` may do outside the house. Its own extensions, `[pbx.NAME.dial] internal`, are none of this."""

    hours: Hours | None = None
    attempts_per_day: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    do_not_call: Literal["required", "if_there"] = "if_there"
