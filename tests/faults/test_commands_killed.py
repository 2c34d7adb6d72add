"""kill -9 of gateway, uplink and broker at any step of any command: none twice at the PBX, none without exactly one end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_storm import storm
from storm_verbs import DEVICES, JOURNAL, PBX

pytestmark = pytest.mark.broker


def test_twenty_kills_while_commands_are_given(tmp_path: Path) -> None:
    account = storm(tmp_path, kills=20, every_s=(0.1, 0.5), per_s=25.0, seed=9, broker_share=0.0, working_share=0.15, pair_share=0.8)
    assert account["commands"] > 20, account
    assert account.get("done", 0) > 3, account


EVERY = ("gateway", "uplink", "wallboard", "headsets")


@pytest.mark.slow
def test_five_hundred_kills_of_every_service_while_every_verb_is_given(tmp_path: Path, told: Callable[[str, dict[str, Any]], None]) -> None:
    account = storm(
        tmp_path, kills=500, every_s=(0.0, 0.6), per_s=25.0, seed=12, broker_share=0.04, working_share=0.75, pair_share=0.1,
        services=EVERY, verbs=(*JOURNAL, *DEVICES, *DEVICES, *PBX),
    )  # fmt: skip
    told("commands of every verb under 500 kills of every service", account)
    assert account.get("unknown", 0) > 10, "kills fell into the middle of commands"
    assert all(states.get("done", 0) > 20 for states in account["verbs"].values()), account
    assert set(account["killed"]) == {*EVERY, "mosquitto", "pbx link"}


@pytest.mark.slow
def test_five_hundred_kills_while_commands_are_given(tmp_path: Path, told: Callable[[str, dict[str, Any]], None]) -> None:
    account = storm(tmp_path, kills=500, every_s=(0.0, 0.6), per_s=25.0, seed=10, broker_share=0.06, working_share=0.75)
    told("commands under 500 kills", account)
    assert account.get("unknown", 0) > 10, "kills fell into the middle of commands"
    assert account.get("done", 0) > 500
