"""Explain a figure: which visits stand behind it, and why each counted above the line, below it, or not at all. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from appliance.core.clock import rfc3339
from appliance.floor.build import satisfaction, window_from_tally
from appliance.floor.floor import Floor
from appliance.floor.ivr import MenuCall
from appliance.floor.service_level import counts_in
from appliance.floor.tally import Tally, Visit
from appliance.floor.visit import ROLLING_NS

WindowName = Literal["today", "interval", "rolling"]
Language = Literal["es", "en", "pt"]

#: The figures that can be explained, and what a visit contributes to numerator and denominator.
FIGURES: Final = (
    "service_level", "abandon_rate", "asa", "talk_avg", "aht", "offered", "answered", "abandoned", "left", "unknown", "waiting", "wait_max",
    "satisfaction", "self_service_share", "classified",
)  # fmt: skip


class Row(Struct, kw_only=True):
    """One visit behind a figure. `above` and `below`: what it adds to the numerator and the denominator (seconds, counts, points).

    Of the self-service share, one call that left the menus: without visit and queue; of the classified ones that joined no queue as well,
    and of these the half-hour is told.
    """

    joined: str
    visit: str
    call: str
    queue: str
    agent: str | None
    outcome: str
    reason: str | None
    wait_s: float | None
    talk_s: float | None
    above: float
    below: float
    why: str


class Explanation(Struct, kw_only=True):
    """A figure with everything that makes it."""

    figure: str
    queue: str | None
    window: WindowName
    variant: str | None
    target_s: float | None
    numerator: float
    denominator: float
    value: float | None
    rows: list[Row]


def explain(
    floor: Floor, figure: str, now_ns: int, queue: str | None, window: WindowName = "today", language: Language = "en"
) -> Explanation:
    """Explain a figure of one queue, or of the whole floor (queue None).

    The floor must have been folded with `floor.visits.keep = True`, so that no visit was forgotten.
    Raises KeyError for an unknown figure or queue, and for a queue where the figure is the whole floor's alone.
    """
    if figure not in FIGURES:
        raise KeyError(f"unknown figure {figure!r}; one of: {', '.join(FIGURES)}")
    if figure == "self_service_share":
        return _self_service(floor, now_ns, queue, window, language)
    if queue is not None and queue not in floor.state.queues:
        raise KeyError(f"unknown queue {queue!r}; one of: {', '.join(sorted(floor.state.queues)) or '(none yet)'}")
    floor.advance(now_ns)
    visits = [v for v in floor.state.visits.values() if (queue is None or v.queue == queue) and _inside(floor, v, window, now_ns)]
    visits = [visit for visit in visits if figure != "classified" or visit.type is not None]
    rows = [_row(floor, figure, visit, language) for visit in sorted(visits, key=lambda v: v.joined_ns)]
    if figure == "classified" and queue is None:
        rows += _outside(floor, now_ns, window, language)
    variants = {_variant(floor, v.queue) for v in visits} or {_variant(floor, queue or "")}
    targets = {floor.visits.target_ms(v.queue) / 1000 for v in visits} or {floor.visits.target_ms(queue or "") / 1000}
    above, below = sum(row.above for row in rows), sum(row.below for row in rows)
    if figure == "wait_max":
        above = max((row.above for row in rows), default=0.0)
    return Explanation(
        figure=figure,
        queue=queue,
        window=window,
        variant=variants.pop() if figure == "service_level" and len(variants) == 1 else None,
        target_s=targets.pop() if len(targets) == 1 else None,
        numerator=round(above, 3),
        denominator=round(below, 3),
        value=_value(floor, figure, visits, above, below),
        rows=rows,
    )


def _self_service(floor: Floor, now_ns: int, queue: str | None, window: WindowName, language: Language) -> Explanation:
    """The calls that left the menus: none of them is a queue's."""
    if queue is not None:
        raise KeyError("a call that served itself joined no queue: self_service_share is the whole floor's, without --queue")
    floor.advance(now_ns)
    inside: dict[str, Callable[[MenuCall], bool]] = {
        "today": lambda call: call.day == floor.calendar.day(now_ns)[0],
        "interval": lambda call: call.half == floor.calendar.half_hour(now_ns),
        "rolling": lambda call: call.began_ns > now_ns - ROLLING_NS,
    }
    words, rows = _WORDS[language], []
    for call in sorted(filter(inside[window], floor.ivr.calls), key=lambda call: call.began_ns):
        outcome = "self_service" if call.served_itself else "agent"
        rows.append(
            Row(
                joined=rfc3339(call.began_ns), visit="", call=call.call, queue="", agent=None, outcome=outcome, reason=None, wait_s=None,
                talk_s=None, above=float(call.served_itself), below=1.0, why=words[outcome],
            )
        )  # fmt: skip
    above = sum(row.above for row in rows)
    return Explanation(
        figure="self_service_share", queue=None, window=window, variant=None, target_s=None, numerator=above, denominator=float(len(rows)),
        value=round(above / len(rows), 4) if rows else None, rows=rows,
    )  # fmt: skip


