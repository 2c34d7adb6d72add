"""What a running box publishes on a real broker, and what it takes, fits the published schemas: by two validators that share no code."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from appliance.core.catalogue import KINDS, CallRinging
from appliance.core.config import Commands
from appliance.core.due import due_kinds
from appliance.schema import command
from appliance.schema.example import EXAMPLES

pytestmark = pytest.mark.broker
DOCS = Path(__file__).parents[3] / "docs"
CMD = "callfloor/1/quito/p3/cmd/"


def published(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DOCS / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    return document


class Judge:
    """Both validators of every schema, made once."""

    def __init__(self) -> None:
        events, link = published("events"), published("link")
        schemas = {"floor": published("floor"), **{name: {**link, "$ref": f"#/$defs/{name}"} for name in link["$defs"]}}
        for one in events["oneOf"]:
            schemas[one["properties"]["type"]["const"]] = {**one, "$defs": events["$defs"], "$schema": events["$schema"]}
        checker = jsonschema.FormatChecker()
        self.pairs = {
            name: (
                jsonschema.Draft202012Validator(schema, format_checker=checker),
                jsonschema_rs.validator_for(schema, validate_formats=True),
            )
            for name, schema in schemas.items()
        }

    def faults(self, topic: str, payload: Any) -> list[str]:
        """What is wrong with a message. Its topic must be that of its type, too."""
        group, *rest = topic.split("/")[4:]
        name = payload["type"] if group == "event" else group
        if group == "event" and name != f"callfloor.{'.'.join(rest)}.v1":
            return [f"{name} on {topic}"]
        slow, fast = self.pairs[name]
        told = [f"{topic}: {error.json_path} {error.message}" for error in slow.iter_errors(payload)]
        assert fast.is_valid(payload) == (not told), (topic, payload, "the validators differ")
        return told


async def test_everything_that_a_box_says(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, commands=Commands(allow=tuple(command.VERBS)))
    box.start()
    await rig.until(lambda: crm.named("info") and box.link() == "link.up")
    box.journal.append([box.event(data) for data in EXAMPLES])
    box.journal.append([box.event(CallRinging(call="c-1", pbx="central", queue="ventas", agent="agente-101", caller="+12025550143"))])
    for verb in command.VERBS:
        crm.send(CMD + verb, json.dumps({**command.example(verb), "id": f"c-{verb.replace('_', '-')}"}).encode())
    crm.send(CMD + "ping", b'{"id": "c-old", "expires": "2020-01-01T00:00:00Z"}')
    due = due_kinds(box.config)
    await rig.until(
        lambda: box.account().waiting == 0 and {event["type"] for event in crm.events} >= {f"callfloor.{kind}.v1" for kind in due}
    )
    await rig.until(lambda: len({reply["id"] for reply in crm.named("reply/")}) > len(command.VERBS) and crm.named("pop/"))
    await box.stop()
    await rig.until(lambda: crm.named("status")[-1]["state"] == "offline")
    judge, seen = Judge(), Counter[str]()
    for message in list(crm.messages):
        group = message.topic.split("/")[4]
        if group != "cmd":
            seen[group] += 1
            assert judge.faults(message.topic, json.loads(message.payload)) == []
    assert seen.keys() == {"status", "info", "floor", "event", "pop", "reply"}
    assert len({event["type"] for event in crm.events}) == len(due) > 40
    assert {reply["state"] for reply in crm.named("reply/")} >= {"done", "refused", "expired"}


def test_the_judge_finds_what_does_not_fit() -> None:
    judge = Judge()
    examples = json.loads((DOCS / "examples.json").read_text(encoding="utf-8"))["messages"]
    outgoing = [row for row in examples if "/cmd/" not in row["topic"]]
    assert len(outgoing) >= len(KINDS) + 10
    for row in outgoing:
        assert judge.faults(row["topic"], row["payload"]) == []
        for name in row["payload"]:
            assert name in ("type", "id") or judge.faults(row["topic"], {**row["payload"], name: [[]]}), name
        assert "/event/" not in row["topic"] or judge.faults(row["topic"].replace("/event/", "/event/no-"), row["payload"])
