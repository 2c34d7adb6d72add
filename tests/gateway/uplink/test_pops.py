"""Screen pops over a real broker: what they hold, that each has one end in the journal, what a lost link and a kill leave of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import CallAbandoned, CallAnswered, CallDigits, CallPreviewed, CallQueued, CallRinging, PopSettled
from appliance.core.config import PbxConfig
from appliance.core.directory_card import card_from, filed_from
from appliance.core.directory_store import Cards
from appliance.core.event import stored_from_body
from gateway.uplink.link import Greeting
from gateway.uplink.live import Ended, Live, Out

ANA = {
    "customer": "k-77", "numbers": ["+593991234567"], "name": "Ana Ruiz", "segment": "vip", "language": "es", "last_case": "F-2210",
}  # fmt: skip


def file_cards(folder: Path, *cards: dict[str, Any]) -> None:
    store = Cards(folder / "directory.db")
    with store.turn(), store.writing():
        store.upsert([filed_from(card_from(card), "EC")[0] for card in cards], 1, newest=True)
        store.note(1, 0)
    store.close()


def ring(call: str = "c9", agent: str | None = "agente-101", caller: str | None = "+593991234567") -> CallRinging:
    return CallRinging(call=call, visit=f"{call}.1", pbx="central", queue="ventas", agent=agent, caller=caller, dialled="1700")


def ends(box: Any) -> list[PopSettled]:
    found, rows = [], box.journal.read(0)
    while rows:
        found += [row for row in rows if row.body.startswith(b'{"k":"pop.settled')]
        rows = box.journal.read(rows[-1].seq)
    return [msgspec.json.decode(stored_from_body(row.body).data, type=PopSettled) for row in found]


async def test_a_pop_holds_what_is_known_of_the_call_and_has_one_end(rig, tmp_path: Path) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    file_cards(tmp_path, ANA)
    box = rig.box(broker.url)
    of = {"call": "c9", "pbx": "central", "caller": "+593991234567"}
    joined = box.event(CallQueued(**of, visit="c9.1", queue="ventas", title="Ventas Quito"))
    box.journal.append(
        [
            box.event(CallDigits(**of, menu="principal", digits="2", path=("principal:2",))),
            box.event(CallDigits(**of, path=("principal:2", "idioma:1"), ended="agent")),
            msgspec.structs.replace(joined, mono_ns=joined.mono_ns - 42_000_000_000),
        ]
    )
    box.start()
    await rig.until(lambda: box.link() is not None)
    seq = box.journal.append([box.event(ring())])
    await rig.until(lambda: crm.named("pop/agente-101"))
    (pop,) = crm.named("pop/agente-101")
    assert pop["id"] == f"{box.journal.epoch}-{seq}"
    assert pop["digits"] == ["principal:2", "idioma:1"]
    assert 42 <= pop["waited_s"] < 60
    assert (pop["title"], pop["why"], pop["dialled"], pop["callback"]) == ("Ventas Quito", "call", "1700", None)
    assert pop["card"] == {
        "customer": "k-77", "name": "Ana Ruiz", "segment": "vip", "language": "es", "last_case": "F-2210", "vip": True,
    }  # fmt: skip
    (end,) = await rig.until(lambda: ends(box))
    assert (end.pop, end.outcome, end.card, end.code) == (pop["id"], "delivered", "found", 0)
    assert end.sent_s is not None
    assert 0 < end.sent_s <= (end.settled_s or 0) < 30


async def test_nobody_there_and_nobody_known(rig) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: box.link() is not None)
    box.journal.append([box.event(ring("c1")), box.event(ring("c2", caller=None)), box.event(ring("c3", agent=None))])
    await rig.until(lambda: len(ends(box)) == 2)
    told = [(end.call, end.outcome, end.card, end.code) for end in ends(box)]
    assert told == [("c1", "no_consumer", "no_directory", 0x10), ("c2", "no_consumer", "no_number", 0x10)]


async def test_a_short_cut_of_the_link_costs_no_pop_and_rings_that_are_over_are_not_told(rig) -> None:
    broker = rig.broker()
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: box.link() is not None)
    broker.kill()
    box.journal.append([box.event(ring("c1")), box.event(ring("c2")), box.event(ring("c3", "agente-1")), box.event(ring("c3", "agente-2"))])
    of = {"pbx": "central", "queue": "ventas", "wait_s": 3.0}
    box.journal.append(
        [
            box.event(CallAbandoned(call="c2", visit="c2.1", **of)),
            box.event(CallAnswered(call="c3", visit="c3.1", agent="agente-2", **of)),
        ]
    )
    await rig.until(lambda: len(ends(box)) == 2)
    assert {(end.call, end.agent) for end in ends(box)} == {("c2", "agente-101"), ("c3", "agente-1")}
    assert all(end.outcome in ("link_down", "stale") for end in ends(box))
    broker.start()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    await rig.until(lambda: len(ends(box)) == 4)
    assert {(pop["call"], pop["agent"]) for pop in crm.named("pop/")} <= {("c1", "agente-101"), ("c3", "agente-2")}
    assert all(end.outcome in ("delivered", "no_consumer") for end in ends(box)[2:])


async def test_a_start_tells_what_has_no_end_and_nothing_twice(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    box = rig.box(broker.url)
    old = box.event(ring("old"))
    told = [msgspec.structs.replace(old, mono_ns=old.mono_ns - 31_000_000_000), box.event(ring("c1")), box.event(ring("c2"))]
    known = f"{box.journal.epoch}-{box.journal.append(told) - 1}"
    box.journal.append([box.event(PopSettled(pop=known, call="c1", agent="agente-101", outcome="delivered", card="found"))])
    box.start()
    await rig.until(lambda: crm.named("pop/"))
    await rig.until(lambda: len(ends(box)) == 2)
    assert [pop["call"] for pop in crm.named("pop/")] == ["c2"]
    await box.stop()
    box.start()
    box.journal.append([box.event(ring("c4"))])
    await rig.until(lambda: len(ends(box)) == 3)
    assert [pop["call"] for pop in crm.named("pop/")] == ["c2", "c4"]


async def test_a_card_that_cannot_be_read_costs_the_pop_nothing_but_the_card(rig, tmp_path: Path) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    (tmp_path / "directory.db").write_bytes(b"this is no database" * 100)
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: box.link() is not None)
    box.journal.append([box.event(ring())])
    await rig.until(lambda: len(ends(box)) == 1)
    assert (crm.named("pop/")[0]["card"], ends(box)[0].card) == (None, "failed")


class Wire:
    """A connection that keeps what it is given; the broker's answers are the test's."""

    def __init__(self, *, room: int = 1000, packet_max: int | None = None) -> None:
        self.is_open, self.sent, self._room = True, [], room
        self.greeting = Greeting(room, packet_max, False)

    def fits(self, topic: str, payload: bytes) -> bool:
        return len(payload) <= (self.greeting.packet_max or 1 << 30)

    def publish(self, topic: str, payload: bytes, **_: Any) -> int | None:
        self.sent.append(topic)
        return len(self.sent) if self.is_open else None


def pop(number: int, told: dict[str, Ended], *, stale_s: float = 30, size: int = 10) -> Out:
    key = f"e-{number}"
    stale_at = asyncio.get_running_loop().time() + stale_s
    return Out(f"pop/{number}", b"x" * size, stale_at=stale_at, pop=key, ended=lambda end: told.__setitem__(key, end))


async def test_pops_go_before_states_and_replies_and_each_ends_once() -> None:
    live, wire, told = Live(lambda: None), Wire(packet_max=100), {}
    live.attach(wire)  # type: ignore[arg-type]
    live.put(Out("floor", b"x", state=True))
    live.put(Out("reply", b"x", keep=True))
    for number in range(3):
        live.put(pop(number, told, size=1000 if number == 1 else 10))
    live.flush(3)
    assert wire.sent == ["pop/0", "pop/2", "floor"]
    live.settled(1, 0)
    live.settled(2, 0x97)
    assert {key: (end.outcome, end.code) for key, end in told.items()} == {
        "e-0": ("delivered", 0), "e-1": ("too_large", None), "e-2": ("refused", 0x97)
    }  # fmt: skip
    live.settled(1, 0)
    assert len(told) == 3


async def test_what_was_under_way_when_the_link_went_is_sent_again_unless_it_is_stale() -> None:
    live, told = Live(lambda: None), {}
    first, second = Wire(), Wire()
    live.attach(first)  # type: ignore[arg-type]
    live.put(pop(0, told, stale_s=0.01))
    live.put(pop(1, told))
    live.flush(10)
    await asyncio.sleep(0.02)
    live.detach()
    assert told["e-0"].outcome == "link_down"
    assert told["e-0"].sent_at is not None, "it went out, and nobody said that it came"
    live.attach(second)  # type: ignore[arg-type]
    live.flush(10)
    assert second.sent == ["pop/1"]
    live.settled(1, 0)
    assert told["e-1"].outcome == "delivered"


@pytest.mark.parametrize("link", [True, False])
async def test_pops_that_wait_are_bounded(link: bool) -> None:
    live, told = Live(lambda: None), {}
    if link:
        live.attach(Wire())  # type: ignore[arg-type]
    for number in range(2_010):
        live.put(pop(number, told))
    assert [end.outcome for end in told.values()] == ["dropped"] * 10
    assert live.dropped == 10


async def test_a_preview_shows_who_is_to_be_called_before_the_agent_picks_up(rig, tmp_path: Path) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/pop/#")
    file_cards(tmp_path, ANA)
    box = rig.box(broker.url)
    box.start()
    await rig.until(lambda: box.link() is not None)
    shown = CallPreviewed(call="c5", pbx="central", agent="agente-7", dialled="+593991234567", command="cmd-1", card="Factura 4107 vencida")
    box.journal.append([box.event(shown)])
    (end,) = await rig.until(lambda: ends(box))
    (pop,) = crm.named("pop/agente-7")
    assert (pop["why"], pop["command"], pop["dialled"], pop["caller"]) == ("preview", "cmd-1", "+593991234567", None)
    assert (pop["text"], pop["card"]["name"], end.card) == ("Factura 4107 vencida", "Ana Ruiz", "found")


async def test_one_who_is_to_be_called_back_is_told_with_his_callback(rig) -> None:
    broker = rig.broker()
    crm = rig.consumer(broker, "callfloor/1/quito/p3/#")
    box = rig.box(broker.url, pbx={"central": PbxConfig()})
    of = {"call": "c1", "visit": "c1.1", "pbx": "central", "queue": "ventas", "caller": "099 123 4567"}
    box.journal.append([box.event(CallQueued(**of)), box.event(CallAbandoned(**of, wait_s=40.0))])
    box.start()
    await rig.until(lambda: crm.named("event/callback/opened"))
    box.journal.append([box.event(ring())])
    await rig.until(lambda: crm.named("pop/"))
    assert crm.named("pop/")[0]["callback"] == crm.named("event/callback/opened")[0]["data"]["callback"]
