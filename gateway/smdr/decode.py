"""Decides what recorded bytes of a call-record port mean: by the profile that is named, or by the one that fits best."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from appliance.core.errors import CorruptError
from gateway.smdr.line import Splitter
from gateway.smdr.profile import ReadyProfile
from gateway.smdr.shelf import named, profiles
from gateway.smdr.vote import Result, read, winner


def decode(data: bytes, profile: str | None, now: datetime) -> Result:
    """The records, and how the reading went (`notes`). `now`: when it was recorded, for years that are not printed.

    Raises MisconfiguredError for a profile that there is not, CorruptError where no profile fits any line.
    """
    lines = lines_from_bytes(data)
    tried = named(profile) if profile else profiles()
    result = read(tried[0], lines, now) if len(tried) == 1 else winner(tried, lines, now)
    if result is None:
        raise CorruptError(_nothing(lines, tried))
    return result


def lines_from_bytes(data: bytes) -> list[str]:
    """All lines, the last one too where nothing ends it."""
    splitter = Splitter()
    return splitter.feed(data) + splitter.flush()


def notes(result: Result) -> list[str]:
    """What was passed over, and what the lines do not tell."""
    counts, reader = result.reader.counts, result.reader
    out = []
    if counts.unknown:
        out.append(f"{counts.unknown} of {counts.lines} lines fit no line of {result.profile.name}, such as: {reader.strange[-1][:100]!r}")
    if result.records and not reader.dates.is_told and _ambiguous(result):
        out.append(
            f"no date tells whether month or day comes first; taken as {'month/day' if reader.dates.order == 'mdy' else 'day/month'}"
        )
    return out


def _ambiguous(result: Result) -> bool:
    return any(not record.fields.get("date", "").startswith(("19", "20")) for record in result.records if "date" in record.fields)


def _nothing(lines: Sequence[str], tried: Sequence[ReadyProfile]) -> str:
    if not lines:
        return "no line in it; record the port with `callfloor capture smdr NAME`"
    return f"none of {len(tried)} profiles fits any of {len(lines)} lines; `callfloor smdr learn FILE` proposes one of your own"
