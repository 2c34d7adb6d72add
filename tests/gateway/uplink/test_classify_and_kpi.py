"""What the CRM tells of calls and of its other channels, over a real broker: classes, the alarm of an extraordinary call, figures."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from appliance.core.catalogue import (
    AlarmRaised,
    CallAnswered,
    CallAttempted,
    CallClassified,
    CallEnded,
    CallQueued,
    CommandReceived,
    HeadsetAttached,
    PbxResynced,
    PbxUp,
)
from appliance.core.classification_config import Classification
from appliance.core.clock import NS, rfc3339
from appliance.core.command import digest_of
from appliance.core.config import AgentConfig, Config
from appliance.core.headset_config import HeadsetsConfig, SeatConfig
from appliance.core.journal_sqlite import SqliteJournal
from appliance.floor_view import FloorView
from gateway.uplink import known_calls

CMD = "callfloor/1/quito/p3/cmd/"
SIGHT = (PbxUp(pbx="p"), PbxResynced(pbx="p"))


async def ready(rig: Any, config: dict[str, Any] | None = None, **crm: Any) -> tuple[Any, Any, Any]:
    broker = rig.broker()
    consumer = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, **crm)
    box.context = replace(box.context, config=replace(box.config, **(config or {})))
    box.journal.append([box.event(data) for data in SIGHT])
    box.start()
    await rig.until(lambda: consumer.named("info") and box.link() == "link.up")
    return broker, consumer, box


class Sender:
    """Sends commands and waits for the one end of each."""

    def __init__(self, rig: Any, consumer: Any) -> None:
        self._rig, self._consumer, self._sent = rig, consumer, 0

    async def __call__(self, verb: str, **args: Any) -> dict[str, Any]:
        self._sent += 1
        command = f"c-{self._sent}"
        self._consumer.send(CMD + verb, msgspec.json.encode({"id": command, "time": "2026-11-21T14:00:00Z", "args": args}))
        await self._rig.until(lambda: self._consumer.named(f"reply/{command}"))
        return dict(self._consumer.named(f"reply/{command}")[0])


def talk(box: Any, call: str, queue: str = "ventas", agent: str = "ana", *, ends: bool = True) -> None:
    visit = f"{call}.1"
    told = [
        CallQueued(call=call, pbx="p", visit=visit, queue=queue, caller="0991234567"),
        CallAnswered(call=call, pbx="p", visit=visit, queue=queue, agent=agent, wait_s=1),
    ]
    if ends:
        told.append(CallEnded(call=call, pbx="p", visit=visit, queue=queue, agent=agent, talk_s=2))
    box.journal.append([box.event(data) for data in told])


def of(box: Any, kind: str) -> list[dict[str, Any]]:
    return [row["d"] for entry in box.journal.read(0) if (row := msgspec.json.decode(entry.body))["k"] == kind]


@pytest.mark.broker
async def test_a_class_is_told_with_whose_call_it_was_and_counted_once(rig: Any) -> None:
    _, consumer, box = await ready(rig)
    send = Sender(rig, consumer)
    talk(box, "k1")
    talk(box, "k2", "soporte", "luis")
    reply = await send("classify", call="k1", type="perfect", topic="factura", reason="cobro", subreason="doble", question="¿cuándo?")
    assert (reply["state"], reply["result"]) == ("done", {"type": "perfect", "agent": "ana", "queue": "ventas"})
    (told,) = of(box, "call.classified")
    assert 0 <= told.pop("age_s") < 60
    assert told == {
        "call": "k1", "pbx": "p", "visit": "k1.1", "queue": "ventas", "agent": "ana",
        "type": "perfect", "topic": "factura", "reason": "cobro", "subreason": "doble", "question": "¿cuándo?",
    }  # fmt: skip
    assert (await send("classify", call="k1", type="improper"))["state"] == "done"
    assert (await send("classify", call="k2", topic="visita"))["state"] == "done"
    await rig.until(lambda: consumer.named("floor")[-1]["floor"]["today"]["classes"] == {"improper": 1})
    floor = consumer.named("floor")[-1]
    assert floor["queues"]["ventas"]["today"]["classes"] == {"improper": 1}
    assert floor["queues"]["soporte"]["today"]["classes"] == {}
    assert floor["alarms"] == []


UNCLASSIFIED = [
    ({"call": "nobody", "type": "perfect"}, "failed", "unknown_call"),
    ({"call": "k1", "type": "splendid"}, "failed", "unknown_type"),
    ({"call": "k1"}, "refused", "bad_args: nothing to classify by"),
    ({"call": "k1", "type": "perfect", "colour": "red"}, "refused", "bad_args"),
    ({"call": "k1", "topic": "x" * 129}, "refused", "bad_args"),
    ({"type": "perfect"}, "refused", "bad_args"),
    ({"call": ["k1"], "type": "perfect"}, "refused", "bad_args"),
]


@pytest.mark.broker
async def test_what_cannot_be_classified_is_told_why(rig: Any) -> None:
    _, consumer, box = await ready(rig)
    talk(box, "k1")
    send = Sender(rig, consumer)
    for args, state, reason in UNCLASSIFIED:
        reply = await send("classify", **args)
        assert (reply["state"], reply["reason"].startswith(reason)) == (state, True), (args, reply)
    assert of(box, "call.classified") == []


@pytest.mark.broker
async def test_an_extraordinary_call_raises_the_alarm_with_the_agents_seat(rig: Any) -> None:
    seats = HeadsetsConfig(seat={"a12": SeatConfig(url="sim:/nowhere", agent="ana")})
    own = {"headsets": seats, "classification": Classification(alarm_s=0.5)}
    _, consumer, box = await ready(rig, own, floor_every_s=3600.0)
    send = Sender(rig, consumer)
    talk(box, "k1", ends=False)
    assert (await send("classify", call="k1", type="extraordinary"))["state"] == "done"
    await rig.until(lambda: consumer.named("floor")[-1]["alarms"], timeout_s=5)
    (alarm,) = consumer.named("floor")[-1]["alarms"]
    assert (alarm["id"], alarm["level"], alarm["agent"], alarm["seat"]) == ("call.extraordinary.ana", "red", "ana", "a12")
    assert of(box, "alarm.raised") == [{"alarm": "call.extraordinary.ana", "level": "red", "agent": "ana", "seat": "a12", "call": "k1"}]
    reply = await send("acknowledge", alarm="call.extraordinary.ana")
    assert reply["state"] == "done"
    await rig.until(lambda: consumer.named("floor")[-1]["alarms"][0]["acknowledged"], timeout_s=5)
    assert of(box, "alarm.cleared") == [], "seen, and the call goes on"
    box.journal.append([box.event(CallEnded(call="k1", pbx="p", visit="k1.1", queue="ventas", agent="ana", talk_s=9))])
    await rig.until(lambda: consumer.named("floor")[-1]["alarms"] == [], timeout_s=5)
    # The next one nobody acknowledges: it goes by itself after the call's end.
    talk(box, "k2")
    await send("classify", call="k2", type="extraordinary")
    await rig.until(lambda: [told["call"] for told in of(box, "alarm.raised")] == ["k1", "k2"])
    await rig.until(lambda: len(of(box, "alarm.cleared")) == 2, timeout_s=10)


async def test_the_dialplans_class_raises_it_without_a_crm_once_whatever_is_killed(rig: Any) -> None:
    box = rig.box(())
    box.context = replace(box.context, config=replace(box.config, agents={"ana": AgentConfig(seat="b3")}))
    talk(box, "k1", ends=False)
    box.journal.append([box.event(HeadsetAttached(seat="a7", agent="luis", product="H")), box.event(SIGHT[0])])
    for call, agent in (("k1", "ana"), ("k2", "luis"), ("k3", None)):
        box.journal.append([box.event(CallClassified(call=call, pbx="p", agent=agent, type="extraordinary"))])
    for _ in range(3):
        box.start()
        await rig.until(lambda: len(of(box, "alarm.raised")) == 3)
        await box.stop()
    told = {(one["alarm"], one.get("seat")) for one in of(box, "alarm.raised")}
    assert told == {("call.extraordinary.ana", "b3"), ("call.extraordinary.luis", "a7"), ("call.extraordinary", None)}
    assert len(of(box, "alarm.raised")) == 3
    box.journal.append([box.event(CallClassified(call="k1", pbx="p", agent="ana", type="imperfect"))])
    box.journal.append([box.event(AlarmRaised(alarm="call.extraordinary.nobody", level="red"))])
    box.start()
    await rig.until(lambda: len(of(box, "alarm.cleared")) == 2)
    assert {one["alarm"] for one in of(box, "alarm.cleared")} == {"call.extraordinary.ana", "call.extraordinary.nobody"}


async def test_which_calls_are_known(rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_calls, "CALLS_KEPT", 3)
    box = rig.box(())
    calls = known_calls.KnownCalls(box.journal)
    talk(box, "k1")
    box.journal.append([box.event(CallQueued(call="k1", pbx="p", visit="k1.2", queue="soporte", waited_s=30.0))])
    known = await calls.get("k1")
    assert known is not None
    assert (known.visit, known.queue, known.agent) == ("k1.1", "ventas", "ana"), "it waits again, and nobody has taken it yet"
    box.journal.append([box.event(CallAnswered(call="k1", pbx="p", visit="k1.2", queue="soporte", agent="luis", wait_s=31.0))])
    known = await calls.get("k1")
    assert known is not None
    assert (known.visit, known.queue, known.agent, 30 <= (known.age_s(box.clock) or 0) < 60) == ("k1.2", "soporte", "luis", True)
    box.journal.append([box.event(CallAttempted(call="out", pbx="p", agent="ana", command="c", outcome="answered"))])
    out = await calls.get("out")
    assert out is not None
    assert (out.visit, out.agent, out.age_s(box.clock)) == (None, "ana", None)
    for call in ("k2", "k3", "k4"):
        talk(box, call)
    assert [await calls.get(call) is not None for call in ("k1", "out", "k2", "k3", "k4")] == [False, False, True, True, True]
    assert await known_calls.KnownCalls(box.journal).get("k4") is not None, "after a restart the journal tells"
    assert await calls.get("k9") is None


@pytest.mark.broker
async def test_other_channels_stand_with_their_age_and_are_stale_when_the_crm_is_away(rig: Any) -> None:
    broker, consumer, box = await ready(rig)
    send = Sender(rig, consumer)
    now = rfc3339(box.clock.wall_ns())
    email = {"title": "Correo", "waiting": 12, "longest_wait": 1800.5, "service_level_of": [30, 40], "target_s": 3600}
    reply = await send("kpi", as_of=now, fcr=0.83, paid_seconds=1000, channels={"email": email, "fax": {"waiting": 0}})
    assert (reply["state"], reply["result"]) == ("done", {"as_of": now})
    await rig.until(lambda: consumer.named("floor")[-1]["channels"])
    floor = consumer.named("floor")[-1]
    shown = floor["channels"]["email"]
    assert (shown["title"], shown["fresh"], shown["as_of"], shown["waiting"], shown["service_level"]) == ("Correo", "live", now, 12, 0.75)
    assert shown["longest_wait"] >= 1800.5
    assert (floor["channels"]["fax"]["waiting"], floor["channels"]["fax"]["longest_wait"]) == (0, None)
    assert floor["floor"]["today"]["fcr"] == 0.83
    # What comes late, as from a broker's queue, does not take the place of what is newer.
    old = rfc3339(box.clock.wall_ns() - 600 * NS)
    reply = await send("kpi", as_of=old, channels={"email": {"waiting": 99}})
    assert (reply["state"], reply["reason"].startswith("older: ")) == ("failed", True)
    reply = await send("kpi", as_of=old, fcr=0.1, channels={"email": {"waiting": 99}, "chat": {"waiting": 3}})
    assert (reply["state"], reply["result"]) == ("done", {"as_of": old, "older": ["channels.email", "fcr"]})
    await rig.until(lambda: "chat" in consumer.named("floor")[-1]["channels"])
    assert consumer.named("floor")[-1]["channels"]["email"]["waiting"] == 12
    assert len(of(box, "kpi.told")) == 2
    broker.kill()
    board = FloorView(box.journal, box.context.config, box.clock)
    await rig.until(lambda: not board.catch_up() and board.floor.state.link.state != "up")
    away = board.snapshot().channels["email"]
    assert (away.fresh, away.waiting, away.longest_wait, away.as_of) == ("stale", 12, 1800.5, now)


NO_FIGURES = [
    ({"fcr": 0.8}, "refused", "bad_args"),
    ({"as_of": "now", "fcr": 0.8}, "refused", "bad_args"),
    ({"as_of": "2026-11-21T14:00:00", "fcr": 0.8}, "refused", "bad_args"),
    ({"as_of": "0001-01-01T00:00:00+14:00", "fcr": 0.8}, "refused", "bad_args"),
    ({"as_of": "NOW", "fcr": 1.2}, "refused", "bad_args"),
    ({"as_of": "NOW"}, "refused", "bad_args: no figure"),
    ({"as_of": "NOW", "channels": {"E Mail": {"waiting": 1}}}, "refused", "bad_args: channels"),
    ({"as_of": "NOW", "channels": {"email": {"waiting": -1}}}, "refused", "bad_args: channels.email"),
    ({"as_of": "NOW", "channels": {"email": {"waiting": 1.5}}}, "refused", "bad_args: channels.email"),
    ({"as_of": "NOW", "channels": {"email": {"service_level_of": [5, 4]}}}, "refused", "bad_args: channels.email"),
    ({"as_of": "NOW", "channels": {"email": {"colour": 1}}}, "refused", "bad_args: channels.email"),
    ({"as_of": "NOW", "channels": {f"c{n}": {} for n in range(65)}}, "refused", "bad_args: at most 64"),
    ({"as_of": "LATER", "fcr": 0.8}, "failed", "future"),
    ({"as_of": "NOW", "channels": {"email": {"waiting": 1, "as_of": "LATER"}}}, "failed", "future"),
]


@pytest.mark.broker
async def test_figures_that_are_none_are_told_why(rig: Any) -> None:
    _, consumer, box = await ready(rig)
    send, now = Sender(rig, consumer), box.clock.wall_ns()
    for args, state, reason in NO_FIGURES:
        text = msgspec.json.encode(args).replace(b"NOW", rfc3339(now).encode()).replace(b"LATER", rfc3339(now + 600 * NS).encode())
        reply = await send("kpi", **msgspec.json.decode(text))
        assert (reply["state"], reply["reason"].startswith(reason)) == (state, True), (args, reply)
    assert of(box, "kpi.told") == []


async def test_the_box_itself_may_tell_figures_and_they_survive_a_restart(rig: Any, tmp_path: Any) -> None:
    box = rig.box(())
    args = {"as_of": rfc3339(box.clock.wall_ns()), "channels": {"email": {"waiting": 4}}}
    box.journal.append([box.event(CommandReceived(id="l1", verb="kpi", args=args, by="local", digest=digest_of("kpi", args)))])
    box.start()
    await rig.until(lambda: of(box, "kpi.told"))
    await box.close()
    with closing(SqliteJournal.open(box.config.journal.path, run_dir=box.config.journal.run_dir)) as journal:
        view = FloorView(journal, Config(), box.clock)
        view.catch_up()
        shown = view.snapshot().channels["email"]
    assert (shown.waiting, shown.fresh) == (4, "live")
