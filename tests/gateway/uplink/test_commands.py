"""Commands from the CRM over a real broker: once each, durable before they are acknowledged, one end each."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.command import digest_of
from appliance.core.config import Beacon, Commands, Wallboard
from appliance.core.errors import TransientError
from gateway.uplink import inbox, ledger, service
from gateway.uplink.executor import OWNER
from gateway.uplink.inbox import UNUSABLE_MOST

pytestmark = pytest.mark.broker
CMD = "callfloor/1/quito/p3/cmd/"


def payload(command: str, args: dict | None = None, **more: object) -> bytes:
    return msgspec.json.encode({"id": command, "time": "2026-11-21T14:00:00Z", "args": args or {}, **more})


async def ready(rig, **crm):
    broker = rig.broker()
    crm_side = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, **crm)
    box.start()
    await rig.until(lambda: crm_side.named("info") and box.link() == "link.up")
    return broker, crm_side, box


def replies(crm_side, command: str) -> list[dict]:
    return [reply for reply in crm_side.named(f"reply/{command}") if reply["id"] == command]


def finished(box, command: str) -> list[dict]:
    rows, ends = box.journal.read(0), []
    while rows:
        for row in rows:
            body = msgspec.json.decode(row.body)
            if body["k"] == "command.finished" and body["d"]["id"] == command:
                ends.append(body["d"])
        rows = box.journal.read(rows[-1].seq)
    return ends


async def test_announce_is_shown_withdrawn_and_answered(rig) -> None:
    _, crm, box = await ready(rig)
    crm.send(CMD + "announce", payload("a1", {"text": "Capacitación a las 15:00", "severity": "warning"}))
    await rig.until(lambda: replies(crm, "a1"))
    assert replies(crm, "a1") == [{"id": "a1", "state": "done", "reason": None, "result": {"announcement": "a1"}}]
    await rig.until(lambda: any(floor["announcements"] for floor in crm.named("floor")))
    assert crm.named("floor")[-1]["announcements"][0]["text"] == "Capacitación a las 15:00"
    crm.send(CMD + "withdraw", payload("w1", {"announcement": "a1"}))
    await rig.until(lambda: replies(crm, "w1"))
    assert replies(crm, "w1")[0]["state"] == "done"
    await rig.until(lambda: crm.named("floor")[-1]["announcements"] == [])
    crm.send(CMD + "withdraw", payload("w2", {"announcement": "a1"}))
    await rig.until(lambda: replies(crm, "w2"))
    assert replies(crm, "w2")[0]["state"] == "failed"
    assert [kind for kind in box.kinds() if kind.startswith("announcement.")] == ["announcement.shown", "announcement.ended"]


async def test_a_repeat_gets_the_first_answer_and_runs_nothing(rig) -> None:
    _, crm, box = await ready(rig)
    for _ in range(3):
        crm.send(CMD + "announce", payload("a1", {"text": "Hola", "severity": "info"}))
    crm.send(CMD + "announce", payload("a1", {"severity": "info", "text": "Hola"}))
    crm.send(CMD + "announce", payload("a1", {"text": "Otra cosa"}))
    crm.send(CMD + "ping", payload("a1"))
    await rig.until(lambda: len(replies(crm, "a1")) >= 6)
    states = [(reply["state"], reply["reason"]) for reply in replies(crm, "a1")]
    assert states.count(("refused", "id_reused")) == 2
    assert {state for state, _ in states} <= {"accepted", "done", "refused"}
    assert box.kinds().count("announcement.shown") == 1
    assert box.kinds().count("command.received") == 1
    assert len(finished(box, "a1")) == 1


@pytest.mark.parametrize(
    ("verb", "args", "more", "state", "reason"),
    [
        ("announce", {"text": ""}, {}, "refused", "bad_args"),
        ("announce", {"text": "x", "colour": "red"}, {}, "refused", "bad_args"),
        ("announce", {"text": "x", "from": "2026-11-21T15:00:00Z", "until": "2026-11-21T14:00:00Z"}, {}, "refused", "bad_args"),
        ("announce", {"text": "x", "until": "tomorrow"}, {}, "refused", "bad_args"),
        ("ping", {}, {"expires": "2020-01-01T00:00:00Z"}, "expired", "expired at"),
        ("ping", {}, {"expires": "soon"}, "refused", "bad_expires"),
        ("hangup", {"agent": "ana"}, {"expires": "2099-01-01T00:00:00Z"}, "refused", "not_allowed"),
        ("beacon", {"lamp": "l"}, {}, "refused", "unsupported"),
        ("selfdestruct", {}, {}, "refused", "unknown_verb"),
    ],
)
async def test_what_may_not_run_is_told_why(rig, verb: str, args: dict, more: dict, state: str, reason: str) -> None:
    _, crm, box = await ready(rig)
    crm.send(CMD + verb, payload("c1", args, **more))
    await rig.until(lambda: replies(crm, "c1"))
    reply = replies(crm, "c1")[0]
    assert (reply["state"], reply["reason"].startswith(reason)) == (state, True)
    assert len(finished(box, "c1")) == 1


async def test_a_command_of_another_service_waits_for_its_owner(rig) -> None:
    """The boards' service carries out `beacon`; here its end is appended as it would."""
    _, crm, box = await ready(rig, wallboard=Wallboard(beacon={"torre": Beacon(red=22)}))
    crm.send(CMD + "beacon", payload("b1", {"lamp": "torre.red"}))
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: replies(crm, "p1"))
    assert (replies(crm, "b1"), finished(box, "b1"), box.kinds().count("command.received")) == ([], [], 2)
    await box.context.emit(CommandFinished(id="b1", state="done", result={"lamps": ["torre.red"]}), name="wallboard")
    await rig.until(lambda: replies(crm, "b1"))
    assert replies(crm, "b1")[0]["state"] == "done"
    crm.send(CMD + "beacon", payload("b1", {"lamp": "torre.red"}))
    await rig.until(lambda: len(replies(crm, "b1")) > 1)
    assert box.kinds().count("command.received") == 2, "a repeat gets the first reply"


