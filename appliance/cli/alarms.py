"""The alarms of a box as its journal tells them: raised, at which levels, cleared after how long, seen by whom.

Reads the journal only; works beside running services, and when none runs. Without --since: today.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from appliance.cli.access import configured, open_readonly
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.catalogue import event_from_stored
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.event import Event, stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.floor.alarm_history import AlarmHistory, Episode
from wallboard.words import clock_text

EXAMPLES = """
  callfloor alarms
  callfloor alarms --since 3d
  callfloor alarms --since '2026-11-20 08:00' --json
"""
_SPAN: Final = re.compile(r"(\d{1,4})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
#: Beyond these calendars end, and the wall clock of no box has been.
_YEARS: Final = (1971, 2999)
_OURS: Final = b'{"k":"alarm.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--since, -c, --json."""
    parser.add_argument("--since", metavar="WHEN", help="a local date or time, or a span such as 45m, 8h, 3d (default: today)")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per alarm")


def main(args: argparse.Namespace) -> int:
    """2 for a time that is none. Raises TransientError when there is no journal."""
    config = configured(args)
    zone = ZoneInfo(config.site.timezone)
    try:
        since_ns = since_from_text(args.since, SystemClock().wall_ns(), zone)
    except ValueError as fault:
        complain(f"callfloor alarms: {fault}")
        return 2
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        history = AlarmHistory(since_ns)
        for event in alarm_events(journal):
            history.apply(event)
    finally:
        journal.close()
    episodes = history.episodes()
    for episode in episodes:
        if args.json:
            say_json(_document(episode))
        else:
            say(_line(episode, zone))
    if not episodes and not args.json:
        say(f"no alarm since {datetime.fromtimestamp(since_ns // NS, zone):%Y-%m-%d %H:%M}")
    return 0


def since_from_text(text: str | None, now_wall_ns: int, zone: ZoneInfo) -> int:
    """When a history is to begin, in nanoseconds since 1970; None: with the local day. Raises ValueError with the mend.

    >>> since_from_text("2026-11-20 08:00", 0, ZoneInfo("UTC")) // NS == 1_795_161_600
    True
    """
    now = datetime.fromtimestamp(now_wall_ns // NS, UTC).astimezone(zone)
    if text is None:
        moment = now.replace(hour=0, minute=0, second=0, fold=0)
    elif span := _SPAN.fullmatch(text.strip()):
        moment = now.astimezone(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as fault:
            raise ValueError(f"{text!r} is no time; write 2026-11-20, '2026-11-20 08:00', or a span such as 8h or 3d") from fault
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise ValueError(f"{text!r} is no time of a box; write a year from {_YEARS[0]} to {_YEARS[1]}")
    return int(moment.timestamp()) * NS


def alarm_events(journal: ReadonlyJournal) -> Iterator[Event]:
    """Every event about an alarm that the journal holds, oldest first; others are not even decoded."""
    progress, last = Progress("events looked at"), journal.head().seq
    after = 0
    while page := journal.read(after):
        for row in page:
            if row.body.startswith(_OURS):
                try:
                    event = event_from_stored(stored_from_body(row.body))
                except msgspec.DecodeError:
                    continue  # `journal verify` tells of it
                if event is not None:
                    yield event
        after = page[-1].seq
        progress.at(after, last)
    progress.end()


def _document(episode: Episode) -> dict[str, Any]:
    return {
        "alarm": episode.alarm,
        "level": episode.worst,
        "raised": rfc3339(episode.began_ns),
        "cleared": rfc3339(episode.ended_ns) if episode.ended_ns is not None else None,
        "lasted_s": episode.lasted_s,
        "acknowledged": episode.acknowledged,
        "levels": [{"time": rfc3339(step.at_ns), "level": step.level} for step in episode.steps],
        "seen": [{"time": rfc3339(seen.at_ns), "by": seen.by} for seen in episode.seen],
        **{name: told for name in ("agent", "seat", "call") if (told := getattr(episode, name)) is not None},
    }


def _line(episode: Episode, zone: ZoneInfo) -> str:
    levels = " → ".join(step.level for step in episode.steps[-4:])
    lasted = clock_text(episode.lasted_s) if episode.lasted_s is not None else "stands"
    seen = ", ".join(f"seen {_time(seen.at_ns, zone)}{f' by {seen.by}' if seen.by else ''}" for seen in episode.seen[-3:])
    text = f"{_day(episode.began_ns, zone)}  {episode.alarm:<40} {lasted:>8}  {levels}"
    seat = f"  at {episode.seat}" if episode.seat is not None else ""
    return coloured(text, episode.worst) + seat + (f"  {seen}" if seen else "")


def _day(at_ns: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ns // NS, zone):%Y-%m-%d %H:%M:%S}"


def _time(at_ns: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at_ns // NS, zone):%H:%M:%S}"
