"""When boards are told what: due and ticking patches, beats, the same document for followers and askers, slow ones dropped."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from appliance.core.clock import rfc3339
from appliance.core.config import Privacy
from appliance.core.errors import FullError
from appliance.floor.snapshot import Headset, Snapshot
from wallboard.sample import HeldView
from wallboard.stream.feed import Feed
from wallboard.stream.hub import Client, Hub
from wallboard.stream.patch import apply, without_nulls

TICKING = ("time", "longest_wait", "seconds", "utilisation", "coverage", "all_busy_share")


def quiet(value: Any) -> Any:
    """A document without nulls and without what ticks by itself."""
    if isinstance(value, dict):
        return {key: quiet(inner) for key, inner in without_nulls(value).items() if key not in TICKING}
    return value


def make(view: HeldView, hub: Hub | None = None, **privacy: bool) -> Feed:
    return Feed(view, view.clock, Privacy(**privacy), hub)


class Follower:
    """Reads what the hub handed one client, as a browser does."""

    def __init__(self, feed: Feed) -> None:
        self.aborted = False
        self.client: Client = feed.join(self._abort)
        self.document: dict[str, Any] = {}

    def _abort(self) -> None:
        self.aborted = True

    async def read(self) -> list[str]:
        names = []
        for block in (await self.client.take()).decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" not in fields:
                continue
            names.append(fields["event"])
            data = json.loads(fields["data"])
            if fields["event"] == "floor":
                self.document = data
            elif fields["event"] == "patch":
                self.document = apply(self.document, data)
                assert int(fields["id"]) == self.document["seq"]
        return names


async def test_the_floor_comes_first_and_patches_rebuild_what_an_asker_gets() -> None:
    view = HeldView()
    feed = make(view)
    follower = Follower(feed)
    assert await follower.read() == ["floor"]
    for step in range(1, 20):
        view.held.seq += 1
        queue = view.held.queues["ventas"]
        queue.waiting = step % 4
        queue.longest_since = None if step % 4 == 0 else "2026-11-21T14:00:00.000Z"
        if step == 7:
            del view.held.queues["soporte"]
        if step == 9:
            view.held.announcements = []
        view.clock.advance(0.1)
        feed.changed()
        feed.turn()
        assert await follower.read() == ["patch"]
        assert quiet(follower.document) == quiet(json.loads(feed.document()))
    assert "soporte" not in follower.document["queues"]


async def test_what_ticks_waits_for_its_turn_and_silence_is_broken_by_a_beat() -> None:
    view = HeldView()
    feed = make(view)
    follower = Follower(feed)
    await follower.read()
    heard: list[str] = []
    for _ in range(12):
        view.clock.advance(0.5)
        view.held.floor.longest_wait = (view.held.floor.longest_wait or 0) + 0.5
        before = feed.hub.sent
        feed.turn()
        if feed.hub.sent > before:
            heard += await follower.read()
        else:
            heard.append("")
    assert heard == ["", "", "", "beat", "", "", "", "patch", "", "", "", "beat"]


async def test_an_asker_brings_followers_to_the_same_position() -> None:
    view = HeldView()
    feed = make(view)
    follower = Follower(feed)
    view.held.seq += 1
    view.held.crm.backlog = 7
    feed.changed()
    asked = json.loads(feed.document())
    await follower.read()
    assert follower.document["seq"] == asked["seq"] == view.held.seq
    assert follower.document["crm"]["backlog"] == 7


async def test_on_a_large_floor_seconds_that_only_tick_ride_with_the_next_tick() -> None:
    view = HeldView()
    agents = view.held.agents or {}
    one = agents["agente-101"]
    view.held.agents = {f"a{number}": msgspec.structs.replace(one) for number in range(300)}
    feed = make(view)
    follower = Follower(feed)
    await follower.read()
    for agent in view.held.agents.values():
        agent.seconds = msgspec.structs.replace(agent.seconds, talking=agent.seconds.talking + 1)
    view.held.agents["a7"].state = "paused"
    view.held.seq += 1
    feed.changed()
    feed.turn()
    chunk = await follower.client.take()
    assert chunk.count(b'"seconds"') == 1
    assert b'"a7":{"state":"paused","seconds":{"talking":4001.0}}' in chunk
    view.clock.advance(5)
    feed.turn()
    assert (await follower.client.take()).count(b'"seconds"') == 299


class SharingView(HeldView):
    """As the real view: what did not change is the same object in the next snapshot."""

    def snapshot(self, now_wall_ns: int | None = None) -> Snapshot:
        agents = dict(self.held.agents or {})
        return msgspec.structs.replace(self.held, time=rfc3339(self.clock.wall_ns()), agents=agents)


async def test_seconds_held_back_are_not_forgotten_when_the_view_shares_its_objects() -> None:
    view = SharingView()
    agents = view.held.agents or {}
    one = agents["agente-101"]
    view.held.agents = {f"a{number}": msgspec.structs.replace(one) for number in range(120)}
    feed = make(view)
    follower = Follower(feed)
    await follower.read()
    view.clock.advance(1)
    for key, agent in view.held.agents.items():
        ticked = msgspec.structs.replace(agent.seconds, talking=4001.0)
        view.held.agents[key] = msgspec.structs.replace(agent, seconds=ticked)
    view.held.seq += 1
    feed.changed()
    feed.turn()
    await follower.read()
    assert follower.document["agents"]["a5"]["seconds"]["talking"] == 4000.0
    view.clock.advance(3.5)
    feed.turn()
    await follower.read()
    assert follower.document["agents"]["a5"]["seconds"]["talking"] == 4001.0
    assert without_nulls(follower.document) == without_nulls(json.loads(feed.document()))


async def test_headsets_and_names_leave_only_where_the_site_allows() -> None:
    view = HeldView()
    view.held.headsets = {"a12": Headset(seat="a12", hook="off", fresh="live")}
    closed = json.loads(make(view).document())
    assert closed["headsets"] is None
    assert closed["agents"]["agente-101"]["name"] == "Agente 101"
    assert json.loads(make(view, headsets=True).document())["headsets"]["a12"]["hook"] == "off"
    view.held.headsets["a12"].agent = "agente-101"
    text = make(view, headsets=True, agent_names=False).document()
    assert b"agente" not in text.lower(), "a key is made of a name too"
    nameless = json.loads(text)
    assert {agent["name"] for agent in nameless["agents"].values()} == {None}
    assert len(nameless["agents"]) == len(view.held.agents or {})
    assert nameless["headsets"]["a12"]["agent"] in nameless["agents"]


async def test_a_slow_follower_is_dropped_and_the_others_go_on() -> None:
    view = HeldView()
    feed = make(view, Hub(max_clients=3, max_bytes=40_000))
    slow, quick = Follower(feed), Follower(feed)
    for _ in range(200):
        view.held.seq += 1
        view.held.announcements[0].text = "x" * 1000 + str(view.held.seq)
        feed.changed()
        feed.turn()
        await quick.read()
    assert slow.aborted
    assert slow.client.dropped
    assert feed.hub.dropped == 1
    assert len(feed.hub) == 1
    assert quick.document["seq"] == view.held.seq
    assert await slow.client.take() == b""


async def test_what_waits_is_handed_out_in_order_and_in_bounded_pieces() -> None:
    hub = Hub()
    client = hub.join(lambda: None, b"first")
    sent = [bytes([65 + number % 26]) * size for number, size in enumerate((10, 40_000, 30_000, 200_000, 1, 2, 60_000, 5_000))]
    for chunk in sent:
        hub.send(chunk)
    pieces = [await client.take() for _ in range(4)]
    assert b"".join(pieces) == b"first" + b"".join(sent)
    assert [len(piece) for piece in pieces] == [40_015, 30_000, 200_000, 65_003]
    hub.send(b"more")
    assert await client.take() == b"more"


async def test_too_many_followers_are_refused() -> None:
    feed = make(HeldView(), Hub(max_clients=2))
    Follower(feed), Follower(feed)
    with pytest.raises(FullError, match="2 boards follow"):
        Follower(feed)
