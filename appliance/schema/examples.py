"""One example of every message on every topic, for whoever writes the first test of a consumer."""

from __future__ import annotations

from typing import Any

from appliance.schema import asyncapi


def document() -> dict[str, Any]:
    """`callfloor schema examples`: a list of messages, each with its topic (that of the examples' box), retain and payload."""
    whole = asyncapi.document()
    messages, operations = whole["components"]["messages"], whole["operations"]
    rows = []
    for name, message in messages.items():
        retain = operations[name]["bindings"]["mqtt"]["retain"]
        for example in message["examples"]:
            topic = asyncapi.topic_of(message["x-topic"], example["payload"])
            rows.append({"name": example["name"], "topic": topic, "retain": retain, "payload": example["payload"]})
    return {"title": "One example of every message", "messages": rows}
