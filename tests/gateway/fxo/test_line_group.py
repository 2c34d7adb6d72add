"""A group of analog lines: full from the moment that its last one rings or is taken, until one of them is free."""

from __future__ import annotations

from appliance.core.catalogue import LineAllBusy, LineAllBusyEnded, LineCallerId, LineReleased, LineRinging, LineSeized
from gateway.fxo.line_call import NS, LineEvent, Told
from gateway.fxo.line_group import LineGroup


def at(seconds: float, event: LineEvent) -> Told:
    return Told(event, int(seconds * NS))


def test_full_and_free_again() -> None:
    group = LineGroup("pstn", 2)
    assert group.apply([at(1, LineRinging(line="1", trunk="pstn")), at(2, LineCallerId(line="1", trunk="pstn", number="555"))]) == []
    assert group.apply([at(3, LineSeized(line="9", trunk="other", direction="out"))]) == []
    assert group.apply([at(4, LineSeized(line="1", trunk="pstn", direction="in"))]) == []  # the same call
    assert group.apply([at(5, LineSeized(line="2", trunk="pstn", direction="out"))]) == [LineAllBusy(trunk="pstn", lines=2)]
    assert group.apply([at(12.5, LineReleased(line="1", trunk="pstn", outcome="answered"))]) == [
        LineAllBusyEnded(trunk="pstn", lines=2, busy_s=7.5)
    ]
    assert group.apply([at(13, LineReleased(line="1", trunk="pstn")), at(14, LineReleased(line="2", trunk="pstn"))]) == []
    assert (group.busy, group.attempts, group.last) == (set(), 2, 1)
