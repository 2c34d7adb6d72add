"""Recorded mornings with bytes cut out, doubled and replaced: nothing raises, and no visit ends twice or before it began."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.config import Config
from gateway.pbx.replay_feed import feed_capture

CAPTURES = Path(__file__).parents[2] / "captures"
FOLDERS = ["S1_quiet", "S4_restart", "S5_ivr"]


def damaged(folder: str, seed: int) -> list[str]:
    rng = random.Random(seed)
    out = []
    for line in gzip.decompress((CAPTURES / folder / "lean.jsonl.gz").read_bytes()).decode().splitlines():
        row = json.loads(line)
        data = row.get("data")
        if data and rng.random() < 0.1:
            at, length = rng.randrange(len(data)), rng.randrange(400)
            row["data"] = rng.choice(
                [
                    data[:at] + data[at + length :],
                    data[:at] + data[at : at + length] * 2 + data[at + length :],
                    data[:at] + "".join(chr(rng.randrange(256)) for _ in range(length)) + data[at:],
                    "",
                ]
            )
        if "t" in row and rng.random() < 0.002:
            out.append(json.dumps({"t": row["t"], "event": "disconnected"}))
            out.append(json.dumps({"t": row["t"], "event": "connected"}))
        out.append(json.dumps(row))
    return out


@pytest.mark.parametrize("folder", FOLDERS)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_damage_never_raises_and_never_ends_a_visit_twice(folder: str, seed: int, tally: Any) -> None:
    counted = tally(event for _, events in feed_capture(damaged(folder, seed), Config()) for event in events)
    ended = sum(counted.total(kind) for kind in ("answered", "abandoned", "left", "lost"))
    assert counted.total("offered") == ended + counted.waiting
