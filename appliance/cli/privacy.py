"""What the box keeps of people: where, whose, for how long. And how one caller's number is forgotten.

forget takes a number as people write it and finds it in any spelling, with or without its country, in every event that is held.
A mark drawn by lot takes its place; figures stay as they are. It works while services run. The customers who have it
go from the directory, and no older version brings them back.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.cli.access import become_owner, configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.catalogue import kind_of
from appliance.core.clock import Clock, SystemClock, rfc3339
from appliance.core.config import Config
from appliance.core.directory import country_from, directory_path
from appliance.core.e164 import load_rules
from appliance.core.errors import MisconfiguredError
from appliance.core.event import Event
from appliance.core.forget import Forget, Forgotten, told
from appliance.core.journal_sqlite import SqliteJournal
from appliance.directory.forget import Gone, forget
from appliance.privacy import damaged, held, stores
from appliance.runner import open_journal

EXAMPLES = """
  callfloor privacy
  callfloor privacy --json
  callfloor privacy forget '+593 99 123 4567' --dry-run
  callfloor privacy forget 0991234567
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing, or forget NUMBER."""
    parser.add_argument("what", nargs="?", choices=("show", "forget"), default="show")
    parser.add_argument("number", nargs="?", metavar="NUMBER", help="forget: the number, at least six digits")
    parser.add_argument("--dry-run", action="store_true", help="forget: say what would go, and change nothing")
    parser.add_argument("--force", action="store_true", help="forget: also in events that the CRM has not got yet; it gets the mark then")
    parser.add_argument("--json", action="store_true")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """Exit code 1 where the number still stands somewhere. Raises TransientError when there is no journal."""
    config = configured(args)
    if args.what == "show":
        if args.number is not None:
            raise MisconfiguredError(f"show takes no number; to forget one: callfloor privacy forget {args.number!r}")
        return _show(config, as_json=args.json)
    if args.number is None:
        raise MisconfiguredError("which number? callfloor privacy forget NUMBER")
    return _forget(config, args)


def _show(config: Config, *, as_json: bool) -> int:
    rows = stores(config)
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        count = held(journal)
    finally:
        journal.close()
    oldest = rfc3339(count.oldest_wall_ns) if count.oldest_wall_ns is not None else None
    if as_json:
        told = {"events": count.events, "of_callers": count.of_callers, "waiting": count.waiting, "oldest": oldest}
        say_json({"stores": rows, "journal": told}, pretty=True)
        return 0
    for row in rows:
        size = "not there" if row.bytes is None and row.where.startswith("/") else "" if row.bytes is None else f"{row.bytes:,} bytes"
        say(coloured(row.what, "bold"))
        say(f"    where  {row.where}{f', {size}' if size else ''}")
        say(f"    whose  {row.whose}")
        say(f"    kept   {row.long}")
    say(f"the journal holds {count.events:,} events, {count.of_callers:,} of kinds that tell of callers (the first of {oldest or 'none'}),")
    say(f"{count.waiting:,} of these still wait for the CRM")
    return 0


def _forget(config: Config, args: argparse.Namespace) -> int:
    path = config.journal.path
    load_rules()
    open_readonly(path, config.journal.run_dir).close()  # one that is not there is not made
    become_owner(path)
    clock, progress = SystemClock(), Progress("events looked at")
    salt = path.parent / "privacy.salt"
    seen = Forget(args.number, salt, force=args.force, dry=True)
    journal = open_journal(config, clock)
    try:
        last = journal.head().seq
        done, emptied, free = seen.walk(journal, lambda at: progress.at(at, 2 * last)), True, 0
        if done.events and not args.dry_run:
            # The CRM is told first: who is killed in between forgets again, and it is told twice. The other way round it never would be.
            _say(journal, clock, done.mark, done.deliveries)
            before, wanted = set(done.deliveries), Forget(args.number, salt, force=args.force, mark=done.mark)
            done = wanted.walk(journal, lambda at: progress.at(last + at, 2 * last))
            _say(journal, clock, done.mark, [n for n in done.deliveries if n not in before])
            with journal.locked_store() as store:
                emptied, free = store.asked(lambda store: store.scrub())
                store.asked(lambda store: store.grow_wal())
            for cache in (path.parent / "cache").glob("*"):
                cache.unlink(missing_ok=True)
    finally:
        progress.end()
        journal.close()
    gone = forget(directory_path(config), args.number, country_from(config), dry=args.dry_run)
    left = [*_left(done, path, emptied=emptied, free=free), *gone.left]
    if args.json:
        directory = {"customers": gone.customers, "do_not_call": gone.listed}
        say_json(_row(done, left, dry=args.dry_run) | {"directory": directory}, pretty=True)
    else:
        _tell(done, left, gone, config.kpi.repeat_hours, dry=args.dry_run, force=args.force)
    return 1 if left else 0


def _row(done: Forgotten, left: list[str], *, dry: bool) -> dict[str, Any]:
    row = {"dry_run": dry, "events": done.events, "delivered": len(done.deliveries), "waiting": done.waiting, "mark": done.mark}
    return {**row, "spellings": done.spellings, "left": left}


def _tell(done: Forgotten, left: list[str], gone: Gone, hours: float, *, dry: bool, force: bool) -> None:
    spelt = ", ".join(f"{digits} ({count})" for digits, count in done.spellings.items())
    if not done.spellings:
        say("no event that is held tells of this number")
    elif dry:
        say(f"would go from {done.events} events; as it stands there: {spelt}")
    else:
        say(f"gone from {done.events} events, {done.mark} stands there now; it stood there as {spelt}")
    if done.deliveries and not dry:
        which = f"the CRM has{' or may get' if force else ''} {len(done.deliveries)} of them"
        say(f"{which}: it is told which by privacy.forgotten, and has to take the number out itself")
    if done.events and not dry:
        say(f"running services and their cache hold for {hours:g} hours, as a salted hash, who was answered")
    if gone.customers:
        which = f"the directory {'would lose' if dry else 'lost'} {gone.customers} customers who {'have' if dry else 'had'} it"
        say(f"{which}; take them out of the CRM too, or its next page brings them back")
    if gone.listed:
        say("it stays on the do-not-call list, or it would be called again; callfloor directory dnc remove takes it off")
    for text in left:
        complain(coloured(text, "amber"))
    if not dry:
        complain("not looked at: backups, recordings by `callfloor capture`, what the PBX itself keeps")


def _say(journal: SqliteJournal, clock: Clock, mark: str, deliveries: Sequence[int]) -> None:
    for notice in told(mark, deliveries):
        journal.append([Event(kind_of(notice), "cli/privacy", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), notice)])


def _left(done: Forgotten, path: Path, *, emptied: bool, free: int) -> list[str]:
    left = []
    if done.waiting:
        left.append(f"{done.waiting} events wait for the CRM and keep the number: run this again when they are delivered, or with --force")
    if free:
        left.append(f"{free // 2**20:,} MiB of {path} are free, were not overwritten and may hold it until the journal needs them")
    if not emptied:
        left.append(f"{path}-wal is being read and still holds it: run this again, or wait until it is used again")
    left += [f"{one} was set aside and is not looked into: remove it when nobody needs it any more" for one in damaged(path)]
    return left
