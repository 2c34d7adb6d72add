"""Decides what became of a call's screen pops, step by step, and at which step one stopped: from the journal's rows alone. Pure.

The steps: the PBX told that a phone rings; it told who calls; he was found in the directory; the pop was sent; the broker handed it to
somebody; the agent answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from appliance.core.catalogue import CallMatched, CallRinging, PopSettled
from appliance.core.clock import NS
from appliance.core.event import Stored

Step = Literal["ring", "caller", "match", "send", "broker", "answer", "done"]
#: What the trace reads; other rows need not be decoded.
KINDS: Final = tuple(
    f'{{"k":"{kind}'.encode()
    for kind in (
        "call.ringing", "call.previewed", "call.matched", "call.answered", "call.abandoned", "call.left", "call.lost", "pop.settled",
        "link.",
    )
)  # fmt: skip
_SHAPES: Final[dict[str, type[CallMatched | PopSettled]]] = {"call.matched": CallMatched, "pop.settled": PopSettled}
#: A ring without an end is under way for so long at most.
_UNDER_WAY_S: Final = 35.0

_MENDS: Final = {
    "no_agent": "the PBX did not say whose phone rings: is the member known to its queue?",
    "no_caller": "the PBX tells no number for this call; look at its trunk's caller identification",
    "no_number": "the PBX's text is no number of [directory] country; callfloor directory show NUMBER says how it is read",
    "not_found": "the directory holds nobody with this number; callfloor directory show NUMBER looks again",
    "no_directory": "there is no directory here yet; callfloor directory import FILE, or let the CRM send it",
    "failed": "the directory could not be read; callfloor doctor says why",
    "not_told": "the gateway told no match: the directory came later than the call, or could not be read then",
    "none_yet": "the uplink has not told its end yet; look again in a few seconds",
    "no_end": "no uplink told its end: did it run then, and is there a [crm] table? callfloor status",
    "link_down": "there was no link to the broker; callfloor doctor broker",
    "stale": "it waited for 30 s, or its ring was over before it could be sent; callfloor doctor broker",
    "dropped": "2000 pops waited already: the link is too slow for this floor",
    "too_large": "the broker's max_packet_size is smaller than the pop; raise it",
    "refused": "the broker refuses it; may this client publish to pop/#? callfloor doctor broker",
    "no_consumer": "nobody at the broker subscribes to pop/AGENT; docs/screen-pop.md",
}  # fmt: skip


class Link(Struct, frozen=True):
    """What was told of the link to the broker last: up, or why not, and since when (wall clock)."""

    state: str
    since_ns: int


class Ring(Struct, kw_only=True):
    """One ring of one agent's phone, and what became of its pop. `wall_ns` is when the PBX told it; `over`: how the ring ended.

    `caller` is whose card is shown: who calls, or of a preview who is about to be called.
    """

    pop: str
    call: str
    agent: str | None
    wall_ns: int
    pbx: str
    queue: str | None = None
    visit: str | None = None
    uniqueid: str | None = None
    caller: str | None = None
    matched: CallMatched | None = None
    settled: PopSettled | None = None
    link: Link | None = None
    over: str | None = None
    answered_by: str | None = None
    preview: bool = False

    def names(self, key: str) -> bool:
        """Is this a ring of that call, visit, PBX's id, or agent?"""
        return key in (self.call, self.visit, self.uniqueid, self.agent, self.pop)


class Verdict(Struct, frozen=True):
    """The step at which a pop stopped (`done`: at none), why in a word, and what to do."""

    step: Step
    why: str | None = None
    mend: str | None = None


def rings_from_rows(rows: Iterable[tuple[int, Stored]], epoch: str) -> list[Ring]:
    """Every ring that these rows tell of, oldest first; a row that does not fit its kind is passed over (`journal verify` tells of it)."""
    rings: dict[str, Ring] = {}
    by_visit: dict[str, list[Ring]] = {}
    matched: dict[str, CallMatched] = {}
    link: Link | None = None
    for seq, row in rows:
        match data_of(row), row.kind:
            case CallRinging() as data, "call.ringing" | "call.previewed":
                preview = row.kind == "call.previewed"
                ring = Ring(
                    pop=f"{epoch}-{seq}", call=data.call, agent=data.agent, wall_ns=row.wall_ns, pbx=data.pbx, queue=data.queue,
                    visit=data.visit, uniqueid=data.uniqueid, caller=data.dialled if preview else data.caller,
                    matched=matched.get(data.call), link=link, preview=preview,
                )  # fmt: skip
                rings[ring.pop] = ring
                if data.visit is not None:
                    by_visit.setdefault(data.visit, []).append(ring)
            case CallMatched() as told, _:
                matched[told.call] = told
                for ring in by_visit.get(told.visit or "", ()):
                    ring.matched = told
            case PopSettled() as settled, _:
                if settled.pop in rings:
                    rings[settled.pop].settled = settled
            case _, "link.up" | "link.down":
                link = Link("up" if row.kind == "link.up" else "down", row.wall_ns)
            case CallRinging() as over, _:
                for ring in by_visit.get(over.visit or "", ()):
                    if ring.over is None:
                        ring.over, ring.answered_by = row.kind.removeprefix("call."), over.agent if row.kind == "call.answered" else None
    return list(rings.values())


def data_of(row: Stored) -> CallRinging | CallMatched | PopSettled | None:
    """What a row of `KINDS` tells, as far as pops go by it; None of the link, and where it does not fit its kind."""
    shape: type[CallRinging | CallMatched | PopSettled] | None = _SHAPES.get(
        row.kind, CallRinging if row.kind.startswith("call.") else None
    )
    try:
        return None if shape is None else msgspec.json.decode(row.data, type=shape)
    except msgspec.ValidationError:
        return None


def verdict_of(ring: Ring, now_ns: int) -> Verdict:
    """Where its pop stopped. One that reached somebody without a card stopped at the step that should have brought the card."""
    return _way_out(ring, now_ns) or _card(ring) or _person(ring) or Verdict("done")


def _way_out(ring: Ring, now_ns: int) -> Verdict | None:
    settled = ring.settled
    if ring.agent is None:
        return _stopped("ring", "no_agent")
    if settled is None:
        return _stopped("send", "none_yet" if now_ns - ring.wall_ns < _UNDER_WAY_S * NS else "no_end")
    if settled.outcome == "delivered":
        return None
    return _stopped("send" if settled.outcome in ("link_down", "stale", "dropped", "too_large") else "broker", settled.outcome)


def _card(ring: Ring) -> Verdict | None:
    if ring.caller is None:
        return _stopped("caller", "no_caller")
    if ring.settled is not None and ring.settled.card != "found":
        return _stopped("match", ring.settled.card)
    return None


def _person(ring: Ring) -> Verdict | None:
    if ring.answered_by is not None and ring.answered_by != ring.agent:
        return Verdict("answer", "answered_elsewhere")
    return Verdict("answer", ring.over) if ring.over in ("abandoned", "left", "lost") else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of them does not exceed; None of none.

    >>> percentile([0.3, 0.1, 0.2], 0.5), percentile([], 0.5)
    (0.2, None)
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _stopped(step: Step, why: str) -> Verdict:
    return Verdict(step, why, _MENDS.get(why))