def _outside(floor: Floor, now_ns: int, window: WindowName, language: Language) -> list[Row]:
    """The classified calls that joined no queue."""
    state = floor.state.classes
    day, half = floor.calendar.day(now_ns)[0], floor.calendar.half_hour(now_ns)
    rows = []
    for call, classed in state.calls.items():
        inside = {"today": classed.day == day, "interval": classed.half == half, "rolling": call in state.recent}[window]
        if classed.queue is None and inside:
            why = _WORDS[language]["classified"].format(type=floor.config.classification.title_of(classed.type, language))
            rows.append(
                Row(
                    joined=rfc3339(classed.half), visit="", call=call, queue="", agent=None, outcome="classified", reason=None, wait_s=None,
                    talk_s=None, above=1.0, below=0.0, why=why,
                )
            )  # fmt: skip
    return sorted(rows, key=lambda row: row.joined)


def _inside(floor: Floor, visit: Visit, window: WindowName, now_ns: int) -> bool:
    if window == "today":
        return visit.day == floor.calendar.day(now_ns)[0]
    if window == "interval":
        return visit.half == floor.calendar.half_hour(now_ns)
    return visit.rolling


def _variant(floor: Floor, queue: str) -> str:
    own = floor.config.queues.get(queue)
    return own.service_level if own and own.service_level else floor.config.kpi.service_level


def _row(floor: Floor, figure: str, visit: Visit, language: Language) -> Row:
    above, below = _terms(floor, figure, visit)
    ended = visit.state not in ("waiting", "unknown")
    return Row(
        joined=rfc3339(visit.joined_ns),
        visit=visit.id,
        call=visit.call,
        queue=visit.queue,
        agent=visit.agent,
        outcome="answered" if visit.state == "ended" else visit.state,
        reason=visit.reason,
        wait_s=visit.wait_ms / 1000 if ended else None,
        talk_s=visit.talk_ms / 1000 if visit.state == "ended" else None,
        above=above,
        below=below,
        why=_why(floor, visit, language, figure),
    )


def _terms(floor: Floor, figure: str, visit: Visit) -> tuple[float, float]:
    """What one visit adds to a figure's numerator and denominator."""
    if figure == "service_level":
        if visit.state in ("waiting", "unknown"):
            return 0.0, 0.0
        above, below = counts_in(_variant(floor, visit.queue), _class(visit))
        return float(above), float(below)
    counted, above_s, below_s = _TERMS[figure]
    return (above_s(visit), below_s(visit)) if counted(visit) else (0.0, 0.0)


def _is(*states: str) -> Callable[[Visit], bool]:
    return lambda visit: visit.state in states


def _one(_visit: Visit) -> float:
    return 1.0


def _none(_visit: Visit) -> float:
    return 0.0


_ANSWERED: Final = _is("answered", "ended")
_SETTLED: Final = _is("answered", "ended", "abandoned", "left")
_Term = tuple[Callable[[Visit], bool], Callable[[Visit], float], Callable[[Visit], float]]
#: Per figure: which visits count, and what each adds to numerator and denominator.
_TERMS: Final[dict[str, _Term]] = {
    "abandon_rate": (_SETTLED, lambda visit: float(visit.state == "abandoned"), _one),
    "asa": (_ANSWERED, lambda visit: visit.wait_ms / 1000, _one),
    "talk_avg": (_is("ended"), lambda visit: visit.talk_ms / 1000, _one),
    "aht": (_is("ended"), lambda visit: (visit.talk_ms + visit.wrap_ms) / 1000, _one),
    "wait_max": (_SETTLED, lambda visit: visit.wait_ms / 1000, _none),
    "offered": (lambda _visit: True, _one, _none),
    "answered": (_ANSWERED, _one, _none),
    "abandoned": (_is("abandoned"), _one, _none),
    "left": (_is("left"), _one, _none),
    "unknown": (_is("unknown"), _one, _none),
    "waiting": (_is("waiting"), _one, _none),
    "classified": (lambda visit: visit.type is not None, _one, _none),
    "satisfaction": (lambda visit: visit.answers > 0, lambda visit: visit.score_milli / 1000, lambda visit: float(visit.answers)),
}


