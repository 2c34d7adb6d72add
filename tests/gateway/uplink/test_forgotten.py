"""A number that was forgotten, as the CRM sees it: told which events had it, by number, and given the mark when it asks again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import main
from appliance.core.catalogue import CallAnswered, CallQueued

pytestmark = pytest.mark.broker
CMD = "callfloor/1/quito/p3/cmd/"
CONFIG = """
[site]
name = "quito"
box = "p3"
timezone = "UTC"

[journal]
path = "{folder}/journal.db"
run_dir = "{folder}/run"

[crm]
url = "{url}"
events = ["call"]
"""


async def test_the_crm_is_told_and_gets_the_mark(rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, events=("call",))
    mind = {"call": "e-1", "pbx": "central", "queue": "ventas"}
    box.journal.append([box.event(CallQueued(**mind, caller="0991234567")), box.event(CallQueued(**mind, caller="0981111111"))])
    box.journal.append([box.event(CallAnswered(**mind, caller="+593991234567", wait_s=3.0))])
    box.start()
    await rig.until(box.settled)
    before = {event["delivery"]: event for event in crm.events}
    config = tmp_path / "callfloor.toml"
    config.write_text(CONFIG.format(folder=tmp_path, url=broker.url), encoding="utf-8")
    await rig.until(lambda: box.journal.cursor("uplink").n >= len(before))  # it is saved once a second

    assert main(["privacy", "forget", "593 99 123 4567", "-c", str(config), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    await rig.until(lambda: [event for event in crm.events if event["type"] == "callfloor.privacy.forgotten.v1"])
    (notice,) = [event["data"] for event in crm.events if event["type"] == "callfloor.privacy.forgotten.v1"]
    had = [int(delivery) for delivery, event in before.items() if "991234567" in event["data"].get("caller", "")]
    assert notice == {"mark": told["mark"], "deliveries": had}
    assert len(had) == 2

    crm.send(CMD + "resend", json.dumps({"id": "r-1", "args": {"from": had[0], "to": had[-1]}}).encode())
    await rig.until(lambda: [reply for reply in crm.named("reply/r-1") if reply["state"] == "done"])
    again = {event["delivery"]: event for event in crm.events if event.get("late")}
    for delivery, event in again.items():
        was = before[delivery]
        expected = told["mark"] if int(delivery) in had else "0981111111"
        assert event["data"] == {**was["data"], "caller": expected}
        assert {key: value for key, value in event.items() if key not in ("data", "late")} == {
            key: value for key, value in was.items() if key not in ("data", "late")
        }
    assert len(again) == 3
