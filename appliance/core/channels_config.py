"""Decides what callfloor.toml may say of the other channels (e-mail, chat …): how each is called, and when its figures are old."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from appliance.core.quantity import Period

#: So many channels a CRM may tell of.
CHANNELS_MOST: Final = 64


class ChannelConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel that is shown from the start, and as unknown until the CRM has told of it."""

    title: str | None = None
    order: int = 0


class ChannelsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other channels. What the CRM tells of needs no line here."""

    stale_s: Period = 900.0
    known: Annotated[dict[str, ChannelConfig], Meta(max_length=CHANNELS_MOST)] = field(default_factory=dict)
