"""The schema of the trend document, `GET /api/trend`."""

from __future__ import annotations

from appliance.floor.trend import Trend
from appliance.schema.json_schema import DIALECT, Schema, components


def document() -> Schema:
    """`callfloor schema trend`: the last hour and last week, as boards draw them."""
    (reference,), found = components([Trend])
    for name in ("today_until", "from"):
        found["LastWeek"]["properties"][name]["format"] = "date-time"
    found["LastWeek"]["properties"]["day"]["format"] = "date"
    return {"$schema": DIALECT, "$id": "urn:callfloor:1:trend", "title": "The last hour and last week", **reference, "$defs": found}
