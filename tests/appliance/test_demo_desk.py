"""The people at the demo's desks: their headsets follow their calls, and what is out of step is mended by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.clock import SystemClock
from appliance.core.config_file import load
from appliance.core.headset_url import headset_url
from appliance.demo_desk import DemoDesk, DemoDesks
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.floor_model_state import chance_of
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_line import HeadsetLine
from appliance.sim.headset_model import MODELS
from appliance.sim.pbx import SimPbx


@pytest.fixture
def desk(tmp_path: Path) -> DemoDesk:
    agent = next(iter(SimPbx(plan_named("morning")).model.staff.agents.values()))
    line = HeadsetLine(SimHeadset(MODELS["phone"]), tmp_path / "x.sock", SystemClock())
    return DemoDesk(agent, line, chance_of("desk"))


async def test_off_hook_in_a_call_and_on_hook_after(desk: DemoDesk) -> None:
    async with desk.line:
        for mode, off_hook in (("idle", False), ("ringing", False), ("talking", True), ("wrap_up", False)):
            desk.agent.mode = mode  # type: ignore[assignment]
            await desk.look(1.0)
            assert desk.line.headset.off_hook == off_hook, mode


async def test_in_a_hundred_calls_somebody_mutes_and_somebody_lays_it_down_too_early(desk: DemoDesk) -> None:
    done: list[str] = []
    desk.line = HeadsetLine(desk.line.headset, desk.line.path, SystemClock(), lambda _line, what: done.append(what))
    async with desk.line:
        for call in range(100):
            desk.agent.mode = "talking"
            for at_s in range(30):
                await desk.look(100.0 * call + at_s)
            assert desk.line.headset.off_hook, "before the call is over it is in his hand again"
            desk.agent.mode = "idle"
            await desk.look(100.0 * call + 50)
    assert done.count("lift") > 100, "laid down too early, and taken up again"
    assert done.count("hang-up") == done.count("lift")
    assert done.count("mute") > 20


async def test_a_pulled_one_comes_back_by_itself_or_for_a_call(desk: DemoDesk) -> None:
    async with desk.line:
        for call, at_s in (("idle", 99.0), ("talking", 1.0)):
            desk.agent.mode = "idle"
            assert desk.is_free
            await desk.pull(0.0)
            await desk.look(0.5)
            assert not desk.line.plugged
            desk.agent.mode = call  # type: ignore[assignment]
            await desk.look(at_s)
            assert desk.line.plugged


async def test_a_configuration_for_all_of_them(tmp_path: Path) -> None:
    desks = DemoDesks(SimPbx(plan_named("morning")), tmp_path, 1)
    (tmp_path / "pbx.secret").write_text("callfloor\n")
    (tmp_path / "callfloor.toml").write_text('[pbx.central]\nsecret_file = "pbx.secret"\n' + desks.configuration())
    config = load(tmp_path / "callfloor.toml", {})
    assert config.headsets is not None
    assert config.privacy.headsets
    assert len(config.headsets.seat) == len(desks.desks) == 12
    assert all(headset_url(seat.url).sim for seat in config.headsets.seat.values())
    async with desks:
        assert all(desk.line.plugged for desk in desks.desks)
    assert not list(tmp_path.glob("*.sock"))
