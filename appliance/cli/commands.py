"""The commands that were given to this box: id, verb, who, when, what for, how each ended and why.

Reads the journal only; works beside running services, and when none runs. Without --since: today.
Numbers that were to be dialled are shown by their last two digits.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from appliance.cli.access import configured, open_readonly
from appliance.cli.alarms import since_from_text
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.command import VERBS
from appliance.core.event import Stored, stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal

EXAMPLES = """
  callfloor commands
  callfloor commands --verb originate --state failed --since 8h
  callfloor commands --id c-2026-11-21-0007 --json
"""
_STATES: Final = ("open", "done", "failed", "expired", "refused", "unknown")
_COLOURS: Final = {"done": "green", "open": "amber", "unknown": "amber", "failed": "red", "expired": "amber", "refused": "amber"}
_RECEIVED, _FINISHED = b'{"k":"command.received', b'{"k":"command.finished'
_SHAPES: Final[dict[str, type[CommandReceived | CommandFinished]]] = {
    "command.received": CommandReceived, "command.finished": CommandFinished,
}  # fmt: skip
#: What a command is about, as the line tells it.
_TARGETS: Final = ("agent", "supervisor", "queue", "queues", "call", "mode", "reason", "seat", "lamp", "alarm", "announcement", "callback")
#: A caller's.
_HIDDEN: Final = ("number", "to")
#: A caller's name and words: not told at all.
_WORDS: Final = ("card", "question")


class Row(Struct, kw_only=True):
    """One command. `state` open: it has no end yet; `lasted_s`: from its receipt to its end."""

    id: str
    verb: str
    by: str
    time_ns: int
    args: dict[str, Any]
    expires: str | None = None
    state: str = "open"
    reason: str | None = None
    result: dict[str, Any] | None = None
    lasted_s: float | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--since, --verb, --state, --agent, --id, -c, --json."""
    parser.add_argument("--since", metavar="WHEN", help="a local date or time, or a span such as 45m, 8h, 3d (default: today)")
    parser.add_argument("--verb", choices=sorted(VERBS), metavar="VERB", help="only this verb")
    parser.add_argument("--state", choices=_STATES, help="only those that ended so; open: those that have no end")
    parser.add_argument("--agent", metavar="KEY", help="only those that touch this agent")
    parser.add_argument("--id", metavar="ID", help="only this one, whenever it was given")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per command")


def main(args: argparse.Namespace) -> int:
    """2 for a time that is none, 1 when --id is not there. Raises TransientError when there is no journal."""
    config = configured(args)
    zone = ZoneInfo(config.site.timezone)
    try:
        since_ns = 0 if args.id else since_from_text(args.since, SystemClock().wall_ns(), zone)
    except ValueError as fault:
        complain(f"callfloor commands: {fault}")
        return 2
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        unusable: list[Stored] = []
        rows = [row for row in history(journal, unusable).values() if row.time_ns >= since_ns and _wanted(row, args)]
    finally:
        journal.close()
    for row in rows:
        if args.json:
            say_json(_document(row))
        else:
            say(_line(row, zone))
    lately = [row for row in unusable if row.wall_ns >= since_ns]
    if lately and not args.json and not args.id:
        reason = msgspec.json.decode(lately[-1].data, type=CommandFinished).reason
        say(f"messages that were no commands: {len(lately)}, the last at {_when(lately[-1].wall_ns, zone)}: {reason}")
    if rows or args.json:
        return 0
    if args.id:
        complain(f"no command {args.id} in the journal; those of the CRM are known by their reply for seven days")
        return 1
    say(f"no such command since {datetime.fromtimestamp(since_ns // NS, zone):%Y-%m-%d %H:%M}")
    return 0


def history(journal: ReadonlyJournal, unusable: list[Stored] | None = None) -> dict[str, Row]:
    """Every command that the journal holds, by its id, oldest first; the first of an id and its first end count.

    `unusable` takes the rows of messages that had no usable id.
    """
    found: dict[str, Row] = {}
    began: dict[str, Stored] = {}
    for row, given in _rows(journal):
        if isinstance(given, CommandReceived):
            if given.id not in found:
                who = "crm" if given.by == "crm" else row.source.partition("/")[0]
                found[given.id] = Row(id=given.id, verb=given.verb, by=who, time_ns=row.wall_ns, args=given.args, expires=given.expires)
                began[given.id] = row
            continue
        end = given
        if not end.id and unusable is not None:
            unusable.append(row)
        command = found.get(end.id)
        if command is not None and command.state == "open":
            command.state, command.reason, command.result = end.state, end.reason, end.result
            first = began[end.id]
            lasted_ns = row.mono_ns - first.mono_ns if row.boot == first.boot else row.wall_ns - first.wall_ns
            command.lasted_s = round(max(0, lasted_ns) / NS, 3)
    return found


def _rows(journal: ReadonlyJournal) -> Iterator[tuple[Stored, CommandReceived | CommandFinished]]:
    progress, last, after = Progress("events looked at"), journal.head().seq, 0
    while page := journal.read(after):
        for row in page:
            if row.body.startswith((_RECEIVED, _FINISHED)):
                try:
                    stored = stored_from_body(row.body)
                    data: CommandReceived | CommandFinished = msgspec.json.decode(stored.data, type=_SHAPES[stored.kind])
                except msgspec.DecodeError:
                    continue  # passed over by the services too
                yield stored, data
        after = page[-1].seq
        progress.at(after, last)
    progress.end()


def _wanted(row: Row, args: argparse.Namespace) -> bool:
    checks = ((args.verb, row.verb), (args.state, row.state), (args.id, row.id))
    touched = (row.args.get("agent"), row.args.get("supervisor"))
    return all(wanted in (None, value) for wanted, value in checks) and (args.agent is None or args.agent in touched)


def hidden(number: str) -> str:
    """The last two digits of a number, as a line or a document shows it.

    >>> hidden("+12025550143"), hidden("43")
    ('…43', '…')
    """
    return f"…{number[-2:]}" if len(number) > 4 else "…"


def _document(row: Row) -> dict[str, Any]:
    args = {key: hidden(str(value)) if key in _HIDDEN else value for key, value in row.args.items() if key not in _WORDS}
    return {
        "id": row.id, "verb": row.verb, "by": row.by, "time": rfc3339(row.time_ns), "expires": row.expires, "args": args,
        "state": row.state, "reason": row.reason, "result": row.result, "lasted_s": row.lasted_s,
    }  # fmt: skip


def _when(at_ns: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ns // NS, zone):%Y-%m-%d %H:%M:%S}"


def _line(row: Row, zone: ZoneInfo) -> str:
    told = [f"{value}" if not isinstance(value, list) else ",".join(map(str, value)) for key in _TARGETS if (value := row.args.get(key))]
    told += [hidden(str(row.args[key])) for key in _HIDDEN if row.args.get(key)]
    outcome = (row.result or {}).get("outcome")
    lasted = f"{row.lasted_s:6.1f} s" if row.lasted_s is not None else "       –"
    when = _when(row.time_ns, zone)
    state = coloured(f"{row.state:<8}", _COLOURS[row.state])
    tail = row.reason or (outcome if isinstance(outcome, str) else "")
    return f"{when}  {row.verb:<12} {row.by:<8} {lasted}  {state} {' '.join(told)}  {tail}  [{row.id}]".replace("    [", "  [")
