"""The same small fleet at brokers that are neither mosquitto nor persistent: what they forget is asked for again, and nothing stays lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.fleet_child import FleetError
from tests.fleet.fleet_run import Fleet, Plan


@pytest.mark.slow
@pytest.mark.parametrize("broker", ["amqtt", "aedes"])
def test_a_broker_of_another_make_is_drained_to_and_restarted(tmp_path: Path, broker: str) -> None:
    plan = Plan(
        boxes=20, rate=8, calm_s=2.0, away_s=5.0, patience_s=30, rounds=(("stop", "site"),), workers=1, sites=3,
        floor_every_s=1.0, broker=broker,
    )  # fmt: skip
    try:
        fleet = Fleet(tmp_path / "fleet", plan, lambda _text: None)
    except FleetError as fault:
        pytest.skip(str(fault))
    try:
        result = fleet.run()
    finally:
        fleet.close()
    assert result.is_whole, result
    assert result.rounds[0].drained.events >= 500
    # Both speak 3.1.1 only, by which nobody can tell that the consumer is not back yet: what was lost so was brought by `resend`.
    assert set(result.resend["replies"]) <= {"done"}