def _class(visit: Visit) -> str:
    """The outcome class that the service-level table counts."""
    if visit.state in ("answered", "ended"):
        name = "answered"
    elif visit.state == "abandoned":
        name = "short" if visit.short else "abandoned"
    else:
        name = "timeout" if visit.reason == "timeout" else "left"
    return name + ("_in_time" if visit.in_time else "")


def _value(floor: Floor, figure: str, visits: list[Visit], above: float, below: float) -> float | None:
    """The figure as the board shows it: for one queue through the board's own code, so that the two cannot differ."""
    queues = {visit.queue for visit in visits}
    if figure == "satisfaction":
        mean = satisfaction(above, int(below))
        return None if mean is None else mean.mean
    if figure == "classified":
        return above
    if len(queues) == 1:
        tally = Tally()
        for visit in visits:
            tally.count(visit)
            if visit.state not in ("waiting", "unknown"):
                tally.wait_max_ms = max(tally.wait_max_ms, visit.wait_ms)
        shown: float | None = getattr(window_from_tally(tally, floor.config, queues.pop(), None), figure)
        return shown
    if figure in ("service_level", "abandon_rate"):
        return round(above / below, 4) if below else None
    if figure in ("asa", "talk_avg", "aht"):
        return round(above / below, 1) if below else None
    return above if visits else (None if figure == "wait_max" else 0.0)


_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "answered_in_time": "answered after {wait:.1f} s, within {target:g} s",
        "answered": "answered after {wait:.1f} s, later than {target:g} s",
        "short": "hung up after {wait:.1f} s: a short abandon",
        "abandoned": "hung up after {wait:.1f} s",
        "left": "left the queue after {wait:.1f} s: {reason}",
        "waiting": "still waiting: not counted yet",
        "unknown": "out of sight: in no numerator and no denominator",
        "scored": "{points:g} points in {answers} answers",
        "unscored": "no answer",
        "classified": "type of call: {type}",
        "self_service": "hung up in the menus, without asking for an agent",
        "agent": "asked for an agent in the menus",
    },
    "es": {
        "answered_in_time": "atendida a los {wait:.1f} s, dentro de {target:g} s",
        "answered": "atendida a los {wait:.1f} s, después de {target:g} s",
        "short": "colgó a los {wait:.1f} s: abandono corto",
        "abandoned": "colgó a los {wait:.1f} s",
        "left": "desviada a los {wait:.1f} s: {reason}",
        "waiting": "sigue en cola: todavía no cuenta",
        "unknown": "fuera de vista: no cuenta ni arriba ni abajo",
        "scored": "{points:g} puntos en {answers} respuestas",
        "unscored": "sin respuesta",
        "classified": "tipo de llamada: {type}",
        "self_service": "colgó en el menú, sin pedir un agente",
        "agent": "pidió un agente en el menú",
    },
    "pt": {
        "answered_in_time": "atendida em {wait:.1f} s, dentro de {target:g} s",
        "answered": "atendida em {wait:.1f} s, depois de {target:g} s",
        "short": "desligou em {wait:.1f} s: abandono curto",
        "abandoned": "desligou em {wait:.1f} s",
        "left": "desviada em {wait:.1f} s: {reason}",
        "waiting": "ainda na fila: não conta por enquanto",
        "unknown": "fora de vista: não conta em cima nem embaixo",
        "scored": "{points:g} pontos em {answers} respostas",
        "unscored": "sem resposta",
        "classified": "tipo de chamada: {type}",
        "self_service": "desligou no menu, sem pedir um agente",
        "agent": "pediu um agente no menu",
    },
}


def _why(floor: Floor, visit: Visit, language: Language, figure: str) -> str:
    if figure == "satisfaction":
        word = _WORDS[language]["scored" if visit.answers else "unscored"]
        return word.format(points=visit.score_milli / 1000, answers=visit.answers)
    if figure == "classified":
        return _WORDS[language]["classified"].format(type=floor.config.classification.title_of(visit.type or "", language))
    if visit.state in ("waiting", "unknown"):
        key: str = visit.state
    else:
        key = _class(visit)
        key = key if key == "answered_in_time" else key.removesuffix("_in_time")
        key = "left" if key == "timeout" else key
    target = floor.visits.target_ms(visit.queue) / 1000
    return _WORDS[language][key].format(wait=visit.wait_ms / 1000, target=target, reason=visit.reason or "not_told")
