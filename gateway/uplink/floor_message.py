"""What of the floor goes to the CRM, and when it has changed: the snapshot, thinned where the contract says so.

Agents are left out on floors of more than 100, the windows `interval` and `rolling` above 50 queues, other sites always: whoever
reads the broker has them from their own topics, and a floor that carried theirs would be published with every change of theirs.
Members that tick by themselves are no change.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from appliance.floor.snapshot import Snapshot

AGENTS_MOST: Final = 100
QUEUES_MOST: Final = 50
_TICKING: Final = frozenset({"time", "as_of", "longest_wait", "seconds", "utilisation", "coverage", "all_busy_share"})
_encoder: Final = msgspec.json.Encoder()


def floor_message(snapshot: Snapshot) -> tuple[bytes, bytes]:
    """The payload, and a mark that is the same as long as nothing has changed that counts."""
    document: dict[str, Any] = msgspec.to_builtins(snapshot)
    document["sites"] = document["all_sites"] = None
    if len(document["agents"] or ()) > AGENTS_MOST:
        document["agents"] = None
    if len(document["queues"]) > QUEUES_MOST:
        for queue in (*document["queues"].values(), *document["groups"].values(), document["floor"]):
            queue.pop("interval", None)
            queue.pop("rolling", None)
    return _encoder.encode(document), _encoder.encode(_still(document))


def _still(member: Any) -> Any:
    """The document without what ticks."""
    if isinstance(member, dict):
        return {key: _still(value) for key, value in member.items() if key not in _TICKING}
    if isinstance(member, list):
        return [_still(value) for value in member]
    return member
