"""The schema of the floor snapshot: which members are always there, and the units that their names do not tell."""

from __future__ import annotations

from typing import Final

from appliance.floor.snapshot import Snapshot
from appliance.schema.json_schema import DIALECT, Schema, components

_SECONDS: Final = "longest_wait wait_sum wait_max talk_sum hold_sum wrap_up_sum target asa talk_avg aht ring_avg"
_SHARES: Final = (
    "service_level abandon_rate coverage fcr repeat_call_share self_service_share all_busy_share blocked_share ab_allocation "
    "bc_on_phone cd_availability bd_utilisation mean"
)
UNITS: Final = {**dict.fromkeys(_SECONDS.split(), "s"), **dict.fromkeys(_SHARES.split(), "1")}
#: What tells of one employee. Callers never appear in a snapshot.
STAFF: Final = {
    ("Agent", "name"), ("Agent", "reason"), ("Agent", "satisfaction"),
    *(("Headset", name) for name in ("agent", "hook", "mute", "findings")),
}  # fmt: skip
#: A consumer may count on these; any other member may be missing, which means not known, as null does.
ALWAYS: Final = ["v", "site", "box", "seq", "time"]


def shapes(ref: str = "#/$defs/{name}") -> tuple[Schema, dict[str, Schema]]:
    """A reference to the snapshot's schema and the components behind it."""
    (reference,), found = components([Snapshot], ref)
    for name, schema in found.items():
        for member, content in schema.get("properties", {}).items():
            unit = "s" if name == "Seconds" else UNITS.get(member)
            if unit:
                content.setdefault("x-unit", unit)
            if (name, member) in STAFF:
                content["x-privacy"] = "staff"
    found["Snapshot"]["required"] = ALWAYS
    return reference, found


def document() -> Schema:
    """`callfloor schema floor`: the snapshot, the same over HTTP, MQTT and the command line."""
    reference, found = shapes()
    return {"$schema": DIALECT, "$id": "urn:callfloor:1:floor", "title": "The floor snapshot", **reference, "$defs": found}
