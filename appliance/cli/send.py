"""Issue a command as the CRM would, through the local journal: it works with the link down.

Waits for the command's end and prints it; exit code 0 when it was done, 1 when it was refused, failed or not answered.
"""

from __future__ import annotations

import argparse
import types
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

from appliance.cli import issue
from appliance.cli.access import become_owner, configured
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, complain, say, say_json
from appliance.core.catalogue import CommandReceived
from appliance.core.clock import SystemClock
from appliance.core.command import VERBS, args_of, is_id
from appliance.core.event import stored_from_body
from appliance.core.journal_sqlite import SqliteJournal
from appliance.runner import open_journal

EXAMPLES = """
  callfloor send announce text='Capacitación a las 15:00' severity=warning until=2026-11-21T20:00:00Z
  callfloor send withdraw announcement=local-3f2a…
  callfloor send ping --json
"""

#: A command that touches a call is not carried out later than this after it was typed.
_EXPIRES_S: Final = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """VERB KEY=VALUE…, -c, --id, --wait, --json."""
    parser.add_argument("verb", choices=sorted(VERBS), metavar="VERB", help=", ".join(VERBS))
    parser.add_argument("args", nargs="*", metavar="KEY=VALUE", help="lists with commas; JSON for anything nested")
    add_config(parser)
    parser.add_argument("--id", help="the command's id (default: a new one); the same id never runs twice")
    parser.add_argument("--wait", type=issue.seconds, default=10.0, metavar="SECONDS", help="how long to wait for its end (default 10)")
    parser.add_argument("--json", action="store_true")


def main(args: argparse.Namespace) -> int:
    """Append the command, wait for its end."""
    try:
        values = values_from_words(args.verb, args.args)
        args_of(args.verb, values)
    except ValueError as fault:
        complain(f"callfloor send {args.verb}: {fault}; it takes {', '.join(_fields(args.verb)) or 'no arguments'}")
        return 2
    if args.id is not None and not is_id(args.id):
        complain(f"callfloor send: {args.id!r} is no id: it must be of the characters a-z 0-9 . _ -, 64 at most")
        return 2
    config = configured(args)
    become_owner(config.journal.path)
    clock = SystemClock()
    expires_s = _EXPIRES_S if VERBS[args.verb].touches_call else None
    command = issue.command_from_args(args.verb, values, clock, expires_s=expires_s, name=args.id)
    journal = open_journal(config, clock)
    try:
        before = _earlier(journal, command.id) if args.id else None
        if before is not None and before.digest != command.digest:
            complain(f"command {command.id} was given before, as another one ({before.verb}): id_reused; use another --id")
            return 1
        after = issue.append(journal, clock, [command]) if before is None else 0
        end = issue.ends(journal, [command.id], after, args.wait).get(command.id)
    finally:
        journal.close()
    if end is None:
        why = f"is the uplink service running, and can this box {args.verb}?"
        complain(f"command {command.id} is recorded, and nothing carried it out within {args.wait:g} s; {why}")
        return 1
    if args.json:
        say_json(end)
    else:
        result = f" {msgspec.json.encode(end.result).decode()}" if end.result else ""
        say(f"{command.id}: {end.state}{': ' + end.reason if end.reason else ''}{result}")
    return 0 if end.state == "done" else 1


def _earlier(journal: SqliteJournal, command_id: str) -> CommandReceived | None:
    """The command that has this id already, if the journal still holds it."""
    after, progress, mark = 0, Progress("looking for the id"), command_id.encode()
    while page := journal.read(after):
        for row in page:
            if mark in row.body and (stored := stored_from_body(row.body)).kind == "command.received":
                received = msgspec.json.decode(stored.data, type=CommandReceived)
                if received.id == command_id:
                    return received
        after = page[-1].seq
        progress.at(after)
    return None


def values_from_words(verb: str, words: list[str]) -> dict[str, Any]:
    """The arguments of a verb from `key=value` words, each read as its type wants it. Raises ValueError naming the word.

    >>> values_from_words("announce", ["text=Hola", "boards=a,b"])
    {'text': 'Hola', 'boards': ['a', 'b']}
    """
    fields, values = _fields(verb), {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r} is not KEY=VALUE")
        if key not in fields:
            raise ValueError(f"there is no argument {key!r}")
        values[key] = _value(text, fields[key])
    return values


def _fields(verb: str) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(VERBS[verb].args)}


def _value(text: str, kind: Any) -> Any:
    first = get_args(kind)[0] if isinstance(kind, types.UnionType) or get_origin(kind) is Union else kind
    while get_origin(first) is Annotated:
        first = get_args(first)[0]
    if first is str or get_origin(first) not in (tuple, dict, None):
        return text
    try:
        if get_origin(first) is tuple and not text.startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
        if first in (int, float, bool):
            return msgspec.convert(text, first, strict=False)
        return msgspec.json.decode(text)
    except msgspec.DecodeError as fault:
        raise ValueError(f"{text!r}: {fault}") from fault
