"""Types of call, other channels and what [kpi] says of callers and paid time: what contradicts itself is found, with its key and its mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.classification_config import CallType, Classification
from appliance.core.config import Config, Kpi
from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.threshold import rule_of

_PBX = "[pbx.p]\nsecret_file = 's'\n"
_IVR = "[pbx.p.ivr.classify]\n"


def read(folder: Path, text: str) -> Config:
    (folder / "s").write_text("x")
    return config_from_toml(_PBX + text, folder / "callfloor.toml")


@pytest.mark.parametrize(
    ("text", "key", "fault", "mend"),
    [
        ("[classification.types.'Muy Mala']\n", "classification.types.Muy Mala", "may hold only", "muy-mala"),
        ("[classification.words]\n9 = 'awful'\n", "classification.words.9", 'no type "awful"', "perfect"),
        ("[classification.digits]\n'm:1' = 'awful'\n", "classification.digits.m:1", 'no type "awful"', "classification.types.awful"),
        ("[classification.digits]\n7 = 'perfect'\n", "classification.digits.7", "names no keys", "clasificar:7"),
        ("[classification.digits]\n'm:' = 'perfect'\n", "classification.digits.m:", "names no keys", "clasificar:1"),
        ("[channels.known.'E Mail']\n", "channels.known.E Mail", "may hold only", "e-mail"),
        ("[agents.ana]\nseat = 'A 12'\n", "agents.ana.seat", "may hold only", "a-12"),
        (_IVR + "event = 'SurveyResult'\n", "pbx.p.ivr.survey.event", "two things", "its own"),
        ("[kpi]\nrepeat_hours = 200\n", "kpi.repeat_hours", "the journal keeps 168", "repeat_hours = 168"),
        ("[kpi]\nrepeat_hours = 48\n[privacy]\ncallers_days = 2\n", "kpi.repeat_hours", "go after 2 days", "callers_days = 3"),
        ("[kpi]\npaid_hours = 400\n", "kpi.paid_hours", "opening hours", "[site.hours]"),
        ("[classification]\nalarm_s = -1\n", "classification.alarm_s", "-1", ""),
        ("[channels]\nstale_s = 0\n", "channels.stale_s", "0", ""),
    ],
)  # fmt: skip
def test_each_fault_has_its_key_and_mend(tmp_path: Path, text: str, key: str, fault: str, mend: str) -> None:
    with pytest.raises(ConfigFaultsError) as caught:
        read(tmp_path, text)
    (found,) = caught.value.faults
    assert found.key.replace('"', "") == key
    assert fault in found.fault
    assert mend in found.mend


def test_what_is_customary_needs_no_line(tmp_path: Path) -> None:
    config = read(tmp_path, "[privacy]\ncallers_days = 2\n")
    assert list(config.classification.known) == ["perfect", "imperfect", "improper", "extraordinary"]
    assert [name for name in config.classification.known if config.classification.is_extraordinary(name)] == ["extraordinary"]
    assert config.kpi.repeat_hours == 24


def test_types_of_ones_own_stand_beside_and_in_the_place_of_those(tmp_path: Path) -> None:
    text = "[classification.types.prank]\ntitle = { es = 'Bromas' }\n[classification.types.extraordinary]\ntitle = { es = 'Amenazas' }\n"
    text += "[classification.types.improper]\nextraordinary = true\n[classification.words]\nB = 'prank'\n"
    own = read(tmp_path, text).classification
    assert (own.type_of_word("B"), own.type_of_word("PRANK"), own.type_of_word("b")) == ("prank", "prank", None)
    assert [name for name in own.known if own.is_extraordinary(name)] == ["improper", "extraordinary"], "a title changes nothing else"
    assert [own.title_of("prank", language) for language in ("es", "en", "pt")] == ["Bromas", "Bromas", "Bromas"]
    assert [own.title_of("extraordinary", language) for language in ("es", "en")] == ["Amenazas", "Extraordinary"]
    assert Classification(types={"x": CallType()}).title_of("perfect", "en") == "Perfect"


def test_the_target_of_first_contact_resolution_is_configured() -> None:
    rule = rule_of(Config(kpi=Kpi(fcr_min=0.7)), "floor", "fcr")
    assert rule is not None
    assert (rule.threshold.red, rule.threshold.level(0.69), rule.threshold.level(0.72)) == (0.7, "red", "amber")
