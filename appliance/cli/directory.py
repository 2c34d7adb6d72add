"""The customers that the box holds by their numbers, as the CRM sent them or a file has them; and the numbers that nobody may call.

import  take customers from a CSV or JSON Lines file
show    who has a number
stats   how many, which version, since when
verify  the full check of the files; exit code 1 when one is damaged
export  all customers as JSON Lines, as import takes them
dnc     the do-not-call list: add, remove, show, list, import

Import exits with 1 when a line was not taken; all others are filed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from appliance.cli import directory_dnc
from appliance.cli.access import configured
from appliance.cli.directory_access import become_keeper
from appliance.cli.main import add_config
from appliance.cli.new_file import new_file
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.clock import rfc3339
from appliance.core.config import Config
from appliance.core.directory import Directory, country_from, directory_path
from appliance.core.directory_card import held_from_bytes
from appliance.core.directory_pages import FOLDER
from appliance.core.directory_reader import Reader
from appliance.core.directory_store import Cards
from appliance.core.do_not_call import LIST_FILE, DoNotCall
from appliance.core.e164 import number_of
from appliance.core.errors import CorruptError, MisconfiguredError
from appliance.directory.load import Load, Loaded
from appliance.directory.table import Table

EXAMPLES = """
  callfloor directory import clientes.csv --dry-run
  sudo callfloor directory import clientes.csv --replace
  sudo callfloor directory import clientes.jsonl --version 1041
  callfloor directory import cartera.csv --column numbers=CONTACTO --column customer=RUC
  callfloor directory show '099 123 4567'
  callfloor directory stats
  callfloor directory verify
  sudo callfloor directory export -o clientes.jsonl
  sudo callfloor directory dnc add '+593 99 123 4567' --reason 'asked on 12 May'
  sudo callfloor directory dnc import no-llamar.csv
