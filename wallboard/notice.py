"""Decides which of a board's own announcements are due at an instant: by weekday, date and time of day on the site's walls. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from appliance.core.clock import NS, rfc3339
from appliance.floor.snapshot import Announcement
from wallboard.layout import BoardSpec, NoticeSpec, Weekday

_WEEKDAYS: Final = get_args(Weekday)
_DAY: Final = timedelta(days=1)


def notices_now(spec: BoardSpec, board: str, now_wall_ns: int, zone: ZoneInfo) -> list[Announcement]:
    """Those due now, in the file's order, as `board.NAME.N`, N counted from 1 in the file; `until` is when this showing ends."""
    now = datetime.fromtimestamp(now_wall_ns // NS, UTC).astimezone(zone).replace(tzinfo=None)
    due = []
    for at, notice in enumerate(spec.notice, 1):
        ends = end_of_showing(notice, now)
        if ends is not None:
            until_ns = round(ends.replace(tzinfo=zone).timestamp()) * NS
            due.append(Announcement(id=f"board.{board}.{at}", text=notice.text, severity=notice.severity, until=rfc3339(until_ns)))
    return due


def end_of_showing(notice: NoticeSpec, now: datetime) -> datetime | None:
    """When the showing that is under way at a local time ends; None while there is none.

    A showing belongs to the day on which it begins: `days`, `first` and `last` are about that day, also past midnight.

    >>> end_of_showing(NoticeSpec(text="…", days=("fri",), at="22:00", until="02:00"), datetime(2026, 11, 21, 1, 30)).hour
    2
    """
    begins = time.fromisoformat(notice.at) if notice.at else time.min
    ends = time.fromisoformat(notice.until) if notice.until else time.min
    for day in (now.date(), now.date() - _DAY):
        end = datetime.combine(day if ends > begins else day + _DAY, ends)
        if _is_on(notice, day) and datetime.combine(day, begins) <= now < end:
            return end
    return None


def _is_on(notice: NoticeSpec, day: date) -> bool:
    first = date.fromisoformat(notice.first) if notice.first else day
    last = date.fromisoformat(notice.last) if notice.last else day
    return first <= day <= last and (not notice.days or _WEEKDAYS[day.weekday()] in notice.days)
