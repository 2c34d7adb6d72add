"""The simulated floor behind a cable to a CRM that is cut: the books are right in every state, and the floor's figures stay what they are."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from appliance.sim.floor_check import compared
from appliance.sim.floor_cli import memory_folder
from appliance.sim.floor_play import truth_of
from appliance.sim.floor_scenario import Happening, Headsets, Scenario, seconds_of
from appliance.sim.floor_scenario_file import scenario_named
from appliance.sim.floor_stage import Stage, on_stage
from appliance.sim.model_time import ModelLoop

pytestmark = pytest.mark.broker


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cf-", dir=memory_folder()))
    yield folder
    shutil.rmtree(folder)


def books_of(stage: Stage) -> dict[str, Any]:
    """What the link's account must be: the far end's own count, and how many rows are numbered."""
    crm, cable = stage.around.crm, stage.around.cable
    assert crm is not None
    assert cable is not None
    recorded = stage.journal.head().n
    delivered = crm.book.events
    state = "up" if cable.plugged else "down"
    return {"state": state, "recorded": recorded, "delivered": delivered, "backlog": recorded - delivered, "shed": 0, "skipped": 0}


async def watched(scenario: Scenario, place: Path, every_s: int, until_s: int) -> set[str]:
    """Look every so often: the states of the link that were seen."""
    states = set()
    async with on_stage(scenario, seed=4, folder=place, crm=True) as stage:
        for at_s in range(every_s, until_s + 1, every_s):
            await stage.until(stage.zero_ms + at_s * 1000 + 200)
            if stage.around.cable is not None and stage.around.cable.plugged:
                await stage.delivered()
            snapshot = stage.snapshot()
            truth = truth_of(stage).document(stage.now_ms)
            assert [str(one) for one in compared(snapshot, truth | {"crm": books_of(stage)}).differ] == []
            states.add(to_builtins(snapshot.crm)["state"])
        assert stage.around.crm is not None
        assert (stage.around.crm.book.doubles, stage.around.crm.book.missing) == (0, 0)
    return states


def played(scenario: Scenario, place: Path, every_s: int, until_s: int) -> set[str]:
    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        return runner.run(watched(scenario, place, every_s, until_s))


def test_a_cut_link_holds_what_is_due_and_delivers_it_in_order(place: Path) -> None:
    scenario = scenario_named("link-cut")
    cut = Happening(at="08:01:30", what="link-cut", for_s=70.0)
    assert played(replace(scenario, headsets=Headsets(), happens=(cut,)), place, 45, 225) == {"up", "down"}


@pytest.mark.slow
def test_a_whole_forenoon_with_two_cuts(place: Path) -> None:
    scenario = scenario_named("link-cut")
    length_s = seconds_of(scenario.ends) - seconds_of(scenario.begins)
    assert played(replace(scenario, headsets=Headsets()), place, 300, length_s) == {"up", "down"}
