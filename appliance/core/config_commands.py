"""Decides what the limits of commands may not say: verbs that nothing limits, numbers that are none, people who are nobody,
what is allowed and can never be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from appliance.core.commands_config import PBX_VERBS
from appliance.core.config import Config
from appliance.core.config_rules import VERBS, Finding
from appliance.core.dial_number import regex_of
from appliance.core.emergency import codes_of, country_of, is_country, is_emergency

_HERE: Final = ("commands",)
_DIALS: Final = frozenset({"originate", "transfer"})
_QUEUES: Final = frozenset({"pause", "unpause", "queue_add", "queue_remove"})
#: Verbs whose arguments name no agent.
_NOBODY: Final = frozenset({"transfer"})
_KEY: Final = re.compile(r"[a-z0-9._-]{1,64}|[a-z0-9._-]{0,63}\*")
_HOW: Final = "digits, x any digit, z 1 to 9, n 2 to 9, [2-5] one of these, * at the end any digits"


def findings_of_commands(config: Config) -> Iterator[Finding]:
    """Everything wrong with [commands] beside its verbs' names, and with how the PBXs dial."""
    commands = config.commands
    if commands.country is not None and not is_country(commands.country):
        mend = 'write the two letters of ISO 3166, as country = "EC"; without it the timezone tells, else all countries\' are refused'
        yield Finding((*_HERE, "country"), f'the emergency numbers of "{commands.country}" are not known', mend)
    yield from _patterns((*_HERE, "never"), commands.never)
    yield from _keys((*_HERE, "supervisors"), commands.supervisors)
    for verb in commands.only:
        yield from _only(verb, config)
    for verb in sorted(_DIALS & set(commands.allow)):
        if not commands.of(verb).numbers and config.pbx:
            mend = f'write [commands.only.{verb}] with numbers = ["09xxxxxxxx"], or take "{verb}" out of allow'
            yield Finding((*_HERE, "allow"), f'"{verb}" is allowed and no number may be dialled by it', mend)
    if "supervise" in commands.allow and not commands.supervisors and config.pbx:
        mend = 'write supervisors = ["…"], the keys of those who may listen, or take "supervise" out of allow'
        yield Finding((*_HERE, "allow"), '"supervise" is allowed and nobody is a supervisor', mend)
    for name, pbx in config.pbx.items():
        yield from _patterns(("pbx", name, "dial", "internal"), pbx.dial.internal)


def _only(verb: str, config: Config) -> Iterator[Finding]:
    commands, here = config.commands, (*_HERE, "only", verb)
    only = commands.of(verb)
    if verb not in PBX_VERBS:
        known = ", ".join(PBX_VERBS)
        what = f'"{verb}" reaches no PBX, and has no limits' if verb in VERBS else f'there is no command "{verb}"'
        yield Finding(here, what, f"limits are for {known}")
        return
    if verb not in commands.allow:
        yield Finding(here, f'"{verb}" is limited here and not allowed at all', f'put "{verb}" into [commands] allow, or take this out')
    if only.numbers and verb not in _DIALS:
        yield Finding((*here, "numbers"), f'"{verb}" dials no number', "take numbers out")
    if only.agents and verb in _NOBODY:
        mend = f"take agents out; {verb} names a call, and numbers says where it may go"
        yield Finding((*here, "agents"), f'"{verb}" names no agent: all of them are refused', mend)
    if only.queues and verb not in _QUEUES:
        yield Finding((*here, "queues"), f'"{verb}" touches no queue', "take queues out")
    yield from _patterns((*here, "numbers"), only.numbers)
    yield from _keys((*here, "agents"), only.agents)
    yield from _keys((*here, "queues"), only.queues)
    codes = codes_of(commands.country or country_of(config.site.timezone))
    for index, pattern in enumerate(only.numbers):
        if is_emergency(pattern, codes):
            mend = "take it out; an emergency call is dialled at a phone"
            yield Finding((*here, "numbers", index), f'"{pattern}" is an emergency number, which a box never dials', mend)


def _patterns(here: tuple[str | int, ...], patterns: tuple[str, ...]) -> Iterator[Finding]:
    for index, pattern in enumerate(patterns):
        try:
            regex_of(pattern)
        except ValueError as fault:
            yield Finding((*here, index), str(fault), f"write {_HOW}")


def _keys(here: tuple[str | int, ...], keys: tuple[str, ...]) -> Iterator[Finding]:
    for index, key in enumerate(keys):
        if not _KEY.fullmatch(key):
            mend = "write the key as `callfloor status --json` has it, with * at its end for all that begin so"
            yield Finding((*here, index), f'"{key}" is no key', mend)
