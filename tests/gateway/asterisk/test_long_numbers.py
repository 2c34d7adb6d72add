"""Numbers of thousands of digits are damage: the source goes on, and nothing false is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LONG = "9" * 5_000


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("Newchannel", {"Uniqueid": "1.1", "Channel": "PJSIP/t-1", "ChannelState": LONG}),
        ("Newstate", {"Uniqueid": "1.1", "ChannelState": LONG}),
        ("QueueCallerJoin", {"Uniqueid": "1.1", "Channel": "PJSIP/t-1", "Queue": "ventas", "Position": LONG}),
        ("QueueCallerAbandon", {"Uniqueid": "1.1", "Queue": "ventas", "HoldTime": LONG}),
        ("AgentConnect", {"Uniqueid": "1.1", "Queue": "ventas", "Interface": "PJSIP/101", "HoldTime": LONG, "RingTime": LONG}),
        ("AgentComplete", {"Queue": "ventas", "Interface": "PJSIP/101", "TalkTime": LONG}),
        ("Hangup", {"Uniqueid": "1.1", "Cause": LONG}),
        ("FullyBooted", {"Uptime": LONG}),
        ("QueueMemberAdded", {"Queue": "ventas", "Interface": "PJSIP/101", "MemberName": "A", "Status": "1", "WrapupTime": LONG}),
        ("QueueEntry", {"Queue": "ventas", "Uniqueid": "1.1", "Position": LONG, "Wait": LONG}),
        ("CoreShowChannel", {"Uniqueid": "1.1", "Channel": "PJSIP/t-1", "ChannelState": LONG}),
    ],
)
def test_the_source_goes_on(event: str, fields: dict[str, object], script: Callable[..., Any]) -> None:
    s = script()
    s.say(event, **fields)
    offered = s.tally.queues["ventas"]["offered"]
    s.join("7.7").abandon("7.7").hangup("7.7").at(10)
    assert s.tally.queues["ventas"]["offered"] == offered + 1
