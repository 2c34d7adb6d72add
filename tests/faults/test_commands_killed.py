"""kill -9 of gateway, uplink and broker at any step of any command: none twice at the PBX, none without exactly one end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_storm import storm

pytestmark = pytest.mark.broker


def test_twenty_kills_while_commands_are_given(tmp_path: Path) -> None:
    account = storm(tmp_path, kills=20, every_s=(0.1, 0.5), per_s=25.0, seed=9, broker_share=0.0, working_share=0.15, pair_share=0.8)
    assert account["commands"] > 20, account
    assert account.get("done", 0) > 3, account


@pytest.mark.slow
def test_five_hundred_kills_while_commands_are_given(tmp_path: Path, told: Callable[[str, dict[str, Any]], None]) -> None:
    account = storm(tmp_path, kills=500, every_s=(0.0, 0.6), per_s=25.0, seed=10, broker_share=0.06, working_share=0.75)
    told("commands under 500 kills", account)
    assert account.get("unknown", 0) > 10, "kills fell into the middle of commands"
    assert account.get("done", 0) > 500
