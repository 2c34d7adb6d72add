"""Callbacks end to end: a simulated PBX of either kind, the gateway, a journal on disk, the uplink, a real broker, a CRM of plain paho."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from appliance.core import catalogue as c
from appliance.core.callbacks_config import CallbacksConfig, SatisfactionConfig
from appliance.core.clock import NS
from appliance.core.config import Config, PbxConfig
from appliance.core.ivr_config import IvrConfig
from appliance.floor import callback_rule
from appliance.floor_view import FloorView
from appliance.sim.floor_model_plan import AgentPlan, Plan, QueuePlan
from appliance.sim.freeswitch import SimFreeswitch
from appliance.sim.pbx import SimPbx
from appliance.sim.pbx_switch import score_of
from gateway.pbx.service import Gateway
from gateway.uplink import callbacks as keeper

CMD = "callfloor/1/quito/p3/cmd/callback"
SPEED = 100.0
#: A floor on which most give up; nobody calls before the box is there.
PLAN = Plan(
    queues=(QueuePlan(name="ventas", extension="600", timeout_s=9000.0), QueuePlan(name="soporte", extension="601", timeout_s=9000.0)),
    agents=tuple(AgentPlan(extension=f"{at}", name=f"Agente {at}", queues=("ventas", "soporte")) for at in (101, 102, 103)),
    calls_per_min=36.0,
    surges=((0.0, 0.0),),
    talk_mean_s=9.0,
    patience_mean_s=10.0,
    repeat_share=0.3,
    again_share=0.5,
    again_after_s=10.0,
    pause_every_s=0.0,
    exit_key_share=0.0,
    transfer_share=0.0,
    agent_ends_share=1.0,
)


def configured(box: Any, **parts: Any) -> None:
    """The same box with more in its configuration; before it is started."""
    box.config = replace(box.config, **parts)
    box.context = replace(box.context, config=box.config)


def told(box: Any, kind: str) -> list[dict[str, Any]]:
    """The events of a kind that the journal holds, oldest first, as data."""
    rows, found = box.journal.read(0), []
    while rows:
        found += [msgspec.json.decode(row.body)["d"] for row in rows if row.body.startswith(f'{{"k":"{kind}'.encode())]
        rows = box.journal.read(rows[-1].seq)
    return found


def book(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a CRM keeps: the callbacks that stand open, by id, from the events in their order."""
    known: dict[str, dict[str, Any]] = {}
    for event in events:
        data, kind = event["data"], event["type"]
        if kind == "callfloor.callback.opened.v1":
            known[data["callback"]] = known.get(data["callback"], {}) | data
        elif kind == "callfloor.callback.claimed.v1":
            known[data["callback"]]["by"] = data["by"]
        elif kind == "callfloor.callback.closed.v1":
            del known[data["callback"]]
    return known


def truth(model: Any, limit: float | None) -> dict[str, int]:
    """By the model's own word: the numbers that are still to be called, with how often each tried in vain."""
    happened = []
    for visit in model.visits:
        number = visit.call.caller
        if visit.answered_s is not None:
            happened.append((visit.answered_s, "answered", number))
            score = score_of(visit.call.number)
            if limit is not None and visit.ended_s is not None and visit.ended_by == "agent" and score is not None and score < limit:
                happened.append((visit.ended_s + 1e-6, "survey", number))
        elif visit.outcome == "abandoned":
            happened.append((visit.ended_s, "abandoned", number))
    known: dict[str, int] = {}
    for _, what, number in sorted(happened):
        if what == "answered":
            known.pop(number, None)
        else:
            known[number] = known.get(number, 0) + (what == "abandoned")
    return known


