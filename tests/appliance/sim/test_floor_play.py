"""A whole box on a simulated floor, over the wire and in the model's time: every figure that it shows is the truth's, exactly."""

from __future__ import annotations

import ast
import asyncio
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from appliance.floor_view import FloorView
from appliance.sim import floor_book, floor_figures, floor_seen, floor_truth
from appliance.sim.floor_check import compared, sights_of
from appliance.sim.floor_cli import memory_folder
from appliance.sim.floor_figures import VARIANTS
from appliance.sim.floor_play import Asked, Played, play, truth_of
from appliance.sim.floor_scenario import Analog, Happening, Scenario
from appliance.sim.floor_scenario_file import names, scenario_named
from appliance.sim.floor_stage import on_stage
from appliance.sim.floor_truth import Truth
from appliance.sim.model_time import ModelLoop

#: What every look compares at least: the figures of docs/kpis.md that a box with a PBX shows.
FIGURES = {
    f"{scope}/{figure}"
    for scope in ("queues", "groups", "floor")
    for figure in (
        *("offered", "answered", "answered_ended", "abandoned", "short_abandoned", "left", "left_by", "unknown", "waiting", "refused"),
        *("answered_in_time", "abandoned_in_time", "wait_sum", "wait_max", "talk_sum", "hold_sum", "wrap_up_sum", "asa", "talk_avg", "aht"),
        *("service_level", "service_level_of", "abandon_rate", "abandon_rate_of", "repeat_call_share", "repeat_call_share_of", "coverage"),
        *("satisfaction_of", "longest_wait", "longest_since", "agents/logged_in", "agents/talking", "agents/wrap_up", "agents/paused"),
    )
} | {
    *(
        "agents/state",
        "agents/since",
        "agents/reason",
        "agents/answered",
        "agents/queues",
        "agents/seconds/talking",
        "agents/seconds/paused",
    ),
    *("trunks/busy", "trunks/all_busy_now", "trunks/all_busy_share", "trunks/blocked_share", "trunks/blocked_share_of", "trunks/judged"),
    *("utilisation/ab_allocation", "utilisation/bc_on_phone", "utilisation/cd_availability", "utilisation/bd_utilisation"),
}


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cf-", dir=memory_folder()))
    yield folder
    shutil.rmtree(folder)


def dense(name: str, *happens: Happening, times: float = 8.0) -> Scenario:
    """A scenario with so many times the calls and shorter talks, that half an hour may be a day."""
    scenario = scenario_named(name)
    assert scenario.calls is not None
    profile = {at: calls * times for at, calls in scenario.calls.profile.items()}
    calls = replace(scenario.calls, profile=profile, talk_s=35.0, patience_s=40.0, again_after_s=60.0)
    breaks = replace(scenario.breaks, every_s=400.0, for_s=60.0)
    # A headset is taken up and laid down as fast as a person does it: its own test is at a person's pace.
    headsets = replace(scenario.headsets, seats=0)
    queues = tuple(replace(queue, max_len=min(queue.max_len, 3 if queue.max_len < 10 else 30)) for queue in scenario.queues)
    return replace(scenario, calls=calls, breaks=breaks, headsets=headsets, queues=queues, happens=happens or scenario.happens)


def right(done: Played) -> None:
    assert done.hurried == 0, "the machine was too slow to be exact"
    assert not done.checked.differ, "\n".join(str(one) for one in done.checked.differ[:20])


def test_a_dense_quarter_of_an_hour_is_shown_as_it_was_in_every_figure(place: Path) -> None:
    done = play(Asked(scenario=dense("monday-peak"), until="08:12", every_s=90.0), place)
    right(done)
    kinds = set(done.checked.counted)
    assert not {figure for figure in FIGURES if not any(kind == figure or kind.startswith(f"{figure}/") for kind in kinds)}
    today = done.snapshot.floor.today
    assert min(today.answered, today.abandoned, today.left, today.short_abandoned, today.refused or 0) > 0, today
    assert done.checked.counted.total() > 6_500


def test_after_a_restart_a_broken_link_and_a_killed_pbx_every_figure_is_what_could_be_seen(place: Path) -> None:
    happens = (
        Happening(at="08:03:10", what="pbx-restart", for_s=8.0),
        Happening(at="08:06:20", what="pbx-drop", for_s=15.0),
        Happening(at="08:09:40", what="pbx-kill", for_s=10.0),
    )
    done = play(Asked(scenario=dense("pbx-restart", *happens), until="08:13", every_s=60.0, offset_s=2.0), place)
    right(done)
    today = done.snapshot.floor.today
    assert today.unknown > 0
    assert today.left_by["pbx_stopped"] > 0


