"""Random floors, with the gateway killed and the line cut at random moments: nothing is ever false, and nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import kind_of
from appliance.core.clock import NS
from appliance.core.event import Event
from gateway.pbx.known import Moment, fold, restore

WALL_NS = 1_795_000_000 * NS
STEPS = ["join", "join", "answer", "answer", "hangup", "timeout", "key", "end", "end", "hold", "cut", "die", "blind", "wait"]


class Model:
    """The PBX's own truth of a small floor, and the events that it sends while somebody listens."""

    def __init__(self, script: Any, rows: Any) -> None:
        self.s, self.rows = script, rows
        self.serial = 0
        self.waiting: dict[str, int] = {}
        self.talking: dict[str, tuple[str, int]] = {}
        self.truth: Counter[str] = Counter()
        self.unseen: Counter[str] = Counter()
        self.deaf = False

    def step(self, name: str) -> None:
        getattr(self, name)()
        if not self.deaf:
            self.s.at((self.s.now_ns / NS - 1_000) + 1.0)
        else:
            self.s.now_ns += NS

    def tell(self, what: Callable[[], Any]) -> None:
        if not self.deaf:
            what()

    def book(self, outcome: str) -> None:
        self.truth[outcome] += 1
        self.unseen[outcome] += self.deaf

    def oldest(self, among: dict[str, Any]) -> str | None:
        return next(iter(among), None)

    def join(self) -> None:
        self.serial += 1
        uid = f"{self.serial}.0"
        self.waiting[uid] = self.s.now_ns
        self.book("offered")
        self.tell(lambda: self.s.say("Newchannel", **self.rows.chan(uid, state=4)).join(uid))

    def answer(self) -> None:
        free = next((agent for agent in (101, 102, 103) if agent not in [a for _, a in self.talking.values()]), None)
        uid = self.oldest(self.waiting)
        if uid is None or free is None:
            return
        del self.waiting[uid]
        leg = f"{uid}.leg"
        self.talking[uid] = (leg, free)
        self.book("answered")
        self.tell(lambda: self.s.ring(uid, leg, free).connect_agent(uid, leg, free))

    def leave(self, outcome: str, say: Callable[[str], Any]) -> None:
        uid = self.oldest(self.waiting)
        if uid is not None:
            del self.waiting[uid]
            self.book(outcome)
            self.tell(lambda: say(uid))

    def hangup(self) -> None:
        self.leave("abandoned", lambda uid: self.s.say("HangupRequest", **self.rows.chan(uid)).abandon(uid).hangup(uid))

    def timeout(self) -> None:
        self.leave("left", lambda uid: self.s.abandon(uid).hangup(uid))

    def key(self) -> None:
        self.leave("left", lambda uid: self.s.say("QueueCallerLeave", **self.rows.chan(uid), Queue="ventas"))
        self.wait()  # a line cut in the two seconds in which Leave may yet become an answer leaves it unknown

    def end(self) -> None:
        uid = self.oldest(self.talking)
        if uid is not None:
            leg, agent = self.talking.pop(uid)
            self.book("ended")
            self.tell(lambda: self.s.complete(uid, leg, agent).hangup(leg, f"PJSIP/{agent}-{leg}").hangup(uid))

    def hold(self) -> None:
        uid = self.oldest(self.talking)
        if uid is not None:
            leg = self.talking[uid][0]
            self.tell(lambda: self.s.say("Hold", **self.rows.chan(leg)).say("Unhold", **self.rows.chan(leg)))

    def wait(self) -> None:
        self.tell(lambda: self.s.at((self.s.now_ns / NS - 1_000) + 5.0))

    def blind(self) -> None:
        """The line is cut, or comes back."""
        if self.deaf:
            self.listen()
        else:
            self.s.disconnect()
            self.deaf = True

    def cut(self) -> None:
        """Cut and back at once."""
        self.blind()
        if self.deaf:
            self.blind()

    def die(self) -> None:
        """kill -9 of the gateway: only what the journal holds is left."""
        s = self.s
        events = [
            Event(kind_of(data), "gateway/central", WALL_NS + at, at, "boot", "synced", data)
            for at, data in zip(s.times_ns, s.events, strict=True)
        ]
        new = type(s)()
        new.events, new.times_ns, new.now_ns = s.events, s.times_ns, s.now_ns + NS
        restore(
            new.source, fold(events)["central"], boot="boot", now_mono_ns=new.now_ns, now_wall_ns=WALL_NS + new.now_ns,
            last_seen=Moment(WALL_NS + s.now_ns, s.now_ns, "boot"),
        )  # fmt: skip
        new.add(new.source.disconnected(new.now_ns, "service_stopped"))
        self.s, self.deaf = new, True
        self.listen()

    def listen(self) -> None:
        self.deaf = False
        entries = [
            {"Queue": "ventas", "Uniqueid": uid, "Position": 1, "CallerIDNum": "612", "Wait": (self.s.now_ns - at) // NS}
            for uid, at in self.waiting.items()
        ]
        channels = [self.channel(uid, f"PJSIP/trunk-norte-{uid}") for uid in self.waiting]
        for uid, (leg, agent) in self.talking.items():
            channels += [self.channel(uid, f"PJSIP/trunk-norte-{uid}", uid), self.channel(leg, f"PJSIP/{agent}-{leg}", uid)]
        busy = {agent for _, agent in self.talking.values()}
        members = [self.rows.listed(agent, status=2 if agent in busy else 1) for agent in (101, 102, 103)]
        self.s.connect(entries=entries, members=members, channels=channels)

    def channel(self, uid: str, name: str, bridge: str = "") -> dict[str, object]:
        return {"Uniqueid": uid, "Linkedid": uid, "Channel": name, "ChannelState": 6, "Application": "Queue", "BridgeId": bridge}


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=5, max_size=60))
def test_whatever_happens_the_books_balance_and_say_nothing_false(steps: list[str], script: Callable[..., Any], rows: Any) -> None:
    model = Model(script(connected=False), rows)
    model.listen()
    for step in steps:
        model.step(step)
    if model.deaf:
        model.listen()
    model.s.at((model.s.now_ns / NS - 1_000) + 5.0)
    tally = model.s.tally
    assert tally.waiting == len(model.waiting)
    assert tally.total("offered") == sum(tally.total(k) for k in ("answered", "abandoned", "left", "lost")) + tally.waiting
    for outcome in ("answered", "abandoned", "left"):
        seen = model.truth[outcome] - model.unseen[outcome]
        assert tally.total(outcome) == seen, outcome
    assert tally.total("lost") <= sum(model.unseen[k] for k in ("answered", "abandoned", "left"))
    open_talks = sum(state == "talking" for state in tally.state.values())
    assert open_talks <= len(model.talking)
    for agent in (101, 102, 103):
        busy = agent in [a for _, a in model.talking.values()]
        assert model.s.states(f"agente-{agent}")[-1] == ("talking" if busy else "available")
    waits = {event.uniqueid: event.wait_s for event in tally.of("call.answered") if not event.wait_s < 0}
    assert all(wait_s >= 0 for wait_s in waits.values())
