"""What [privacy] says is held against what the journal keeps; two days are the least."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config_file import ConfigFaultsError, load
from appliance.core.upkeep import Callers
from appliance.runner import callers_of

HEAD = '[site]\nname = "quito"\nbox = "p3"\ntimezone = "America/Guayaquil"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "callfloor.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", None),
        ("[privacy]\ncallers = 'erase'\n", None),
        ("[privacy]\ncallers_days = 3\n", Callers(3, "hash")),
        ("[privacy]\ncallers_days = 7\ncallers = 'erase'\n", Callers(7, "erase")),
        ("[journal]\nkeep_days = 30\n[privacy]\ncallers_days = 20.5\n", Callers(20.5, "hash")),
    ],
)
def test_what_is_taken(tmp_path: Path, text: str, rule: Callers | None) -> None:
    assert callers_of(load(written(tmp_path, text))) == rule


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[privacy]\ncallers_days = 8\n", "the journal itself keeps 7"),
        ("[journal]\nkeep_days = 1\n[privacy]\ncallers_days = 2\n", "the journal itself keeps 1"),
        ("[privacy]\ncallers_days = 1.9\n", "2"),
        ("[privacy]\ncallers = 'shred'\n", "shred"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigFaultsError) as fault:
        load(written(tmp_path, text))
    assert told in str(fault.value)
    assert "privacy" in str(fault.value)
