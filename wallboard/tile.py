"""Decides how one figure reads: its digits, unit and notes, how fresh it is, and whether an alarm decorates it. Pure."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from appliance.core.clock import wall_ns_from_rfc3339
from appliance.floor.snapshot import Alarm, Fresh, Queue, Satisfaction, Snapshot, Window
from appliance.floor.source import COVERED
from wallboard.alarm.quiet import Level, Threshold
from wallboard.figure import FIGURES, Figure, known_figure, member_at, share_of
from wallboard.history.last_week import LastWeek, last_week_of
from wallboard.layout import WindowName
from wallboard.moment import age_s
from wallboard.words import DASH, Words, clock_text

_UTILISATION: Final = "/utilisation."
#: The states that stand beside "busy", in this order.
_BUSY: Final = ("talking", "ringing", "holding")
_REASONS_SHOWN: Final = 4
_SHARES: Final = frozenset({"share", "rate", "ratio", "all_busy"})
_TIMES: Final = frozenset({"wait", "since", "duration", "moment"})


class Tile(Struct, frozen=True):
    """One figure: `value` is digits (or a dash), `unit` what follows them, `notes` what stands beside it, the most important first."""

    key: str
    label: str
    short: str
    value: str
    unit: str = ""
    notes: tuple[str, ...] = ()
    target: str = ""
    fresh: Fresh = "live"
    level: Level = "none"
    acknowledged: bool = False
    hatched: bool = False
    last_week: str = ""


class Scope(Struct, frozen=True):
    """What a figure is of: the floor, a queue, a group, a trunk group; `path` begins its alarms' ids."""

    path: str
    queue: Queue
    window: WindowName = "today"

    def figures(self) -> Window | None:
        """The page's window; None where the document leaves it out."""
        named: Window | None = getattr(self.queue, self.window)
        return named


