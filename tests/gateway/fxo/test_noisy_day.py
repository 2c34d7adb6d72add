"""A day on a line whose modem is heard through noise: against the exchange's own truth, no call that was taken is told as abandoned."""

from __future__ import annotations

import random
from collections import Counter
from itertools import takewhile

import pytest

from appliance.core.catalogue import LineReleased, LineRinging
from appliance.sim.line_plan import Manner, steps
from appliance.sim.modem import SimModem
from gateway.fxo.line import Line
from gateway.fxo.line_call import NS
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.modem_profile import PROFILES
from gateway.fxo.modem_sense import ModemSense
from gateway.fxo.modem_talk import ModemTalk

DAY = Manner(every_s=60, taken=0.7, talk_s=30)


def day(seed: int, noise: float) -> Counter[tuple[str | None, str | None]]:
    """(what became of a call, what was told of it), counted; a call is known by the moment of its first ring."""
    dice = random.Random(seed)
    sense = ModemSense(Line(LineSettings(line="l", country="es", hook_sense=True)), ModemTalk(PROFILES["box"]))
    modem = SimModem()
    modem.feed(b"ATE0\rAT+FCLASS=8\rAT+VCID=1\r")
    sense.begin(0)
    truth: list[tuple[int, str | None]] = []
    for step in takewhile(lambda step: step.at_s < 86_400, steps(seed, DAY)):
        now_ns = int((step.at_s + 1) * NS)
        said = b""
        if step.what == "ring":
            truth += [(now_ns, None)] if step.rings == 1 else []
            said = modem.ring()
        elif step.what == "caller":
            said = modem.caller(step.number or "O", step.name)
        else:
            said = b"" if step.what == "gone" else modem.hook(step.what == "off_hook")
            truth[-1] = (truth[-1][0], "abandoned" if step.what == "gone" else "answered")
        while (due_ns := sense.due_ns) is not None and due_ns <= now_ns:
            sense.tick(due_ns)
        sense.feed(bytes(dice.randrange(256) if dice.random() < noise else byte for byte in said), now_ns)
    while (due_ns := sense.due_ns) is not None and due_ns < 200_000 * NS:
        sense.tick(due_ns)
    told: Counter[tuple[str | None, str | None]] = Counter()
    began_ns = 0
    for each in sense.told:
        if isinstance(each.event, LineRinging):
            began_ns = each.at_ns
        elif isinstance(each.event, LineReleased) and each.event.outcome is not None:
            told[max(call for call in truth if call[0] <= began_ns)[1], each.event.outcome] += 1
    return told


def test_a_quiet_day_is_told_as_it_was() -> None:
    told = day(1, 0.0)
    assert told["answered", "answered"] > 500
    assert told["abandoned", "abandoned"] > 200
    assert {pair for pair in told if None not in pair} == {("answered", "answered"), ("abandoned", "abandoned")}


@pytest.mark.parametrize("seed", [2, 3])
def test_a_noisy_day_makes_no_abandoned_call(seed: int) -> None:
    told = day(seed, 0.01)
    assert told["answered", "abandoned"] == 0
    assert told["answered", "answered"] > 0.95 * sum(count for (was, _), count in told.items() if was == "answered")
    assert told["abandoned", "abandoned"] > 0.9 * sum(count for (was, _), count in told.items() if was == "abandoned")
