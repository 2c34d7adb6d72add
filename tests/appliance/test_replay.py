"""A replay shows the floor as it stood when the recording ended, not when its last event happened."""

from __future__ import annotations

import json
from pathlib import Path

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
