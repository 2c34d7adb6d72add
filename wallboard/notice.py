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
    due = []
    for at, notice in enumerate(spec.notice, 1):
        ends_ns = end_of_showing(notice, now_wall_ns, zone)
        if ends_ns is not None:
            due.append(Announcement(id=f"board.{board}.{at}", text=notice.text, severity=notice.severity, until=rfc3339(ends_ns)))
    return due


def end_of_showing(notice: NoticeSpec, now_wall_ns: int, zone: ZoneInfo) -> int | None:
    """When the showing that is under way ends, in nanoseconds since 1970; None while there is none.

    A showing belongs to the day on which it begins: `days`, `first` and `last` are about that day, also past midnight. Its ends are
    instants: where the clocks go back an hour it is shown once, where they go forward over it, the moment they have.

    >>> friday_night = NoticeSpec(text="…", days=("fri",), at="22:00", until="02:00")
    >>> saturday_early_ns = int(datetime(2026, 11, 21, 1, 30, tzinfo=UTC).timestamp()) * NS
    >>> (end_of_showing(friday_night, saturday_early_ns, ZoneInfo("UTC")) - saturday_early_ns) / NS
    1800.0
    """
    begins = time.fromisoformat(notice.at) if notice.at else time.min
    ends = time.fromisoformat(notice.until) if notice.until else time.min
    today = datetime.fromtimestamp(now_wall_ns // NS, UTC).astimezone(zone).date()
    for day in (today, today - _DAY):
        if _is_on(notice, day):
            end_ns = _instant_ns(day if ends > begins else day + _DAY, ends, zone)
            if _instant_ns(day, begins, zone) <= now_wall_ns < end_ns:
                return end_ns
    return None


def _instant_ns(day: date, at: time, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, at, zone).timestamp()) * NS


def _is_on(notice: NoticeSpec, day: date) -> bool:
    first = date.fromisoformat(notice.first) if notice.first else day
    last = date.fromisoformat(notice.last) if notice.last else day
    return first <= day <= last and (not notice.days or _WEEKDAYS[day.weekday()] in notice.days)
