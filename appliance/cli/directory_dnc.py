"""The do-not-call list at the command line: add, remove, show, list, import. What it says is for whoever answers for it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.cli.directory_access import become_keeper
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.clock import rfc3339
from appliance.core.config import Config
from appliance.core.directory import country_from, directory_path
from appliance.core.do_not_call import LIST_FILE, REASON_MOST, DoNotCall, Listed
from appliance.core.e164 import e164, key_of, number_of
from appliance.core.errors import MisconfiguredError
from appliance.directory.table import Table

_BATCH = 1_000
_TOLD_MOST = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is done, and with which numbers or file."""
    parser.add_argument("deed", choices=("add", "remove", "show", "list", "import"))
    parser.add_argument("numbers", nargs="*", metavar="NUMBER|FILE", help="add, remove, show: numbers; import: a file with a number a line")
    parser.add_argument("--reason", metavar="TEXT", help="add, import: why, for whoever looks later")
    parser.add_argument("--remove", action="store_true", help="import: take the file's numbers off the list instead")


def main(args: argparse.Namespace, config: Config) -> int:
    """Exit code 1: a number shown is not on it, or a line of a file was not taken. Raises CallfloorError."""
    if args.reason is not None and len(args.reason) > REASON_MOST:
        raise MisconfiguredError(f"--reason: at most {REASON_MOST} letters")
    if args.deed == "list":
        return _list(args, config)
    if not args.numbers:
        raise MisconfiguredError(f"which? callfloor directory dnc {args.deed} {'FILE' if args.deed == 'import' else 'NUMBER'}")
    if args.deed == "import":
        return _import(args, config)
    numbers = [_number(text, config) for text in args.numbers]
    if args.deed == "show":
        return _show(args, config, numbers)
    with _opened(config, write=True) as held:
        if args.deed == "add":
            changed = held.add(Listed(key_of(number), time.time_ns(), args.reason) for number in numbers)
        else:
            changed = held.remove(key_of(number) for number in numbers)
        count = len(held)
    if args.json:
        say_json({"deed": args.deed, "changed": changed, "listed": count}, pretty=True)
        return 0
    say(f"{changed} of {len(numbers)} numbers {'added' if args.deed == 'add' else 'taken off'}; {count:,} may not be called")
    return 0


def _show(args: argparse.Namespace, config: Config, numbers: list[str]) -> int:
    with _opened(config) as held:
        rows = {number: held.get(key_of(number)) for number in numbers}
    if args.json:
        say_json({number: _row(row) if row else None for number, row in rows.items()}, pretty=True)
    else:
        for number, row in rows.items():
            since = f"may not be called, since {rfc3339(row.since_ns)[:10]}" if row else "not on the list"
            say(f"{number}: {since}{f' ({row.reason})' if row and row.reason else ''}")
    return 0 if all(rows.values()) else 1


def _list(args: argparse.Namespace, config: Config) -> int:
    """One a line, in a form that import takes."""
    with _opened(config) as held:
        for row in held.walk():
            if args.json:
                say_json(_row(row))
            else:
                say(number_of(row.number))
    return 0


def _import(args: argparse.Namespace, config: Config) -> int:
    if len(args.numbers) != 1:
        raise MisconfiguredError("import takes one file")
    with Table(Path(args.numbers[0])) as table:
        return _imported(args, config, table)


def _imported(args: argparse.Namespace, config: Config, table: Table) -> int:
    country = country_from(config)
    progress, lines, changed, faulty, shown = Progress("of the file"), 0, 0, 0, list[int]()
    now_ns, keys = time.time_ns(), list[int]()
    with _opened(config, write=True) as held:

        def settle() -> int:
            done = held.remove(keys) if args.remove else held.add(Listed(key, now_ns, args.reason) for key in keys)
            keys.clear()
            progress.at(table.at, table.bytes)
            return done

        for line in table.numbers():
            lines += 1
            number = e164(line.card, country) if isinstance(line.card, str) else None
            if number is None:
                faulty += 1
                shown += [line.number] if len(shown) < _TOLD_MOST else []
                continue
            keys.append(key_of(number))
            if len(keys) >= _BATCH:
                changed += settle()
        changed += settle()
        progress.end()
        count = len(held)
    if args.json:
        told = {"lines": lines, "changed": changed, "faulty_lines": faulty, "faults": shown, "listed": count}
        say_json(told, pretty=True)
        return 1 if faulty else 0
    for number_of_line in shown:
        complain(f"{table.path}:{number_of_line}: no number")
    say(f"{lines:,} lines: {changed:,} numbers {'taken off' if args.remove else 'added'}; {count:,} may not be called")
    if faulty:
        say(coloured(f"  lines not taken: {faulty:,}", "amber"))
    return 1 if faulty else 0


def _row(row: Listed) -> dict[str, str | None]:
    return {"number": number_of(row.number), "since": rfc3339(row.since_ns), "reason": row.reason}


def _number(text: str, config: Config) -> str:
    country = country_from(config)
    number = e164(text, country)
    if number is None:
        raise MisconfiguredError(f"{text!r} is no number where {country or 'no country'} dials from; write it with + and its country")
    return number


@contextmanager
def _opened(config: Config, *, write: bool = False) -> Iterator[DoNotCall]:
    path = directory_path(config).with_name(LIST_FILE)
    become_keeper(path)
    held = DoNotCall(path, write=write)
    try:
        yield held
    finally:
        held.close()
