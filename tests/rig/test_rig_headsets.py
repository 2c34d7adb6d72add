"""Headsets at a rig: plugged, taken up, muted, pulled, as a person does; told to the CRM and shown on the board."""

from __future__ import annotations

from typing import Any

import pytest
from rig_bench import Bench

pytestmark = [pytest.mark.rig, pytest.mark.broker]


def seat(floor: Any, name: str) -> dict[str, Any]:
    found = (floor.get("headsets") or {}).get(name, {})
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
@pytest.mark.wires("s-101", "crm", "tv")
def test_a_headset_is_taken_up_muted_and_laid_down(bench: Bench) -> None:
    lifted = bench.do("headsets/s-101/lift")
    bench.event(lifted, "headset.hook", seat="s-101", hook="off")
    bench.until("tv/floor", lambda _: seat(bench.document("tv/floor"), "s-101").get("hook") == "off")
    bench.pause()
    muted = bench.do("headsets/s-101/mute")
    bench.event(muted, "headset.mute", seat="s-101", mute=True)
    bench.until("tv/floor", lambda _: seat(bench.document("tv/floor"), "s-101").get("mute") is True)
    bench.pause()
    laid = bench.do("headsets/s-101/hang-up")
    bench.event(laid, "headset.hook", seat="s-101", hook="on")


@pytest.mark.slow
@pytest.mark.wires("s-102", "crm", "tv")
def test_a_headset_is_pulled_and_plugged_in_again(bench: Bench) -> None:
    assert seat(bench.document("tv/floor"), "s-102")["attached"] is True
    pulled = bench.do("headsets/s-102/pull")
    bench.event(pulled, "headset.detached", seat="s-102")
    bench.until("tv/floor", lambda _: seat(bench.document("tv/floor"), "s-102")["attached"] is False)
    back = bench.do("headsets/s-102/plug")
    bench.event(back, "headset.attached", seat="s-102")
    bench.until("tv/floor", lambda _: seat(bench.document("tv/floor"), "s-102")["attached"] is True)


@pytest.mark.slow
@pytest.mark.wires("s-101", "pbx", "tv")
def test_a_headset_rings_with_its_agents_phone(bench: Bench) -> None:
    """The ring lamp lights with the call, and the off-hook lamp with the answer."""
    bench.do("pbx/central/log-in", agent="101", queue="ventas")
    comes = bench.do("pbx/central/call", queue="ventas")
    bench.sees(comes, "headsets/s-101/lamps", lambda lamps: "ring" in lamps)
    answers = bench.do("pbx/central/answer", agent="101")
    bench.sees(answers, "headsets/s-101/lamps", lambda lamps: "ring" not in lamps)


@pytest.mark.slow
@pytest.mark.wires("s-103", "pbx", "crm", "tv")
def test_a_pulled_headset_of_somebody_available_is_found(bench: Bench) -> None:
    """The queue counts on somebody whose headset lies unplugged: a finding, after the ten seconds that it may take."""
    bench.do("pbx/central/log-in", agent="103", queue="ventas")
    bench.until("tv/floor", lambda floor: '"available":1' in floor)
    pulled = bench.do("headsets/s-103/pull")
    bench.event(pulled, "headset.finding", within_s=25, seat="s-103", finding="available_unplugged")
    bench.until("tv/floor", lambda _: "available_unplugged" in seat(bench.document("tv/floor"), "s-103").get("findings", []))
