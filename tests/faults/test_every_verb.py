"""Every verb of the contract, end to end: a CRM over a real mosquitto, a box of one process per service, a PBX, a lamp and a headset on the wire.

What comes back is the hardware's own outcome; what is bad input is refused with a reason, counted, and reaches nothing.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from command_storm import TERMINAL, Hardware
from fault_box import Box, Broker, until
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from storm_verbs import CONFIG

from appliance.core import catalogue as c
from appliance.core.clock import rfc3339
from appliance.core.command import VERBS
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan

pytestmark = pytest.mark.broker
#: Everybody rings until a command answers.
PLAN = Plan(
    queues=(
        QueuePlan(name="ventas", extension="600", ring_timeout_s=900.0, timeout_s=9000.0),
        QueuePlan(name="soporte", extension="601", share=0.0, timeout_s=9000.0),
    ),
    agents=(
        *(AgentPlan(extension=f"{at}", name=f"Agente {at}", queues=("ventas",)) for at in range(101, 113)),
        *(AgentPlan(extension=f"{at}", name=f"Agente {at}", queues=("soporte",)) for at in range(120, 130)),
        AgentPlan(extension="191", name="Jefa", queues=()),
    ),
    calls_per_min=120.0, ring_mean_s=9000.0, talk_mean_s=9000.0, patience_mean_s=9000.0, hasty_share=0.0, no_answer_share=0.0,
    exit_key_share=0.0, hold_share=0.0, transfer_share=0.0, pause_every_s=0.0, surges=((8.0, 0.0),),
)  # fmt: skip
MORE = """
[pbx.central.dial]
phone_notify = true
internal = ["6xx"]

[commands.only.transfer]
numbers = ["6xx"]

[agents.jefa]
interfaces = ["PJSIP/191"]
"""


class Desk:
    """The CRM's desk: gives commands and has their ends."""

    def __init__(self, folder: Path) -> None:
        self.hardware, self.broker = Hardware(folder, PLAN), Broker(folder)
        self.hardware.pbx.outbound.talk_s = 60.0
        self.box = Box(folder, pbx_port=self.hardware.pbx.port, mqtt_port=self.broker.port)
        allow = ", ".join(f'"{verb}"' for verb in VERBS)
        head, _, tail = CONFIG.partition("allow = [")
        text = f'{head}allow = [{allow}]\nsupervisors = ["jefa"]{tail.partition("]")[2]}{MORE}'
        with (folder / "callfloor.toml").open("a") as file:
            file.write(text.format(lamp=self.hardware.buzzer.path, headset=self.hardware.headset.path))
        self._ids, self.replies = itertools.count(1), dict[str, list[dict[str, Any]]]()
        self.pops: list[dict[str, Any]] = []
        self._subscribed, self._taken = threading.Event(), set[str]()
        self.broker.start()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "the-crm", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._heard
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect("127.0.0.1", self.broker.port)
        self.client.subscribe([("callfloor/1/quito/p3/pop/+", 1), ("callfloor/1/quito/p3/reply/+", 1), ("callfloor/1/quito/p3/event/#", 1)])
        self.client.loop_start()
        assert self._subscribed.wait(10)
        self.box.keep("gateway", "uplink", "wallboard", "headsets")
        until(self.box.sighted, 30.0, self.box.logs)
        until(lambda: self.told(c.LinkUp) and self.told(c.HeadsetAttached), 30.0, self.box.logs)
        self.end("ping")

    def _heard(self, _client: Any, _data: Any, message: Any) -> None:
        if "/pop/" in message.topic:
            self.pops.append(msgspec.json.decode(message.payload))
        if "/reply/" not in message.topic:
            return
        reply = msgspec.json.decode(message.payload)
        self.replies.setdefault(reply["id"], []).append(reply)

    def raw(self, verb: str, payload: bytes, *, retain: bool = False) -> None:
        self.client.publish(f"callfloor/1/quito/p3/cmd/{verb}", payload, 1, retain).wait_for_publish(10)

    def send(self, verb: str, name: str = "", **args: Any) -> str:
        name, now_ns = name or f"c-{next(self._ids)}", time.time_ns()
        told = {"id": name, "time": rfc3339(now_ns), "expires": rfc3339(now_ns + 60_000_000_000), "args": args}
        self.raw(verb, msgspec.json.encode(told))
        return name

    def ended(self, name: str) -> dict[str, Any]:
        def end() -> list[dict[str, Any]]:
            return [reply for reply in list(self.replies.get(name, ())) if reply["state"] in TERMINAL]

        until(end, 30.0, lambda: f"{name} has no end\n{self.box.logs()}")
        assert len({msgspec.json.encode(reply) for reply in end()}) == 1
        return end()[0]

    def end(self, verb: str, **args: Any) -> dict[str, Any]:
        return self.ended(self.send(verb, **args))

    def told(self, kind: type) -> list[Any]:
        return [event.data for event in self.box.events() if isinstance(event.data, kind)]

    def done(self, action: str) -> list[dict[str, str]]:
        return [each for each in list(self.hardware.pbx.done) if each["action"] == action]

    def ringing(self) -> Any:
        """A call that rings somebody whom no test has taken yet."""

        def found() -> Any:
            answered = {data.call for data in self.told(c.CallAnswered)}
            return next((each for each in self.told(c.CallRinging) if each.call not in self._taken | answered), None)

        rings = until(found, 20.0, "nobody rings")
        self._taken.add(rings.call)
        return rings

    def talking(self) -> Any:
        """A call that its agent answered by a command."""
        rings = self.ringing()
        end = self.end("answer", agent=rings.agent)
        assert end["state"] == "done", end
        return until(lambda: next((data for data in self.told(c.CallAnswered) if data.call == rings.call), None))

    def close(self) -> None:
        for process in (*self.box.services.values(), self.broker):
            process.close()
        self.client.disconnect()
        self.client.loop_stop()
        self.hardware.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("verbs"))
    yield made
    made.close()


