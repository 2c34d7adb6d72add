"""What the journal says of the seats: hand-fed rows, findings over a restart, and any order of events against an account of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from heard_rows import WALL_NS, Rows
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from appliance.core import catalogue as c
from appliance.core.clock import NS
from appliance.core.event import Entry
from appliance.core.headset_config import FindingHolds, HeadsetsConfig
from headsets.crosscheck import Facts
from headsets.found import GRACE_S, Found
from headsets.heard import Heard, kept_from, place_of

IN_SIGHT = (c.PbxResynced(pbx="p"), c.LinkUp(), c.AgentLoggedIn(agent="ana", pbx="p", interface="PJSIP/101"))
TALKING = c.AgentStateChanged(agent="ana", pbx="p", state="talking")
FREE = c.AgentStateChanged(agent="ana", pbx="p", state="available")
ATTACHED = c.HeadsetAttached(seat="a", agent="ana")
ON_HOOK = c.HeadsetHook(seat="a", agent="ana", hook="on")
CONFIG = HeadsetsConfig(boxes=("*",))


def facts(heard: Heard) -> Facts:
    return heard.facts_of(heard.afar.seats["far/a"])


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def heard(rows: Rows) -> Heard:
    heard = Heard(epoch="e")
    heard.feed(rows.tell(*IN_SIGHT, TALKING))
    heard.feed(rows.tell(ATTACHED, ON_HOOK, box="far"))
    return heard


def test_a_seat_of_another_box(heard: Heard, rows: Rows) -> None:
    assert facts(heard) == Facts(agent_state="talking", attached=True, hook="on", fresh="live")
    heard.feed(rows.tell(c.HeadsetMute(seat="a", agent="ana", mute=True), box="far"))
    assert facts(heard).mute is True
    heard.feed(rows.tell(c.HeadsetFault(seat="a", agent="ana", fault="dead"), box="far"))
    assert facts(heard).fresh == "stale"
    heard.feed(rows.tell(ON_HOOK, box="far"))
    assert facts(heard).fresh == "live"
    heard.feed(rows.tell(c.HeadsetDetached(seat="a", agent="eva"), box="far"))
    assert facts(heard) == Facts(attached=False, fresh="live")


def test_the_same_seat_here_and_in_two_boxes_are_three(heard: Heard, rows: Rows) -> None:
    heard.feed(rows.tell(c.HeadsetDetached(seat="a"), box="near"))
    heard.feed(rows.tell(c.HeadsetDetached(seat="a"), service="headsets"))
    assert facts(heard).attached is True
    assert set(heard.afar.heard(("near",))) == {"near/a"}
    assert set(heard.afar.heard(("*",))) == {"near/a", "far/a"}
    assert not heard.afar.heard(())


@pytest.mark.parametrize(
    ("gone", "meanwhile", "back", "then"),
    [
        (c.LinkDown(reason="unreachable"), "stale", c.LinkUp(), "live"),
        (c.LinkDown(reason="denied"), "stale", c.LinkDown(reason="no_consumer"), "live"),
        (c.BoxHealth(id="seat-box.far", level="amber"), "stale", c.BoxHealth(id="seat-box.far", level="ok"), "live"),
        (c.JournalPressure(state="begins"), "unknown", c.JournalPressure(state="ends"), "unknown"),
        (c.BoxGap(box="far", reason="missing"), "unknown", c.LinkUp(), "unknown"),
        (c.BoxGap(box="near", reason="missing"), "live", c.LinkUp(), "live"),
        (c.BoxHealth(id="seat-box.*", level="amber"), "stale", c.BoxHealth(id="seat-box.*", level="ok"), "live"),
        (c.BoxHealth(id="seat-box.near", level="red"), "live", c.LinkUp(), "live"),
        (c.BoxHealth(id="disk", level="red"), "live", c.LinkUp(), "live"),
    ],
)
def test_what_is_not_heard_any_more_holds_no_more(heard: Heard, rows: Rows, gone: Struct, meanwhile: str, back: Struct, then: str) -> None:
    heard.feed(rows.tell(gone))
    assert facts(heard).fresh == meanwhile
    heard.feed(rows.tell(back))
    assert facts(heard).fresh == then
    heard.feed(rows.tell(ON_HOOK, box="far"))
    assert facts(heard).fresh == "live"


def test_without_an_uplink_nothing_is_heard(heard: Heard) -> None:
    assert heard.facts_of(heard.afar.seats["far/a"], linked=False).fresh == "stale"


def test_findings_that_stand_by_the_journal(heard: Heard, rows: Rows) -> None:
    finding = c.HeadsetFinding(seat="a", agent="ana", finding="call_on_hook", for_s=5.0)
    heard.feed(rows.tell(finding, msgspec.structs.replace(finding, box="far"), service="headsets"))
    heard.feed(rows.tell(msgspec.structs.replace(finding, finding="held_elsewhere"), box="far"))  # its own, and its own to end
    assert {place: set(stood) for place, stood in heard.standing.items()} == {"/a": {"call_on_hook"}, "far/a": {"call_on_hook"}}
    heard.feed(rows.tell(msgspec.structs.replace(finding, over=True), service="headsets"))
    assert set(heard.standing) == {"far/a"}
    stood = heard.standing["far/a"]["call_on_hook"]
    assert stood.since_ns("one", rows.now_ns + 60 * NS, 0) == rows.now_ns - 5 * NS
    assert stood.since_ns("two", 100 * NS, WALL_NS + rows.now_ns + 60 * NS) == 35 * NS


def test_what_cannot_be_read_tells_nothing(heard: Heard) -> None:
    before = msgspec.json.encode(heard.staff)
    bad = (
        b'{"k":"agent.state","d":',
        b'{"k":"agent.state"}',
        b"",
        b'{"k":"agent.no_such_kind","s":"","w":1,"m":1,"b":"","c":"synced","d":{}}',
    )
    assert not heard.feed([Entry(100 + at, None, body) for at, body in enumerate(bad)])
    assert heard.seq == 103
    assert msgspec.json.encode(heard.staff) == before


def test_what_was_kept_is_taken_up_only_where_it_joins_on(heard: Heard) -> None:
    kept = msgspec.json.encode(heard)
    assert kept_from(kept, "e", 1, heard.seq) == heard
    assert kept_from(kept, "e", heard.seq + 1, heard.seq + 5) == heard
    assert kept_from(kept, "other", 1, heard.seq) is None
    assert kept_from(kept, "e", heard.seq + 2, heard.seq + 5) is None
    assert kept_from(kept, "e", 1, heard.seq - 1) is None
    assert kept_from(kept[:-1], "e", 1, heard.seq) is None
    assert kept_from(b"\xff", "e", 1, heard.seq) is None
    assert kept_from(kept.replace(b'"version":1', b'"version":0'), "e", 1, heard.seq) is None


class TestOneSeat:
    """`Found`: the findings of one seat as they are told."""

    ODD = Facts(agent_state="talking", attached=True, hook="on", fresh="live")
    WELL = Facts(agent_state="talking", attached=True, hook="off", fresh="live")
    BEGAN = c.HeadsetFinding(seat="a", agent="ana", finding="call_on_hook", for_s=5.0)

    def test_another_agent_is_another_finding(self) -> None:
        found = Found("a", None, HeadsetsConfig())
        assert not found.look("ana", self.ODD, 0)
        assert found.look("ana", self.ODD, 5 * NS) == (self.BEGAN,)
        over = c.HeadsetFinding(seat="a", agent="ana", finding="call_on_hook", over=True, for_s=6.0)
        assert found.look("eva", self.ODD, 6 * NS) == (over,)
        assert not found.look("eva", self.ODD, 10 * NS)
        assert found.look("eva", self.ODD, 11 * NS) == (msgspec.structs.replace(self.BEGAN, agent="eva"),)

    def test_whoever_sits_down_in_the_hold_time_begins_anew(self) -> None:
        found = Found("a", None, HeadsetsConfig())
        found.look("ana", self.ODD, 0)
        assert not found.look("eva", self.ODD, 4 * NS)
        assert not found.look("eva", self.ODD, 8 * NS)
        assert found.look("eva", self.ODD, 9 * NS)

    def test_only_what_is_configured_is_looked_for_and_after_its_time(self) -> None:
        config = HeadsetsConfig(findings=("muted_in_call",), hold_s=FindingHolds(muted_in_call=3.0))
        found, muted = Found("a", "far", config), msgspec.structs.replace(self.ODD, mute=True)
        assert not found.look("ana", muted, 0)
        assert found.due_ns == 3 * NS
        told = c.HeadsetFinding(seat="a", agent="ana", finding="muted_in_call", for_s=3.0, box="far")
        assert found.look("ana", muted, 3 * NS) == (told,)

    def _adopted(self, rows: Rows) -> Found:
        heard = Heard()
        heard.feed(rows.tell(self.BEGAN, service="headsets"))
        found = Found("a", None, HeadsetsConfig())
        found.adopt(heard.standing[place_of(None, "a")], rows.boot, rows.now_ns + 10 * NS, 0)
        return found

    def test_what_still_stands_after_a_restart_is_not_told_twice(self, rows: Rows) -> None:
        found, now_ns = self._adopted(rows), rows.now_ns + 10 * NS
        assert not found.look("ana", Facts(), now_ns)
        assert not found.look("ana", self.ODD, now_ns + 2 * NS)
        assert not found.look("ana", self.ODD, now_ns + 600 * NS)
        assert found.standing == ("call_on_hook",)
        assert found.look("ana", Facts(), now_ns + 601 * NS)[0].over

    def test_what_is_over_after_a_restart_is_told_over(self, rows: Rows) -> None:
        found, now_ns = self._adopted(rows), rows.now_ns + 10 * NS
        assert not found.look("ana", self.WELL, now_ns + 1 * NS)
        over = found.look("ana", self.WELL, now_ns + 3 * NS)
        assert over == (msgspec.structs.replace(self.BEGAN, over=True, for_s=16.0),)

    def test_what_nothing_is_known_of_after_a_restart_is_over_in_the_end(self, rows: Rows) -> None:
        found, now_ns = self._adopted(rows), rows.now_ns + 10 * NS
        assert not found.look("ana", Facts(), now_ns + round((GRACE_S - 1) * NS))
        assert found.due_ns == now_ns + round(GRACE_S * NS)
        over = found.look("ana", Facts(), now_ns + round(GRACE_S * NS))
        assert over == (msgspec.structs.replace(self.BEGAN, over=True, for_s=30.0),)
        assert found.due_ns is None

    def test_who_sits_there_no_more_after_a_restart(self, rows: Rows) -> None:
        found = self._adopted(rows)
        assert [each.over for each in found.look(None, Facts(), rows.now_ns + 10 * NS)] == [True]

    def test_a_finding_that_no_longer_is_looked_for_is_over(self, rows: Rows) -> None:
        heard = Heard()
        heard.feed(rows.tell(self.BEGAN, service="headsets"))
        found = Found("a", None, HeadsetsConfig(findings=()))
        found.adopt(heard.standing["/a"], rows.boot, rows.now_ns, 0)
        assert found.look("ana", self.ODD, rows.now_ns + round(GRACE_S * NS))[0].over

    def test_told_anew(self, rows: Rows) -> None:
        found = self._adopted(rows)
        heard = Heard()
        heard.feed(rows.tell(msgspec.structs.replace(self.BEGAN, finding="muted_in_call"), service="headsets"))
        lost = found.anew(heard.standing["/a"])
        assert [(each.finding, each.over) for each in lost] == [("muted_in_call", True), ("call_on_hook", False)]


_STATES = ("available", "ringing", "talking", "holding", "paused", "unknown", "logged_out")
_GATEWAY: tuple[Callable[[Any], Struct], ...] = (
    lambda pick: c.AgentStateChanged(agent="ana", pbx="p", state=pick(_STATES)),
    lambda pick: c.AgentStateChanged(agent="ana", pbx="p", state=pick(("talking", "available"))),
    lambda pick: c.AgentLoggedIn(agent="ana", pbx="p"),
    lambda pick: c.AgentLoggedOut(agent="ana", pbx="p"),
    lambda pick: c.PbxDown(pbx=pick(("p", "other")), reason="unreachable"),
    lambda pick: c.PbxResynced(pbx=pick(("p", "p", "other"))),
    lambda pick: c.BoxStarted(version="1", services=(pick(("gateway", "headsets")),)),
    lambda pick: c.LinkUp(),
    lambda pick: c.LinkDown(reason=pick(("unreachable", "no_consumer"))),
    lambda pick: c.BoxHealth(id=pick(("seat-box.far", "disk")), level=pick(("ok", "red"))),
    lambda pick: c.BoxGap(box=pick(("far", "near")), reason="missing"),
)
_FAR: tuple[Callable[[Any], Struct], ...] = (
    lambda pick: c.HeadsetAttached(seat="a", agent="ana"),
    lambda pick: c.HeadsetDetached(seat="a", agent="ana"),
    lambda pick: c.HeadsetHook(seat="a", agent="ana", hook=pick(("on", "off", "unknown"))),
    lambda pick: c.HeadsetHook(seat="a", agent="ana", hook=pick(("on", "off"))),
    lambda pick: c.HeadsetMute(seat="a", agent="ana", mute=pick((True, False, None))),
    lambda pick: c.HeadsetFault(seat="a", agent="ana", fault="dead"),
)


def may_be_found(told: list[tuple[Struct, bool]]) -> bool:
    """An account of its own, read backwards: whether anything may be said of the seat after these events (True: of the seat box)."""

    def last(*kinds: type[Struct], far: bool = False, where: Callable[[Any], bool] = lambda _data: True) -> tuple[int, Any]:
        found = ((at, data) for at, (data, is_far) in enumerate(told) if is_far == far and isinstance(data, kinds) and where(data))
        return max(found, default=(-1, None), key=lambda each: each[0])

    _, sight = last(
        c.PbxDown,
        c.PbxResynced,
        c.BoxStarted,
        where=lambda d: getattr(d, "pbx", "p") == "p" and "headsets" not in getattr(d, "services", ()),
    )
    _, agent = last(c.AgentStateChanged, c.AgentLoggedIn, c.AgentLoggedOut)
    _, link = last(c.LinkUp, c.LinkDown)
    _, box = last(c.BoxHealth, where=lambda d: d.id == "seat-box.far")
    gap, _ = last(c.BoxGap, where=lambda d: d.box == "far")
    spoke, word = last(*(c.HeadsetAttached, c.HeadsetDetached, c.HeadsetHook, c.HeadsetMute, c.HeadsetFault), far=True)
    is_told = isinstance(agent, c.AgentStateChanged) and agent.state != "unknown"
    # A login after another state than a logout leaves the state as it was.
    is_told = is_told or isinstance(agent, c.AgentLoggedIn | c.AgentLoggedOut)
    hears = isinstance(link, c.LinkUp) or (link is not None and link.reason == "no_consumer")
    return (
        isinstance(sight, c.PbxResynced)
        and is_told
        and hears
        and (box is None or box.level == "ok")
        and spoke > gap
        and not isinstance(word, c.HeadsetFault)
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_is_ever_found_on_facts_that_are_old_or_not_known(data: st.DataObject) -> None:
    rows, heard = Rows(), Heard(epoch="e")
    holds = FindingHolds(call_on_hook=1, off_hook_no_call=1, available_unplugged=1, muted_in_call=1, held_elsewhere=1)
    found = Found("a", "far", HeadsetsConfig(hold_s=holds))
    told: list[tuple[Struct, bool]] = []

    def pick(some: Any) -> Any:
        return data.draw(st.sampled_from(some))

    for at in range(2 + data.draw(st.integers(1, 30))):
        is_far = at > 1 and data.draw(st.booleans())
        event = (c.PbxResynced(pbx="p"), c.LinkUp())[at] if at < 2 else pick(_FAR if is_far else _GATEWAY)(pick)
        heard.feed(rows.tell(event, box="far" if is_far else None))
        told.append((event, is_far))
        for _ in range(data.draw(st.integers(1, 3))):
            seat = heard.afar.seats.get("far/a")
            verdicts = found.look(seat.agent if seat else None, heard.facts_of(seat) if seat else Facts(), rows.now_ns)
            if any(not verdict.over for verdict in verdicts) or found.standing:
                assert may_be_found(told), (told, verdicts)
            rows.now_ns += data.draw(st.sampled_from((0, NS // 2, NS, 3 * NS)))
    again = Heard(epoch="e")
    again.feed(rows.all)
    assert again == heard
    half = len(rows.all) // 2
    kept = Heard(epoch="e")
    kept.feed(rows.all[:half])
    taken = kept_from(msgspec.json.encode(kept), "e", 1, len(rows.all))
    assert taken is not None
    taken.feed(rows.all[half:])
    assert taken == heard
