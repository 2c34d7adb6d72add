"""Whether the box's own screen shows its board, by what its unit says."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.kiosk_config import KioskConfig
from appliance.doctor.finding import Scene
from appliance.doctor.kiosk import KioskFacts, findings, judge, wanted
from appliance.doctor.words import in_language

URL = "http://127.0.0.1:8080/board/floor"


@pytest.mark.parametrize(
    ("facts", "level", "finding", "mend"),
    [
        (KioskFacts((), "active", f"showing {URL}", 1), "ok", "it shows its board", ""),
        (KioskFacts((), "active", "the screen is off by its schedule"), "ok", "it is off by its schedule", ""),
        (KioskFacts(("cage",), "inactive"), "red", "what the screen needs is not installed", "sudo apt install"),
        (KioskFacts((), "inactive"), "red", "it does not run", "sudo systemctl enable --now callfloor-kiosk"),
        (KioskFacts((), "activating", "the browser begins", 1), "amber", "it shows nothing yet", "journalctl"),
        (KioskFacts((), "active", "the browser begins", 4), "red", "it begins again and again", "journalctl"),
        (KioskFacts(), "amber", "whether it runs cannot be seen", "sudo callfloor doctor kiosk"),
    ],
)
def test_what_the_screen_does(facts: KioskFacts, level: str, finding: str, mend: str) -> None:
    found = judge(facts, "cog")
    assert (found.level, found.finding) == (level, finding)
    assert found.mend.startswith(mend)
    assert bool(found.mend) == (level != "ok")
    for tongue in ("es", "pt"):
        assert in_language(found, tongue).finding != found.finding  # type: ignore[arg-type]


def test_it_is_looked_at_only_where_there_is_one() -> None:
    assert not wanted(Config())
    scene = Scene(Config(kiosk=KioskConfig()), Path("/etc/callfloor/callfloor.toml"))
    assert wanted(scene.config)
    assert [each.item for each in findings(scene)] == ["kiosk"]
