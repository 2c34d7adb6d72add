"""Look into the durable log, read-only, safe as root beside running services.

stats   positions, the account towards the CRM, sizes
tail    the newest events, one a line; -f follows
export  events as JSON Lines
verify  the full check of the file; exit code 1 when it is damaged
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

import msgspec

from appliance.cli.access import add_journal, journal_path, open_readonly
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.clock import rfc3339
from appliance.core.errors import CorruptError, TransientError
from appliance.core.event import Entry, stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal

EXAMPLES = """
  callfloor journal stats -c callfloor.toml
  callfloor journal tail -f --kind 'call.*'
  callfloor journal export --after 1200 -o events.jsonl
  callfloor journal verify --journal journal.db.damaged-1795000000
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One sub-verb each."""
    verbs = parser.add_subparsers(dest="what", required=True, metavar="stats|tail|export|verify")
    stats = verbs.add_parser("stats", help="positions, account, sizes", description="Positions, account, sizes.")
    add_journal(stats)
    stats.add_argument("--kinds", action="store_true", help="count every event by kind (reads the whole journal)")
    stats.add_argument("--json", action="store_true")
    tail = verbs.add_parser("tail", help="the newest events", description="The newest events, one a line.")
    add_journal(tail)
    tail.add_argument("-n", type=int, default=20, metavar="COUNT", help="how many (default 20)")
    tail.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    tail.add_argument("--kind", metavar="PATTERN", default="*", help="only kinds like this: call.*, pbx.down")
    tail.add_argument("--json", action="store_true", help="JSON Lines")
    export = verbs.add_parser("export", help="events as JSON Lines", description="Events as JSON Lines.")
    add_journal(export)
    export.add_argument("--after", type=int, default=0, metavar="SEQ", help="only events after this one")
    export.add_argument("--kind", metavar="PATTERN", default="*", help="only kinds like this")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to (default: stdout)")
    verify = verbs.add_parser("verify", help="the full check", description="The full check of the file; 1 when it is damaged.")
    add_journal(verify)
    verify.add_argument("--json", action="store_true")


def main(args: argparse.Namespace) -> int:
    """Raises TransientError when there is no journal, CorruptError when it is none."""
    path, began_s = journal_path(args), time.monotonic()
    try:
        return _asked(args, path)
    except CorruptError as fault:
        if args.what != "verify":
            raise
        return _verdict(args, path, [str(fault)], began_s)


def _asked(args: argparse.Namespace, path: Path) -> int:
    journal = open_readonly(path)
    try:
        verb = {"stats": _stats, "tail": _tail, "export": _export, "verify": _verify}[args.what]
        return verb(args, journal, path)
    finally:
        journal.close()


def _stats(args: argparse.Namespace, journal: ReadonlyJournal, path: Path) -> int:
    head, account, limits = journal.head(), journal.account("uplink"), journal.limits()
    first = journal.first_seq()
    told: dict[str, Any] = {
        "path": str(path),
        "epoch": head.epoch,
        "first_seq": first,
        "last_seq": head.seq,
        "first_time": _time_of(journal.read(first - 1, 1)),
        "last_time": _time_of(journal.read(head.seq - 1, 1)),
        "account": {name: getattr(account, name) for name in ("recorded", "delivered", "waiting", "shed", "skipped")},
        "bytes": limits.bytes_used,
        "wal_bytes": limits.wal_bytes,
        "pressure": limits.pressure,
    }
    if args.kinds:
        progress = Progress("events read")
        counts: Counter[str] = Counter()
        for entry in _entries(journal, 0):
            counts[_kind(entry)] += 1
            progress.at(entry.seq - first, head.seq - first)
        progress.end()
        told["kinds"] = dict(counts.most_common())
    if args.json:
        say_json(told, pretty=True)
        return 0
    say(f"journal {path}, epoch {head.epoch}")
    say(f"  held       {first}…{head.seq} ({told['first_time']} … {told['last_time']})")
    say(f"  to the CRM {', '.join(f'{value} {name}' for name, value in told['account'].items())}")
    say(f"  size       {limits.bytes_used / 1e6:.1f} MB, write-ahead log {limits.wal_bytes / 1e6:.1f} MB")
    if limits.pressure:
        say(coloured("  the budget is nearly used up: headset events are not recorded", "amber"))
    for kind, count in told.get("kinds", {}).items():
        say(f"  {count:>10} {kind}")
    return 0


def _tail(args: argparse.Namespace, journal: ReadonlyJournal, path: Path) -> int:
    at = journal.head().seq
    for entry in _last(journal, args.n, args.kind):
        _write_line(sys.stdout, entry, as_json=args.json)
    sys.stdout.flush()
    try:
        while args.follow:
            for entry in _entries(journal, at):
                at = entry.seq
                if fnmatchcase(_kind(entry), args.kind):
                    _write_line(sys.stdout, entry, as_json=args.json)
            sys.stdout.flush()
            time.sleep(0.2)
    except KeyboardInterrupt:
        return 0
    return 0


def _export(args: argparse.Namespace, journal: ReadonlyJournal, path: Path) -> int:
    progress = Progress("events exported")
    last = journal.head().seq
    try:
        output: IO[str] = args.output.open("w", encoding="utf-8") if args.output else sys.stdout
    except OSError as fault:
        raise TransientError(f"{args.output} cannot be written: {fault.strerror}; name another with -o") from fault
    count = 0
    try:
        for entry in _entries(journal, args.after, last):
            if fnmatchcase(_kind(entry), args.kind):
                _write_line(output, entry, as_json=True)
                count += 1
            progress.at(entry.seq, last)
    finally:
        if args.output:
            output.close()
    progress.end()
    complain(f"{count} events")
    return 0


def _verify(args: argparse.Namespace, journal: ReadonlyJournal, path: Path) -> int:
    began_s = time.monotonic()
    complain(f"checking {path} …")
    faults = journal.check()
    account = journal.account("uplink")
    if account.recorded != account.delivered + account.waiting + account.shed + account.skipped:
        faults = [*faults, f"the account does not balance: {account}"]
    return _verdict(args, path, faults, began_s)


def _verdict(args: argparse.Namespace, path: Path, faults: list[str], began_s: float) -> int:
    if args.json:
        say_json({"path": str(path), "ok": not faults, "faults": faults}, pretty=True)
    else:
        for fault in faults:
            say(coloured(fault, "red"))
        say(f"{path}: {'damaged' if faults else 'sound'}, checked in {time.monotonic() - began_s:.1f} s")
        if faults:
            say("mend: stop the services and start them again; the damaged file is set aside whole and a new epoch begins")
    return 1 if faults else 0


def _entries(journal: ReadonlyJournal, after: int, last: int | None = None) -> Iterator[Entry]:
    while True:
        page = journal.read(after)
        for entry in page:
            if last is not None and entry.seq > last:
                return
            yield entry
        if not page:
            return
        after = page[-1].seq


def _last(journal: ReadonlyJournal, count: int, pattern: str) -> list[Entry]:
    """The newest events of some kinds, found page by page from the end."""
    found: list[Entry] = []
    end, first = journal.head().seq, journal.first_seq()
    while len(found) < count and end >= first:
        begin = max(first - 1, end - 500)
        page = [entry for entry in journal.read(begin) if entry.seq <= end and fnmatchcase(_kind(entry), pattern)]
        found = page + found
        end = begin
        if begin < first:
            break
    return found[-count:] if count > 0 else []


def _kind(entry: Entry) -> str:
    try:
        return stored_from_body(entry.body).kind
    except msgspec.DecodeError:
        return "?"


def _time_of(page: list[Entry]) -> str | None:
    try:
        return rfc3339(stored_from_body(page[0].body).wall_ns) if page else None
    except msgspec.DecodeError:
        return None


def _write_line(output: IO[str], entry: Entry, *, as_json: bool) -> None:
    try:
        stored = stored_from_body(entry.body)
    except msgspec.DecodeError:
        damaged = {"seq": entry.seq, "n": entry.n, "damaged": entry.body.hex()}
        output.write(msgspec.json.encode(damaged).decode() + "\n" if as_json else f"{entry.seq:>9} damaged\n")
        return
    if as_json:
        row: dict[str, object] = {
            "seq": entry.seq,
            "n": entry.n,
            "time": rfc3339(stored.wall_ns),
            "mono_ns": stored.mono_ns,
            "boot": stored.boot,
            "clock": stored.clock,
            "kind": stored.kind,
            "source": stored.source,
            "data": stored.data,
        }
        if stored.origin is not None:
            origin = stored.origin
            row["origin"] = {"id": origin.id, "box": origin.box, "time": rfc3339(origin.wall_ns), "clock": origin.clock}
        output.write(msgspec.json.encode(row).decode() + "\n")
    else:
        due = f"n{entry.n}" if entry.n is not None else ""
        data = bytes(stored.data).decode() if stored.origin is None else f"{bytes(stored.data).decode()} of {stored.origin.box}"
        output.write(f"{entry.seq:>9} {due:>8} {rfc3339(stored.wall_ns)} {stored.kind:<18} {stored.source:<18} {data}\n")
