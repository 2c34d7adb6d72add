"""Hours of the week as a configuration writes them: opening hours, calling hours."""

from __future__ import annotations

from msgspec import Struct


class Hours(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opening hours by weekday, local time, `HH:MM-HH:MM`, past midnight allowed; no hours at all: always open."""

    mon: tuple[str, ...] = ()
    tue: tuple[str, ...] = ()
    wed: tuple[str, ...] = ()
    thu: tuple[str, ...] = ()
    fri: tuple[str, ...] = ()
    sat: tuple[str, ...] = ()
    sun: tuple[str, ...] = ()
    holidays: tuple[str, ...] = ()
