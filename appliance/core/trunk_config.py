"""Decides what may be said of a group of lines beyond its size: how a full one is told, and when one of its lines counts as at fault."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from appliance.core.quantity import Span


class FullMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the dialplan's own UserEvent tells that a call found no line: by the event alone, or by its dial status and cause.

    `status` and `cause` name the headers; with neither in the event, the event itself says it. `trunk` names the group, its key or how
    its channels' names begin; without that header every group that maps the event is meant.
    """

    event: str = "AllTrunksBusy"
    uniqueid: str = "CallUniqueid"
    number: str = "Number"
    trunk: str = "Trunk"
    status: str = "DialStatus"
    cause: str = "HangupCause"


class LineFaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a line of the group is at fault. 0: that is not looked for.

    `stuck_s`: busy for so long without a break; `dead_after`: so many calls out in a row that the line itself refused;
    `glare_s`: seized from both ends within this time.
    """

    stuck_s: Span = 14_400.0
    dead_after: Annotated[int, Meta(ge=0, le=1000)] = 3
    glare_s: Span = 2.0
