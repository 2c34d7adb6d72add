"""Where a call would be routed and why (`test`), and the rules in their order (`list`): docs/routing.md.

Works beside the running service and without it: from the rules, the directory of customers and the journal. Asks no PBX.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.config import Config
from appliance.core.directory import Directory, country_from
from appliance.core.e164 import e164
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.core.route_file import rules_of
from appliance.core.routing_config import RoutingConfig, RoutingRule
from appliance.floor.route import Asked, Routed, Router
from gateway.agi.desk import Desk
from gateway.agi.reader import Reader
from gateway.agi.wire import request_from_fields

EXAMPLES = """
  callfloor route test 0991234567
  callfloor route test 0991234567 --dialled 1800123456 --digits main:2 --at "2026-12-25 10:00"
  callfloor route test withheld --at 22:30 --default ventas --json
  callfloor route list
"""
_WITHHELD: Final = "withheld"
_LISTS: Final = ("caller", "dialled", "digits", "segment")
_TIMES: Final = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


class Told(Struct, kw_only=True):
    """What `route test` says, as its JSON does."""

    time: str
    caller: tuple[str, ...]
    withheld: bool
    segment: str | None
    gave_up: int | None
    rule: str | None
    place: int | None
    passed: list[dict[str, str]]
    variables: dict[str, str]
    unknown: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`test` and `list`, each with its own."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    test = verbs.add_parser("test", help="which rule takes a call, and why not those before it")
    test.add_argument("number", metavar="NUMBER", help=f"the caller's, as the PBX tells it; {_WITHHELD}: he shows none")
    test.add_argument("--dialled", metavar="NUMBER", help="what he dialled")
    test.add_argument("--digits", metavar="PATH", default="", help="what he chose in menus: 2, or main:2|sub:1")
    test.add_argument("--at", metavar="TIME", help='local, "2026-12-25 10:00" or 22:30 (default: now)')
    test.add_argument("--segment", metavar="NAME", help="instead of what the directory says")
    test.add_argument("--gave-up", type=int, metavar="N", help="instead of what the journal says of today")
    test.add_argument("--default", metavar="QUEUE", help="the dialplan's own queue, for position and wait")
    rows = verbs.add_parser("list", help="the rules in their order")
    for each in (test, rows):
        add_config(each)
        each.add_argument("--json", action="store_true")


def main(args: argparse.Namespace) -> int:
    """2 for a time that is none. Raises MisconfiguredError without [routing], and ConfigFaultsError for rules that cannot be used."""
    config = configured(args)
    if config.routing is None:
        raise MisconfiguredError(f"{args.config} has no [routing]: write it with rules (docs/routing.md)")
    router = Router(rules_of(config.routing), config.site.timezone, config.site.hours)
    if args.what == "list":
        return _list(config.routing, router, as_json=args.json)
    try:
        at_ns = time_from_text(args.at, SystemClock().wall_ns(), ZoneInfo(config.site.timezone))
    except ValueError as fault:
        complain(f"callfloor route test: {fault}")
        return 2
    told = _tested(args, config, config.routing, router, at_ns)
    if args.json:
        say_json(told, pretty=sys.stdout.isatty())
    else:
        _show(told)
    return 0


def time_from_text(text: str | None, now_ns: int, zone: ZoneInfo) -> int:
    """A local time, to the second; a time of day is today's. Raises ValueError with the fault in words.

    >>> zone = ZoneInfo("America/Guayaquil")
    >>> rfc3339(time_from_text("2026-12-25 10:00", 0, zone)), rfc3339(time_from_text("22:30", 1_795_000_000 * NS, zone))
    ('2026-12-25T15:00:00.000Z', '2026-11-19T03:30:00.000Z')
    """
    if text is None:
        return now_ns
    now = datetime.fromtimestamp(now_ns // NS, zone)
    for form, said in ((form, said) for said in (text, f"{now:%Y-%m-%d} {text}") for form in _TIMES):
        try:
            return int(datetime.strptime(said, form).replace(tzinfo=zone).timestamp()) * NS
        except ValueError:
            continue
    raise ValueError(f'"{text}" is no time: write "2026-12-25 10:00", or 22:30')


def _tested(args: argparse.Namespace, config: Config, routing: RoutingConfig, router: Router, at_ns: int) -> Told:
    clock = SystemClock()
    desk, unknown = Desk(lambda: at_ns, routing.wait_most_s), []
    spelled = partial(e164, country=country_from(config))
    try:
        journal = open_readonly(config.journal.path, config.journal.run_dir)
    except CallfloorError as fault:
        unknown.append(f"who gave up today, positions and waits: {fault}")
    else:
        with closing(journal):
            reader, progress = Reader(journal, config, clock, desk.given, spelled, os.urandom(32)), Progress("events folded")
            while reader.turn():
                progress.at(reader.seq, journal.head().seq)
            progress.end()
            desk.floor = reader.floor()
    with Directory.open(config) as directory:
        desk.cards = directory
        number = "" if args.number == _WITHHELD else args.number
        fields = {"callerid": number, "dnid": args.dialled or "", "network_script": f"route?digits={args.digits}"}
        asked, card = desk.asked(request_from_fields(fields))
        if directory.version is None:
            unknown.append(f"customers: {directory.fault or 'there is no directory (callfloor directory)'}")
    asked = replace(
        asked,
        segment=args.segment if args.segment is not None else asked.segment,
        gave_up=args.gave_up if args.gave_up is not None else asked.gave_up,
    )
    routed = router.explain(asked)
    variables = desk.variables(routed.rule, asked, card, args.default)
    return _told(asked, routed, variables, unknown, at_ns)


def _told(asked: Asked, routed: Routed, variables: dict[str, str], unknown: list[str], at_ns: int) -> Told:
    passed = [{"rule": each.rule, "why": each.why} for each in routed.passed]
    return Told(
        time=rfc3339(at_ns), caller=asked.caller, withheld=asked.withheld, segment=asked.segment, gave_up=asked.gave_up,
        rule=routed.rule.name if routed.rule is not None else None, place=routed.place, passed=passed, variables=variables, unknown=unknown,
    )  # fmt: skip


def _show(told: Told) -> None:
    for place, each in enumerate(told.passed, 1):
        say(coloured(f"{place:>4}  {each['rule']:<24} no: {each['why']}", "dim"))
    if told.rule is not None:
        say(coloured(f"{told.place:>4}  {told.rule:<24} takes it", "bold"))
    else:
        say(coloured("      no rule takes it: the dialplan's own queue stands", "amber"))
    known = f"segment {told.segment or '–'}, gave up {'–' if told.gave_up is None else told.gave_up} times today"
    say(f"caller {' = '.join(told.caller) or 'withheld'}: {known}")
    for name, text in told.variables.items():
        say(f"      {name}={text}")
    for what in told.unknown:
        complain(f"not known: {what}")


def _list(routing: RoutingConfig, router: Router, *, as_json: bool) -> int:
    if as_json:
        say_json([{"place": place, **_row(rule)} for place, rule in enumerate(router.rules.rule, 1)], pretty=sys.stdout.isatty())
        return 0
    for place, rule in enumerate(router.rules.rule, 1):
        row = _row(rule)
        say(f"{place:>4}  {rule.name:<24} {row['when'] or 'any call'}  →  {row['then']}")
    where = routing.rules or "the configuration"
    say(f"{len(router.rules.rule)} rules in {where}; the first that fits is taken")
    return 0


def _row(rule: RoutingRule) -> dict[str, Any]:
    when = [f"{name} {_some(getattr(rule, name))}" for name in _LISTS if getattr(rule, name)]
    flags = {"open": rule.open, "holiday": rule.holiday, "withheld": rule.withheld}
    when += [f"{'' if flag else 'not '}{name}" for name, flag in flags.items() if flag is not None]
    when += [f"hours {rule.hours}"] if rule.hours else []
    when += [f"gave up {rule.gave_up_from} times or more"] if rule.gave_up_from else []
    then = [f"queue {rule.queue}"] if rule.queue else []
    then += [f"priority {rule.priority}"] if rule.priority is not None else []
    return {"rule": rule.name, "when": "; ".join(when), "then": "; ".join([*then, *(f"{name}={text}" for name, text in rule.set.items())])}


def _some(patterns: tuple[str, ...]) -> str:
    return ", ".join(patterns[:3]) + (f" … ({len(patterns)})" if len(patterns) > 3 else "")
