"""Decides what [callbacks] and [satisfaction] may not say: days longer than numbers are held, keys that are none, questions never asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from appliance.core.callbacks_config import CallbacksConfig, SatisfactionConfig
from appliance.core.config import Config
from appliance.core.config_rules import Finding

_KEY: Final = re.compile(r"[a-z0-9._-]{1,64}|[a-z0-9._-]{0,63}\*")


def findings_of_callbacks(config: Config) -> Iterator[Finding]:
    """Everything wrong with [callbacks] and [satisfaction]."""
    callbacks, satisfaction = config.callbacks, config.satisfaction
    for key in ("queues", "without"):
        yield from _keys(("callbacks", key), getattr(callbacks, key))
    yield from _keys(("satisfaction", "queues"), satisfaction.queues)
    held = {"[journal] keep_days": config.journal.keep_days, "[privacy] callers_days": config.privacy.callers_days}
    for name, days in held.items():
        # What nobody wrote shrinks with the journal's days by itself.
        if days is not None and callbacks.keep_days > days and callbacks.keep_days != CallbacksConfig().keep_days:
            what = f"callbacks for {callbacks.keep_days:g} days, and their numbers are held for {days:g} ({name})"
            yield Finding(("callbacks", "keep_days"), what, f"write keep_days = {days:g} or less, or more for {name}")
    if satisfaction != SatisfactionConfig() and not satisfaction.limit:
        mend = "write [satisfaction] limit = { satisfaction = 3 }, or take [satisfaction] out"
        yield Finding(("satisfaction",), "no question has a limit", mend)
    asked = _questions(config)
    for question in satisfaction.limit:
        if asked and question not in asked:
            mend = f"write one of {', '.join(sorted(asked))}, or map it in [pbx.NAME.ivr.survey]"
            yield Finding(("satisfaction", "limit", question), f'no survey asks "{question}"', mend)


def _questions(config: Config) -> set[str]:
    """What the surveys that are mapped ask; empty where the names are the customary ones."""
    asked: set[str] = set()
    for pbx in config.pbx.values():
        if pbx.ivr is not None:
            asked |= {*pbx.ivr.survey.questions.values(), *pbx.ivr.survey.variables.values()}
    return asked


def _keys(here: tuple[str, ...], keys: tuple[str, ...]) -> Iterator[Finding]:
    for index, key in enumerate(keys):
        if not _KEY.fullmatch(key):
            mend = "write the key as `callfloor status --json` has it, with * at its end for all that begin so"
            yield Finding((*here, index), f'"{key}" is no key', mend)