async def test_the_configuration_decides_what_is_allowed(rig) -> None:
    _, crm, _ = await ready(rig, commands=Commands(allow=("withdraw",)))
    crm.send(CMD + "ping", payload("c1"))
    await rig.until(lambda: replies(crm, "c1"))
    assert "not in [commands] allow" in replies(crm, "c1")[0]["reason"]


async def test_the_answer_also_goes_where_the_sender_asks(rig) -> None:
    broker, crm, _ = await ready(rig)
    desk = rig.consumer(broker, "desk/answers")
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = "desk/answers"
    properties.CorrelationData = b"\x00\xff 7"
    crm.send(CMD + "ping", payload("p1"), properties)
    await rig.until(lambda: desk.messages)
    assert desk.messages[0].properties.CorrelationData == b"\x00\xff 7"
    assert msgspec.json.decode(desk.messages[0].payload)["state"] == "done"
    crm.send(CMD + "ping", b'{"id": "Not A Slug"}', properties)
    await rig.until(lambda: len(desk.messages) > 1)
    assert msgspec.json.decode(desk.messages[1].payload)["state"] == "refused"
    properties.ResponseTopic = "callfloor/1/quito/p3/floor"
    crm.send(CMD + "ping", payload("p2"), properties)
    await rig.until(lambda: replies(crm, "p2"))
    assert "state" not in crm.named("floor")[-1]


async def test_rubbish_is_journalled_and_harms_nothing(rig) -> None:
    _, crm, box = await ready(rig)
    for rubbish in (b"", b"\xff\xfe", b"[]", b'{"id": 7}', b'{"id": ""}', b"[" * 5000, b'{"args": {}}'):
        crm.send(CMD + "ping", rubbish)
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: replies(crm, "p1"))
    assert replies(crm, "p1")[0]["state"] == "done"
    assert len(finished(box, "")) == 7


