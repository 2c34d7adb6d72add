"""Decides how a stay that had not ended is taken up from the journal by the books: its caller waits on, or talks on."""

from __future__ import annotations

from appliance.core.clock import NS
from gateway.pbx.dialect import Mono
from gateway.pbx.known import Standing
from gateway.pbx.names import QueueNames
from gateway.pbx.stay import Talk, Visit
from gateway.pbx.talks import TalkBook
from gateway.pbx.visits import VisitBook


def stand(standing: Standing, queues: QueueNames, visits: VisitBook, talks: TalkBook, mono: Mono) -> None:
    """Open its visit, or its conversation: of session 0, which the PBX's own lists put to the test."""
    queued = standing.queued
    if not queued.uniqueid or not queued.visit:
        return
    key = queued.queue or ""
    visit = Visit(
        call=queued.call, visit=queued.visit, uniqueid=queued.uniqueid, queue=queues.title(key), key=key,
        joined_ns=mono(standing.at) - round(queued.waited_s * NS), session=0, caller=queued.caller, dialled=queued.dialled,
    )  # fmt: skip
    if standing.answered is None or standing.answered_at is None:
        visits.open[visit.uniqueid] = visit
        return
    agent = standing.answered.agent or ""
    talks.open[visit.uniqueid] = Talk(
        visit=visit, agent=agent, presence=agent, interface="", legs={}, answered_ns=mono(standing.answered_at), session=0,
        hold_ns=standing.hold_ns, held_ns=mono(standing.held_at) if standing.held_at else None,
    )  # fmt: skip
