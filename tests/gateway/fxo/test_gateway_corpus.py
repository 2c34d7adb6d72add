"""Objects of other people's gateways, as public places name them, against our tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.fxo.snmp_profile import PROFILES

pytestmark = pytest.mark.corpus


def test_the_tables_ask_for_what_is_named(corpus_folder: Path) -> None:
    lines = (corpus_folder / "protocols" / "fxo_gateways.jsonl").read_text(encoding="utf-8").splitlines()
    named = {row["id"]: row for row in map(json.loads, filter(None, lines))}
    audiocodes, grandstream, mediatrix = PROFILES["audiocodes"], PROFILES["grandstream"], PROFILES["mediatrix"]
    assert audiocodes.kind is not None
    assert audiocodes.columns[0].oid == named["G10"]["raw"] + ".{port}"
    assert audiocodes.kind.oid == named["G11"]["raw"] + ".{port}"
    assert ["1=on-hook 2=off-hook" in named["G10"]["expected"]["meaning"], audiocodes.columns[0].means] == [
        True,
        {"1": "on_hook", "2": "off_hook"},
    ]
    assert f"{audiocodes.fxo}=FXO" in named["G11"]["expected"]["meaning"]
    assert "index {}..{}".format(*audiocodes.ports) in named["G10"]["expected"]["meaning"]
    assert list(grandstream.oids(0)) == [named["G01"]["raw"].lstrip(".")]
    assert mediatrix.columns[0].oid == named["G20"]["raw"] + ".{port}"