def originate(desk: Desk) -> None:
    busy = desk.end("originate", agent="agente-120", number="0991234517")
    assert (busy["state"], busy["result"]["outcome"], busy["result"]["cause"]) == ("failed", "busy", 17)
    answered = desk.end("originate", agent="agente-121", number="0991234500", preview=True, card="Factura")
    assert (answered["state"], answered["result"]["outcome"]) == ("done", "answered")
    assert [(each.outcome, each.cause) for each in desk.told(c.CallAttempted)] == [("busy", 17), ("answered", None)]
    assert [each.command for each in desk.told(c.CallPreviewed)] == [answered["id"]]
    (pop,) = [pop for pop in list(desk.pops) if pop["agent"] == "agente-121"]
    assert (pop["why"], pop["dialled"], pop["command"]) == ("preview", "0991234500", answered["id"]), "his screen knows before he dials"
    again = desk.end("originate", agent="agente-122", number="099 123 4500")
    assert (again["state"], again["reason"].partition(":")[0]) == ("refused", "attempts_per_day")


def answer(desk: Desk) -> None:
    assert desk.talking().wait_s >= 0.0
    assert desk.end("answer", agent="agente-123")["reason"].startswith("no_call")


def hangup(desk: Desk) -> None:
    talk = desk.talking()
    assert desk.end("hangup", call=talk.call)["result"] == {"call": talk.call}
    until(lambda: [data for data in desk.told(c.CallEnded) if data.call == talk.call])
    assert desk.end("hangup", call=talk.call)["reason"].startswith("no_call")


def hold(desk: Desk) -> None:
    talk = desk.talking()
    assert desk.end("hold", agent=talk.agent)["state"] == "done"
    until(lambda: [data for data in desk.told(c.CallHeld) if data.call == talk.call])
    assert desk.end("resume", call=talk.call)["state"] == "done"
    until(lambda: [data for data in desk.told(c.CallResumed) if data.call == talk.call])