class Reader:
    """Reads figures out of one snapshot at one instant, in one language."""

    def __init__(
        self, snapshot: Snapshot, words: Words, thresholds: dict[str, Threshold], now_wall_ns: int, week: LastWeek | None = None
    ) -> None:
        self._snapshot, self._words, self._thresholds, self._now_ns, self._week = snapshot, words, thresholds, now_wall_ns, week
        self._alarms = {alarm.id: alarm for alarm in snapshot.alarms}

    def tile(self, key: str, scope: Scope) -> Tile | None:
        """The figure of one key; None where it is one that is there only while it is known, and is not."""
        figure = known_figure(key)
        value, worst = self._value(figure, scope)
        fresh: Fresh = "live" if figure.source.startswith("/crm") else scope.queue.fresh
        if fresh == "unknown":
            value = None
        if value is None and figure.known:
            return None
        words = self._words
        digits, unit = figure_text(words, figure.form, value)
        alarm = self._alarm(figure, worst or f"{scope.path}.{key}", scope, fresh)
        known = value is not None
        return Tile(
            key, words.text(key), words.texts.get(f"short.{key}", words.text(key)), digits, unit,
            notes=self._notes(key, figure, scope) if known else (),
            target=self._target(key, scope) if figure.alarm else "",
            fresh=fresh,
            level=alarm.level if alarm else "none",
            acknowledged=alarm is not None and alarm.acknowledged is not None,
            hatched=known and self._is_thin(figure, scope),
            last_week=self._last_week(key, figure, scope),
        )  # fmt: skip

    def _value(self, figure: Figure, scope: Scope) -> tuple[Any, str]:
        """The figure's value, None when it is not known; and the id of its alarm where that is not the scope's own."""
        if figure.form == "wait":
            return longest_wait_s(scope.queue, self._now_ns), ""
        if figure.form == "agents":
            return agents_in(scope.queue, figure.states), ""
        if figure.form == "lines":
            return self._lines(), ""
        if figure.form == "all_busy":
            told = ((getattr(trunk, figure.of), key) for key, trunk in self._snapshot.trunks.items())
            worst = max((share for share in told if share[0] is not None), default=None)
            return (worst[0], f"trunk.{worst[1]}.{figure.of}") if worst else (None, "")
        value = self._at(figure.source, scope)
        if figure.form == "rate":
            value = share_of(value, self._at(figure.of, scope))
        if figure.form == "since":
            count = self._at(figure.of, scope)
            value = 0.0 if count == 0 else None if count is None or value is None else age_s(value, _seen_ns(scope.queue, self._now_ns))
        if figure.form == "moment":
            value = None if value is None else age_s(value, self._now_ns)
        return value, ""

    def _at(self, source: str, scope: Scope) -> Any:
        return member_at(*self._root(source, scope))

    def _root(self, source: str, scope: Scope) -> tuple[Any, str]:
        if source.startswith("/"):
            return self._snapshot, source[1:]
        if source.startswith("window."):
            return scope.figures(), source.removeprefix("window.")
        return scope.queue, source

    def _lines(self) -> tuple[int, int] | None:
        trunks = list(self._snapshot.trunks.values())
        busy = [trunk.busy for trunk in trunks if trunk.busy is not None]
        lines = [trunk.lines for trunk in trunks if trunk.lines is not None]
        return (sum(busy), sum(lines)) if trunks and len(busy) == len(lines) == len(trunks) else None

    def _alarm(self, figure: Figure, name: str, scope: Scope, fresh: Fresh) -> Alarm | None:
        # An alarm is of today's figure; of an old one nobody knows whether it still holds.
        if not figure.alarm or fresh != "live" or (figure.day and scope.window != "today"):
            return None
        return self._alarms.get(name)

    def _is_thin(self, figure: Figure, scope: Scope) -> bool:
        """Whether too little was seen of what the figure is over: its window, or the agents' day."""
        covered: float | None = None
        if figure.source.startswith(_UTILISATION):
            covered = self._snapshot.utilisation.coverage
        elif figure.day:
            window = scope.figures()
            covered = None if window is None else window.coverage
        return covered is not None and covered < COVERED

    def _notes(self, key: str, figure: Figure, scope: Scope) -> tuple[str, ...]:
        words, window = self._words, scope.figures()
        # Trunks and agents' time are of the day, whatever window the page shows.
        whole_day = scope.window != "today" and (figure.form == "all_busy" or figure.source.startswith(_UTILISATION))
        notes: list[str] = [words.text("window.today")] if whole_day else []
        if key == "service_level" and window is not None:
            within = [] if window.target is None else [words.text("within", t=words.number(window.target))]
            definition = " ".join([*([window.service_level_variant] if window.service_level_variant else []), *within])
            notes += [definition] if definition else []
        if figure.form == "rate":
            notes.append(words.text("of", a=words.number(self._at(figure.source, scope)), b=words.number(self._at(figure.of, scope))))
        elif figure.of.startswith("window.") and window is not None:
            parts = getattr(window, figure.of.removeprefix("window."))
            notes += [words.text("of", a=words.number(parts[0]), b=words.number(parts[1]))] if parts and parts[1] else []
        if key == "offered" and window is not None and window.unknown:
            notes.append(words.text("not_told", n=words.number(window.unknown)))
        if key == "satisfaction" and window is not None and window.satisfaction is not None:
            notes.append(words.text("answers", n=words.number(window.satisfaction.answers)))
        if key == "vip_wait" and scope.queue.vip_waiting:
            notes.append(words.text("vip.waiting", n=words.number(scope.queue.vip_waiting)))
        if key == "callbacks" and scope.queue.callbacks is not None:
            notes += self._callbacks(scope)
        if key == "busy" and scope.queue.agents is not None:
            notes += [f"{words.text(s)} {words.number(getattr(scope.queue.agents, s))}" for s in _BUSY if getattr(scope.queue.agents, s)]
        if key == "paused":
            notes += self._reasons(scope)
        return tuple(notes)

    def _callbacks(self, scope: Scope) -> list[str]:
        """Since when the oldest one waits, and how many somebody took on."""
        words, due, oldest = self._words, scope.queue.callbacks, known_figure("callbacks_oldest")
        if due is None or not due.open:
            return []
        said = [f"{words.text('callbacks_oldest')} {clock_text(self._value(oldest, scope)[0])}"] if due.oldest_since else []
        return [*said, f"{words.text('callbacks_claimed')} {words.number(due.claimed)}"] if due.claimed else said

    def _reasons(self, scope: Scope) -> list[str]:
        """Why agents are paused, the commonest first; of a queue, its own agents."""
        kind, _, queue = scope.path.partition(".")
        if kind not in ("floor", "queue"):
            return []
        counted: dict[str, int] = {}
        for agent in (self._snapshot.agents or {}).values():
            if agent.state == "paused" and agent.reason and (kind == "floor" or queue in agent.queues):
                counted[agent.reason] = counted.get(agent.reason, 0) + 1
        commonest = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_REASONS_SHOWN]
        return [f"{reason} {self._words.number(count)}" for reason, count in commonest]

    def _last_week(self, key: str, figure: Figure, scope: Scope) -> str:
        value = last_week_of(self._week, key, scope.path, scope.window) if self._week is not None else None
        return "" if value is None else self._words.text("last_week", v="".join(figure_text(self._words, figure.form, value)))

    def _target(self, key: str, scope: Scope) -> str:
        figure = FIGURES[key].of if FIGURES[key].form == "all_busy" else key
        threshold = self._thresholds.get(f"{scope.path}.{figure}", self._thresholds.get(figure))
        if threshold is None:
            return ""
        digits, unit = limit_text(self._words, FIGURES[key].form, threshold.red)
        return f"{self._words.text('target')} {'≤' if threshold.side == 'above' else '≥'} {digits}{unit}"


