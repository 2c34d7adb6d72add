"""Decides what [routing] and its rules may not say: a door without a lock, hours that nobody wrote, a rule that is never reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from appliance.core.channel_variable import is_name, is_value
from appliance.core.config import Config
from appliance.core.config_rules import Finding, _nearest, hours_findings
from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.hours_config import Hours
from appliance.core.route_pattern import MOST_SIGNS, MOST_STARS, Patterns, number_pattern
from appliance.core.routing_config import RoutingRule, RoutingRules

#: The port of AGI over a network (res_agi.c, AGI_PORT).
PORT: Final = 4573
Path = tuple[str | int, ...]
_LISTS: Final = ("caller", "dialled", "digits", "segment")
_NUMBERS: Final = frozenset({"caller", "dialled"})
#: As a PBX may tell one, names of SIP users included.
_NUMBER: Final = re.compile(r"[+\w*?#@]+")
_PREFIX: Final = "CALLFLOOR_"


def routing_endpoint(listen: str) -> Endpoint:
    """Where the server listens. Raises ValueError with the fault in words."""
    return endpoint_from_text(listen.removeprefix("agi://").rstrip("/"), PORT)


def findings_of_routing(config: Config) -> Iterator[Finding]:
    """Everything wrong with [routing], but not with the file that it names: the box's other services start without that."""
    routing = config.routing
    if routing is None:
        return
    here = ("routing",)
    try:
        endpoint = routing_endpoint(routing.listen)
        if not endpoint.loopback and not routing.allow:
            mend = 'write allow = ["192.168.1.10"] with the address of your PBX'
            yield Finding((*here, "listen"), f'"{routing.listen}" lets everybody on the network ask who your customers are', mend)
    except ValueError as fault:
        mend = f'write it as "127.0.0.1:{PORT}", or "0.0.0.0:{PORT}" for the whole network'
        yield Finding((*here, "listen"), f'"{routing.listen}": {fault}', mend)
    for index, network in enumerate(routing.allow):
        try:
            ip_network(network)
        except ValueError as fault:
            mend = 'write it as "192.168.1.0/24", or "192.168.1.10" for one PBX'
            yield Finding((*here, "allow", index), f'"{network}" is no network: {fault}', mend)
    if routing.rules is not None and (routing.rule or routing.schedules or routing.holidays):
        mend = "take rules out, or put [[rule]] and [schedules.…] into that file"
        yield Finding((*here, "rules"), f"the rules stand here and in {routing.rules.name} too", mend)
    yield from findings_of_rules(here, routing)


def findings_of_rules(here: Path, rules: RoutingRules) -> Iterator[Finding]:
    """Everything wrong with rules, wherever they stand."""
    yield from hours_findings(here, Hours(holidays=rules.holidays))
    for name, hours in rules.schedules.items():
        yield from hours_findings((*here, "schedules", name), hours)
    names: set[str] = set()
    for index, rule in enumerate(rules.rule):
        place = (*here, "rule", index)
        if rule.name in names:
            yield Finding((*place, "name"), f'there are two rules "{rule.name}"', "a rule is known by its name: write another")
        names.add(rule.name)
        yield from _rule(place, rule, rules)
    yield from _never_reached(here, rules.rule)


