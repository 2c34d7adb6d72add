"""Call records at a rig: what a PBX prints after a call stands on the board and reaches the CRM; what is no record does not."""

from __future__ import annotations

import pytest
from rig_bench import Bench

pytestmark = [pytest.mark.rig, pytest.mark.broker]


@pytest.mark.slow
@pytest.mark.wires("printer", "crm", "tv")
def test_a_printed_call_is_a_call(bench: Bench) -> None:
    bench.do("smdr/printer/garbage")
    printed = bench.do("smdr/printer/print", talk=75, ring=4, number="0987654321")
    event = bench.event(printed, "pbx.record", pbx="printer", direction="in", extension="101")
    assert (event["data"]["duration_s"], event["data"]["number"]) == (75, "0987654321")
    bench.sees(printed, "tv/floor", lambda floor: '"records":{"printer":{' in floor and '"incoming":1' in floor)
    bench.stays("mqtt/kinds", 1.0)
    assert bench.kinds()["pbx.record"] == 1
