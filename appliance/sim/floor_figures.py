"""Decides what the figures of a window truly are, from visits alone and by the words of docs/kpis.md: every visit is asked anew for each.

Slow and plain on purpose: it is what a board is held against. Nothing of `appliance.floor` goes in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from appliance.sim.floor_seen import Seen

Test = Callable[[Seen], bool]


class Between(Struct, frozen=True):
    """A figure of which only bounds can be known, both included."""

    least: float
    most: float


class Terms:
    """What a visit is, by a queue's target and short-abandon limit in seconds."""

    def __init__(self, target_s: Callable[[str], float], short_s: float = 5.0) -> None:
        self._target_s, self._short_ms = target_s, short_s * 1000

    def in_time(self, seen: Seen) -> bool:
        return seen.wait_ms <= self._target_s(seen.queue) * 1000

    def short(self, seen: Seen) -> bool:
        return seen.outcome == "abandoned" and seen.wait_ms <= self._short_ms


def answered(seen: Seen) -> bool:
    return seen.outcome in ("answered", "ended")


def abandoned(seen: Seen) -> bool:
    return seen.outcome == "abandoned"


def left(seen: Seen) -> bool:
    return seen.outcome == "left"


def timed_out(seen: Seen) -> bool:
    return left(seen) and seen.reason == "timeout"


#: Variant → whether a visit is above the line, whether it is below it: `t` in time, `s` short, else as the outcome's name.
_LEVELS: Final[dict[str, tuple[str, str]]] = {
    "handled": ("answered&t", "answered|abandoned"),
    "less_short": ("answered&t", "answered|abandoned&!s"),
    "abandon_in_time": ("answered&t|abandoned&t", "answered|abandoned"),
    "answered": ("answered&t", "answered"),
    "offered": ("answered&t", "answered|abandoned|left"),
    "asterisk-sl2": ("answered&t|abandoned&t|timed_out&t", "answered|abandoned|timed_out"),
    "cisco-ignore": ("answered&t", "answered|abandoned&!t|timed_out"),
    "cisco-negative": ("answered&t", "answered|abandoned|timed_out"),
    "cisco-negative-short": ("answered&t", "answered|abandoned&!s|timed_out"),
    "cisco-positive": ("answered&t|abandoned&t", "answered|abandoned|timed_out"),
    "cisco-positive-short": ("answered&t|abandoned&t&!s", "answered|abandoned&!s|timed_out"),
}
_SAME_AS: Final = {
    "asterisk-sl": "answered", "genesys-abandons-excluded": "answered", "avaya-bcms": "offered", "genesys-flow-outs-counted": "offered",
    "genesys-all-abandons": "handled", "genesys-short-excluded": "less_short",
}  # fmt: skip
VARIANTS: Final = (*_LEVELS, *_SAME_AS)
_OUTCOMES: Final[dict[str, Test]] = {"answered": answered, "abandoned": abandoned, "left": left, "timed_out": timed_out}


def level_of(variant: str, visits: Sequence[Seen], terms: Terms) -> tuple[int, int] | None:
    """Above and below the line; None where it needs the time-outs and why some left was not told."""
    above, below = _LEVELS[_SAME_AS.get(variant, variant)]
    if "timed_out" in above + below and any(left(seen) and seen.reason == "not_told" for seen in visits):
        return None
    return sum(_counts(above, seen, terms) for seen in visits), sum(_counts(below, seen, terms) for seen in visits)


def _counts(rule: str, seen: Seen, terms: Terms) -> bool:
    for option in rule.split("|"):
        outcome, *limits = option.split("&")
        tests = {"t": terms.in_time(seen), "!t": not terms.in_time(seen), "s": terms.short(seen), "!s": not terms.short(seen)}
        if _OUTCOMES[outcome](seen) and all(tests[limit] for limit in limits):
            return True
    return False


def window(
    visits: Sequence[Seen], terms: Terms, *, variant: str | None, target_s: float | None, refused: int = 0, loose: Sequence[int] = ()
) -> dict[str, Any]:
    """Every figure of one window, in the snapshot's names and units. `loose`: what callers answered whose visits are not known."""
    taken = [seen for seen in visits if answered(seen)]
    ended = [seen for seen in visits if seen.outcome == "ended"]
    gave_up = [seen for seen in visits if abandoned(seen)]
    went = [seen for seen in visits if left(seen)]
    waits = [seen.wait_ms for seen in (*taken, *gave_up, *went)]
    scores = [*(score for seen in visits for score in seen.scores), *loose]
    level = level_of(variant or "handled", visits, terms)
    rate_of = (len(gave_up), len(taken) + len(gave_up) + len(went))
    repeat_of = (sum(seen.repeat for seen in visits), sum(bool(seen.caller) for seen in visits))
    talk_ms, wrap_ms = sum(seen.talk_ms for seen in ended), sum(seen.wrap_ms for seen in ended)
    return {
        "offered": len(visits),
        "answered": len(taken),
        "answered_ended": len(ended),
        "abandoned": len(gave_up),
        "short_abandoned": sum(terms.short(seen) for seen in gave_up),
        "left": len(went),
        "left_by": dict(Counter(seen.reason for seen in went)),
        "unknown": sum(seen.outcome == "unknown" for seen in visits),
        "waiting": sum(seen.outcome == "waiting" for seen in visits),
        "refused": refused or None,
        "answered_in_time": sum(terms.in_time(seen) for seen in taken),
        "abandoned_in_time": sum(terms.in_time(seen) for seen in gave_up),
        "wait_sum": sum(seen.wait_ms for seen in taken) / 1000,
        "wait_max": max(waits) / 1000 if waits else None,
        "talk_sum": talk_ms / 1000,
        "hold_sum": sum(seen.hold_ms for seen in ended) / 1000,
        "wrap_up_sum": wrap_ms / 1000,
        "service_level_of": level,
        "service_level": rate(*level) if level is not None else None,
        "service_level_variant": variant,
        "target": target_s,
        "abandon_rate_of": rate_of,
        "abandon_rate": rate(*rate_of),
        "asa": mean(sum(seen.wait_ms for seen in taken), len(taken)),
        "talk_avg": mean(talk_ms, len(ended)),
        "aht": mean(talk_ms + wrap_ms, len(ended)),
        "repeat_call_share_of": repeat_of,
        "repeat_call_share": rate(*repeat_of),
        "satisfaction_of": (float(sum(scores)), len(scores)) if scores else None,
        "satisfaction": satisfaction(scores),
        "fcr": None,
    }


def satisfaction(scores: Sequence[int]) -> dict[str, Any] | None:
    """The mean of what callers answered, to hundredths, with how many they are."""
    return {"mean": round(sum(scores) / len(scores), 2), "answers": len(scores)} if scores else None


def rate(part: float, whole: float) -> float | None:
    """A share to four decimals; nothing over nothing."""
    return round(part / whole, 4) if whole else None


def mean(total_ms: float, count: int) -> float | None:
    """Seconds to a tenth; nothing over nothing."""
    return round(total_ms / 1000 / count, 1) if count else None
