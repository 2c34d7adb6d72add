"""The stream over the real view: whatever happens on the floor, a follower holds the document that an asker gets."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest

from appliance.core.catalogue import (
    AgentLoggedOut,
    AgentStateChanged,
    AlarmAcknowledged,
    AlarmRaised,
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallQueued,
    HeadsetHook,
    HeadsetMute,
    PbxDown,
    PbxResynced,
    PbxUp,
    kind_of,
)
from appliance.core.clock import ManualClock
from appliance.core.config import Config, GroupConfig, Privacy, QueueConfig
from appliance.core.event import Event
from appliance.core.journal_memory import MemoryJournal
from appliance.floor.shot import Shots
from appliance.floor_view import FloorView
from wallboard.stream.feed import Feed
from wallboard.stream.hub import Client
from wallboard.stream.patch import apply, without_nulls

TICKING = ("time", "longest_wait", "seconds", "utilisation", "coverage", "all_busy_share")
CONFIG = Config(
    queues={"q1": QueueConfig(order=2), "q2": QueueConfig(hidden=True)},
    groups={"all": GroupConfig(queues=("q0", "q1", "q2"))},
    privacy=Privacy(headsets=True),
)
STATES = ("available", "talking", "paused", "wrap_up", "ringing")


def quiet(value: Any) -> Any:
    """A document without nulls and without what ticks by itself."""
    if isinstance(value, dict):
        return {key: quiet(inner) for key, inner in without_nulls(value).items() if key not in TICKING}
    return value


class Day:
    """A floor on which anything may happen, in an order that the seed decides."""

    def __init__(self, agents: int, seed: int) -> None:
        self.clock, self.journal, self.chance, self.agents = ManualClock(), MemoryJournal(), random.Random(seed), agents
        self.waiting: list[tuple[str, str]] = []
        self.step = 0
        self.tell(PbxUp(pbx="p"), PbxResynced(pbx="p"))
        for number in range(agents):
            self.tell(AgentStateChanged(agent=f"a{number}", pbx="p", state="available", queues={f"q{number % 3}": "available"}))
        self.view = FloorView(self.journal, CONFIG, self.clock)
        self.view.catch_up()

    def tell(self, *data: Any) -> None:
        clock = self.clock
        self.journal.append(
            [Event(kind_of(d), "gateway/p", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), d) for d in data]
        )

    def go_on(self) -> None:
        chance, self.step = self.chance, self.step + 1
        agent, queue, visit = f"a{chance.randrange(self.agents)}", f"q{chance.randrange(4)}", f"v{self.step}"
        match chance.randrange(12):
            case 0 | 1 | 2:
                self.waiting.append((visit, queue))
                self.tell(CallQueued(call=visit, pbx="p", visit=visit, queue=queue))
            case 3 | 4 if self.waiting:
                visit, queue = self.waiting.pop(chance.randrange(len(self.waiting)))
                self.tell(CallAnswered(call=visit, pbx="p", visit=visit, queue=queue, agent=agent, wait_s=chance.random() * 30))
                self.tell(CallEnded(call=visit, pbx="p", visit=visit, queue=queue, agent=agent, talk_s=chance.random() * 30))
            case 5 if self.waiting:
                visit, queue = self.waiting.pop(0)
                self.tell(CallAbandoned(call=visit, pbx="p", visit=visit, queue=queue, wait_s=chance.random() * 30))
            case 6 | 7:
                state: Any = chance.choice(STATES)
                self.tell(AgentStateChanged(agent=agent, pbx="p", state=state, queues={queue: state}))
            case 8:
                self.tell(AgentLoggedOut(agent=agent, pbx="p"))
            case 9:
                self.tell(HeadsetHook(seat="s1", hook=chance.choice(("on", "off"))), HeadsetMute(seat="s1", mute=chance.random() < 0.5))
            case 10:
                self.tell(AlarmRaised(alarm=f"w{self.step % 2}", level="red"), AlarmAcknowledged(alarm=f"w{self.step % 2}"))
            case 11 if self.step % 5 == 0:
                self.tell(*((PbxDown(pbx="p", reason="lost"),) if chance.random() < 0.5 else (PbxUp(pbx="p"), PbxResynced(pbx="p"))))
        self.clock.advance(chance.choice((0.0, 0.02, 0.02, 0.3, 1.0, 2.5, 120.0 if chance.random() < 0.1 else 0.1)))


async def read(client: Client, document: dict[str, Any]) -> dict[str, Any]:
    for block in (await client.take()).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if fields.get("event") == "floor":
            document = json.loads(fields["data"])
        elif fields.get("event") == "patch":
            document = apply(document, json.loads(fields["data"]))
    return document


@pytest.mark.parametrize(("agents", "seed"), [(8, 1), (8, 2), (140, 3), (140, 4)])
async def test_a_follower_holds_what_an_asker_gets_whatever_happens(agents: int, seed: int) -> None:
    day = Day(agents, seed)
    feed = Feed(day.view, day.clock, CONFIG.privacy)
    client = feed.join(lambda: None)
    document = await read(client, {})
    for _ in range(500):
        day.go_on()
        if day.view.catch_up():
            feed.changed()
        if day.chance.random() < 0.8:
            feed.turn()
        if day.chance.random() < 0.3:
            asked = json.loads(feed.document())
            feed.hub.send(b"\n\n")  # so that there is something to read in any case
            document = await read(client, document)
            assert quiet(document) == quiet(asked)
    day.clock.advance(6)
    feed.turn()
    feed.hub.send(b"\n\n")
    assert without_nulls(await read(client, document)) == without_nulls(json.loads(feed.document()))


@pytest.mark.parametrize("seed", [5, 6])
def test_a_snapshot_that_kept_what_it_had_is_the_one_made_anew_and_those_before_stay_as_they_were(seed: int) -> None:
    day = Day(30, seed)
    before: list[tuple[Any, bytes]] = []
    for _ in range(300):
        day.go_on()
        day.view.catch_up()
        shot = day.view.snapshot()
        anew = Shots(day.view.floor).take(day.clock.wall_ns(), shot.epoch, day.journal.account("uplink"), day.clock.quality())
        assert calm(shot) == calm(anew)
        before.append((shot, msgspec.json.encode(shot)))
    for shot, written in before:
        assert msgspec.json.encode(shot) == written


def calm(shot: Any) -> Any:
    """The document without what ticks and without the time as of which a live queue is told."""
    document = quiet(json.loads(msgspec.json.encode(shot)))
    for queue in (document["floor"], *document["queues"].values(), *document["groups"].values()):
        queue.pop("as_of", None)
    return document
