"""What `callfloor check` says of [commands]: what limits nothing, what can never be done, numbers and people that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, config_from_toml

HEAD = "[site]\ntimezone = 'America/Guayaquil'\n[pbx.central]\nsecret_file = 'secret'\n"


def read(text: str, tmp_path: Path) -> Config:
    (tmp_path / "secret").write_text("x\n")
    return config_from_toml(HEAD + text, tmp_path / "callfloor.toml", {})


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("[commands]\nallow = ['originate']", "commands.allow", "no number may be dialled"),
        ("[commands]\nallow = ['transfer']", "commands.allow", "no number may be dialled"),
        ("[commands]\nallow = ['supervise']", "commands.allow", "nobody is a supervisor"),
        ("[commands]\nallow = []\n[commands.only.pause]\nqueues = ['ventas']", "commands.only.pause", "not allowed at all"),
        ("[commands]\nallow = ['pause']\n[commands.only.pause]\nnumbers = ['1xx']", "commands.only.pause.numbers", "dials no number"),
        ("[commands]\nallow = ['hangup']\n[commands.only.hangup]\nqueues = ['ventas']", "commands.only.hangup.queues", "touches no queue"),
        ("[commands.only.ping]\nper_minute = 3", "commands.only.ping", "reaches no PBX"),
        ("[commands.only.pauze]\nper_minute = 3", "commands.only.pauze", "there is no command"),
        (
            "[commands]\nallow = ['transfer']\n[commands.only.transfer]\nnumbers = ['0-9']",
            "commands.only.transfer.numbers[0]",
            "no pattern",
        ),
        ("[commands]\nallow = ['transfer']\n[commands.only.transfer]\nnumbers = ['911']", "commands.only.transfer.numbers[0]", "emergency"),
        (
            "[commands]\nallow = ['transfer']\n[commands.only.transfer]\nnumbers = ['2xxx']\nagents = ['a*']",
            "commands.only.transfer.agents",
            "names no agent: all of them are refused",
        ),
        ("[outbound]\nattempts_per_day = 3", "outbound", "not allowed at all"),
        ("[outbound.hours]\nmon = ['9 to 5']", "outbound.hours.mon[0]", "no span of hours"),
        ("[outbound.hours]\nmon = ['09:00-18:00']\nholidays = ['navidad']", "outbound.hours.holidays[0]", "no date"),
        ("[outbound.hours]\nholidays = ['2026-12-25']", "outbound.hours", "nobody may ever be called"),
        ("[commands]\nnever = ['09+']", "commands.never[0]", "no pattern"),
        ("[commands]\ncountry = 'XX'", "commands.country", "not known"),
        ("[commands]\nsupervisors = ['Jefa 1']", "commands.supervisors[0]", "no key"),
        ("[pbx.central.dial]\ninternal = ['2xxx', 'casa']", "pbx.central.dial.internal[1]", "no pattern"),
    ],
)
def test_every_contradiction_is_named_with_its_place(text: str, where: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigFaultsError) as caught:
        read(text, tmp_path)
    told = str(caught.value)
    assert where in told
    assert what in told


def test_the_example_of_the_documentation_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "pbx-commands.md").read_text()
    config = read(page.partition("```toml\n")[2].partition("```")[0], tmp_path)
    assert config.commands.of("originate").numbers == ("09xxxxxxxx", "0[2-7]xxxxxxx", "2xxx")
    assert config.pbx["central"].dial.dialled("+593991234567") == "900593991234567"
