"""The box's clock jumps an hour ahead and then behind while callers wait: waits, counts and sums stay those of the truth.

The same at the level of the fold is quick and in the default suite (test_floor_view, test_runner_house).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from fault_box import noon
from fault_truth import true_outcome

from appliance.core.clock import NS, SystemClock
from appliance.core.config import Config, JournalConfig, PbxConfig
from appliance.core.config import Site as SiteConfig
from appliance.core.journal_sqlite import SqliteJournal
from appliance.core.slug import slug
from appliance.floor_view import FloorView
from appliance.runner_house import Housekeeper
from appliance.service import Context
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from gateway.pbx.service import Gateway


class SteppedClock(SystemClock):
    """The kernel's clocks, the wall clock off by `off_s`."""

    off_s = 0.0

    def wall_ns(self) -> int:
        return super().wall_ns() + round(self.off_s * NS)


class Watch:
    def ready(self) -> None: ...
    def progress(self) -> None: ...
    def status(self, text: str) -> None: ...


@pytest.mark.slow
@pytest.mark.parametrize("steps", [(3600.0, -3600.0), (-3600.0, 3600.0)], ids=["ahead then behind", "behind then ahead"])
async def test_an_hour_either_way_changes_no_wait_and_no_count(tmp_path: Path, steps: tuple[float, float]) -> None:
    (tmp_path / "secret").write_text("callfloor\n")
    plan = msgspec.structs.replace(
        plan_named("morning", calls_per_min=40, agents=12), patience_mean_s=25.0, talk_mean_s=12.0, surges=((0.0, 1.0), (24.0, 0.0))
    )
    clock = SteppedClock()
    async with SimPbx(plan, seed=42, speed=6) as pbx:
        config = Config(
            site=SiteConfig(timezone=noon()),
            pbx={"central": PbxConfig(port=pbx.port, secret_file=tmp_path / "secret")},
            journal=JournalConfig(path=tmp_path / "journal.db", run_dir=tmp_path / "run"),
        )
        journal = SqliteJournal.open(tmp_path / "journal.db", run_dir=tmp_path / "run", clock=clock)
        view = FloorView(journal, config, clock)
        tasks = [
            asyncio.create_task(Gateway().run(Context(config, journal, clock, Watch(), "gateway"))),
            asyncio.create_task(Housekeeper(config, journal, clock, tmp_path / "run", every_s=0.1).run()),
        ]
        try:
            looked, stepped = 0, 0
            for turn in range(400):
                await asyncio.sleep(0.05)
                await asyncio.to_thread(view.catch_up)
                if turn in {30, 60}:
                    clock.off_s += steps[stepped] * (1 + stepped)
                    stepped += 1
                totals = pbx.truth(calls=False)["totals"]
                floor = view.snapshot().floor
                if turn > 20 and floor.waiting:
                    since = [v.joined_s for q in pbx.model.queues.values() for v in q.waiting]
                    if since and floor.waiting == len(since):
                        looked += 1
                        true_s = (pbx.model.now_s - min(since)) / pbx.speed
                        assert floor.longest_wait == pytest.approx(true_s, abs=1.0), f"turn {turn}"
                if turn > 80 and not totals["waiting"] + totals["talking"]:
                    break
            await asyncio.sleep(2.6)
            truth = pbx.truth()
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
    view.catch_up()
    shot = view.snapshot()
    journal.close()
    assert looked > 10, "somebody waited while the clock jumped"
    assert not [item for item in shot.health if item.id == "identity"]
    for name, row in truth["queues"].items():
        today = shot.queues[slug(name)].today
        true = Counter(true_outcome(call) for call in truth["calls"] if call["queue"] == name)
        assert (today.offered, today.answered, today.abandoned, today.left, today.waiting) == (
            row["offered"], true["answered"], true["abandoned"], true["left"], true["waiting"]
        ), name  # fmt: skip
        assert today.wait_sum == pytest.approx(sum(row["hold_times"]), abs=1.0 + 0.1 * row["answered"])
        assert today.talk_sum == pytest.approx(sum(row["talk_times"]), abs=1.0 + 0.1 * row["answered"])