def is_vip(tile: Tile) -> bool:
    """Whether the figure tells of a VIP who waits now: a mark of its own stands beside it.

    >>> is_vip(Tile("vip_wait", "VIP", "VIP", "0:42")), is_vip(Tile("vip_wait", "VIP", "VIP", "0:00"))
    (True, False)
    """
    return tile.key == "vip_wait" and tile.fresh == "live" and tile.value not in (DASH, clock_text(0))


def agents_in(queue: Queue, states: tuple[str, ...]) -> int | None:
    """How many agents are in one of `states`; None where nobody knows: once the source is out of sight agents are *unknown*, and a 0 would
    claim that nobody is available, or busy."""
    counts = queue.agents
    if counts is None or (counts.unknown and queue.fresh != "live" and "logged_in" not in states):
        return None
    return sum(int(getattr(counts, state)) for state in states)


def limit_text(words: Words, form: str, limit: float) -> tuple[str, str]:
    """Digits and unit of a target: a whole per cent without decimals, since nobody set it to a tenth.

    >>> from wallboard.words import words_of
    >>> limit_text(words_of("en"), "share", 0.8), limit_text(words_of("en"), "share", 0.025)
    (('80', '%'), ('2.5', '%'))
    """
    if form in _SHARES:
        decimals = 0 if round(limit * 100, 1).is_integer() else 1
        return words.number(limit * 100, decimals), words.percent(0.0)[1]
    return figure_text(words, form, limit)


def figure_text(words: Words, form: str, value: Any) -> tuple[str, str]:
    """Digits and unit of a value of one form; a dash when it is not known.

    >>> from wallboard.words import words_of
    >>> figure_text(words_of("es"), "duration", 41.2), figure_text(words_of("es"), "share", None)
    (('0:41', ''), ('–', ''))
    """
    if value is None:
        return DASH, ""
    if form in _SHARES:
        return words.percent(value)
    if form in ("lines", "parts"):
        return f"{words.number(value[0])}/{words.number(value[1])}", ""
    if form == "score":
        return words.number(value.mean if isinstance(value, Satisfaction) else value, 1), ""
    if form == "span":
        return span_text(words, value), ""
    return clock_text(value) if form in _TIMES else words.number(value), ""


def span_text(words: Words, seconds: float) -> str:
    """A time to come, as coarse as it is known: minutes and seconds, hours, or days.

    >>> from wallboard.words import words_of
    >>> span_text(words_of("es"), 95), span_text(words_of("es"), 5 * 3600), span_text(words_of("en"), 3 * 86400)
    ('1:35', '5 h', '3 d')
    """
    if seconds < 3600:
        return clock_text(seconds)
    return f"{words.number(seconds // 3600)} h" if seconds < 2 * 86400 else f"{words.number(seconds // 86400)} d"


def longest_wait_s(scope: Queue, now_wall_ns: int) -> float | None:
    """The longest wait now: ticking from when that caller joined; 0 when nobody waits; None when not known."""
    if scope.waiting is None:
        return None
    if scope.waiting == 0:
        return 0.0
    if scope.longest_since is None:
        return scope.longest_wait
    return age_s(scope.longest_since, _seen_ns(scope, now_wall_ns))


def _seen_ns(scope: Queue, now_wall_ns: int) -> int:
    """Until when a wait ticks: out of sight nobody knows whether that caller still waits, and it stands as it was last seen."""
    return min(now_wall_ns, wall_ns_from_rfc3339(scope.as_of)) if scope.fresh == "stale" and scope.as_of else now_wall_ns
