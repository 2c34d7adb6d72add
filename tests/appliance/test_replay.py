"""A replay shows the floor as it stood when the recording ended, not when its last event happened."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from appliance.core.config import Config, PbxConfig
from appliance.core.errors import CorruptError
from appliance.core.line_config import LinesConfig
from appliance.replay import replay

LOGIN = "Asterisk Call Manager/11.0.0\r\n"
JOIN = (
    "Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nChannel: PJSIP/t-1\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"
    "Queue: ventas\r\nPosition: 1\r\nCount: 1\r\n\r\n"
)
PONG = "Response: Success\r\nPing: Pong\r\n\r\n"


def test_whoever_waits_at_the_end_has_waited_until_the_end(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"capture": 1, "kind": "asterisk", "name": "central", "started": "2026-11-21T14:00:00Z"},
        {"t": 0.1, "data": LOGIN},
        {"t": 20.0, "data": JOIN},
        {"t": 65.5, "data": PONG},
    ]
    path = tmp_path / "capture.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "\n")
    shot = replay(path)
    assert shot.time == "2026-11-21T14:01:05.500Z"
    assert (shot.queues["ventas"].waiting, shot.queues["ventas"].longest_wait) == (1, 45.5)


ROWS: list[dict[str, object]] = [
    {"capture": 1, "kind": "asterisk", "name": "central", "started": "2026-11-21T14:00:00Z"},
    {"t": 0.1, "data": LOGIN},
    {"t": 20.0, "data": JOIN},
]


def test_what_else_a_site_has_is_not_shown_as_down(tmp_path: Path) -> None:
    """The recording is of one PBX; its queues go by the site's names all the same."""
    path = tmp_path / "capture.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    pbx = {key: PbxConfig(kind="asterisk") for key in ("central", "sur")}
    shot = replay(path, Config(pbx=pbx, lines={"l1": LinesConfig(url="serial:///dev/ttyUSB0", queue="otra")}))
    assert list(shot.pbx) == ["central"]
    assert list(shot.queues) == ["central.ventas"]


def test_one_that_was_packed_is_read_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    path, text = tmp_path / "capture.jsonl.gz", "".join(json.dumps(row) + "\n" for row in ROWS)
    path.write_bytes(gzip.compress(text.encode()))
    assert replay(path).queues["ventas"].waiting == 1
    for damaged in (path.read_bytes()[:-12], path.read_bytes()[:30]):
        path.write_bytes(damaged)
        with pytest.raises(CorruptError, match=r"gzip|Compressed"):
            replay(path)