def _rule(here: Path, rule: RoutingRule, rules: RoutingRules) -> Iterator[Finding]:
    if not is_value(rule.name):
        yield Finding((*here, "name"), f'"{rule.name}" is no name', "write letters, digits, spaces, . _ - and no more than 200 of them")
    for name in _LISTS:
        for index, text in enumerate(getattr(rule, name)):
            what = _pattern_fault(name, text)
            if what:
                yield Finding((*here, name, index), f'"{text}" {what}', 'write it as "+5939*" or "0991234567"; ? is one sign, * any')
    if rule.hours is not None and rule.hours not in rules.schedules:
        mend = _nearest(rule.hours, rules.schedules) if rules.schedules else f'write [schedules.{rule.hours}] with mon = ["08:00-18:00"]'
        yield Finding((*here, "hours"), f'there are no hours "{rule.hours}"', mend)
    if not _gives(rule):
        yield Finding(here, f'rule "{rule.name}" gives nothing', 'write queue = "…", priority = 5 or set = { NAME = "…" }')
    if rule.queue is not None and not is_value(rule.queue):
        yield Finding((*here, "queue"), f'"{rule.queue}" is no queue', "write the PBX's own name of it, without commas, quotes, brackets")
    if rule.withheld and rule.caller:
        mend = "take caller or withheld out: who withholds his number has none that is told"
        yield Finding((*here, "withheld"), f'rule "{rule.name}" wants a number that is withheld', mend)
    if rule.withheld and (rule.segment or rule.gave_up_from):
        mend = "take it out: who withholds his number is known neither as a customer nor as one who gave up"
        yield Finding((*here, "withheld"), f'rule "{rule.name}" wants to know who withholds his number', mend)
    for name, text in rule.set.items():
        if not is_name(name) or name.startswith(_PREFIX):
            mend = f"write a channel variable's name: letters, digits and _; those that begin with {_PREFIX} are the box's own"
            yield Finding((*here, "set", name), f'"{name}" is no variable', mend)
        elif not is_value(text):
            mend = "write letters, digits, spaces and . : + @ # * / _ - alone: a dialplan takes other signs for expressions"
            yield Finding((*here, "set", name), f'"{text}" is no value', mend)


def _gives(rule: RoutingRule) -> bool:
    return rule.queue is not None or rule.priority is not None or bool(rule.set)


def _pattern_fault(name: str, text: str) -> str:
    if not text.strip():
        return "is empty"
    if len(text) > MOST_SIGNS or text.count("*") > MOST_STARS:
        return f"is too long, or has more than {MOST_STARS} *"
    if name in _NUMBERS and not _NUMBER.fullmatch(number_pattern(text)):
        return "is no number"
    return ""


def _never_reached(here: Path, rules: tuple[RoutingRule, ...]) -> Iterator[Finding]:
    """Rules that one before them always takes the calls of. Pairs alone: what several take together is not found."""
    before: list[tuple[RoutingRule, frozenset[str], dict[str, Patterns]]] = []
    for index, rule in enumerate(rules):
        wants = frozenset(wanted(rule))
        own = {name: Patterns(_patterns(rule, name)) for name in wants if name in _LISTS}
        for earlier, wanted_there, patterns in before:
            if wanted_there <= wants and all(_covers(earlier, rule, name, patterns, own) for name in wanted_there):
                mend = f'put it before "{earlier.name}", or take it out'
                yield Finding((*here, "rule", index), f'rule "{rule.name}" is never reached: "{earlier.name}" takes all its calls', mend)
                break
        else:
            if _gives(rule):  # one that gives nothing is wrong anyway, and perhaps lost a key that was misspelt
                before.append((rule, wants, own))


def wanted(rule: RoutingRule) -> Iterator[str]:
    """Which conditions a rule has, by their keys; `open` and `holiday` belong to the hours that they speak of."""
    yield from (name for name in _LISTS if getattr(rule, name))
    if rule.hours is not None or rule.open is not None or rule.holiday is not None:
        yield "hours"
    if rule.withheld is not None:
        yield "withheld"
    if rule.gave_up_from is not None:
        yield "gave_up_from"


def _covers(wide: RoutingRule, narrow: RoutingRule, name: str, wider: dict[str, Patterns], narrower: dict[str, Patterns]) -> bool:
    if name == "digits":  # a choice is known by its digits alone, too
        return all(wider[name].cover(Patterns([text])) or wider[name].cover(Patterns([_alone(text)])) for text in narrow.digits)
    if name in _LISTS:
        return wider[name].cover(narrower[name])
    if name == "hours":
        pairs = zip(_times(wide), _times(narrow), strict=True)
        return wide.hours == narrow.hours and all(there is None or there == here for there, here in pairs)
    if name == "gave_up_from":
        return (wide.gave_up_from or 0) <= (narrow.gave_up_from or 0)
    return wide.withheld == narrow.withheld


def _alone(choice: str) -> str:
    return choice.rpartition(":")[2] or choice


def _times(rule: RoutingRule) -> tuple[bool | None, bool | None]:
    """What is wanted of `open` and `holiday`: a schedule alone means within its hours."""
    return (True if rule.open is None and rule.holiday is None else rule.open), rule.holiday


def _patterns(rule: RoutingRule, name: str) -> list[str]:
    return [number_pattern(text) if name in _NUMBERS else text for text in getattr(rule, name)]
