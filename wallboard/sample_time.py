"""Decides when the sample floor is: the moment that its figures are of."""

from __future__ import annotations

from appliance.core.clock import NS, rfc3339

#: 2026-11-21, 09:03:22 at the site (14:03:22 UTC).
NOW_NS = 1_795_269_802 * NS


def ago(seconds: float) -> str:
    """The moment so long before the sample's now."""
    return rfc3339(NOW_NS - round(seconds * NS))
