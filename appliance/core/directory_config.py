"""The customers that the CRM lends the box: where their numbers are dialled from, who of them is a VIP, how many there may be."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class DirectoryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[directory]`. The file itself lies beside the journal; without one everybody is unknown."""

    country: str | None = None
    vip: tuple[str, ...] = ("vip",)
    max_entries: Annotated[int, Meta(ge=1_000, le=10_000_000)] = 2_000_000
