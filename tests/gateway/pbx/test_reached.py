"""A call out that was answered is told with its line's release, whoever dialled it: by an Asterisk as recorded."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from appliance.core.catalogue import LineReleased
from appliance.core.config import Config, TrunkConfig
from gateway.pbx.replay_feed import feed_capture

_S6 = Path(__file__).parents[2] / "captures" / "S6_trunk"


def test_the_recorded_calls_out() -> None:
    """What the PBX's own bookkeeping says of the calls that people dialled: the same were answered, and no other."""
    trunks = {key: TrunkConfig(channels=(f"PJSIP/trunk-{key}",), lines=9) for key in ("norte", "sur")}
    with gzip.open(_S6 / "lean.jsonl.gz", "rb") as lines:
        events = [each for _, told in feed_capture(lines, Config(trunks=trunks)) for each in told]
    outbound = json.loads((_S6 / "truth.json").read_text())["cdr"]["outbound"]
    dialled = {row["number"] for row in outbound}
    reached = [each.reached for each in events if isinstance(each, LineReleased) and each.reached in dialled]
    assert sorted(reached) == sorted(row["number"] for row in outbound if row["disposition"] == "ANSWERED" and row["dstchannel"])
    assert reached
