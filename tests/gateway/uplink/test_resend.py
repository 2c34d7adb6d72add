"""What is asked for again: same ids, in order, marked late, behind all that is due, each command at most once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CallHeld, CommandReceived, HeadsetHook
from appliance.core.command import RESEND_MOST, args_of, digest_of
from appliance.core.config import Site
from appliance.core.journal import Cursor
from gateway.uplink.resend import SINK, WAITING

pytestmark = pytest.mark.broker
CMD = "callfloor/1/quito/p3/cmd/resend"


def payload(command: str, first: int, last: int, **more: Any) -> bytes:
    return msgspec.json.encode({"id": command, "args": {"from": first, "to": last, **more}})


def replies(crm: Any, command: str) -> list[dict[str, Any]]:
    return [reply for reply in crm.named(f"reply/{command}") if reply["state"] != "accepted"]


def ends(box: Any) -> dict[str, dict[str, Any]]:
    rows, found = box.journal.read(0), {}
    while rows:
        for row in rows:
            body = msgspec.json.decode(row.body)
            if body["k"] == "command.finished":
                found[body["d"]["id"]] = body["d"]
        rows = box.journal.read(rows[-1].seq)
    return found


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["delivery"]) for event in events]


async def delivered(rig: Any, count: int = 900, **crm: Any) -> tuple[Any, Any, Any]:
    """A broker, a CRM and a box whose events have all arrived."""
    broker = rig.broker()
    consumer = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url, **crm)
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    box.calls(count)
    await rig.until(box.settled)
    await rig.until(lambda: numbers(consumer.events)[-1:] == [box.journal.head().n])
    return broker, consumer, box


async def ask(rig: Any, crm: Any, command: str, first: int, last: int, **more: Any) -> dict[str, Any]:
    crm.send(CMD, payload(command, first, last, **more))
    await rig.until(lambda: replies(crm, command))
    return replies(crm, command)[0]


async def test_a_range_comes_again_in_order_late_with_the_same_ids_and_out_of_the_account(rig) -> None:
    _, crm, box = await delivered(rig)
    first_time = {event["delivery"]: event for event in crm.events}
    before, seen = box.account(), len(crm.events)
    reply = await ask(rig, crm, "r1", 100, 799)
    assert (reply["state"], reply["result"]) == ("done", {"from": 100, "to": 799, "sent": 700})
    again = crm.events[seen:]
    assert [event for event in again if int(event["delivery"]) > 799] == [], "nothing else is due"
    assert numbers(again) == list(range(100, 800))
    for event in again:
        assert event.pop("late") is True
        assert event == first_time[event["delivery"]]
    assert box.account() == before


async def test_what_is_not_held_is_said_and_nothing_is_sent(rig) -> None:
    _, crm, box = await delivered(rig, 5)
    seen, epoch = len(crm.events), box.journal.epoch
    held = {"first": 1, "last": box.journal.head().n, "epoch": epoch}
    reply = await ask(rig, crm, "r1", 3, 4000)
    assert (reply["state"], reply["result"]) == ("failed", held)
    assert reply["reason"].startswith(f"not_held: the numbers 1 to {held['last']} of this epoch are held")
    reply = await ask(rig, crm, "r2", 3, 4, epoch="0123456789")
    assert (reply["state"], reply["reason"], reply["result"]) == ("failed", f"unknown_epoch: this journal is {epoch}", {"epoch": epoch})
    assert (await ask(rig, crm, "r3", 2, 2, epoch=epoch))["state"] == "done"
    refused = await ask(rig, crm, "r4", 1, RESEND_MOST + 1)
    assert (refused["state"], refused["reason"][:8]) == ("refused", "bad_args")
    assert numbers(crm.events[seen:]) == [2]


async def test_a_range_pruned_from_the_front_is_not_held(rig) -> None:
    _, crm, box = await delivered(rig, 600)
    with box.journal._locked():
        box.journal._store.prune(200, box.journal.head().n, lambda first: (b"", False))
    reply = await ask(rig, crm, "r1", 1, 300)
    assert (reply["state"], reply["result"]["first"]) == ("failed", 201)
    assert (await ask(rig, crm, "r2", 201, 300))["result"]["sent"] == 100


async def test_a_purged_headset_event_comes_as_purged(rig) -> None:
    from appliance.core.clock import NS  # noqa: PLC0415
    from appliance.core.purge import Purge  # noqa: PLC0415

    _, crm, box = await delivered(rig, 3, site=Site(name="quito", box="p3", role="seat"))
    hook = [box.event(HeadsetHook(seat="a1", hook="off")), box.event(HeadsetHook(seat="a1", hook="on"))]
    n = box.journal.head().n + 1
    box.journal.append(hook)
    await rig.until(lambda: numbers(crm.events)[-1:] == [n + 1])
    with box.journal._locked():
        assert Purge(_Later(box.clock, 9 * 86_400 * NS), 7).step(box.journal._store, n + 1) == 1
    seen = len(crm.events)
    reply = await ask(rig, crm, "r1", n, n + 1)
    assert reply["result"] == {"from": n, "to": n + 1, "sent": 2, "purged": 1}
    again = crm.events[seen:]
    assert [event["type"] for event in again] == ["callfloor.journal.purged.v1", "callfloor.headset.hook.v1"]
    assert again[0]["data"] == {}


class _Later:
    """A clock that is ahead of another."""

    def __init__(self, clock: Any, by_ns: int) -> None:
        self._clock, self._by_ns = clock, by_ns
        self.boot = clock.boot

    def mono_ns(self) -> int:
        return self._clock.mono_ns() + self._by_ns

    def wall_ns(self) -> int:
        return self._clock.wall_ns() + self._by_ns

    def quality(self) -> str:
        return "synced"


async def test_new_events_go_before_what_is_asked_for_again(rig) -> None:
    """With a pace of 400 a second the range takes over a second; what is new meanwhile does not wait for its end."""
    _, crm, box = await delivered(rig, 600, drain_per_s=400)
    seen, new = len(crm.events), box.journal.head().n + 1
    crm.send(CMD, payload("r1", 1, 500))
    await rig.until(lambda: len(crm.events) > seen + 20)
    box.calls(1, "new")
    await rig.until(lambda: replies(crm, "r1"))
    order = numbers(crm.events[seen:])
    assert new in order
    assert order.index(new) < order.index(500)
    assert [n for n in order if n <= 500] == list(range(1, 501))
    assert replies(crm, "r1")[0]["result"]["sent"] == 500


@pytest.mark.slow
async def test_a_lost_connection_is_no_end(rig) -> None:
    broker, crm, box = await delivered(rig, 600, drain_per_s=300)
    seen = len(crm.events)
    crm.send(CMD, payload("r1", 1, 400))
    await rig.until(lambda: len(crm.events) > seen + 30)
    broker.kill()
    crm.drop()
    await rig.until(lambda: box.link() == "link.down")
    broker.start()
    second = rig.consumer(broker, "callfloor/#")
    await rig.until(lambda: replies(second, "r1"))
    assert replies(second, "r1")[0]["state"] == "done"
    got = [n for n in numbers(crm.events[seen:]) if n <= 400] + [n for n in numbers(second.events) if n <= 400]
    assert set(got) == set(range(1, 401))
    second_time = [n for n in numbers(second.events) if n <= 400]
    assert second_time == sorted(second_time)
    assert ends(box)["r1"]["state"] == "done"


async def test_one_that_was_under_way_when_the_box_stopped_is_unknown_and_one_that_waited_is_carried_out(rig) -> None:
    _, crm, box = await delivered(rig, 600, drain_per_s=60)
    seen = len(crm.events)
    crm.send(CMD, payload("r1", 1, 590))
    crm.send(CMD, payload("r2", 7, 9))
    await rig.until(lambda: len(crm.events) > seen + 20 and box.remembered().count(b"\n") >= 2)
    await box.stop()
    assert "r1" not in ends(box)
    box.start()
    await rig.until(lambda: replies(crm, "r1") and replies(crm, "r2"))
    assert replies(crm, "r1")[0]["state"] == "unknown"
    assert (replies(crm, "r2")[0]["state"], replies(crm, "r2")[0]["result"]["sent"]) == ("done", 3)
    crm.send(CMD, payload("r1", 1, 590))
    await rig.until(lambda: len(replies(crm, "r1")) >= 2)
    assert {reply["state"] for reply in replies(crm, "r1")} == {"unknown"}, "a repeat runs nothing"


async def test_one_received_and_never_begun_is_taken_up_and_an_expired_one_is_not(rig) -> None:
    """As after a kill between the journal and the first step: the rows are there, the cursor is before them."""
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    box.calls(20)
    for name, expires in (("r1", None), ("r2", "2020-01-01T00:00:00Z")):
        args = {"from": 3, "to": 5}
        box.journal.append(
            [box.event(CommandReceived(id=name, verb="resend", args=args, expires=expires, digest=digest_of("resend", args)))]
        )
    assert box.journal.cursor(SINK) == Cursor(box.journal.epoch, 0)
    box.start()
    await rig.until(lambda: replies(crm, "r1") and replies(crm, "r2"))
    assert (replies(crm, "r1")[0]["state"], replies(crm, "r2")[0]["state"]) == ("done", "expired")
    await rig.until(lambda: numbers(crm.events).count(3) == 2)


@pytest.mark.slow
async def test_more_than_a_few_that_wait_are_told_so(rig) -> None:
    _, crm, box = await delivered(rig, 200, drain_per_s=50)
    for number in range(WAITING + 4):
        crm.send(CMD, payload(f"r{number:02}", 1, 200))
    await rig.until(lambda: sum(bool(replies(crm, f"r{number:02}")) for number in range(WAITING + 4)) == 4)
    told = [end for end in ends(box).values() if end["state"] == "failed"]
    assert len(told) == 4
    assert all(end["reason"].startswith("busy: ") for end in told)


async def test_nobody_there_to_hear_it_is_a_failure_with_the_place(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    box.calls(30)
    box.start()
    await rig.until(box.settled)
    await rig.until(lambda: crm.named("info"))
    deaf = rig.consumer(broker, "callfloor/1/quito/p3/reply/#")
    crm.close()
    deaf.send(CMD, payload("r1", 4, 9))
    await rig.until(lambda: replies(deaf, "r1"))
    assert replies(deaf, "r1")[0]["state"] == "failed"
    assert replies(deaf, "r1")[0]["result"]["sent"] == 0


async def test_what_the_broker_does_not_take_is_counted_and_the_rest_comes(rig) -> None:
    broker = rig.broker("max_packet_size 2000")
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    box.journal.append([box.event(CallHeld(call=call, pbx="central")) for call in ("a", "x" * 3000, "b")])
    last = box.journal.head().n
    box.start()
    await rig.until(box.settled)
    reply = await ask(rig, crm, "r1", last - 2, last)
    assert reply["result"] == {"from": last - 2, "to": last, "sent": 2, "refused": 1, "refused_numbers": [last - 1]}


@pytest.mark.parametrize("most", [1, 3])
async def test_a_broker_that_takes_few_at_a_time_is_not_overrun(rig, most: int) -> None:
    broker = rig.broker(f"max_inflight_messages {most}")
    crm = rig.consumer(broker, "callfloor/#")
    box = rig.box(broker.url)
    box.calls(100)
    box.start()
    await rig.until(box.settled)
    reply = await ask(rig, crm, "r1", 1, 100)
    assert reply["result"]["sent"] == 100
    assert "link.down" not in box.kinds()


def test_the_arguments_are_bounded() -> None:
    assert args_of("resend", {"from": 1, "to": RESEND_MOST}).last == RESEND_MOST
    with pytest.raises(ValueError, match="in pieces"):
        args_of("resend", {"from": 1, "to": RESEND_MOST + 1})