@contextlib.asynccontextmanager
async def floor(kind: str, box: Any, folder: Path, plan: Plan = PLAN, **parts: Any) -> AsyncIterator[Any]:
    """The box hears a simulated PBX of this kind."""
    (folder / "secret").write_text("callfloor\n")
    more: dict[str, Any] = {"password": "callfloor"} if kind == "freeswitch" else {}
    sim: Any = SimFreeswitch if kind == "freeswitch" else SimPbx
    async with sim(plan, seed=5, speed=SPEED, **more) as pbx:
        own = PbxConfig(kind=kind, port=pbx.port, secret_file=folder / "secret", reconnect_max_s=0.5, ivr=IvrConfig())
        configured(box, pbx={"central": own}, callbacks=CallbacksConfig(short=True), **parts)
        gateway = asyncio.create_task(Gateway().run(replace(box.context, service="gateway")))
        try:
            yield pbx
        finally:
            gateway.cancel()
            await asyncio.gather(gateway, return_exceptions=True)


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["asterisk", "freeswitch"])
async def test_who_gave_up_is_known_to_the_crm_whatever_the_link_did(rig, tmp_path: Path, kind: str) -> None:
    """The link is cut in the middle of it; afterwards the CRM's book is the journal's, and both are the floor's own truth."""
    broker = rig.broker("persistence false")
    box = rig.box(broker.url)
    limit = 3.0 if kind == "asterisk" else None
    async with floor(kind, box, tmp_path, satisfaction=SatisfactionConfig(limit={"satisfaction": 3.0})) as pbx:
        box.start()
        crm = rig.consumer(broker, client_id="crm")
        await rig.until(lambda: told(box, "pbx.resynced"))
        until_s = rig.calls_for(pbx.model, 120.0)
        await rig.until(lambda: told(box, "callback.opened"))
        broker.kill()
        await rig.until(lambda: pbx.truth(calls=False) and pbx.model.now_s > until_s + 150.0)  # nobody calls again so late
        assert all(visit.outcome not in ("waiting", "talking") for visit in pbx.model.visits)
        wanted = truth(pbx.model, limit)
        assert len(wanted) > 3, "a floor on which nobody gives up shows nothing"
        view = FloorView(box.journal, box.config, box.clock)

        def known() -> dict[str, int]:
            view.catch_up()
            rows = {key: box.journal.read(one.row - 1, 1)[0] for key, one in view.floor.state.callbacks.open.items()}
            data = [msgspec.json.decode(row.body)["d"] for row in rows.values()]
            return {one["number"]: one.get("times", 1) for one in data}

        await rig.until(lambda: known() == wanted)
        broker.start()
        await rig.until(lambda: box.link() == "link.up" and box.account().waiting == 0)
        await rig.until(lambda: {one["number"]: one.get("times", 1) for one in book(crm.first_seen()).values()} == wanted)
        shown = view.snapshot()
        assert shown.floor.callbacks is not None
        assert shown.floor.callbacks.open == len(wanted) == sum(queue.callbacks.open for queue in shown.queues.values() if queue.callbacks)
        assert bool(told(box, "call.dissatisfied")) == (limit is not None)
        assert len({(one["call"], one["question"]) for one in told(box, "call.dissatisfied")}) == len(told(box, "call.dissatisfied"))


async def ready(rig, **parts: Any):
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, pbx={"central": PbxConfig(host="h", username="u")})
    configured(box, **parts)
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    return broker, crm, box


def gave_up(name: str, number: str, wait_s: float = 40.0) -> c.CallAbandoned:
    return c.CallAbandoned(call=name, visit=f"{name}.1", pbx="central", queue="ventas", caller=number, wait_s=wait_s)


def got_through(name: str, number: str) -> c.CallAnswered:
    return c.CallAnswered(call=name, visit=f"{name}.1", pbx="central", queue="ventas", agent="ana", caller=number, wait_s=3.0)


def command(name: str, **args: str) -> bytes:
    return msgspec.json.encode({"id": name, "time": "2026-11-21T14:00:00Z", "args": args})


def reply(crm: Any, name: str) -> dict[str, Any] | None:
    return next((one for one in crm.named(f"reply/{name}") if one["state"] != "accepted"), None)


@pytest.mark.broker
async def test_claimed_and_closed_once_by_whoever_it_is(rig) -> None:
    broker, crm, box = await ready(rig)
    box.journal.append([box.event(gave_up("1", "+12025550143")), box.event(gave_up("2", "+12025550144"))])
    await rig.until(lambda: len(told(box, "callback.opened")) == 2)
    first, second = (one["callback"] for one in told(box, "callback.opened"))

    async def ask(name: str, **args: str) -> dict[str, Any]:
        await rig.until(crm.client.is_connected)
        crm.send(CMD, command(name, **args))
        return await rig.until(lambda: reply(crm, name))

    claim = {"callback": first, "action": "claim", "by": "ana"}
    done = {"callback": first, "state": "claimed", "by": "ana"}
    assert (await ask("c1", **claim))["result"] == done
    assert (await ask("c2", **claim))["result"] == done
    assert len(told(box, "callback.claimed")) == 1
    refused = await ask("c3", **claim | {"by": "eva"})
    assert (refused["state"], refused["reason"].partition(":")[0]) == ("failed", "claimed_by_other")
    await rig.until(lambda: any((floor["floor"]["callbacks"] or {}).get("claimed") == 1 for floor in crm.named("floor")))
    assert (await ask("c4", callback=first, action="close", by="eva"))["result"] == {"callback": first, "state": "closed", "by": "eva"}
    again = await ask("c5", callback=first, action="close")
    assert (again["state"], again["reason"].partition(":")[0], again["result"]["reason"]) == ("failed", "already_closed", "closed")
    assert (await ask("c6", callback="cb-x-1", action="close"))["reason"].startswith("unknown_callback")
    broker.kill()  # the CRM is away: he gets through by himself, and the CRM's late click finds that out
    box.journal.append([box.event(got_through("3", "0012025550144"))])
    await rig.until(lambda: len(told(box, "callback.closed")) == 2)
    broker.start()
    await rig.until(lambda: box.link() == "link.up")
    late = await ask("c7", callback=second, action="claim", by="ana")
    assert (late["state"], late["result"]["reason"], late["result"]["state"]) == ("failed", "called_through", "closed")
    await rig.until(lambda: crm.named("floor")[-1]["floor"]["callbacks"] == {"open": 0, "claimed": 0, "oldest_since": None})