def transfer(desk: Desk) -> None:
    talk = desk.talking()
    assert desk.end("transfer", call=talk.call, to="0991234500")["reason"].startswith("number_not_allowed")
    assert desk.end("transfer", call=talk.call, to="601")["state"] == "done"
    until(lambda: [data for data in desk.told(c.CallTransferred) if data.call == talk.call and data.to == "601"])
    assert desk.end("transfer", call=desk.talking().call, to="601", attended=True)["result"] == {"outcome": "consulting"}


def pause(desk: Desk) -> None:
    assert desk.end("pause", agent="agente-124", reason="almuerzo")["result"] == {"queues": ["soporte"]}
    until(lambda: [each for each in desk.told(c.AgentStateChanged) if each.agent == "agente-124" and each.reason == "almuerzo"])
    assert desk.end("unpause", agent="agente-124")["state"] == "done"
    assert desk.end("pause", agent="agente-124", queues=["ventas"])["reason"] == "not_a_member: agente-124 is not in ventas"


def queue_add(desk: Desk) -> None:
    assert desk.end("queue_add", agent="jefa", queue="soporte", penalty=9)["state"] == "done"
    assert "Already there" in desk.end("queue_add", agent="jefa", queue="soporte")["reason"]
    assert desk.end("queue_remove", agent="jefa", queue="soporte")["state"] == "done"
    assert desk.end("queue_remove", agent="jefa", queue="soporte")["reason"].partition(":")[0] in ("not_a_member", "unknown_agent")
    assert desk.end("queue_add", agent="jefa", queue="cobros")["reason"].startswith("unknown_queue")


def supervise(desk: Desk) -> None:
    talk = desk.talking()
    refused = desk.end("supervise", supervisor="agente-125", agent=talk.agent, mode="listen")
    assert (refused["state"], refused["reason"].partition(":")[0]) == ("refused", "not_a_supervisor")
    end = desk.end("supervise", supervisor="jefa", agent=talk.agent, mode="whisper")
    assert (end["state"], end["result"]["outcome"]) == ("done", "answered")
    given = {data.id: data.args for data in desk.told(c.CommandReceived) if data.verb == "supervise"}
    assert given[refused["id"]]["supervisor"] == "agente-125", "who wished to listen to whom is in the journal, refused or not"
    assert given[end["id"]] == {"supervisor": "jefa", "agent": talk.agent, "mode": "whisper"}
    shown = msgspec.json.encode(until(desk.box.floor)).decode()
    assert "supervis" not in shown
    assert "whisper" not in shown


def announce(desk: Desk) -> None:
    shown = desk.end("announce", text="Reunión", boards=[])
    assert shown["result"] == {"announcement": shown["id"]}
    assert desk.end("withdraw", announcement=shown["id"])["state"] == "done"
    assert desk.end("withdraw", announcement="nothing")["reason"].startswith("unknown_announcement")


def acknowledge(desk: Desk) -> None:
    assert desk.end("acknowledge", alarm="queue.ventas.abandon_rate")["reason"].startswith("unknown_alarm")


def beacon(desk: Desk) -> None:
    heard = len(desk.hardware.buzzer.sounded)
    assert desk.end("beacon", lamp="torre.buzzer", pattern="beep", seconds=10)["result"] == {"lamps": ["torre.buzzer"], "seconds": 10.0}
    until(lambda: len(desk.hardware.buzzer.sounded) > heard)
    assert desk.end("beacon", lamp="farola")["reason"].startswith("unknown_lamp")


def headset_ring(desk: Desk) -> None:
    heard = len(desk.hardware.headset.sounded)
    end = desk.end("headset_ring", seat="a", seconds=0.5)
    assert (end["state"], end["result"]["seat"]) == ("done", "a"), end
    until(lambda: len(desk.hardware.headset.sounded) > heard)
    assert desk.end("headset_ring", seat="z9")["reason"].startswith("unknown_seat")


def kpi(desk: Desk) -> None:
    assert desk.end("kpi", as_of=rfc3339(time.time_ns()), fcr=0.5)["state"] == "done"
    assert desk.end("kpi", as_of="yesterday", fcr=0.5)["state"] in ("refused", "failed")


