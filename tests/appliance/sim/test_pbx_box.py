"""The whole way against ground truth: the real gateway listens to the simulated PBX through each fault, and the floor's figures are checked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.clock import SystemClock
from appliance.core.config import Config, PbxConfig, Site, UserEventMap
from appliance.core.journal_memory import MemoryJournal
from appliance.floor_view import FloorView
from appliance.service import Context
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_fault import faults_from_text
from appliance.sim.pbx_session import User, read_only
from gateway.pbx.service import Gateway

SPEED = 30.0
#: Callers come for three seconds; then everybody talks to the end and the figures stand.
DAY = msgspec.structs.replace(
    plan_named("morning", calls_per_min=30.0, agents=16), talk_mean_s=15.0, patience_mean_s=40.0, transfer_share=0.1, hold_share=0.3,
    surges=((0.0, 1.0), (3.0 * SPEED, 0.0)),
)  # fmt: skip
KEYS = {"ventas": "ventas", "soporte": "soporte", "cobranzas": "cobranzas", "atención_al_cliente": "atencion_al_cliente"}


class Unwatched:
    """Nobody supervises the gateway here."""

    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


async def floor_and_truth(tmp_path: Path, fault: str, user: User, *, timestamps: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the day with its faults; the snapshot and the truth when nobody is on a line any more and the box sees the PBX."""
    secret = tmp_path / "secret"
    secret.write_text(user.secret)
    async with SimPbx(DAY, seed=11, speed=SPEED, users=[user], timestamps=timestamps, waits=True) as pbx:
        told = UserEventMap(reasons={"TIMEOUT": "timeout", "FULL": "refused"})
        central = PbxConfig(port=pbx.port, secret_file=secret, username=user.name, ping_s=1.0, reconnect_max_s=1.0, queue_result=told)
        config, clock, journal = Config(pbx={"central": central}, site=Site(timezone="UTC")), SystemClock(), MemoryJournal()
        view = FloorView(journal, config, clock)
        gateway = asyncio.create_task(Gateway().run(Context(config, journal, clock, Unwatched(), "gateway")))
        try:
            async with asyncio.timeout(60):
                await pbx.opened.wait()
                pbx.faults.schedule(faults_from_text(fault))
                while pbx.model.now_s < 4.0 * SPEED or pbx.model.calls or any(w["to"] is None for w in pbx.faults.windows):
                    await asyncio.sleep(0.05)
                while True:
                    view.catch_up()
                    shot: dict[str, Any] = msgspec.to_builtins(view.snapshot())
                    settled = [q["waiting"] + q["agents"]["talking"] for q in shot["queues"].values() if q["agents"]]
                    if shot["pbx"]["central"]["state"] == "up" and settled and not any(settled):
                        return shot, pbx.truth()
                    assert not gateway.done(), gateway.exception()
                    await asyncio.sleep(0.05)
        finally:
            gateway.cancel()
            await asyncio.gather(gateway, return_exceptions=True)


def pairs(shot: dict[str, Any], truth: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(shot["queues"][key]["today"], truth["queues"][name]) for name, key in KEYS.items()]


def check_identity(shot: dict[str, Any]) -> None:
    for queue in shot["queues"].values():
        today = queue["today"]
        assert today["offered"] == today["answered"] + today["abandoned"] + today["left"] + today["unknown"] + today["waiting"]


@pytest.mark.parametrize(
    ("fault", "timestamps"),
    [
        pytest.param("", False, marks=pytest.mark.slow),
        pytest.param("garbage@1:2", True, marks=pytest.mark.slow),
        ("stall@1.5:1", True),
        ("restart@3:0.5", True),
    ],
)
async def test_what_was_seen_is_what_was(tmp_path: Path, fault: str, timestamps: bool) -> None:
    """Nothing is out of sight for good here, so every count is the truth's; whom a restart hung up is left, not abandoned."""
    shot, truth = await floor_and_truth(tmp_path, fault, User(), timestamps=timestamps)
    check_identity(shot)
    stopped = truth["ended_by_pbx_restart"]["abandoned"]
    assert sum(t["left_by"].get("pbx_stopped", 0) for t, _ in pairs(shot, truth)) == stopped
    by_restart = [c["queue"] for c in truth["calls"] if c.get("ended_by_pbx_restart") and c["outcome"] == "abandoned"]
    for (today, true), name in zip(pairs(shot, truth), KEYS, strict=True):
        hung_up = by_restart.count(name)
        told = {"offered": today["offered"], "answered": today["answered"], "abandoned": today["abandoned"], "unknown": today["unknown"]}
        assert told == {"offered": true["offered"], "answered": true["answered"], "abandoned": true["abandoned"] - hung_up, "unknown": 0}, (
            name
        )
        assert today["left"] == true["timeout"] + true["exitkey"] + hung_up, name
        # At thirty times the speed a busy machine's pauses count; test_floor_play holds the sums exactly.
        if not fault.startswith("stall"):
            assert today["wait_sum"] == pytest.approx(sum(true["hold_times"]), abs=1.0 + 0.02 * len(true["hold_times"]))
            assert today["talk_sum"] == pytest.approx(sum(true["talk_times"]), abs=1.0 + 0.02 * len(true["talk_times"]))
    agents = {a["name"]: a["answered"] for a in shot["agents"].values() if a["answered"]}
    assert agents == {name: a["answered"] for name, a in truth["agents"].items() if a["answered"]}


@pytest.mark.parametrize(
    ("fault", "user"),
    [
        pytest.param("drop@2:1", User(), id="rst"),
        pytest.param("drop@2:0.3:fin", User(), id="fin", marks=pytest.mark.slow),
        pytest.param("drop@2:0.3:fin", read_only(User()), id="fin-read-only", marks=pytest.mark.slow),
        pytest.param("kill@2:2.5", User(), id="kill"),
    ],
)
async def test_what_was_not_seen_is_unknown_and_never_false(tmp_path: Path, fault: str, user: User) -> None:
    shot, truth = await floor_and_truth(tmp_path, fault, user, timestamps=True)
    check_identity(shot)
    blind = truth["blind"][0]
    slack_s = 2.0
    hidden = [c for c in truth["calls"] if c["enter"] < blind["to"] + slack_s and c.get("connect", c["end"]) > blind["from"] - 0.1]
    for (today, true), name in zip(pairs(shot, truth), KEYS, strict=True):
        mine = [c for c in hidden if c["queue"] == name]
        assert true["offered"] - len(mine) <= today["offered"] <= true["offered"], name
        assert today["answered"] <= true["answered"], name
        assert today["abandoned"] <= true["abandoned"], name
        assert today["unknown"] <= len(mine), name
        assert today["offered"] - today["unknown"] >= true["offered"] - len(mine), name
    if fault.startswith("kill"):
        assert sum(t["unknown"] for t, _ in pairs(shot, truth)) <= truth["totals"]["lost"] + truth["totals"]["abandoned"]
