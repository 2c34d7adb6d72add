"""Who is to be called back: list them, show one, take one on, say that one is done.

Reads the journal; works beside running services, and with the CRM away. `claim` and `close` go through the local journal as
`callfloor send` does, and the uplink carries them out. Numbers are shown by their last two digits unless --numbers asks for them.
"""

from __future__ import annotations

import argparse
import getpass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from appliance.cli import issue
from appliance.cli.access import become_owner, configured, open_readonly
from appliance.cli.commands import hidden
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.callers import MARK
from appliance.core.catalogue import CallbackOpened, CommandFinished
from appliance.core.clock import SystemClock, rfc3339
from appliance.core.config import Config
from appliance.core.event import stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.floor.callback import CallbackState, is_kept
from appliance.floor_view import FloorView, cache_of
from appliance.runner import open_journal

EXAMPLES = """
  callfloor callbacks
  callfloor callbacks list --queue ventas --state open --numbers
  callfloor callbacks show cb-3f9a2c41d0-48177 --numbers
  callfloor callbacks claim cb-3f9a2c41d0-48177 --by ana
  callfloor callbacks close cb-3f9a2c41d0-48177 --json
"""
_LONGEST: Final = 128
_OPENED: Final = b'{"k":"callback.opened"'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[list|show|claim|close] [CALLBACK], --queue, --state, --numbers, --by, -c, --wait, --json."""
    parser.add_argument("do", nargs="?", choices=("list", "show", "claim", "close"), default="list", metavar="list|show|claim|close")
    parser.add_argument("callback", nargs="?", metavar="CALLBACK", help="as the list names it; for show, claim and close")
    parser.add_argument("--queue", metavar="KEY", help="of the list only those of this queue")
    parser.add_argument("--state", choices=("open", "claimed"), help="of the list only those that nobody has, or that somebody has")
    parser.add_argument("--numbers", action="store_true", help="whole numbers instead of their last two digits")
    parser.add_argument("--by", metavar="WHO", help="who takes it on or closes it (default: this user)")
    add_config(parser)
    parser.add_argument(
        "--wait", type=issue.seconds, default=10.0, metavar="SECONDS", help="how long to wait until it is done (default 10)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per callback")


def main(args: argparse.Namespace) -> int:
    """1 where it is not there or was not done, 2 for wrong words. Raises TransientError when there is no journal."""
    if (args.do == "list") != (args.callback is None):
        complain(f"callfloor callbacks {args.do}: " + ("takes no CALLBACK" if args.callback else "name a CALLBACK, as the list does"))
        return 2
    if any(not 0 < len(text) <= _LONGEST for text in (args.callback, args.by) if text is not None):
        complain(f"callfloor callbacks {args.do}: a name has 1 to {_LONGEST} letters")
        return 2
    config = configured(args)
    if not is_kept(config):
        complain("this box keeps no callbacks: it needs a PBX or lines, and [callbacks] enabled = true")
        return 1
    if args.do in ("claim", "close"):
        return _give(config, args)
    rows = _rows(config, args)
    if args.do == "show" and not rows:
        complain(f"no callback {args.callback} is open; `callfloor callbacks` lists those that are")
        return 1
    zone = ZoneInfo(config.site.timezone)
    for row in rows:
        say_json(row) if args.json else say(_page(row, zone) if args.do == "show" else _line(row, zone))
    if not rows and not args.json:
        say("nobody is to be called back" + (f" in {args.queue}" if args.queue else ""))
    return 0


def _rows(config: Config, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Those that are wanted, oldest first, as documents."""
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        view, progress = FloorView(journal, config, SystemClock(), cache_of(journal)), Progress("events folded")
        while view.catch_up(pages=4):
            progress.at(view.seq, journal.head().seq)
        progress.end()
        known = sorted(view.floor.state.callbacks.open.items(), key=lambda item: item[1].since_ns)
        return [_document(journal, key, one, whole=args.numbers) for key, one in known if _is_wanted(key, one, args)]
    finally:
        journal.close()


def _is_wanted(key: str, one: CallbackState, args: argparse.Namespace) -> bool:
    if args.callback is not None:
        return bool(key == args.callback)
    state = "claimed" if one.claimed_ns else "open"
    return args.queue in (None, one.queue) and args.state in (None, state)


def _document(journal: ReadonlyJournal, key: str, one: CallbackState, *, whole: bool) -> dict[str, Any]:
    number = _number(journal, one.row)
    return {
        "callback": key, "state": "claimed" if one.claimed_ns else "open", "why": one.why, "since": one.since,
        "tried": rfc3339(one.tried_ns), "times": one.times, "waited_s": one.waited_s, "queue": one.queue, "pbx": one.pbx,
        "number": number if whole or number is None else hidden(number), "call": one.call, "by": one.by,
        "claimed": rfc3339(one.claimed_ns) if one.claimed_ns else None,
    }  # fmt: skip


def _number(journal: ReadonlyJournal, row: int) -> str | None:
    """None where the journal holds it no more."""
    rows = journal.read(row - 1, 1)
    if not rows or rows[0].seq != row or not rows[0].body.startswith(_OPENED):
        return None
    number = msgspec.json.decode(stored_from_body(rows[0].body).data, type=CallbackOpened).number
    return None if MARK.fullmatch(number) else number


def _line(row: dict[str, Any], zone: ZoneInfo) -> str:
    state = coloured(f"{row['state']:<7}", "green" if row["state"] == "claimed" else "amber")
    tries = f"{row['times']} ×" if row["times"] else "–"
    who = f"  {row['by']}" if row["by"] else ""
    number = row["number"] or "(gone)"
    return (
        f"{_local(row['since'], zone)}  {state} {row['why']:<9} {row['queue'] or '–':<16} {tries:>5} {row['waited_s']:7.0f} s  "
        f"{number:<16} {row['callback']}{who}"
    )


def _page(row: dict[str, Any], zone: ZoneInfo) -> str:
    times = {key: _local(row[key], zone) for key in ("since", "tried", "claimed") if row[key]}
    return "\n".join(f"{key:<9} {value}" for key, value in (row | times).items() if value is not None)


def _local(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _give(config: Config, args: argparse.Namespace) -> int:
    """Claim or close it by a command."""
    become_owner(config.journal.path)
    clock = SystemClock()
    words = {"callback": args.callback, "action": args.do, "by": args.by or getpass.getuser()}
    command = issue.command_from_args("callback", words, clock)
    journal = open_journal(config, clock)
    try:
        after = issue.append(journal, clock, [command])
        end = issue.ends(journal, [command.id], after, args.wait).get(command.id)
    finally:
        journal.close()
    if end is None:
        complain(f"{args.callback}: recorded, and nothing carried it out within {args.wait:g} s; is the uplink service running?")
        return 1
    _tell(args.callback, end, as_json=args.json)
    return 0 if end.state == "done" else 1


def _tell(callback: str, end: CommandFinished, *, as_json: bool) -> None:
    if as_json:
        say_json({"callback": callback, "state": end.state, "reason": end.reason, "result": end.result})
    elif end.state == "done":
        result = end.result or {}
        say(f"{callback}: {result.get('state')} by {result.get('by')}")
    else:
        complain(f"{callback}: {end.state}: {end.reason}")
