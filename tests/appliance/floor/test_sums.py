"""Sums by parts: the same as in one go, whatever changed since the last one."""

from __future__ import annotations

import random

import pytest

from appliance.floor.build import summed
from appliance.floor.snapshot import Window
from appliance.floor.sums import Sums


def window(chance: random.Random) -> Window:
    return Window(
        offered=chance.randrange(90), answered=chance.randrange(90), waiting=chance.randrange(9), wait_sum=chance.randrange(10**8) / 1000,
        talk_sum=chance.randrange(10**8) / 1000, wait_max=chance.choice((None, 3.5, 7.25)), refused=chance.choice((None, 2)),
        left_by={"timeout": 1} if chance.random() < 0.5 else {}, service_level_of=None if chance.random() < 0.01 else (3, 5),
        service_level_variant=chance.choice(("handled", "handled", "handled", "offered")), target=15.0,
        coverage=chance.choice((None, 0.5, 1.0)),
    )  # fmt: skip


@pytest.mark.parametrize("queues", [1, 16, 17, 200])
def test_a_sum_by_parts_is_the_sum(queues: int) -> None:
    chance, sums = random.Random(queues), Sums()
    windows = [window(chance) for _ in range(queues)]
    for _ in range(60):
        assert sums.total("today", windows) == summed(windows)
        windows = [window(chance) if chance.random() < 2 / queues else known for known in windows]
        if chance.random() < 0.1:
            windows = windows[: max(1, len(windows) - 3)]
