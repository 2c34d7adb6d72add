"""Decides the report's tables: which columns there are, in which order, and how each is worked out of a kept day. Pure.

Names and order of columns are part of the contract (docs/reports.md): columns may be added at the end, never renamed or removed.
Every rate stands with its numerator and denominator; None is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from appliance.core.clock import NS
from appliance.floor.build import satisfaction, summed, window_of
from appliance.floor.calendar import Calendar
from appliance.floor.history import Day, KeptQueue, agents_of, classes_of, coverage_of, covered_of, menus_of, queues_of, total, trunks_of
from appliance.floor.snapshot import Window
from appliance.floor.state import STATES

Cell = str | int | float | None
Row = dict[str, Cell]

#: The mean of survey answers, their sum, and how many.
_SCORES: Final = ("satisfaction", "satisfaction_num", "satisfaction_den")
_FIGURES: Final = (
    "offered", "answered", "answered_ended", "abandoned", "short_abandoned", "left", "unknown", "waiting", "refused",
    "answered_in_time", "abandoned_in_time", "service_level", "service_level_num", "service_level_den", "service_level_variant", "target_s",
    "abandon_rate", "abandon_rate_num", "abandon_rate_den", "asa_s", "wait_sum_s", "wait_max_s", "talk_avg_s", "talk_sum_s", "hold_sum_s",
    "wrap_up_sum_s", "aht_s", "repeat_call_share", "repeat_call_num", "repeat_call_den", "coverage",
    *_SCORES,
)  # fmt: skip
_STATES_S: Final = tuple(f"{state}_s" for state in STATES)
#: Table → its columns, in order.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "half-hours": ("table", "day", "start", "time", "queue", "title", *_FIGURES),
    "queues": ("table", "day", "queue", "title", *_FIGURES),
    "agents": (
        "table", "day", "agent", "name", "answered", "logged_in_s", *_STATES_S,
        "ab_allocation", "ab_allocation_num", "ab_allocation_den", "bc_on_phone", "bc_on_phone_num", "bc_on_phone_den", "answered_per_hour",
        *_SCORES,
    ),
    "outcomes": ("table", "day", "queue", "title", "outcome", "reason", "count", "share", "share_num", "share_den"),
    "trunks": (
        "table", "day", "trunk", "lines", "all_busy_share", "all_busy_share_num", "all_busy_share_den",
        "blocked_share", "blocked_share_num", "blocked_share_den",
    ),
    "menus": ("table", "day", "self_service_share", "self_service_share_num", "self_service_share_den"),
    "classes": ("table", "day", "queue", "title", "type", "count", "share", "share_num", "share_den"),
}  # fmt: skip
TABLES: Final = tuple(COLUMNS)
#: Tables of what not every site has.
SOME: Final = ("trunks", "menus", "classes")
#: Of those the ones that are no queue's.
_NO_QUEUES: Final = ("trunks", "menus")


def rows_of(table: str, day: Day, calendar: Calendar, queue: str | None = None) -> list[Row]:
    """One table of a day; with `queue` that one's rows alone (agents belong to no queue and are all listed, trunks and menus none).

    Raises KeyError for a table that is none.
    """
    queues = {key: kept for key, kept in queues_of(day).items() if queue in (None, key)}
    if queue is not None and table in _NO_QUEUES:
        return []
    made = list(_MADE[table](day, queues, calendar))
    if table == "classes" and queue is None:
        made += _class_rows({"queue": None, "title": None}, day, classes_of(day))
    return [{name: row.get(name) for name in COLUMNS[table]} for row in made]


def all_columns() -> tuple[str, ...]:
    """The columns of all tables in one: those of the first, then what each other adds; what came later stands at the end."""
    first = (name for table, columns in COLUMNS.items() if table not in SOME for name in columns if name not in _SCORES)
    return tuple(dict.fromkeys((*first, *_SCORES, *(name for table in SOME for name in COLUMNS[table]))))


def queue_window(day: Day, kept: KeptQueue) -> Window:
    """The figures of a queue over its day."""
    return window_of(total(kept.halves.values()), kept.variant, kept.target_s, coverage_of(day, kept.pbx))


def day_window(day: Day, queues: dict[str, KeptQueue]) -> Window:
    """All queues of a day as one, and what served itself in the menus."""
    window = summed([queue_window(day, kept) for kept in queues.values()])
    served, calls = menus_of(day)
    if calls:
        window.self_service_share_of, window.self_service_share = (served, calls), _rate(served, calls)
    for name, count in classes_of(day).items():
        window.classes[name] = window.classes.get(name, 0) + count
    return window


def _half_hours(day: Day, queues: dict[str, KeptQueue], calendar: Calendar) -> Iterator[Row]:
    """Every half-hour of every queue from the first of which something is known to the last that has begun.

    Empty ones too, so that a chart has no holes of its own making.
    """
    told = {half for kept in queues.values() for half in kept.halves}
    told |= {half for part in day.parts for covered in part.covered.values() for half in covered}
    first, last = min(told, default=1), max(told, default=0)
    covered = {pbx: covered_of(day, pbx) for pbx in {kept.pbx for kept in queues.values()}}
    for start in calendar.halves(calendar.day_on(date.fromisoformat(day.day))):
        half = start // NS
        if not first <= half <= last:
            continue
        for key, kept in queues.items():
            tally = total([kept.halves[half]] if half in kept.halves else [])
            window = window_of(tally, kept.variant, kept.target_s, covered[kept.pbx].get(half))
            place = {"start": calendar.local_text(start), "time": calendar.time_of_day(start)}
            yield _named("half-hours", day, key, kept) | place | _figures(window, tally.repeat, tally.known)


def _queues(day: Day, queues: dict[str, KeptQueue], _calendar: Calendar) -> Iterator[Row]:
    for key, kept in queues.items():
        tally = total(kept.halves.values())
        yield _named("queues", day, key, kept) | _figures(queue_window(day, kept), tally.repeat, tally.known)


def _agents(day: Day, _queues: dict[str, KeptQueue], _calendar: Calendar) -> Iterator[Row]:
    for key, agent in sorted(agents_of(day).items()):
        seconds = {f"{state}_s": _s(ms) for state, ms in zip(STATES, agent.ms or [0] * len(STATES), strict=True)}
        ms = dict(zip(STATES, agent.ms or [0] * len(STATES), strict=True))
        a = ms["talking"] + ms["holding"] + ms["wrap_up"]
        b = a + ms["available"] + ms["ringing"]
        c = b + ms["paused"]
        row: Row = {"table": "agents", "day": day.day, "agent": key, "name": agent.name, "answered": agent.answered}
        row |= {"logged_in_s": _s(sum(ms.values())), **seconds}
        row |= {"ab_allocation": _rate(a, b), "ab_allocation_num": _s(a), "ab_allocation_den": _s(b)}
        row |= {"bc_on_phone": _rate(b, c), "bc_on_phone_num": _s(b), "bc_on_phone_den": _s(c)}
        row |= {"answered_per_hour": round(agent.answered * 3_600_000 / c, 2) if c else None}
        yield row | _scores((agent.scores[0] / 1000, agent.scores[1]))


def _outcomes(day: Day, queues: dict[str, KeptQueue], _calendar: Calendar) -> Iterator[Row]:
    """Every visit in one row, so that the counts of a queue add up to its offered; the refused, who never joined, beside them."""
    for key, kept in queues.items():
        tally = total(kept.halves.values())
        counts = [("answered", None, tally.answered), ("abandoned", "short", tally.short_abandoned)]
        counts += [("abandoned", "later", tally.abandoned - tally.short_abandoned)]
        counts += [("left", reason, count) for reason, count in sorted(tally.left_by.items())]
        counts += [("unknown", None, tally.unknown), ("waiting", None, tally.waiting)]
        for outcome, reason, count in counts:
            place: Row = {"outcome": outcome, "reason": reason, "count": count}
            share: Row = {"share": _rate(count, tally.offered), "share_num": count, "share_den": tally.offered}
            yield _named("outcomes", day, key, kept) | place | share
        if tally.refused:
            yield _named("outcomes", day, key, kept) | {"outcome": "refused", "count": tally.refused}


def _trunks(day: Day, _queues: dict[str, KeptQueue], _calendar: Calendar) -> Iterator[Row]:
    """Groups of lines: the time in which every line was busy, of that in which it was observed, and the calls that met it full."""
    for key, trunk in sorted(trunks_of(day).items()):
        yield {
            "table": "trunks", "day": day.day, "trunk": key, "lines": trunk.lines or None,
            "all_busy_share": _rate(trunk.all_busy_ms, trunk.observed_ms) if trunk.lines else None,
            "all_busy_share_num": _s(trunk.all_busy_ms), "all_busy_share_den": _s(trunk.observed_ms),
            "blocked_share": _rate(trunk.met_full, trunk.wanted), "blocked_share_num": trunk.met_full, "blocked_share_den": trunk.wanted,
        }  # fmt: skip


def _menus(day: Day, _queues: dict[str, KeptQueue], _calendar: Calendar) -> Iterator[Row]:
    """One row, where any call left a menu."""
    served, calls = menus_of(day)
    if calls:
        share: Row = {"self_service_share": _rate(served, calls), "self_service_share_num": served, "self_service_share_den": calls}
        yield share | {"table": "menus", "day": day.day}


def _classes(day: Day, queues: dict[str, KeptQueue], _calendar: Calendar) -> Iterator[Row]:
    """Classified calls by type, of each queue that has any; those that joined no queue stand without one."""
    for key, kept in queues.items():
        yield from _class_rows({"queue": key, "title": kept.title}, day, total(kept.halves.values()).classes)


def _class_rows(place: Row, day: Day, counts: dict[str, int]) -> Iterator[Row]:
    whole = sum(counts.values())
    for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        share: Row = {"share": _rate(count, whole), "share_num": count, "share_den": whole}
        yield {"table": "classes", "day": day.day, **place, "type": name, "count": count} | share


def _named(table: str, day: Day, key: str, kept: KeptQueue) -> Row:
    return {"table": table, "day": day.day, "queue": key, "title": kept.title}


def _figures(window: Window, repeat: int, known: int) -> Row:
    level = window.service_level_of or (None, None)
    return {
        **{name: getattr(window, name) for name in _FIGURES[:11]},
        "service_level": window.service_level, "service_level_num": level[0], "service_level_den": level[1],
        "service_level_variant": window.service_level_variant, "target_s": window.target,
        "abandon_rate": window.abandon_rate, "abandon_rate_num": window.abandon_rate_of[0], "abandon_rate_den": window.abandon_rate_of[1],
        "asa_s": window.asa, "wait_sum_s": window.wait_sum, "wait_max_s": window.wait_max,
        "talk_avg_s": window.talk_avg, "talk_sum_s": window.talk_sum, "hold_sum_s": window.hold_sum,
        "wrap_up_sum_s": window.wrap_up_sum, "aht_s": window.aht,
        "repeat_call_share": window.repeat_call_share, "repeat_call_num": repeat, "repeat_call_den": known, "coverage": window.coverage,
        **_scores(window.satisfaction_of or (0.0, 0)),
    }  # fmt: skip


def _scores(parts: tuple[float, int]) -> Row:
    mean = satisfaction(*parts)
    return {"satisfaction": None if mean is None else mean.mean, "satisfaction_num": round(parts[0], 3), "satisfaction_den": parts[1]}


def _rate(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _s(ms: int) -> float:
    return round(ms / 1000, 3)


_MADE: Final[dict[str, Callable[[Day, dict[str, KeptQueue], Calendar], Iterator[Row]]]] = {
    "half-hours": _half_hours, "queues": _queues, "agents": _agents, "outcomes": _outcomes, "trunks": _trunks, "menus": _menus,
    "classes": _classes,
}  # fmt: skip
