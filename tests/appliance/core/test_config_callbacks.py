"""What [callbacks] and [satisfaction] may not say."""

from __future__ import annotations

import pytest

from appliance.core.callbacks_config import CallbacksConfig, SatisfactionConfig
from appliance.core.config import Config, JournalConfig, PbxConfig, Privacy
from appliance.core.config_callbacks import findings_of_callbacks
from appliance.core.config_rules import findings
from appliance.core.ivr_config import IvrConfig, SurveyMap

_ASKS = {"central": PbxConfig(ivr=IvrConfig(survey=SurveyMap(questions={"Q1": "solved"}, variables={"NOTA": "satisfaction"})))}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        (Config(callbacks=CallbacksConfig(queues=("Ventas",))), ("callbacks", "queues", 0)),
        (Config(callbacks=CallbacksConfig(without=("ok", "a*b"))), ("callbacks", "without", 1)),
        (Config(callbacks=CallbacksConfig(keep_days=8)), ("callbacks", "keep_days")),
        (Config(callbacks=CallbacksConfig(keep_days=5), privacy=Privacy(callers_days=3)), ("callbacks", "keep_days")),
        (Config(satisfaction=SatisfactionConfig(queues=("ventas",))), ("satisfaction",)),
        (Config(pbx=_ASKS, satisfaction=SatisfactionConfig(limit={"satisfacton": 3})), ("satisfaction", "limit", "satisfacton")),
    ],
)
def test_each_is_found_where_it_stands(config: Config, path: tuple[str | int, ...]) -> None:
    assert [finding.path for finding in findings_of_callbacks(config)] == [path]
    assert path in [finding.path for finding in findings(config)]


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(journal=JournalConfig(keep_days=1)),  # what nobody wrote shrinks by itself
        Config(callbacks=CallbacksConfig(queues=("ventas", "soporte-*", "*"), keep_days=7)),
        Config(pbx=_ASKS, satisfaction=SatisfactionConfig(limit={"satisfaction": 3, "solved": 1}, queues=("ventas*",))),
    ],
)
def test_what_is_right(config: Config) -> None:
    assert list(findings_of_callbacks(config)) == []
