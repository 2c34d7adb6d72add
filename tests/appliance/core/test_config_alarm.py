"""Thresholds in the configuration: where each comes from, and every fault with its line, key and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, config_from_toml
from appliance.core.threshold import Rule, Threshold, rule_of
from appliance.floor.floor import settings_mark

HERE = Path("/etc/callfloor/callfloor.toml")


def read(text: str) -> Config:
    return config_from_toml(text, HERE, {})


def faults(text: str) -> list[tuple[int | None, str, str, str]]:
    with pytest.raises(ConfigFaultsError) as caught:
        read(text)
    return [(fault.line, fault.key, fault.fault, fault.mend) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "line", "key", "fault", "mend"),
    [
        ("[alarm]\nhold_s = -1\n", 2, "alarm.hold_s", "not allowed", "0"),
        ("[alarm]\nmin_calls = 0\n", 2, "alarm.min_calls", "not allowed", "1"),
        ("[alarm]\nquiet = ['22-7']\n", 2, "alarm.quiet[0]", "no span of hours", "08:00-18:00"),
        ("[alarm]\nquiet = ['22:00-22:00']\n", 2, "alarm.quiet[0]", "is empty", "00:00-24:00"),
        ("[alarm.every.waitting]\nred = 3\n", 1, "alarm.every.waitting", "no figure", "did you mean waiting?"),
        ("[alarm.every.asa]\nreds = 3\n", 2, "alarm.every.asa.reds", "unknown key", "did you mean red?"),
        ("[alarm.every.waiting]\namber = 3\n", 1, "alarm.every.waiting", "without red", "write red"),
        ("[alarm.every.bc_on_phone]\nred = 0.85\n", 1, "alarm.every.bc_on_phone", "no figure", "waiting"),
        ("[alarm.floor.service_level]\nred = 80\n", 2, "alarm.floor.service_level.red", "no share of 1", "0.8"),
        ("[alarm.floor.service_level]\namber = 0.7\n", 2, "alarm.floor.service_level.amber", "comes after red 0.8", "below"),
        ("[queues.'Atención'.alarm.asa]\namber = 30\n", 2, 'queues."Atención".alarm.asa.amber', "comes after red 15", "above"),
        ("[groups.g]\nqueues = ['a']\n[groups.g.alarm.all_busy_now]\noff = true\n", 3, "groups.g.alarm.all_busy_now", "no figure", "waiting"),
        ("[trunks.p]\nchannels = ['P']\nlines = 2\n[trunks.p.alarm.all_busy_now]\nred = 2\n", 5, "trunks.p.alarm.all_busy_now.red", "busy, or not", "hold_s"),
        ("[trunks.p]\nchannels = ['P']\nlines = 2\nalarm = 7\n", 4, "trunks.p.alarm", "where a table is wanted", "[trunks.p.alarm]"),
    ],
)  # fmt: skip
def test_each_fault_has_its_line_key_and_mend(text: str, line: int, key: str, fault: str, mend: str) -> None:
    found = faults(text)
    assert len(found) == 1, found
    assert found[0][:2] == (line, key)
    assert fault in found[0][2]
    assert mend in found[0][3]


def test_what_stands_nearest_wins_and_a_queue_goes_by_its_own_text() -> None:
    config = read(
        "[kpi]\nasa_max_s = 20\ntarget_s = 10\n[alarm]\nhold_s = 5\n[alarm.every.waiting]\nred = 10\nhold_s = 7\n[alarm.every.longest_wait]\noff = true\n"
        "[queues.'Atención']\ntarget_s = 30\n[queues.'Atención'.alarm.waiting]\namber = 4\n[queues.'Atención'.alarm.longest_wait]\nhold_s = 0\n"
    )
    assert rule_of(config, "floor", "asa") == Rule(Threshold("above", 18.0, 20.0), 5.0)
    assert rule_of(config, "group.g", "waiting") == Rule(Threshold("above", 9.0, 10.0), 7.0)
    assert rule_of(config, "queue.atencion", "waiting") == Rule(Threshold("above", 4.0, 10.0), 7.0)
    assert rule_of(config, "queue.atencion", "longest_wait") == Rule(Threshold("above", 30.0, 120.0), 0.0)
    assert rule_of(config, "queue.ventas", "longest_wait") is None
    assert rule_of(config, "trunk.pstn", "waiting") is None
    assert rule_of(config, "queue.ventas", "all_busy_share") is None


def test_a_threshold_is_no_reason_to_fold_the_day_again() -> None:
    plain = read("[queues.ventas]\ntarget_s = 20\n")
    assert settings_mark(plain) == settings_mark(read("[queues.ventas]\ntarget_s = 20\n[queues.ventas.alarm.asa]\nred = 30\n"))
    assert settings_mark(plain) != settings_mark(read("[queues.ventas]\ntarget_s = 25\n"))
