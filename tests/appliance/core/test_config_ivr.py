"""The mapping of a voice menu: what contradicts itself is found, with its line and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.ivr_config import IvrConfig

_PBX = "[pbx.p]\nsecret_file = 's'\n"


def read(folder: Path, text: str) -> Config:
    (folder / "s").write_text("x")
    return config_from_toml(_PBX + text, folder / "callfloor.toml")


@pytest.mark.parametrize(
    ("text", "key", "fault", "mend"),
    [
        ("[pbx.p.ivr.survey]\nlowest = 5\nhighest = 1\n", "pbx.p.ivr.survey.highest", "not above lowest", "highest = 5"),
        ("[pbx.p.ivr.survey]\nquestions = { Q1 = '' }\n[kpi]\nsatisfaction_questions = []\n", "pbx.p.ivr.survey.questions.Q1", "without a name", "Q1"),
        ("[pbx.p.ivr.menu]\nevent = 'CallbackRequest'\n", "pbx.p.ivr.menu.event", "two things", "its own"),
        ("[pbx.p.ivr]\n[kpi]\nsatisfaction_questions = ['nps']\n", "kpi.satisfaction_questions[0]", "no survey asks", "satisfaction"),
        ("[pbx.p.ivr.survey]\nquestion = 'Q1'\n", "pbx.p.ivr.survey.question", "unknown key", "questions"),
    ],
)  # fmt: skip
def test_each_fault_has_its_key_and_mend(tmp_path: Path, text: str, key: str, fault: str, mend: str) -> None:
    with pytest.raises(ConfigFaultsError) as caught:
        read(tmp_path, text)
    (found,) = caught.value.faults
    assert found.key == key
    assert fault in found.fault
    assert mend in found.mend


def test_an_empty_table_takes_the_customary_names(tmp_path: Path) -> None:
    assert read(tmp_path, "[pbx.p.ivr]\n").pbx["p"].ivr == IvrConfig()
    assert read(tmp_path, "").pbx["p"].ivr is None
