"""Decides when the alarm of an extraordinary call is raised and when it goes, and at which seat its agent sits. Pure.

It is raised red, with the agent and his seat. It goes when the call is over and somebody has acknowledged it; unacknowledged so long after
the call's end as `[classification] alarm_s` says; at once where the call turns out to be none; in any case after MOST_NS, for an end that
nobody told. What stands is read from the fold, that is from the journal: whoever asks after a restart or a kill gets the same answer.
"""

from __future__ import annotations

from typing import Final

from appliance.core.catalogue import AlarmCleared, AlarmRaised
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.slug import slug
from appliance.floor.classify import is_of_call
from appliance.floor.state import Extraordinary, FloorState

#: No conversation is longer.
MOST_NS: Final = 4 * 3600 * NS


def due(state: FloorState, config: Config, now_ns: int) -> list[AlarmRaised | AlarmCleared]:
    """What is to be told now. Ask again once the fold holds what was told."""
    standing, out = state.classes.extraordinary, list[AlarmRaised | AlarmCleared]()
    for name, call in standing.items():
        alarm = state.alarms.get(name)
        seen = call.raised and alarm is not None and alarm.acknowledged is not None
        if _is_done(call, seen, now_ns, config.classification.alarm_s):
            if call.raised:
                out.append(AlarmCleared(alarm=name))
        elif not call.raised:
            seat = seat_of(call.agent, state, config)
            out.append(AlarmRaised(alarm=name, level="red", agent=call.agent, seat=seat, call=call.call))
    out += [AlarmCleared(alarm=name) for name in state.alarms if name not in standing and is_of_call(name)]
    return out


def seat_of(agent: str | None, state: FloorState, config: Config) -> str | None:
    """Where an agent sits: at the headset that he uses now, at the seat that [headsets] gives him, at that of [agents]; None: not told.

    A seat of a seat box is `{box}.{seat}`.
    """
    if agent is None:
        return None
    at = [seat for seat, headset in state.headsets.items() if headset.agent == agent]
    at.sort(key=lambda seat: state.headsets[seat].attached is not True)
    if at:
        return at[0]
    own = config.agents.get(agent)
    for seat, place in (config.headsets.seat if config.headsets is not None else {}).items():
        mine = place.agent is not None and slug(place.agent) == agent
        if mine or (own is not None and place.interface is not None and place.interface in own.interfaces):
            return seat
    return own.seat if own is not None else None


def _is_done(call: Extraordinary, seen: bool, now_ns: int, alarm_s: float) -> bool:
    if call.withdrawn or now_ns - call.at_ns >= MOST_NS:
        return True
    return bool(call.over_ns) and (seen or now_ns - call.over_ns >= alarm_s * NS)
