"""Lamps, sign and LED chain at a rig: alarms, announcements, and plugs that are pulled."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from rig_bench import Bench

pytestmark = [pytest.mark.rig, pytest.mark.broker]


def announce(bench: Bench, text: str, severity: str) -> str:
    args = {"text": text, "severity": severity}
    done = bench.do("crm/send", verb="announce", args=json.dumps(args))
    assert done.result["state"] == "done", done.result
    return str(done.result["result"]["announcement"])


@pytest.mark.slow
@pytest.mark.wires("line1", "line2", "line3", "line4", "tower", "panel", "tv")
def test_an_alarm_lights_the_lamp_and_the_button_acknowledges_it(bench: Bench) -> None:
    """Four wait where three are too many: red flashes and the buzzer sounds; a press stops both and is told."""
    for line in ("line1", "line2", "line3"):
        bench.do(f"lines/{line}/ring")
    fourth = bench.do("lines/line4/ring")
    bench.sees(fourth, "tv/waiting", lambda waiting: waiting == 4)
    bench.event(fourth, "alarm.raised", alarm="floor.waiting", level="red")
    bench.sees(fourth, "lamps/tower/red", bool)
    bench.sees(fourth, "lamps/tower/buzzer", bool)
    bench.until("lamps/tower/red-switched", lambda switched: switched >= 4)  # it flashes
    pressed = bench.do("lamps/tower/press")
    bench.event(pressed, "alarm.acknowledged", alarm="floor.waiting")
    bench.stays("lamps/tower/red", 2.5)


@pytest.mark.slow
@pytest.mark.wires("sign", "panel", "crm", "tv")
def test_an_announcement_stands_on_the_sign_and_an_urgent_one_takes_it_over(bench: Bench) -> None:
    bench.until("sign/strip/text", lambda texts: "Waiting 0" in texts, within_s=30)
    sent = bench.do("crm/send", verb="announce", args='{"text": "Training at three", "severity": "info"}')
    bench.sees(sent, "sign/strip/text", lambda texts: any("Training at three" in text for text in texts), within_s=60)
    assert bench.value("sign/strip/priority") is False
    urgent = bench.do("crm/send", verb="announce", args='{"text": "Leave the building", "severity": "urgent"}')
    bench.sees(urgent, "sign/strip/priority", bool, within_s=30)
    bench.until("sign/strip/text", lambda texts: any("Leave the building" in text for text in texts), within_s=30)
    bench.sees(urgent, "tv/board", lambda board: "Leave the building" in board)
    withdrawn = bench.do("crm/send", verb="withdraw", args=json.dumps({"announcement": urgent.result["result"]["announcement"]}))
    assert withdrawn.result["state"] == "done"
    bench.sees(withdrawn, "sign/strip/priority", lambda priority: not priority, within_s=30)


@pytest.mark.slow
@pytest.mark.wires("panel", "line1")
def test_the_led_picture_is_a_picture(bench: Bench) -> None:
    """What the chain shows, as a PNG: lit dots on a dark chain, and others when the figure is another."""
    bench.until("led/panel/text", lambda text: text == "Waiting 0")
    bench.until("led/panel/picture", lambda picture: picture.startswith(b"\x89PNG"))
    rings = bench.do("lines/line1/ring")
    seen = bench.sees(rings, "led/panel/picture", lambda picture: picture.startswith(b"\x89PNG"))
    with Image.open(io.BytesIO(seen.value)) as picture:
        assert picture.size == (256, 32)
        assert len(picture.convert("RGB").getcolors() or []) == 3


@pytest.mark.slow
@pytest.mark.wires("panel", "line1")
def test_a_pulled_led_chain_shows_the_figure_when_it_is_back(bench: Bench) -> None:
    bench.do("led/panel/pull")
    bench.until("led/panel/open", lambda is_open: not is_open)
    bench.do("lines/line1/ring")
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    back = bench.do("led/panel/plug")
    bench.sees(back, "led/panel/text", lambda text: text == "Waiting 1", within_s=20)


@pytest.mark.slow
@pytest.mark.wires("sign", "line1")
def test_a_pulled_sign_shows_the_figure_when_it_is_back(bench: Bench) -> None:
    bench.until("sign/strip/text", lambda texts: "Waiting 0" in texts, within_s=30)
    bench.do("sign/strip/pull")
    bench.do("lines/line1/ring")
    bench.until("tv/waiting", lambda waiting: waiting == 1)
    back = bench.do("sign/strip/plug")
    bench.sees(back, "sign/strip/text", lambda texts: "Waiting 1" in texts, within_s=60)
