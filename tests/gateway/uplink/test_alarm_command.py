"""Alarms towards the CRM over a real broker: events, the floor at once, and the command that says a person has seen one."""

from __future__ import annotations

import msgspec
import pytest

from appliance.core.catalogue import AlarmCleared, AlarmRaised, CommandReceived
from appliance.core.command import digest_of

CMD = "callfloor/1/quito/p3/cmd/"
ALARM = "queue.ventas.abandon_rate"


async def ready(rig, **crm):
    broker = rig.broker()
    consumer = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, **crm)
    box.start()
    await rig.until(lambda: consumer.named("info") and box.link() == "link.up")
    return consumer, box


def acknowledge(consumer, command: str, **args: object) -> None:
    consumer.send(CMD + "acknowledge", msgspec.json.encode({"id": command, "time": "2026-11-21T14:00:00Z", "args": args}))


def replies(consumer, command: str) -> list[dict]:
    return consumer.named(f"reply/{command}")


def ends(box) -> dict[str, dict]:
    rows = [msgspec.json.decode(row.body) for row in box.journal.read(0)]
    return {row["d"]["id"]: row["d"] for row in rows if row["k"] == "command.finished"}


@pytest.mark.broker
async def test_an_alarm_goes_to_the_crm_with_the_floor_at_once_and_is_acknowledged(rig) -> None:
    consumer, box = await ready(rig, floor_every_s=3600.0)
    box.journal.append([box.event(AlarmRaised(alarm=ALARM, level="red"))])
    await rig.until(lambda: consumer.named("floor")[-1]["alarms"], timeout_s=5)
    assert consumer.named("floor")[-1]["alarms"][0]["level"] == "red"
    acknowledge(consumer, "k1", alarm=ALARM)
    await rig.until(lambda: replies(consumer, "k1") and consumer.named("floor")[-1]["alarms"][0]["acknowledged"], timeout_s=5)
    reply = replies(consumer, "k1")[0]
    assert (reply["state"], reply["result"]["alarm"], reply["result"]["level"]) == ("done", ALARM, "red")
    box.journal.append([box.event(AlarmCleared(alarm=ALARM))])
    await rig.until(lambda: consumer.named("floor")[-1]["alarms"] == [], timeout_s=5)
    await rig.until(box.settled)
    told = [event for event in consumer.first_seen() if event["type"].startswith("callfloor.alarm.")]
    assert [event["type"] for event in told] == [f"callfloor.alarm.{what}.v1" for what in ("raised", "acknowledged", "cleared")]
    assert told[1]["data"] == {"alarm": ALARM, "by": "crm"}


@pytest.mark.broker
async def test_what_does_not_stand_cannot_be_acknowledged_and_twice_is_once(rig) -> None:
    consumer, box = await ready(rig)
    acknowledge(consumer, "k1", alarm=ALARM)
    await rig.until(lambda: replies(consumer, "k1"))
    assert replies(consumer, "k1")[0]["state"] == "failed"
    assert "no alarm queue.ventas.abandon_rate is raised" in replies(consumer, "k1")[0]["reason"]
    box.journal.append([box.event(AlarmRaised(alarm=ALARM, level="amber"))])
    acknowledge(consumer, "k2", alarm=ALARM)
    acknowledge(consumer, "k3", alarm=ALARM)
    acknowledge(consumer, "k4")
    await rig.until(lambda: replies(consumer, "k2") and replies(consumer, "k3") and replies(consumer, "k4"))
    assert replies(consumer, "k2")[0]["state"] == "done"
    assert replies(consumer, "k3")[0]["result"]["acknowledged"]
    assert replies(consumer, "k4")[0]["reason"].startswith("bad_args")
    assert box.kinds().count("alarm.acknowledged") == 1


async def test_a_command_of_the_box_itself_needs_no_crm(rig) -> None:
    box = rig.box(())
    args = {"alarm": ALARM}
    box.journal.append([box.event(AlarmRaised(alarm=ALARM, level="red"))])
    received = CommandReceived(id="local-1", verb="acknowledge", args=args, by="local", digest=digest_of("acknowledge", args))
    box.journal.append([box.event(received)])
    box.start()
    await rig.until(lambda: ends(box))
    assert ends(box)["local-1"]["state"] == "done"
    # The effect and the end are one transaction: between them no kill can come.
    rows = [(row.seq, msgspec.json.decode(row.body)) for row in box.journal.read(0)]
    seqs = {row["k"]: seq for seq, row in rows}
    assert seqs["command.finished"] == seqs["alarm.acknowledged"] + 1
    await box.stop()
    box.start()
    ping = CommandReceived(id="local-2", verb="ping", by="local", digest=digest_of("ping", {}))
    box.journal.append([box.event(ping)])
    await rig.until(lambda: "local-2" in ends(box))
    assert box.kinds().count("alarm.acknowledged") == 1
