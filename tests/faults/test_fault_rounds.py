"""The fault suite in small: some rounds of `make faults` on one site of real processes, each judged as all of them are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fault_kinds import killed
from fault_packets import Play, answers
from fault_stage import Stage

pytestmark = pytest.mark.broker

#: One of each family that takes no longer than the box takes to come back.
ROUNDS: dict[str, Play] = {
    "broker and uplink killed": killed("broker", "uplink"),
    "poison": answers((0x99,), 0.5),
}


def test_a_few_rounds_of_faults_lose_nothing_and_the_board_tells_the_truth(tmp_path: Path) -> None:
    chance, wrong = random.Random(20261122), []
    with Stage(tmp_path, 7) as stage:
        for name, play in ROUNDS.items():
            with stage.round() as played:
                play(stage, played, chance)
            wrong += [f"{name}: {fault}" for fault in played.faults]
        assert stage.box.account().skipped > 0, "poison was given up, and announced"
    assert not wrong, "\n".join(wrong)
    assert stage.judge.last_n > 30
    assert stage.judge.compared > 10