def test_headsets_of_all_kinds_are_shown_as_they_lie_or_said_not_to_be_known(place: Path) -> None:
    done = play(Asked(scenario=scenario_named("headset-chaos"), until="08:20", every_s=30.0), place)
    right(done)
    assert done.checked.counted["headsets/hook"] > 200
    assert done.checked.counted["headsets/mute"] > 50
    assert done.checked.counted["headsets/attached"] == 40 * 11


def test_analog_lines_on_ptys_and_their_printer(place: Path) -> None:
    scenario = replace(scenario_named("analog-site"), analog=Analog(lines=4, every_s=20.0, talk_s=12.0))
    done = play(Asked(scenario=scenario, seed=3, until="08:02", every_s=40.0), place)
    right(done)
    today = done.snapshot.queues["lines"].today
    assert min(today.answered_ended, today.abandoned) > 0
    assert done.snapshot.records["printer"].answered > 0


def test_every_variant_of_the_service_level_and_windows_by_completion(place: Path) -> None:
    """The same journal, folded as each configuration has it."""

    async def looked() -> None:
        scenario = dense("monday-peak", times=12.0)
        async with on_stage(scenario, seed=5, folder=place) as stage:
            await stage.until(stage.zero_ms + 6 * 60_000)
            assert stage.book is not None
            assert stage.around.pbx is not None
            sights = sights_of(stage.around.pbx, stage.whole_ms())
            for variant in VARIANTS:
                kpi = replace(stage.config.kpi, service_level=variant)
                view = FloorView(stage.journal, replace(stage.config, kpi=kpi), stage.clock)
                view.catch_up()
                truth = Truth(scenario, stage.book, stage.zero_ms, sights, variant=variant).document(stage.now_ms)
                assert compared(view.snapshot(), {"queues": truth["queues"], "floor": truth["floor"]}).differ == [], variant
            view = FloorView(stage.journal, replace(stage.config, kpi=replace(stage.config.kpi, window="completion")), stage.clock)
            view.catch_up()
            truth = Truth(scenario, stage.book, stage.zero_ms, sights, by_completion=True).document(stage.now_ms)
            assert compared(view.snapshot(), truth).differ == []

    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        runner.run(looked())


def test_the_comparison_finds_a_figure_that_is_off_and_an_event_that_is_missing(place: Path) -> None:
    async def looked() -> None:
        async with on_stage(dense("quiet-morning"), seed=2, folder=place) as stage:
            await stage.until(stage.zero_ms + 8 * 60_000)
            truth = truth_of(stage).document(stage.now_ms)
            snapshot = stage.snapshot()
            assert compared(snapshot, truth).differ == []
            snapshot.floor.today.answered += 1
            assert [one.path for one in compared(snapshot, truth).differ] == ["floor/today/answered"]
            deaf = FloorView(stage.journal, stage.config, stage.clock)
            deaf.floor._handlers.pop("call.ended")
            deaf.catch_up()
            found = {one.path for one in compared(deaf.snapshot(), truth).differ}
            assert {"floor/today/talk_sum", "floor/today/aht", "floor/today/wrap_up_sum"} <= found

    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        runner.run(looked())


def test_the_boards_own_server_shows_the_truth(place: Path) -> None:
    """As a television asks for it, from the wallboard service beside the gateway."""

    async def looked() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        async with on_stage(dense("monday-peak"), seed=6, folder=place, listen=f"127.0.0.1:{port}") as stage:
            for minute in (2, 4):
                await stage.until(stage.zero_ms + minute * 60_000 + 200)
                truth = truth_of(stage).document(stage.now_ms)
                truth.pop("agents")  # clocks tick there every five seconds, or in the page
                truth.pop("utilisation")
                for queue in (truth["floor"], *truth["queues"].values(), *truth["groups"].values()):
                    queue.pop("longest_wait")
                    for window in ("today", "interval", "rolling"):
                        queue[window].pop("coverage")
                for trunk in truth["trunks"].values():
                    trunk.pop("all_busy_share")
                assert [str(one) for one in compared(await stage.board(), truth).differ] == []

    with asyncio.Runner(loop_factory=ModelLoop) as runner:
        runner.run(looked())


def test_the_truth_is_its_own() -> None:
    for module in (floor_book, floor_seen, floor_figures, floor_truth):
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        imported = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
        assert not {name for name in imported if name and name.startswith(("appliance.floor", "gateway", "headsets", "wallboard"))}, module


def test_the_same_seed_is_the_same_truth(tmp_path: Path, place: Path) -> None:
    asked = Asked(scenario=dense("quiet-morning"), seed=9, until="08:04")
    (place / "a").mkdir()
    (place / "b").mkdir()
    one, other = play(asked, place / "a"), play(asked, place / "b")
    assert msgspec.json.encode(one.truth) == msgspec.json.encode(other.truth)
    assert len(one.truth["visits"]) > 10
    assert one.truth["simulated"] is True


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", names())
def test_a_whole_day(name: str, seed: int, place: Path) -> None:
    right(play(Asked(scenario=scenario_named(name), seed=seed), place))
