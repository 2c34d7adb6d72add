"""Decides how the routing help is, from outside: does it listen, can its rules be used, are there the queues that they name."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from msgspec import Struct

from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError
from appliance.core.config_routing import routing_endpoint
from appliance.core.errors import CallfloorError
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.core.route_file import rules_of
from appliance.core.routing_config import RoutingRules
from appliance.core.slug import slug
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.reach import Reached, reached
from appliance.floor_view import FloorView, cache_of

LIMIT_S: Final = 20.0
_ITEM: Final = "routing"
_DEFAULT: Final = "calls are not routed by rules: the dialplan's own queue stands"
_SHOWN: Final = 3


class RoutingFacts(Struct, frozen=True):
    """What is seen of it. `fault`: the first of the rules' file, as file, line and key; `missing`: queues that no PBX was heard to have."""

    at: Reached
    rules: int
    fault: str = ""
    missing: tuple[str, ...] = ()


def wanted(config: Config) -> bool:
    """There is a [routing]."""
    return config.routing is not None


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(probe(scene.config)) if scene.config.routing is not None else ()


def probe(config: Config) -> RoutingFacts:
    """Look at its port, its rules, and at the queues that the journal knows."""
    routing = config.routing
    assert routing is not None
    endpoint = routing_endpoint(routing.listen)
    host = "127.0.0.1" if endpoint.host in ("", "0.0.0.0") else "::1" if endpoint.host == "::" else endpoint.host  # noqa: S104 - compared
    at = reached(host, endpoint.port)
    try:
        rules = rules_of(routing)
    except ConfigFaultsError as fault:
        first = fault.faults[0]
        return RoutingFacts(at, 0, f"{first.file}:{first.line or 1} {first.key}".strip())
    return RoutingFacts(at, len(rules.rule), missing=_missing(config, rules))


def judge(facts: RoutingFacts) -> tuple[Finding, ...]:
    """What follows from it."""
    if facts.at.stage == "through":
        rows = [Finding(_ITEM, "ok", "it listens", facts.at.where)]
    else:
        mend = "journalctl -u callfloor@routing -n 20"
        rows = [Finding(_ITEM, "red", "nothing listens there", f"{facts.at.where}: {facts.at.fault}", _DEFAULT, mend)]
    if facts.fault:
        so = "the rules from before stand; after a restart there are none"
        rows.append(Finding(_ITEM, "red", "its rules cannot be used", facts.fault, so, "callfloor check"))
    if facts.missing:
        some = ", ".join(facts.missing[:_SHOWN]) + (" …" if len(facts.missing) > _SHOWN else "")
        so = "a call sent there goes wherever the dialplan sends one without a queue"
        rows.append(Finding(_ITEM, "amber", "a rule names a queue that no PBX has", some, so, "callfloor route list"))
    return tuple(rows)


def _missing(config: Config, rules: RoutingRules) -> tuple[str, ...]:
    """Queues of rules that were never heard of; none where no queue is known at all, or no journal can be read."""
    try:
        journal = ReadonlyJournal(config.journal.path, config.journal.run_dir)
    except CallfloorError:
        return ()
    with closing(journal):
        view = FloorView(journal, config, SystemClock(), cache_of(journal))
        view.catch_up()
        queues = view.floor.state.queues
    known = {*queues, *(queue.title for queue in queues.values())}
    wanted_queues = dict.fromkeys(rule.queue for rule in rules.rule if rule.queue is not None)
    return tuple(name for name in wanted_queues if name not in known and slug(name) not in known) if queues else ()
