"""Decides which figures a board knows, in their order of importance, and where each stands in the floor document. Data, not code.

The page's script reads the same table (`table`), so that there is one list of figures. A *source* is a path from the scope (a queue,
a group, the floor); `window.` stands for the page's window, `/` for the whole document.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

#: count: a whole number · agents: how many are in one of `states` · wait: the longest wait, ticking · duration: seconds as m:ss ·
#: share: a rate with its numerator and denominator (`of`) · ratio: a share without them · score: a mean with its number of answers ·
#: lines: busy of all · all_busy: the largest of the trunk groups' shares, of their member `of` · moment: an age since a time ·
#: span: a coarse duration to come
Form = Literal["count", "agents", "wait", "duration", "share", "ratio", "score", "lines", "all_busy", "moment", "span"]


class Figure(Struct, frozen=True):
    """One figure. `usual`: a page shows it unless told otherwise; `known`: there only while it is known. `alarm`: it may raise one.

    `day`: a figure of a window, whose coverage tells how much of it was seen.
    """

    form: Form
    source: str
    of: str = ""
    states: tuple[str, ...] = ()
    usual: bool = True
    known: bool = False
    alarm: bool = False
    day: bool = False


FIGURES: Final[dict[str, Figure]] = {
    "waiting": Figure("count", "waiting", alarm=True),
    "longest_wait": Figure("wait", "longest_wait", alarm=True),
    "service_level": Figure("share", "window.service_level", of="window.service_level_of", alarm=True, day=True),
    "available": Figure("agents", "agents", states=("available",)),
    "abandon_rate": Figure("share", "window.abandon_rate", of="window.abandon_rate_of", alarm=True, day=True),
    "busy": Figure("agents", "agents", states=("talking", "holding", "ringing")),
    "paused": Figure("agents", "agents", states=("paused",)),
    "wrap_up": Figure("agents", "agents", states=("wrap_up",)),
    "asa": Figure("duration", "window.asa", alarm=True, day=True),
    "answered": Figure("count", "window.answered", day=True),
    "offered": Figure("count", "window.offered", day=True),
    "trunks": Figure("lines", "/trunks", known=True),
    "all_busy": Figure("all_busy", "/trunks", of="all_busy_share", known=True, alarm=True),
    "blocked": Figure("all_busy", "/trunks", of="blocked_share", usual=False, known=True, alarm=True),
    "satisfaction": Figure("score", "window.satisfaction", known=True, alarm=True, day=True),
    "self_service_share": Figure(
        "share", "window.self_service_share", of="window.self_service_share_of", usual=False, known=True, day=True
    ),
    "repeat_call_share": Figure("share", "window.repeat_call_share", of="window.repeat_call_share_of", known=True, day=True),
    "fcr": Figure("ratio", "window.fcr", known=True, alarm=True, day=True),
    "ab_allocation": Figure("ratio", "/utilisation.ab_allocation", known=True, alarm=True),
    "bc_on_phone": Figure("ratio", "/utilisation.bc_on_phone", known=True, alarm=True),
    "cd_availability": Figure("ratio", "/utilisation.cd_availability", known=True, alarm=True),
    "bd_utilisation": Figure("ratio", "/utilisation.bd_utilisation", known=True, alarm=True),
    "logged_in": Figure("agents", "agents", states=("logged_in",), usual=False),
    "abandoned": Figure("count", "window.abandoned", usual=False, day=True),
    "left": Figure("count", "window.left", usual=False, day=True),
    "talk_avg": Figure("duration", "window.talk_avg", usual=False, day=True),
    "aht": Figure("duration", "window.aht", usual=False, day=True),
    "held": Figure("count", "/crm.backlog", usual=False),
}

#: What a table of queues has for columns, the most important first.
COLUMNS: Final = ("waiting", "longest_wait", "service_level", "available", "abandon_rate", "busy", "answered", "offered")
#: What the page about the link has: the account of all that is due, and how long it goes on.
LINK_FIGURES: Final[dict[str, Figure]] = {
    "held": Figure("count", "/crm.backlog"),
    "oldest": Figure("moment", "/crm.oldest"),
    "full_in": Figure("span", "/crm.full_in_s", known=True),
    "to_go_in": Figure("span", "/crm.drain_s", known=True),
    "recorded": Figure("count", "/crm.recorded"),
    "delivered": Figure("count", "/crm.delivered"),
    "shed": Figure("count", "/crm.shed"),
    "skipped": Figure("count", "/crm.skipped"),
}
#: Figures of the whole floor alone: a queue's or a group's page has none of them.
FLOOR_ONLY: Final = frozenset(key for key, figure in FIGURES.items() if figure.source.startswith("/"))


def usual_figures(*, floor: bool) -> tuple[str, ...]:
    """The figures of a page that names none.

    >>> usual_figures(floor=False)[:3]
    ('waiting', 'longest_wait', 'service_level')
    """
    return tuple(key for key, figure in FIGURES.items() if figure.usual and (floor or key not in FLOOR_ONLY))


def table() -> dict[str, dict[str, object]]:
    """The figures for the page's script, without what is at its default."""
    plain = Figure("count", "")
    fields = Figure.__struct_fields__
    both = {**LINK_FIGURES, **FIGURES}
    return {
        key: {name: getattr(figure, name) for name in fields if name in ("form", "source") or getattr(figure, name) != getattr(plain, name)}
        for key, figure in both.items()
    }
