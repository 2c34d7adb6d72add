"""Which events are due to the CRM, decided once, when an event is appended.

The catalogue's word first; `[crm] headsets` widens or narrows the headset group (a seat box sends all of it);
`[crm] events` then keeps only the groups or kinds that it lists. What the journal says about itself stays due, for
without it a consumer could not tell a gap from silence; so does what says that a caller's number was forgotten. Without a `[crm]`
nothing is due. What another box told is never due here: that box sends it itself.
"""

from __future__ import annotations

from typing import Final

from appliance.core.catalogue import KINDS
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.core.journal import Due

_HEADSETS: Final[dict[str, frozenset[str]]] = {
    "none": frozenset({"headset.attached", "headset.detached", "headset.fault"}),
    "findings": frozenset({"headset.attached", "headset.detached", "headset.fault", "headset.finding"}),
    "all": frozenset(kind for kind in KINDS if kind.startswith("headset.")),
}


def due_kinds(config: Config) -> frozenset[str]:
    """The kinds that are due.

    >>> sorted(due_kinds(Config()))
    []
    """
    crm = config.crm
    if crm is None:
        return frozenset()
    headsets = _HEADSETS["all" if config.site.role == "seat" else crm.headsets]
    due = {kind for kind, row in KINDS.items() if (kind in headsets if kind.startswith("headset.") else row.due)}
    if crm.events is not None:
        wanted = {*crm.events, "journal", "privacy"}
        due = {kind for kind in due if kind in wanted or kind.partition(".")[0] in wanted}
    return frozenset(due)


def due_from_config(config: Config) -> Due:
    """The rule as the journal wants it."""
    kinds = due_kinds(config)

    def due(event: Event) -> bool:
        return event.kind in kinds and event.origin is None

    return due
