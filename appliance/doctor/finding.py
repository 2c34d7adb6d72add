"""Decides what a finding is: what is so, what shows it, what follows from it, and the one command that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from appliance.core.config import Config

#: `red`: something that the configuration asks for does not work. `amber`: it works, and not as well as it should.
Level = Literal["ok", "amber", "red"]
_RANK: Final[dict[Level, int]] = {"ok": 0, "amber": 1, "red": 2}


class Finding(Struct, frozen=True):
    """One item. `mend` is a command, or what to write where; with level `ok` consequence and mend are empty."""

    item: str
    level: Level
    finding: str
    evidence: str = ""
    consequence: str = ""
    mend: str = ""


class Scene(Struct, frozen=True):
    """What a probe is handed: the configuration, the file that it was read from, and below which folder the machine's files lie."""

    config: Config
    file: Path
    root: Path = Path("/")


def worst(findings: Iterable[Finding]) -> Level:
    """The highest level among them; `ok` when there are none.

    >>> worst([Finding("a", "ok", "x"), Finding("b", "amber", "y")])
    'amber'
    """
    return max((finding.level for finding in findings), key=_RANK.__getitem__, default="ok")
