"""Say that somebody has seen an alarm: its lamp stops flashing and its tone stops, its figure stays coloured.

Without an alarm, lists those that stand. Goes through the local journal, as `callfloor send` does: it works with
the link down and without a CRM. An alarm that gets worse, or comes back, has to be acknowledged anew.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from appliance.cli import issue
from appliance.cli.access import become_owner, configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.catalogue import CommandFinished
from appliance.core.clock import NS, SystemClock, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.floor.snapshot import Alarm
from appliance.floor_view import FloorView, cache_of
from appliance.runner import open_journal

EXAMPLES = """
  callfloor ack
  callfloor ack queue.ventas.abandon_rate
  callfloor ack --all
"""
#: Nobody has seen what is raised later than this after the command was typed.
_EXPIRES_S: Final = 60.0
_LONGEST: Final = 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """ALARM…, --all, -c, --wait, --json."""
    parser.add_argument("alarms", nargs="*", metavar="ALARM", help="as the list names it; without one, the list")
    parser.add_argument("--all", action="store_true", help="every alarm that stands and that nobody has seen")
    add_config(parser)
    parser.add_argument(
        "--wait", type=issue.seconds, default=10.0, metavar="SECONDS", help="how long to wait until it is done (default 10)"
    )
    parser.add_argument("--json", action="store_true")


def main(args: argparse.Namespace) -> int:
    """1 when one of them was not acknowledged. Raises TransientError when there is no journal."""
    config = configured(args)
    if not args.alarms and not args.all:
        _list(alarms_standing(config), ZoneInfo(config.site.timezone), as_json=args.json)
        return 0
    unseen = [each.id for each in alarms_standing(config) if each.acknowledged is None] if args.all else []
    wanted = list(dict.fromkeys([*args.alarms, *unseen]))
    wrong = [name for name in wanted if not 0 < len(name) <= _LONGEST]
    if wrong:
        complain(f"callfloor ack: {wrong[0][:40]!r}… is no alarm's name; `callfloor ack` lists those that stand")
        return 2
    if not wanted:
        say("nothing to acknowledge")
        return 0
    become_owner(config.journal.path)
    clock = SystemClock()
    commands = {name: issue.command_from_args("acknowledge", {"alarm": name}, clock, expires_s=_EXPIRES_S) for name in wanted}
    journal = open_journal(config, clock)
    try:
        after = issue.append(journal, clock, list(commands.values()))
        ends = issue.ends(journal, [command.id for command in commands.values()], after, args.wait)
    finally:
        journal.close()
    told = [_tell(name, ends.get(command.id), args.wait, as_json=args.json) for name, command in commands.items()]
    return 0 if all(told) else 1


def alarms_standing(config: Config) -> list[Alarm]:
    """What the boards show as raised, from the journal. Raises TransientError when there is none."""
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        view, progress = FloorView(journal, config, SystemClock(), cache_of(journal)), Progress("events folded")
        while view.catch_up(pages=4):
            progress.at(view.seq, journal.head().seq)
        progress.end()
        return list(view.floor.state.alarms.values())
    finally:
        journal.close()


def _list(alarms: list[Alarm], zone: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        say_json(alarms)
        return
    for alarm in alarms:
        seen = f"seen {_local(alarm.acknowledged, zone)}" if alarm.acknowledged else "not seen"
        say(f"{coloured(f'{alarm.level:<6}', alarm.level)} {alarm.id:<40} since {_local(alarm.since, zone)}  {seen}")
    if not alarms:
        say("no alarm stands")


def _local(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(wall_ns_from_rfc3339(moment) // NS, zone):%Y-%m-%d %H:%M:%S}"


def _tell(name: str, end: CommandFinished | None, waited_s: float, *, as_json: bool) -> bool:
    done = end is not None and end.state == "done"
    if as_json:
        say_json({"alarm": name, "state": end.state if end else None, "reason": end.reason if end else None})
    elif end is None:
        complain(f"{name}: recorded, and nothing carried it out within {waited_s:g} s; is the uplink service running?")
    else:
        say(f"{name}: {'acknowledged' if done else f'{end.state}: {end.reason}'}")
    return done
