"""What may be believed of a line: that a call was abandoned only where something that is really there would have told an answer."""

from __future__ import annotations

import pytest

from appliance.core.line_config import LinesConfig
from gateway.fxo.line import Line
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.made import settings_of
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_sense import ModemSense
from gateway.fxo.modem_talk import ModemTalk


@pytest.mark.parametrize(
    ("config", "senses"),
    [
        (LinesConfig(url="serial:///dev/ttyACM0", answer_reversal=True), False),
        (LinesConfig(url="gpio:", ring=5, answer_reversal=True), False),
        (LinesConfig(url="gpio:", ring=5, hook_sense=True), False),
        (LinesConfig(url="gpio:", ring=5, reversed=13, answer_reversal=True), True),
        (LinesConfig(url="gpio:", ring=5, loop=6), True),
        (LinesConfig(url="serial:///dev/ttyACM0", hook_sense=True), True),
    ],
)
def test_an_answer_is_sensed_only_by_what_is_there(config: LinesConfig, senses: bool) -> None:
    (settings,) = settings_of("l1", config).values()
    assert settings.senses_answer is senses
    assert bool(settings.limits) is not senses


def test_a_modem_that_refuses_to_tell_the_hook_makes_nothing_abandoned() -> None:
    line = Line(LineSettings(line="l1", ring_ms=(2000, 4000), hook_sense=True))
    for answer, outcome in ((b"ERROR", "unknown"), (b"OK", "abandoned")):  # another modem, in the next session
        sense = ModemSense(line, ModemTalk(PROFILES["v253"], hook=True))
        sense.begin(0)
        while sense.say:
            asked, sense.say = sense.say, b""
            sense.feed((answer if b"FCLASS" in asked else b"OK") + b"\r\n", 0)
        assert sense.talk.ready
        sense.feed(b"RING\r\n", 1_000_000_000)
        sense.tick(30_000_000_000)
        assert [getattr(told.event, "outcome", None) for told in sense.told][-1] == outcome
