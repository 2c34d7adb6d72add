"""Decides how what the journal knows of a FreeSWITCH is taken up: callers still waiting, conversations, agents, busy lines."""

from __future__ import annotations

from appliance.core.clock import NS
from gateway.freeswitch.tracker import Tracker
from gateway.pbx.dialect import Mono
from gateway.pbx.known import Known, Standing
from gateway.pbx.stay import Talk, Visit


def take_up(tracker: Tracker, known: Known, mono: Mono) -> None:
    """Bring a new tracker to what was known."""
    for key, title in known.titles.items():
        tracker.queues.restore(key, title)
    for key, state in known.agents.items():
        login = known.logins.get(key)
        name = (login.interface if login else None) or state.name or key
        tracker.names.restore(key, state.name, name)
        tracker.agents.restore(state, name)
    for uniqueid, (call, visits) in known.calls.items():
        tracker.calls.restore(uniqueid, call, visits)
    for standing in known.standing.values():
        _stand(tracker, standing, mono)
    if tracker.ivr is not None:
        tracker.ivr.restore({uniqueid: (data, mono(at)) for uniqueid, (data, at) in known.menus.items()}, known.stays, known.words)
    for line in known.lines.values():
        if line.trunk:
            tracker.lines.restore(line.trunk, line.line)
    for trunk, since in known.full.items():
        tracker.lines.restore_full(trunk, mono(since))


def _stand(tracker: Tracker, standing: Standing, mono: Mono) -> None:
    queued = standing.queued
    if not queued.uniqueid or not queued.visit:
        return
    key = queued.queue or ""
    visit = Visit(
        call=queued.call, visit=queued.visit, uniqueid=queued.uniqueid, queue=tracker.queues.title(key), key=key,
        joined_ns=mono(standing.at) - round(queued.waited_s * NS), session=0, caller=queued.caller, dialled=queued.dialled,
    )  # fmt: skip
    if standing.answered is None or standing.answered_at is None:
        tracker.visits.open[visit.uniqueid] = visit
        return
    agent = standing.answered.agent or ""
    talk = Talk(
        visit=visit, agent=agent, presence=agent, interface="", legs={}, answered_ns=mono(standing.answered_at), session=0,
        hold_ns=standing.hold_ns, held_ns=mono(standing.held_at) if standing.held_at else None,
    )  # fmt: skip
    tracker.talks.open[visit.uniqueid] = talk
