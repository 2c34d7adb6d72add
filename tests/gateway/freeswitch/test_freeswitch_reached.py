"""A call out that was answered is told with its line's release: FreeSWITCH says when it was with its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.catalogue import LineReleased
from appliance.core.config import Config, TrunkConfig

_TRUNKS = Config(trunks={"pstn": TrunkConfig(channels=("sofia/gateway/", "DAHDI/"), lines=4)})


@pytest.mark.parametrize(
    ("name", "told", "reached"),
    [
        ("sofia/gateway/sur/0991234567", {"Caller_Channel_Answered_Time": "1795000003000000"}, "0991234567"),
        ("sofia/gateway/sur/0991234567", {"Caller_Channel_Answered_Time": "0"}, None),
        ("sofia/gateway/sur/0991234567", {}, None),
        ("DAHDI/i1/0991234567", {"Caller_Channel_Answered_Time": "1795000003000000"}, None),  # up as soon as it has dialled
    ],
)
def test_it_tells_when_it_was_answered(script: Callable[..., Any], name: str, told: dict[str, str], reached: str | None) -> None:
    pbx = script(_TRUNKS).connect().at(1)
    pbx.say("CHANNEL_CREATE", Unique_ID="x9", Channel_Name=name, Call_Direction="outbound", Caller_Destination_Number="0991234567")
    pbx.at(30).say("CHANNEL_HANGUP", Unique_ID="x9", variable_hangup_cause_q850="16", **told)
    assert [each.reached for each in pbx.events if isinstance(each, LineReleased)] == [reached]