"""
_MEMBERS = ("customer", "numbers", "name", "surname", "segment", "language", "last_case", "do_not_call")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-verb each."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="import|show|stats|verify|export|dnc")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        add_config(made)
        made.add_argument("--json", action="store_true", help="one JSON object")
        return made

    load = verb("import", "take customers from a CSV or JSON Lines file")
    load.add_argument("file", metavar="FILE", type=Path)
    load.add_argument("--format", choices=("csv", "jsonl"), help="instead of finding it out")
    load.add_argument("--version", type=int, metavar="N", help="the CRM's version that the file is of: what is held newer stays")
    load.add_argument("--replace", action="store_true", help="the file takes the place of all that is held")
    load.add_argument("--column", action="append", default=[], metavar="MEMBER=HEADING", help=f"what a column holds: {', '.join(_MEMBERS)}")
    load.add_argument("--dry-run", action="store_true", help="read all of it and file nothing")
    show = verb("show", "who has a number")
    show.add_argument("number", metavar="NUMBER")
    verb("stats", "how many, which version, since when")
    verb("verify", "the full check of the files")
    export = verb("export", "all customers as JSON Lines")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="a new file that only its owner may read (default: stdout)")
    directory_dnc.add_arguments(verb("dnc", "numbers that nobody may call"))


def main(args: argparse.Namespace) -> int:
    """Raises CallfloorError."""
    config = configured(args)
    done: Callable[[argparse.Namespace, Config], int] = {
        "import": _import,
        "show": _show,
        "stats": _stats,
        "verify": _verify,
        "export": _export,
        "dnc": directory_dnc.main,
    }[args.what]
    return done(args, config)


def _import(args: argparse.Namespace, config: Config) -> int:
    if args.version is not None and args.version < 0:
        raise MisconfiguredError(f"--version {args.version}: a version is 0 or more")
    with Table(args.file, args.format, _columns(args.column)) as table:
        return _imported(args, config, table)


def _imported(args: argparse.Namespace, config: Config, table: Table) -> int:
    progress = Progress("of the file")
    load = Load(table, country_from(config), config.directory.max_entries, lambda at: progress.at(at, table.bytes))
    try:
        if args.dry_run:
            told = load.dry()
        else:
            with _writing(config) as cards:
                told = (load.replace if args.replace else load.add)(cards, args.version, time.time_ns())
    finally:
        progress.end()
    if args.json:
        row = {"file": str(args.file), "dry_run": args.dry_run, "format": table.form, "encoding": table.encoding}
        say_json(row | msgspec.to_builtins(told), pretty=True)
    else:
        _tell(told, table, dry=args.dry_run)
    return 1 if told.faulty_lines else 0


def _tell(told: Loaded, table: Table, *, dry: bool) -> None:
    for fault in told.faults:
        complain(f"{table.path}:{fault.line}: {fault.reason}")
    over = told.faulty_lines + told.faulty_numbers - len(told.faults)
    if len(told.faults) >= 20 and over > 0:
        complain("… and more of that kind")
    form = f"{table.form}, {table.encoding}" + (f", {table.delimiter!r} between columns" if table.form == "csv" else "")
    say(f"{told.lines:,} lines ({form}): {told.filed:,} customers {'could be filed' if dry else 'filed'}")
    for what, count in (
        ("held in a newer version, and stay", told.older),
        ("deleted or forgotten since, and stay so", told.deleted),
        ("numbers left out, for they are none", told.faulty_numbers),
    ):
        if count:
            say(f"  {what}: {count:,}")
    if told.faulty_lines:
        say(coloured(f"  lines not taken: {told.faulty_lines:,}", "amber"))
    if not dry:
        say(f"the directory holds {told.entries:,} customers, version {told.version}")


def _show(args: argparse.Namespace, config: Config) -> int:
    become_keeper(directory_path(config))
    with Directory.open(config) as directory:
        number = directory.e164(args.number)
        if number is None:
            raise MisconfiguredError(
                f"{args.number!r} is no number where {country_from(config) or 'no country'} dials from; write it with +"
            )
        card, listed = directory.lookup(number), directory.is_do_not_call(number)
        if directory.books() is None and directory_path(config).exists():
            raise CorruptError("the directory cannot be read; see `callfloor directory verify`")
    if args.json:
        say_json({"number": number, "card": card, "do_not_call": listed}, pretty=True)
        return 0 if card else 1
    if card is None:
        say(f"{number}: nobody that is known{'; on the do-not-call list' if listed else ''}")
        return 1
    say(coloured(f"{number}: {card.name or card.customer}", "bold"))
    rows = {"customer": card.customer, "segment": card.segment, "language": card.language, "last case": card.last_case}
    for name, text in rows.items():
        if text:
            say(f"  {name:<10} {text}{' (VIP)' if name == 'segment' and card.vip else ''}")
    if card.sharing > 1:
        say(f"  {card.sharing} customers have this number; the one filed last is shown")
    if listed:
        say(coloured("  may not be called", "amber"))
    return 0


def _stats(args: argparse.Namespace, config: Config) -> int:
    path = directory_path(config)
    become_keeper(path)
    reader, numbers = Reader(path), DoNotCall(path.with_name(LIST_FILE))
    try:
        books, listed = reader.books(), len(numbers) if numbers.is_there else None
    finally:
        reader.close()
        numbers.close()
    pages = path.with_name(FOLDER)
    told: dict[str, Any] = {
        "path": str(path),
        "there": books is not None,
        "version": books.version if books else None,
        "entries": books.entries if books else 0,
        "as_of": rfc3339(books.as_of_ns) if books and books.as_of_ns is not None else None,
        "snapshot": {"version": books.load_version, "entries": books.load_entries} if books and books.load_version is not None else None,
        "pages_waiting": len(list(pages.glob("page-*"))) if pages.is_dir() else 0,
        "bytes": sum(one.stat().st_size for one in (path, Path(f"{path}-wal")) if one.exists()),
        "do_not_call": listed,
        "country": country_from(config),
    }
    if args.json:
        say_json(told, pretty=True)
        return 0
    if books is None:
        say(f"no directory at {path} yet: the CRM sends it (docs/directory.md), or `callfloor directory import FILE`")
    else:
        say(f"directory {path}")
        say(f"  customers   {books.entries:,}, version {books.version}, brought up to date {told['as_of'] or 'never'}")
        say(f"  size        {told['bytes'] / 1e6:.1f} MB")
        if books.load_version is not None:
            say(f"  a full load is under way: {books.load_entries:,} customers, at version {books.load_version}")
        if told["pages_waiting"]:
            say(f"  {told['pages_waiting']} pages wait to be filed")
    say(f"  do not call {'no list' if listed is None else f'{listed:,} numbers'}")
    return 0


def _verify(args: argparse.Namespace, config: Config) -> int:
    path = directory_path(config)
    become_keeper(path)
    reader, numbers = Reader(path), DoNotCall(path.with_name(LIST_FILE))
    progress = Progress("checked")
    progress.at(0)
    faults = {str(path): reader.faults(), str(numbers.path): numbers.faults() if numbers.is_there else []}
    progress.end()
    reader.close()
    numbers.close()
    bad = {name: found for name, found in faults.items() if found}
    if args.json:
        say_json({"sound": not bad, "faults": bad}, pretty=True)
    else:
        for name, found in bad.items():
            for text in found:
                complain(f"{name}: {text}")
        if str(path) in bad:
            complain("the CRM's next page begins the directory anew, or import a file after removing it")
        say("sound" if not bad else coloured("damaged", "red"))
    return 1 if bad else 0


def _export(args: argparse.Namespace, config: Config) -> int:
    with ExitStack() as stack:
        write: Callable[[bytes], object] = sys.stdout.buffer.write
        if args.output is not None:
            write = stack.enter_context(new_file(args.output))
        path = directory_path(config)
        become_keeper(path)
        reader = Reader(path)
        stack.callback(reader.close)
        books, progress, lines = reader.books(), Progress("customers"), list[bytes]()
        for count, line in enumerate(_lines(reader), 1):
            lines.append(line)
            if count % 500 == 0:
                write(b"".join(lines))
                lines.clear()
                progress.at(count, books.entries if books else None)
        write(b"".join(lines))
        progress.end()
    return 0


def _lines(reader: Reader) -> Iterator[bytes]:
    for customer, _, body in reader.walk():
        held = held_from_bytes(body)
        row: dict[str, Any] = {"customer": customer, "numbers": [number_of(key) for key in held.numbers]}
        row |= {name: value for name in ("name", "segment", "language", "last_case") if (value := getattr(held, name)) is not None}
        if held.do_not_call:
            row["do_not_call"] = True
        yield msgspec.json.encode(row) + b"\n"


def _columns(texts: list[str]) -> dict[str, str]:
    columns = {}
    for text in texts:
        member, equals, heading = text.partition("=")
        if member not in _MEMBERS or not equals or not heading:
            raise MisconfiguredError(f"--column {text}: write MEMBER=HEADING, MEMBER one of {', '.join(_MEMBERS)}")
        columns[member] = heading
    return columns


@contextmanager
def _writing(config: Config) -> Iterator[Cards]:
    path = directory_path(config)
    become_keeper(path)
    cards = Cards(path)
    try:
        yield cards
    finally:
        cards.close()