def classify(desk: Desk) -> None:
    talk = desk.talking()
    assert desk.end("classify", call=talk.call, topic="factura")["state"] == "done"
    assert desk.end("classify", call="nothing", topic="factura")["state"] == "failed"


def callback(desk: Desk) -> None:
    assert desk.end("callback", callback="cb-none-1", action="claim")["reason"].startswith("unknown_callback")


def directory(desk: Desk) -> None:
    card = {"customer": "C-1", "numbers": ["+593991234500"], "name": "Ana"}
    assert desk.end("directory", version=1, upserts=[card])["state"] == "done"
    assert desk.end("directory", version=1, upserts="all")["reason"].startswith("bad_args")


def resend(desk: Desk) -> None:
    again = desk.end("resend", **{"from": 1, "to": 2})
    assert (again["state"], again["result"]["sent"]) == ("done", 2)
    assert desk.end("resend", **{"from": 9, "to": 1})["state"] == "refused"


def ping(desk: Desk) -> None:
    assert desk.end("ping")["result"]["seq"] > 0


TABLE: dict[str, Callable[[Desk], None]] = {
    "originate": originate, "answer": answer, "hangup": hangup, "hold": hold, "resume": hold, "transfer": transfer, "pause": pause,
    "unpause": pause, "queue_add": queue_add, "queue_remove": queue_add, "supervise": supervise, "announce": announce,
    "withdraw": announce, "acknowledge": acknowledge, "beacon": beacon, "headset_ring": headset_ring, "kpi": kpi, "classify": classify,
    "callback": callback, "directory": directory, "resend": resend, "ping": ping,
}  # fmt: skip


@pytest.mark.parametrize("play", dict.fromkeys(TABLE.values()), ids=lambda play: play.__name__)
def test_a_verb_is_carried_out_and_its_own_outcome_told(desk: Desk, play: Callable[[Desk], None]) -> None:
    play(desk)


def test_no_verb_of_the_contract_is_without_a_test() -> None:
    assert set(TABLE) == set(VERBS)


def command(name: str, args: Any, *, sent_s: float = 0.0, expires_s: float | None = 60.0, **more: Any) -> bytes:
    now_ns = time.time_ns()
    told = {"id": name, "time": rfc3339(now_ns - round(sent_s * 1e9)), "args": args, **more}
    if expires_s is not None:
        told["expires"] = more.get("expires", rfc3339(now_ns + round(expires_s * 1e9)))
    return msgspec.json.encode(told)


CALL = {"agent": "agente-126", "number": "0991234600"}


def bad_commands() -> dict[str, tuple[str, bytes, str, str]]:
    """Verb, payload, state and reason by the command's id; dated now."""
    return {
        "unknown-verb": ("reboot", command("unknown-verb", {}), "refused", "unknown_verb"),
        "letters": ("originate", command("letters", {**CALL, "number": "0800-FLORES"}), "refused", "bad_number"),
        "star": ("transfer", command("star", {"call": "x", "to": "*21*0991234567#"}), "refused", "bad_number"),
        "emergency": ("originate", command("emergency", {**CALL, "number": "9911"}), "refused", "emergency"),
        "huge": ("announce", command("huge", {"text": "x" * 200_000}), "refused", "bad_args"),
        "many": ("pause", command("many", {"agent": "agente-126", "queues": ["ventas"] * 50_000}), "refused", "unknown_queue"),
        "deep": ("kpi", command("deep", {"as_of": "2026-11-21T14:00:00Z", "channels": {"a": {"b": [[[[1]]]]}}}), "refused", "bad_args"),
        "injected": ("originate", command("injected", {**CALL, "agent": "a\r\nAction: Logoff"}), "refused", "bad_args"),
        "extra": ("originate", command("extra", {**CALL, "context": "outside"}), "refused", "bad_args"),
        "past": ("originate", command("past", CALL, expires_s=-1.0), "expired", "expired at"),
        "hour-old": ("originate", command("hour-old", CALL, sent_s=3600.0, expires_s=3600.0), "expired", "too_old"),
        "undated": ("originate", command("undated", CALL, expires_s=None), "refused", "expires_required"),
        "no-date": ("originate", command("no-date", CALL, expires="soon"), "refused", "bad_expires"),
        "year-0": ("originate", command("year-0", CALL, expires="0000-00-00T00:00:00Z"), "refused", "bad_expires"),
        "far-ahead": ("originate", command("far-ahead", CALL, sent_s=-86_400.0, expires_s=90_000.0), "refused", "time_required"),
        "page-back": ("directory", command("page-back", {"version": -5}), "refused", "bad_args"),
    }


