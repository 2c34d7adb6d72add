"""Decides how what the journal knows of a FreeSWITCH is taken up: callers still waiting, conversations, agents, busy lines."""

from __future__ import annotations

from gateway.freeswitch.tracker import Tracker
from gateway.pbx.dialect import Mono
from gateway.pbx.known import Known
from gateway.pbx.restore import stand


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
        stand(standing, tracker.queues, tracker.visits, tracker.talks, mono)
    if tracker.ivr is not None:
        tracker.ivr.restore({uniqueid: (data, mono(at)) for uniqueid, (data, at) in known.menus.items()}, known.stays, known.words)
    for line in known.lines.values():
        if line.trunk:
            tracker.lines.restore(line.trunk, line.line)
    for trunk, since in known.full.items():
        tracker.lines.restore_full(trunk, mono(since))
