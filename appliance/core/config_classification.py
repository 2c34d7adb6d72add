"""Decides what may not be said of types of calls, other channels and the figures of [kpi]: types nobody knows, hours without hours."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.config import Config
from appliance.core.config_rules import Finding
from appliance.core.slug import is_key, slug

_DAY_H = 24.0


def findings_of_classification(config: Config) -> Iterator[Finding]:
    """Everything wrong with [classification], [channels], agents' seats, and with what [kpi] says of repeated calls and paid time."""
    own = config.classification
    for name in own.types:
        yield from _slug(("classification", "types", name), name)
    for table in ("words", "digits"):
        for said, name in getattr(own, table).items():
            if name not in own.known:
                mend = f"write one of {', '.join(own.known)}, or add [classification.types.{slug(name, 'x')}]"
                yield Finding(("classification", table, said), f'there is no type "{name}"', mend)
    for said in own.digits:
        _, colon, digits = said.rpartition(":")
        if not colon or not digits:
            mend = f'write the menu, a colon and what is pressed in it, such as "clasificar:{digits or 1}"'
            yield Finding(("classification", "digits", said), f'"{said}" names no keys of a menu', mend)
    for name in config.channels.known:
        yield from _slug(("channels", "known", name), name)
    for name, agent in config.agents.items():
        if agent.seat is not None:
            yield from _slug(("agents", name, "seat"), agent.seat)
    yield from _kpi(config)


def _kpi(config: Config) -> Iterator[Finding]:
    kpi, days = config.kpi, config.privacy.callers_days
    kept_h = config.journal.keep_days * _DAY_H
    if kpi.repeat_hours > kept_h:
        what = f"repeated calls within {kpi.repeat_hours:g} hours, and the journal keeps {kept_h:g}"
        yield Finding(("kpi", "repeat_hours"), what, f"write repeat_hours = {kept_h:g} or less, or more for [journal] keep_days")
    if days is not None and kpi.repeat_hours + _DAY_H > days * _DAY_H:
        # Of a day that is folded anew the first caller is compared with those of repeat_hours before him.
        what = f"callers' numbers go after {days:g} days, and a call of today is held against those of {kpi.repeat_hours:g} hours before it"
        mend = f"write callers_days = {kpi.repeat_hours / _DAY_H + 1:g} or more, or repeat_hours = {(days - 1) * _DAY_H:g} or less"
        yield Finding(("kpi", "repeat_hours"), what, mend)
    if kpi.paid_hours is not None and config.site.hours is None:
        mend = "write [site.hours], or have the CRM tell paid_seconds"
        yield Finding(("kpi", "paid_hours"), "without opening hours nobody knows how much of a day's paid time has passed", mend)


def _slug(path: tuple[str | int, ...], text: str) -> Iterator[Finding]:
    if not is_key(text):
        what = f'"{text}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
        yield Finding(path, what, f'write "{slug(text, "x")}"')