#: What has no usable id: answered to nobody, counted.
NONE = (
    b"",
    b"[1,2",
    b'{"id": 7}',
    b'{"id": "A B"}',
    b'{"id": "x", "args": ' + b"[" * 5000,
    b"\xff\xfe",
    b'{"id": "x"} {"id": "y"}',
    b"null",
)


def test_bad_input_is_refused_with_a_reason_counted_and_nothing_is_run(desk: Desk) -> None:
    before = len(desk.hardware.pbx.done)
    bad = bad_commands()
    for verb, payload, _, _ in bad.values():
        desk.raw(verb, payload)
    for payload in NONE:
        desk.raw("originate", payload)
    for name, (verb, _, state, reason) in bad.items():
        end = desk.ended(name)
        if name == "many":  # well shaped, and nothing that the PBX has is meant
            assert end["state"] in ("refused", "failed"), end
            continue
        assert (end["state"], end["reason"].startswith(reason)) == (state, True), (name, verb, end)
    assert len(desk.hardware.pbx.done) == before, "nothing of it reached the PBX"
    ids = {data.id: data for data in desk.told(c.CommandReceived)}
    assert all(
        len(msgspec.json.encode(ids[name].args)) < 1_000 for name, (_, _, state, _) in bad.items() if state == "refused" and name != "many"
    )
    until(lambda: sum(not data.id for data in desk.told(c.CommandFinished)) == len(NONE))  # each is counted
    counted = metric(desk, "callfloor_commands_finished_total")
    assert counted['state="refused",verb="other"'] >= 1
    assert counted['state="refused",verb="originate"'] >= 6


def test_an_id_that_comes_again_is_carried_out_once_and_answered_alike(desk: Desk) -> None:
    name = desk.send("pause", agent="agente-127", reason="once")
    first = desk.ended(name)
    payload = command(name, {"agent": "agente-127", "reason": "once"})
    for _ in range(5):
        desk.raw("pause", payload)
    desk.raw("unpause", payload)
    until(lambda: any(reply["reason"] == "id_reused" for reply in desk.replies[name]))
    assert [reply for reply in desk.replies[name] if reply["state"] == "done"] == [first] * 6
    assert len([each for each in desk.done("QueuePause") if each.get("reason") == "once"]) == 1


def test_a_retained_command_is_refused(desk: Desk) -> None:
    """The broker gives it to whoever subscribes: each start of the box would carry it out."""
    box = desk.box.services["uplink"]
    desk.raw("announce", command("kept", {"text": "for ever"}), retain=True)
    desk.ended("kept")
    starts = box.starts
    assert box.process is not None
    box.process.kill()
    until(lambda: box.starts > starts)
    assert desk.end("ping")["state"] == "done"
    assert len([data for data in desk.told(c.AnnouncementShown) if data.text == "for ever"]) <= 1
    desk.raw("announce", b"", retain=True)


def metric(desk: Desk, name: str) -> dict[str, int]:
    """A counter of the uplink's, by its labels."""
    import urllib.request  # noqa: PLC0415

    port = desk.box.http_port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = {}
    for line in lines:
        if line.startswith(f"{name}{{"):
            labels, _, value = line.removeprefix(f"{name}{{").partition("} ")
            kept = sorted(label for label in labels.split(",") if label.partition("=")[0] in ("verb", "state"))
            found[",".join(kept)] = round(float(value))
    return found