@pytest.mark.broker
async def test_a_box_without_callbacks_says_so(rig) -> None:
    _, crm, box = await ready(rig, callbacks=CallbacksConfig(enabled=False))
    box.journal.append([box.event(gave_up("1", "+12025550143"))])
    crm.send(CMD, command("c1", callback="cb-x-1", action="claim"))
    answer = await rig.until(lambda: reply(crm, "c1"))
    assert (answer["state"], answer["reason"].partition(":")[0]) == ("refused", "unsupported")
    assert told(box, "callback.") == []
    assert crm.named("floor")[-1]["floor"]["callbacks"] is None


async def test_what_is_open_outlives_its_rows(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal's budget takes the row of a callback that is open and claimed: it was told again before."""
    monkeypatch.setattr(keeper, "_SWEEP_S", 0.1)
    box = rig.box("", pbx={"central": PbxConfig(host="h", username="u")})
    box.start()
    box.journal.append([box.event(gave_up("1", "+12025550143"))])
    key = (await rig.until(lambda: told(box, "callback.opened")))[0]["callback"]
    box.journal.append(
        [box.event(c.CommandReceived(id="k1", verb="callback", args={"callback": key, "action": "claim", "by": "ana"}, digest="d"))]
    )
    await rig.until(lambda: told(box, "callback.claimed"))
    box.calls(4000)
    with box.journal.locked_store() as store:  # retention's own step, forced
        store.asked(lambda held: held.prune(2, 10**9, lambda _first: pytest.fail("nothing that is due goes")))
    await rig.until(lambda: len(told(box, "callback.opened")) >= 2)
    last = told(box, "callback.opened")[-1]
    assert (last["callback"], last["number"], last.get("times", 1)) == (key, "+12025550143", 1)
    view = FloorView(box.journal, box.config, box.clock)
    view.catch_up()
    [one] = view.floor.state.callbacks.open.values()
    assert (one.by, one.since) == ("ana", last["since"])


async def test_who_left_unserved_is_told_once_over_restarts(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute in which somebody may serve him yet goes on over a restart; what was told before one is not told again."""
    monkeypatch.setattr(callback_rule, "LEFT_NS", NS)
    box = rig.box("", pbx={"central": PbxConfig(host="h", username="u")})
    box.start()
    visit = {"pbx": "central", "queue": "ventas", "wait_s": 60.0, "reason": "timeout"}
    box.journal.append(
        [box.event(c.CallLeft(call="1", visit="1.1", caller="+12025550143", **visit)), box.event(gave_up("2", "+12025550144"))]
    )
    await rig.until(lambda: told(box, "callback.opened"))
    assert [one["call"] for one in told(box, "callback.opened")] == ["2"]
    for _ in range(3):
        await box.stop()
        box.start()
        await rig.until(lambda: len(told(box, "callback.opened")) == 2)
    box.journal.append([box.event(gave_up("3", "+12025550143"))])
    await rig.until(lambda: len(told(box, "callback.opened")) == 3)
    _, first, last = told(box, "callback.opened")
    assert (last["callback"], last["times"], last["waited_s"]) == (first["callback"], 2, 100.0)


def test_the_defaults_keep_callbacks_where_calls_are_heard() -> None:
    pbx = {"central": PbxConfig(host="h", username="u")}
    assert keeper.is_kept(Config(pbx=pbx))
    assert not keeper.is_kept(Config())
    assert not keeper.is_kept(Config(pbx=pbx, callbacks=CallbacksConfig(enabled=False)))


async def test_an_answer_that_was_too_low_is_told_once_over_restarts(rig) -> None:
    """Also where no callback stands open: of a caller without a number, or on a box that keeps none."""
    box = rig.box("", pbx={"central": PbxConfig(host="h", username="u")})
    configured(box, satisfaction=SatisfactionConfig(limit={"csat": 3.0}))
    low = c.CallSurvey(call="1", visit="1.1", pbx="central", queue="ventas", question="csat", score=1.0)
    for again in range(2):
        box.start()
        box.journal.append([box.event(low), box.event(msgspec.structs.replace(low, call=f"other-{again}"))])
        await rig.until(lambda again=again: any(one["call"] == f"other-{again}" for one in told(box, "call.dissatisfied")))
        await box.stop()
    assert [one["call"] for one in told(box, "call.dissatisfied")] == ["1", "other-0", "other-1"]