async def test_a_command_waits_for_a_card_that_is_read_only_and_the_link_stands(rig) -> None:
    """The kernel sets a failing card read-only: the drain must go on beside a command that cannot be made durable."""
    _, crm, box = await ready(rig)
    births = len(crm.named("info"))
    with box.journal._locked():
        box.journal._store._db.execute("PRAGMA query_only=ON")
    crm.send(CMD + "ping", payload("p1"))
    await asyncio.sleep(1.5)
    assert box._task is not None
    assert not box._task.done()
    with box.journal._locked():
        box.journal._store._db.execute("PRAGMA query_only=OFF")
    await rig.until(lambda: replies(crm, "p1"))
    assert len(crm.named("info")) == births, "the connection is the same"


async def test_a_flood_of_rubbish_does_not_fill_the_journal(rig) -> None:
    _, crm, box = await ready(rig)
    for number in range(UNUSABLE_MOST + 30):
        crm.send(CMD + "ping", b"rubbish %d" % number)
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: replies(crm, "p1"))
    assert len(finished(box, "")) == UNUSABLE_MOST


async def test_more_commands_than_are_remembered_are_refused_and_leave_nothing(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST", 2)
    _, crm, box = await ready(rig)
    for number in range(5):
        crm.send(CMD + "ping", payload(f"p{number}"))
    await rig.until(lambda: replies(crm, "p4"))
    await rig.until(lambda: any(reply["state"] == "done" for reply in replies(crm, "p1")))
    assert [replies(crm, f"p{number}")[-1]["reason"] for number in (2, 3, 4)] == [
        "too_many: 2 commands within seven days are remembered already"
    ] * 3
    assert box.kinds().count("command.received") == 2, "neither memory nor journal grows by what is refused for want of memory"
    crm.send(CMD + "ping", payload("p0"))
    await rig.until(lambda: sum(reply["state"] == "done" for reply in replies(crm, "p0")) == 2)


async def test_old_commands_are_forgotten_while_the_box_runs(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box runs for years: what it remembers must not fill up until nothing is taken any more."""
    monkeypatch.setattr(service, "_FORGET_S", 0.1)
    _, crm, box = await ready(rig)
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: any(reply["state"] == "done" for reply in replies(crm, "p1")))
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: sum(reply["state"] == "done" for reply in replies(crm, "p1")) == 2)
    assert len(finished(box, "p1")) == 1
    monkeypatch.setattr(ledger, "REMEMBER_NS", 0)
    await asyncio.sleep(0.3)
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: len(finished(box, "p1")) == 2)


async def test_a_retained_command_is_refused_once_and_then_ignored(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    crm.send(CMD + "announce", payload("old", {"text": "Antiguo"}), retain=True)
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: replies(crm, "old"))
    assert replies(crm, "old")[0]["reason"] == "retained"
    await rig.until(box.settled)
    await box.stop()
    before = len(replies(crm, "old"))
    box.start()
    await rig.until(lambda: crm.named("status")[-1]["state"] == "online" and box.settled())
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: replies(crm, "p1"))
    assert len(replies(crm, "old")) == before
    assert "announcement.shown" not in box.kinds()


async def test_a_command_sent_while_the_box_is_away_runs_when_it_is_back(rig) -> None:
    _, crm, box = await ready(rig)
    await box.stop()
    crm.send(CMD + "announce", payload("a1", {"text": "Hola"}))
    crm.send(CMD + "ping", payload("p1", expires="2020-01-01T00:00:00Z"))
    box.start()
    await rig.until(lambda: replies(crm, "a1") and replies(crm, "p1"))
    assert replies(crm, "a1")[0]["state"] == "done"
    assert replies(crm, "p1")[0]["state"] == "expired"


async def test_received_before_the_kill_runs_and_passed_before_it_is_unknown(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)

    def received(command: str):
        return box.event(
            CommandReceived(id=command, verb="announce", args={"text": command}, digest=digest_of("announce", {"text": command}))
        )

    passed = box.journal.append([received("passed")])
    box.journal.append([box.event(CommandFinished(id="elsewhere", state="done"))], advance=(OWNER, passed))
    box.journal.append([received("waiting")])
    box.start()
    await rig.until(lambda: replies(crm, "passed") and replies(crm, "waiting"))
    assert replies(crm, "passed")[0]["state"] == "unknown"
    assert replies(crm, "waiting")[0]["state"] == "done"
    assert box.kinds().count("announcement.shown") == 1
    await box.stop()
    box.start()
    await rig.until(lambda: box.settled() and crm.named("status")[-1]["state"] == "online")
    assert len(finished(box, "passed")) == 1
    crm.send(CMD + "announce", payload("passed", {"text": "passed"}))
    await rig.until(lambda: len(replies(crm, "passed")) >= 2)
    assert replies(crm, "passed")[-1]["state"] == "unknown"


async def test_ids_outlive_the_journal(rig) -> None:
    broker, crm, box = await ready(rig)
    crm.send(CMD + "announce", payload("a1", {"text": "Hola"}))
    await rig.until(lambda: replies(crm, "a1"))
    await rig.until(lambda: b'"done"' in box.remembered())
    await box.close()
    for left in rig.folder.glob("journal.db*"):
        left.unlink()
    fresh = rig.box(broker.url)
    assert fresh.journal.epoch != box.journal.epoch
    fresh.start()
    await rig.until(fresh.settled)
    before = len(replies(crm, "a1"))
    crm.send(CMD + "announce", payload("a1", {"text": "Hola"}))
    await rig.until(lambda: len(replies(crm, "a1")) > before)
    assert replies(crm, "a1")[-1]["state"] == "done"
    assert "announcement.shown" not in fresh.kinds()


async def test_the_box_itself_commands_through_the_journal_with_the_link_down(rig) -> None:
    box = rig.box("mqtt://127.0.0.1:9")
    box.start()
    args = {"text": "Sin enlace"}
    box.journal.append([box.event(CommandReceived(id="l1", verb="announce", args=args, by="local", digest=digest_of("announce", args)))])
    await rig.until(lambda: finished(box, "l1"))
    assert finished(box, "l1")[0]["state"] == "done"
    assert "announcement.shown" in box.kinds()


async def test_a_reply_waits_for_the_link(rig) -> None:
    broker, crm, box = await ready(rig)
    broker.freeze()
    args = {"text": "Mientras tanto"}
    received = CommandReceived(id="a9", verb="announce", args=args, digest=digest_of("announce", args))
    box.journal.append([box.event(received)])
    await rig.until(lambda: finished(box, "a9"))
    broker.kill()
    crm.drop()
    await rig.until(lambda: box.link() == "link.down")
    await box.stop()
    broker.start()
    later = rig.consumer(broker, "callfloor/#")
    box.start()
    await rig.until(lambda: replies(later, "a9"))
    assert replies(later, "a9")[0]["state"] == "done"


async def test_local_commands_of_other_services_are_not_remembered_here(rig) -> None:
    """A press on a headset's hook is one each: hundreds of thousands would leave no room for the CRM's."""
    _, crm, box = await ready(rig)
    for number in range(3):
        box.journal.append([box.event(CommandReceived(id=f"hook-{number}", verb="answer", args={"agent": "ana"}, by="local"))])
        box.journal.append([box.event(CommandFinished(id=f"hook-{number}", state="refused"))])
    box.journal.append([box.event(CommandReceived(id="local-1", verb="ping", by="local", digest=digest_of("ping", {})))])
    crm.send(CMD + "ping", payload("p1"))
    await rig.until(lambda: replies(crm, "p1") and finished(box, "local-1"))
    known = {msgspec.json.decode(line)["id"] for line in box.journal.path.with_name("commands.jsonl").read_bytes().splitlines()}
    assert {"local-1", "p1"} >= known >= {"p1"}


async def test_commands_are_carried_out_in_a_journal_that_took_anothers_place(rig) -> None:
    _, crm, box = await ready(rig)
    box.calls(300)
    await rig.until(box.settled)
    box.journal.replace_damaged("a check said so")
    with pytest.raises(TransientError, match="was replaced"):
        async with asyncio.timeout(10):
            await box._task
    box._task = None
    box.start()
    await rig.until(box.settled)
    crm.send(CMD + "ping", payload("p1", {}))
    await rig.until(lambda: replies(crm, "p1"))
    assert replies(crm, "p1")[0]["state"] == "done"
