"""Decides which figures a board knows, in their order of importance, and where each stands in the floor document. Data, not code.

The page's script reads the same table (`table`), so that there is one list of figures. A *source* is a path from the scope (a queue,
a group, the floor); `window.` stands for the page's window, `/` for the whole document.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct

#: count: a whole number · agents: how many are in one of `states` · wait: the longest wait, ticking · since: the age of a moment, ticking,
#: 0 while `of` counts nobody · duration: seconds as m:ss · share: a rate with its numerator and denominator (`of`) · rate: a numerator of
#: its denominator (`of`) · ratio: a share without them · score: a mean with its number of answers · lines: busy of all · parts: a share's
#: numerator and denominator · all_busy: the largest of the trunk groups' shares, of their member `of` · moment: an age since a time ·
#: span: a coarse duration to come
Form = Literal[
    "count", "agents", "wait", "since", "duration", "share", "rate", "ratio", "score", "lines", "all_busy", "parts", "moment", "span"
]


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
    "vip_wait": Figure("since", "vip_longest_since", of="vip_waiting", known=True),
    "service_level": Figure("share", "window.service_level", of="window.service_level_of", alarm=True, day=True),
    "available": Figure("agents", "agents", states=("available",)),
    "abandon_rate": Figure("share", "window.abandon_rate", of="window.abandon_rate_of", alarm=True, day=True),
    "callbacks": Figure("count", "callbacks.open", known=True),
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
    "attempts": Figure("count", "window.outbound.attempts", usual=False, known=True, day=True),
    "contacts": Figure("count", "window.outbound.contacts", usual=False, known=True, day=True),
    "contact_rate": Figure("rate", "window.outbound.contacts", of="window.outbound.attempts", usual=False, known=True, day=True),
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

#: What a table of queues has for columns, the most important first; those that are there only while known, where any row knows them.
COLUMNS: Final = (
    "waiting",
    "longest_wait",
    "service_level",
    "vip_wait",
    "available",
    "abandon_rate",
    "callbacks",
    "busy",
    "answered",
    "offered",
)
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
#: Figures that stand on a page of their own kind alone.
PAGE_FIGURES: Final[dict[str, Figure]] = {
    "callbacks_claimed": Figure("count", "callbacks.claimed", known=True),
    "callbacks_oldest": Figure("since", "callbacks.oldest_since", of="callbacks.open", known=True),
    "level_of": Figure("parts", "window.service_level_of"),
    "as_of": Figure("moment", "as_of"),
    "class_share": Figure("share", ""),
    "class_count": Figure("count", "", day=True),
    "attempt_count": Figure("count", "", day=True),
    "attempt_share": Figure("share", ""),
}
#: The columns of a page of callbacks; those of a page of channels; all that the CRM tells of a channel; the outbound calls in large.
CALLBACK_COLUMNS: Final = ("callbacks", "callbacks_claimed", "callbacks_oldest")
CHANNEL_COLUMNS: Final = ("waiting", "longest_wait", "service_level", "level_of", "as_of")
CHANNEL_FIGURES: Final = frozenset(CHANNEL_COLUMNS)
OUTBOUND_FIGURES: Final = ("attempts", "contacts", "contact_rate", "trunks")
#: How outbound calls end, those that reached a person first: the order in which they stand.
OUTCOMES: Final = (
    "answered", "queued", "no_answer", "busy", "rejected", "congested", "unallocated", "unreachable", "cancelled", "failed", "not_told",
    "agent_no_answer", "agent_busy", "agent_unreachable", "agent_failed", "unknown",
)  # fmt: skip
#: What pages of some kinds have in large, whatever else stands on them.
LARGE: Final[dict[str, tuple[str, ...]]] = {"link": tuple(LINK_FIGURES), "callbacks": CALLBACK_COLUMNS, "outbound": OUTBOUND_FIGURES}
#: Figures of the whole floor alone: a queue's or a group's page has none of them.
FLOOR_ONLY: Final = frozenset(key for key, figure in FIGURES.items() if figure.source.startswith("/"))


def known_figure(key: str) -> Figure:
    """The figure of a key, of whatever page. Raises KeyError."""
    return FIGURES.get(key) or LINK_FIGURES.get(key) or PAGE_FIGURES[key]


def member_at(root: Any, path: str) -> Any:
    """A member of the floor document by its path; None where the way there is not known.

    >>> from appliance.floor.snapshot import Callbacks, Queue
    >>> member_at(Queue(callbacks=Callbacks(open=7)), "callbacks.open"), member_at(Queue(), "callbacks.open")
    (7, None)
    """
    for part in path.split("."):
        root = None if root is None else getattr(root, part)
    return root


def share_of(part: int | None, whole: int | None) -> float | None:
    """A share with 4 decimals, as every rate has in the snapshot; None over nothing."""
    return round(part / whole, 4) if whole and part is not None else None


def usual_figures(*, floor: bool) -> tuple[str, ...]:
    """The figures of a page that names none.

    >>> usual_figures(floor=False)[:3]
    ('waiting', 'longest_wait', 'vip_wait')
    """
    return tuple(key for key, figure in FIGURES.items() if figure.usual and (floor or key not in FLOOR_ONLY))


def table() -> dict[str, dict[str, object]]:
    """The figures for the page's script, without what is at its default."""
    plain = Figure("count", "")
    fields = Figure.__struct_fields__
    both = {**LINK_FIGURES, **PAGE_FIGURES, **FIGURES}
    return {
        key: {name: getattr(figure, name) for name in fields if name in ("form", "source") or getattr(figure, name) != getattr(plain, name)}
        for key, figure in both.items()
    }
