"""One seat's headset as a whole: what is told of it, how presses are answered, and that nothing is claimed which nobody knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetFault, HeadsetFinding, HeadsetHook, HeadsetMute, kind_of
from headsets.crosscheck import CrossCheck, events_of, facts_of
from headsets.host import RETRY_NS
from headsets.layout import Control, HeadsetLayout, Led
from headsets.seat import Device, Seat, Step

MS = 1_000_000
S = 1000 * MS
ALL = ("off_hook", "mute", "ring", "hold", "microphone")
JABRA = Device(vendor_id="0b0e", product_id="0307", product="Wired", serial="S1")
PLAIN = Device(vendor_id="1234", product_id="0001", product="Plain")
BASE = Device(vendor_id="0b0e", product_id="24c8", product="Dongle")


def layout(hook: str | None = "level", mute: str | None = "toggle", leds: tuple[str, ...] = ALL) -> HeadsetLayout:
    def control(mode: str | None, offset: int, usage: int) -> Control | None:
        return None if mode is None else Control(2, offset, 1, mode, usage)  # type: ignore[arg-type]

    return HeadsetLayout(
        hook=control(hook, 0, 0x0B0020), mute=control(mute, 2, 0x0B002F), flash=None, redial=None, drop=None, buttons=(), keypad=(),
        leds={name: Led(2, place, 1) for place, name in enumerate(leds)}, in_bytes={2: 2}, out_bytes={2: 2}, telephony=True, numbered=True,
    )  # fmt: skip


def said(step: Step) -> list[tuple[str, Any]]:
    short = {HeadsetHook: "hook", HeadsetMute: "mute", HeadsetFault: "fault"}
    return [(kind_of(event)[8:], getattr(event, short.get(type(event), "seat"))) for event in step.events]


class Desk:
    """A seat with a device that takes everything, unless `takes` is False; keeps what was told and shown."""

    def __init__(self, device: Device = JABRA, of: HeadsetLayout | None = None, state: str | None = "available", **options: Any) -> None:
        self.seat = Seat("a1", **options)
        self.now = 100 * S
        self.takes = True
        self.events: list[Any] = []
        self.writes: list[tuple[int, dict[str, bool]]] = []
        self.intents: list[str] = []
        self.seat.told(state, self.now)  # type: ignore[arg-type]
        self.run(self.seat.plugged(device, of or layout(), self.now))

    def run(self, step: Step | None) -> Desk:
        while step is not None:
            self.events += step.events
            self.intents += [step.intent.verb] if step.intent else []
            lamps, step = step.lamps, None
            if lamps is not None:
                self.writes.append((self.now, lamps))
                step = self.seat.wrote(self.takes, self.now)
        return self

    def after(self, seconds: float) -> Desk:
        """Let time pass, with every tick that is due in it."""
        until = self.now + round(seconds * S)
        while (due := self.seat.due_ns) is not None and due <= until:
            self.now = max(self.now, due)
            before = self.seat.due_ns
            self.run(self.seat.tick(self.now))
            assert self.seat.due_ns != before or before > self.now, "it would spin"
        self.now = until
        return self

    def says(self, **values: int) -> Desk:
        return self.run(self.seat.reported(values, self.now))

    def press_mute(self) -> Desk:
        return self.says(hook=int(self.seat.hook.value == "off"), mute=1).says(hook=int(self.seat.hook.value == "off"), mute=0)

    def call(self, state: str | None) -> Desk:
        return self.run(self.seat.told(state, self.now))  # type: ignore[arg-type]

    @property
    def shown(self) -> dict[str, bool]:
        return self.writes[-1][1]

    def lit(self) -> set[str]:
        return {name for name, on in self.shown.items() if on}

    def told(self) -> list[tuple[str, Any]]:
        events, self.events = self.events, []
        return said(Step(events=tuple(events)))


def test_plugged_it_is_there_and_nothing_else_is_known() -> None:
    desk = Desk()
    (event,) = desk.events
    assert event == HeadsetAttached(seat="a1", product="Wired", vendor_id="0b0e", product_id="0307", serial="S1")
    assert (desk.seat.hook.value, desk.seat.mute.value, desk.seat.fresh) == ("unknown", None, "live")
    assert desk.lit() == set()


def test_pulled_and_plugged() -> None:
    desk = Desk()
    desk.says(hook=1).told()
    desk.run(desk.seat.pulled())
    assert desk.told() == [("detached", "a1")]
    assert (desk.seat.hook.value, desk.seat.attached) == ("unknown", False)
    assert desk.run(desk.seat.pulled()).told() == []
    assert desk.says(hook=1).told() == [], "a report that came too late"
    assert desk.run(desk.seat.plugged(JABRA, layout(), desk.now)).told() == [("attached", "a1")]
    assert desk.run(desk.seat.plugged(PLAIN, layout(), desk.now)).told() == [("detached", "a1"), ("attached", "a1")]


def test_a_seat_found_empty_at_the_start_is_told_so() -> None:
    seat = Seat("a1")
    assert seat.fresh == "unknown"
    assert seat.pulled().events == (HeadsetDetached(seat="a1"),)
    assert seat.fresh == "live"


def test_the_lamps_follow_the_call() -> None:
    desk = Desk()
    assert desk.call("ringing").lit() == {"ring"}
    assert desk.seat.hook.value == "unknown", "a lamp that rings tells nothing of the hook"
    assert desk.call("talking").lit() == {"off_hook"}
    assert desk.told()[1:] == [("hook", "off"), ("mute", False)]
    assert (desk.seat.hook.by, desk.seat.mute.by) == ("host", "host")
    assert desk.call("holding").lit() == {"off_hook", "hold"}, "clearing off-hook on hold ends the call on some"
    assert desk.call("talking").lit() == {"off_hook"}
    assert desk.call("wrap_up").lit() == set()
    assert desk.told() == [("hook", "on")]


def test_of_a_call_that_nobody_knows_of_nothing_is_written() -> None:
    desk = Desk(state=None)
    assert desk.writes == []
    desk.call("talking")
    written = len(desk.writes)
    desk.call("unknown")
    desk.call(None)
    desk.call("talking")
    assert len(desk.writes) == written, "the PBX out of sight ends no call, and coming back unmutes nobody"


def test_a_call_that_was_there_before_us_is_left_alone() -> None:
    """Our first report would darken a mute lamp of which nobody can tell whether it is lit."""
    desk = Desk()
    desk.run(desk.seat.pulled()).call("talking").writes.clear()
    desk.run(desk.seat.plugged(JABRA, layout(), desk.now, found=True)).after(10)
    assert desk.writes == []
    desk.press_mute()
    assert desk.lit() == {"off_hook", "mute"}
    assert desk.call("available").lit() == set()
    desk.run(desk.seat.pulled()).call("talking").writes.clear()
    desk.run(desk.seat.plugged(JABRA, layout(), desk.now))
    assert desk.lit() == {"off_hook"}, "plugged in during the call"
    desk.run(desk.seat.pulled()).writes.clear()
    desk.run(desk.seat.plugged(JABRA, layout(), desk.now, found=True)).call("wrap_up")
    assert desk.lit() == set()
    assert len(desk.writes) == 1


def test_mute_is_asked_by_the_headset_and_decided_by_the_host() -> None:
    desk = Desk().call("talking").after(5)
    desk.told()
    desk.press_mute()
    assert desk.lit() == {"off_hook", "mute"}
    assert desk.told() == [("mute", True)]
    desk.after(3).press_mute()
    assert desk.lit() == {"off_hook"}
    assert desk.told() == [("mute", False)]
    desk.after(3).press_mute().told()
    desk.after(1).call("available")
    assert desk.lit() == set()
    assert desk.told() == [("hook", "on"), ("mute", False)]


def test_the_lamp_that_shows_mute_is_the_models_own() -> None:
    desk = Desk(Device(vendor_id="0b0e", product_id="2400")).call("talking").after(5)
    assert desk.press_mute().lit() == {"off_hook", "microphone"}
    desk = Desk(Device(vendor_id="1395", product_id="009c"), layout(leds=(*ALL, "on_line"))).call("talking")
    assert desk.lit() == {"off_hook", "on_line"}


def test_every_press_is_answered_even_when_nothing_changes_by_it() -> None:
    desk = Desk().says(hook=0).call("talking").after(5)
    written = len(desk.writes)
    desk.says(hook=1).after(1)  # it did not echo the lamp; the person lifts what is lifted already
    assert len(desk.writes) == written + 1
    assert desk.lit() == {"off_hook"}
    assert desk.seat.hook.by == "level"


def test_a_hook_press_without_leave_asks_nothing() -> None:
    desk = Desk().call("ringing").says(hook=1)
    assert desk.intents == []
    assert desk.lit() == {"off_hook", "ring"}, "acknowledged; the phone still rings"
    desk = Desk(hold="watch", answer=True).call("ringing").says(hook=1)
    assert (desk.intents, desk.writes) == ([], [])


def test_a_hook_press_may_answer_and_hang_up() -> None:
    desk = Desk(answer=True, hang_up=True).call("ringing").says(hook=1)
    assert (desk.intents, desk.lit()) == (["answer"], {"off_hook"})
    desk.after(0.3).call("talking").after(10).says(hook=0)
    assert (desk.intents, desk.lit()) == (["answer", "hangup"], set())
    desk.after(0.3).call("wrap_up").after(10)
    assert desk.lit() == set()


def test_a_press_that_the_pbx_does_not_obey() -> None:
    desk = Desk(answer=True).call("ringing").says(hook=1).after(6)
    assert (desk.intents, desk.lit()) == (["answer"], {"ring"})


def test_in_a_call_the_person_may_hang_up_the_headset_alone() -> None:
    """No leave to hang up: the lamp acknowledges the press, and the cross-check tells that the call goes on."""
    desk = Desk().call("talking").after(1).says(hook=1).after(10).says(hook=0)
    assert (desk.intents, desk.lit(), desk.seat.hook.value) == ([], set(), "on")


def test_a_press_during_a_write_is_answered_by_the_next_one() -> None:
    desk = Desk().call("ringing").says(hook=0).after(5)
    desk.told()
    step = desk.seat.told("available", desk.now)
    assert step.lamps is not None
    assert step.lamps["off_hook"] is False
    assert said(desk.seat.reported({"hook": 1}, desk.now + MS)) == [("hook", "off")]
    step = desk.seat.wrote(True, desk.now + 2 * MS)
    assert step.events == (), "what it took was older than the press"
    assert step.lamps is not None
    assert step.lamps["off_hook"] is True
    assert said(desk.seat.wrote(True, desk.now + 3 * MS)) == [("mute", False)]
    assert (desk.seat.hook.value, desk.seat.hook.unanswered) == ("off", 0)


def test_a_headset_to_be_found_rings_for_its_time() -> None:
    desk = Desk(of=layout(leds=(*ALL, "ringer")))
    desk.run(desk.seat.ring(desk.now + 2 * S, desk.now))
    assert desk.lit() == {"ring", "ringer"}
    assert desk.after(2).lit() == set()
    assert desk.call("ringing").lit() == {"ring"}, "the agent's phone rings by itself"


def test_writes_that_fail_are_tried_again_while_the_device_is_patient() -> None:
    desk = Desk().call("talking").after(5)
    desk.takes = False
    pressed = desk.now
    desk.press_mute().after(0.25)
    assert len([at for at, _ in desk.writes if at >= pressed]) >= 3
    desk.takes = True
    desk.after(RETRY_NS / S)
    assert desk.seat.mute.value is True
    assert "fault" not in dict(desk.told())


def test_a_device_that_takes_nothing_is_at_fault_until_it_does() -> None:
    desk = Desk().call("talking").after(5)
    desk.told()
    desk.takes = False
    desk.press_mute().after(30)
    assert [kind for kind, _ in desk.told()] == ["fault"]
    assert desk.seat.fresh == "stale"
    assert len(desk.writes) < 40
    desk.takes = True
    desk.after(10)
    assert desk.seat.fresh == "live"
    assert desk.told() == [("hook", "off"), ("mute", True)]


def test_a_device_that_fails_and_speaks_again_is_unknown_until_told() -> None:
    desk = Desk(hold="watch").says(hook=1)
    desk.told()
    desk.run(desk.seat.failed("it stalls")).run(desk.seat.failed("it stalls still"))
    assert desk.told() == [("fault", "it stalls")]
    assert desk.says(mute=1).told() == [("hook", "unknown"), ("mute", None)]
    assert desk.seat.fresh == "live"


def test_a_base_whose_headset_is_out_of_range_is_unknown_not_on_hook() -> None:
    desk = Desk(BASE).call("talking")
    assert desk.seat.hook.value == "unknown", "that the base took the lamp tells nothing of the headset"
    desk.after(1).says(hook=1)
    assert desk.seat.hook.value == "off"
    desk.told()
    desk.says(hook=0)
    desk.run(desk.seat.out_of_range(desk.now))
    assert (desk.seat.hook.value, desk.seat.mute.value) == ("unknown", None)
    desk.call("wrap_up").call("talking")
    assert desk.seat.hook.value == "unknown"


def test_a_base_that_failed_or_speaks_of_itself_has_told_nothing_of_its_headset() -> None:
    desk = Desk(BASE).says(hook=0).call("talking")
    desk.run(desk.seat.failed("it stalls")).run(desk.seat.told("holding", desk.now))
    assert (desk.seat.fault, desk.seat.hook.value) == (None, "unknown"), "that it takes lamps again tells nothing of the headset"
    desk = Desk(BASE).says().call("talking")
    assert desk.seat.hook.value == "unknown", "a report of no control that is known may be the base's own"
    desk.says(hook=0).run(desk.seat.missed(desk.now)).call("available").call("talking")
    assert desk.seat.hook.value == "unknown", "a report that was lost may have said that the headset went away"


def test_a_base_that_failed_and_says_that_its_headset_is_away_has_spoken() -> None:
    desk = Desk(BASE, hold="watch").says(hook=1)
    desk.run(desk.seat.failed("it stalls"))
    desk.told()
    desk.run(desk.seat.out_of_range(desk.now))
    assert (desk.seat.fault, desk.told()) == (None, [("hook", "unknown"), ("mute", None)])


def test_watching_never_writes_and_counts_mute_within_a_call() -> None:
    desk = Desk(hold="watch").call("talking").says(hook=1)
    assert desk.told()[1:] == [("hook", "off"), ("mute", False)]
    desk.after(1).press_mute()
    assert desk.told() == [("mute", True)]
    assert desk.after(60).says(hook=0).told() == [("hook", "on"), ("mute", False)]
    assert desk.writes == []


def test_who_sits_there_is_told_with_every_event() -> None:
    desk = Desk().says(hook=1)
    desk.told()
    step = desk.seat.seated("ana", desk.now)
    assert step.events == (HeadsetHook(seat="a1", agent="ana", hook="off", by="level"),)
    assert desk.seat.seated("ana", desk.now).events == ()
    desk.after(5).says(hook=0)
    assert desk.events[-1].agent == "ana"


def test_a_device_that_chatters_is_at_fault_until_it_is_quiet() -> None:
    desk = Desk(hold="watch")
    for turn in range(20_000):
        desk.says(hook=turn % 2)
        desk.now += 5 * MS
    assert len(desk.events) < 300
    assert (desk.told()[-1][0], desk.seat.fresh) == ("fault", "stale")
    desk.after(2).says(hook=1)
    assert ([kind for kind, _ in desk.told()], desk.seat.fresh) == (["hook", "mute"], "live")
    desk = Desk(hold="watch")
    for turn in range(500):
        desk.after(0.2).says(hook=turn % 2)
    assert desk.seat.fault is None, "five a second may be"


def test_mute_is_shown_by_the_microphone_lamp_where_there_is_no_other() -> None:
    desk = Desk(PLAIN, layout(leds=("off_hook", "microphone"))).call("talking").after(5)
    assert desk.press_mute().lit() == {"off_hook", "microphone"}


def test_two_buttons_ask_each_for_its_own_state() -> None:
    desk = Desk().call("talking").after(5)
    desk.says(mute=-1).says(mute=0)
    assert desk.seat.mute.value is False
    desk.after(1).says(mute=1).says(mute=0).after(1).says(mute=-1).says(mute=0)
    assert desk.seat.mute.value is False


def test_the_cross_check_of_a_seat() -> None:
    desk = Desk(hold="watch").says(hook=0)
    check = CrossCheck()
    assert check.look(facts_of(desk.seat, "talking"), desk.now) == ()
    verdicts = check.look(facts_of(desk.seat, "talking"), desk.now + 5 * S)
    assert events_of(desk.seat, verdicts) == (HeadsetFinding(seat="a1", finding="call_on_hook", for_s=5.0),)
    desk.run(desk.seat.failed("it stalls"))
    (over,) = events_of(desk.seat, check.look(facts_of(desk.seat, "talking"), desk.now + 6 * S))
    assert (over.over, over.for_s) == (True, 6.0)


class Jabralike:
    """A headset that does as Jabra's documents say: it asks, waits 2 s for the lamp, and falls back when nobody answers."""

    PATIENCE = 2 * S

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.hook = self.muted = False
        self.pending: dict[str, tuple[int, bool]] = {}
        self.gave_up: Counter[str] = Counter()

    def press(self, what: str) -> None:
        before = len(self.desk.writes)
        self.pending[what] = (self.desk.now, not (self.hook if what == "hook" else self.muted))
        if what == "hook":
            self.desk.says(hook=int(self.pending[what][1]))
        else:
            self.desk.says(hook=int(self.hook), mute=1)
        self.take(before)

    def take(self, before: int) -> None:
        for _, lamps in self.desk.writes[before:] if self.desk.takes else ():
            self.pending.clear()
            self.hook, self.muted = lamps["off_hook"], lamps["mute"]

    def wait(self, seconds: float) -> None:
        before = len(self.desk.writes)
        self.desk.after(seconds)
        self.take(before)
        for what, (at, _) in list(self.pending.items()):
            if self.desk.now - at >= self.PATIENCE:
                self.gave_up[what] += 1
                del self.pending[what]


@given(st.lists(st.sampled_from(["hook", "mute", "ringing", "talking", "holding", "available", "unknown", "wait"]), max_size=40))
def test_an_own_headset_never_has_to_give_up_and_agrees_in_the_end(acts: list[str]) -> None:
    desk = Desk(answer=True, hang_up=True)
    headset = Jabralike(desk)
    for act in acts:
        if act in ("hook", "mute"):
            headset.press(act)
        elif act != "wait":
            before = len(desk.writes)
            desk.call(act)
            headset.take(before)
        headset.wait(0.7 if act != "wait" else 3)
    headset.wait(10)
    assert headset.gave_up == {}
    assert headset.pending == {}
    if desk.seat.hook.value != "unknown":
        assert (desk.seat.hook.value == "off") == headset.hook
    if desk.seat.mute.value is not None:
        assert desk.seat.mute.value == headset.muted


Act = tuple[str, int, int]
ACTS = st.tuples(
    st.sampled_from(["hook", "mute", "both", "write", "call", "fail", "range", "pull", "plug", "tick", "seat", "ring"]),
    st.integers(-1, 1),
    st.one_of(st.sampled_from([0, 1, 4, 50, 140, 400, 600, 1990, 2000, 2010]), st.integers(0, 8000)),
)
STATES = ("available", "ringing", "talking", "holding", "wrap_up", "unknown")
DEVICES = (JABRA, PLAIN, BASE, Device(vendor_id="1395", product_id="0035"), Device(vendor_id="046d", product_id="0aee"))


def done(seat: Seat, act: str, value: int, turn: int, now: int, device: Device, of: HeadsetLayout) -> Step:
    if act in ("hook", "mute"):
        return seat.reported({act: value}, now)
    if act == "both":
        return seat.reported({"hook": abs(value), "mute": 1}, now)
    if act == "write":
        return seat.wrote(value >= 0, now)
    if act == "call":
        return seat.told(STATES[turn % len(STATES)], now)  # type: ignore[arg-type]
    if act == "fail":
        return seat.failed("it stalls")
    if act == "range":
        return seat.out_of_range(now)
    if act == "pull":
        return seat.pulled()
    if act == "plug":
        return seat.plugged(device, of, now)
    if act == "seat":
        return seat.seated(("ana", None)[turn % 2], now)
    return seat.ring(now + S, now) if act == "ring" else seat.tick(now)


def played(seat: Seat, device: Device, of: HeadsetLayout, acts: list[Act], *, ok: bool | None = None) -> Iterator[tuple[int, str, Step]]:
    """Play them; a lamp write is told as over by the act `write` alone (or at once and always `ok`, if that is given)."""
    now = 50 * S
    flying = False
    for turn, (act, value, gap_ms) in enumerate([("plug", 0, 0), *acts]):
        now += gap_ms * MS
        if act == "write" and not flying:
            continue
        step = done(seat, act, value, turn, now, device, of)
        yield now, act, step
        flying = step.lamps is not None or (flying and act not in ("write", "pull", "plug"))
        while step.lamps is not None and ok is not None:
            step = seat.wrote(ok, now)
            yield now, "write", step


@pytest.mark.parametrize("hold", ["own", "watch"])
@pytest.mark.parametrize(("hook", "mute"), [("level", "toggle"), ("level", "level"), ("toggle", "toggle"), (None, None)])
@settings(max_examples=60)
@given(acts=st.lists(ACTS, max_size=50), device=st.sampled_from(DEVICES))
def test_the_state_is_never_more_certain_than_what_stands_behind_it(
    hold: Any, hook: str | None, mute: str | None, acts: list[Act], device: Device
) -> None:
    seat = Seat("a1", hold=hold)
    told = shown = False
    value: dict[str, Any] = {"hook": "unknown", "mute": None}
    for _, act, step in played(seat, device, layout(hook, mute), acts):
        told = (told and act not in ("plug", "pull", "range", "fail")) or act in ("hook", "mute", "both")
        shown = (shown and act not in ("plug", "pull", "range", "fail")) or act == "write"
        for event in step.events:
            if isinstance(event, HeadsetHook):
                value["hook"] = event.hook
            elif isinstance(event, HeadsetMute):
                value["mute"] = event.mute
            elif isinstance(event, HeadsetAttached | HeadsetDetached):
                value = {"hook": "unknown", "mute": None}
        assert (seat.hook.value, seat.mute.value) == (value["hook"], value["mute"]) or seat.fault, "the events tell all of it"
        if seat.fault:
            continue
        known = [machine.by for machine in (seat.hook, seat.mute) if machine.value not in ("unknown", None)]
        if hold == "watch":
            assert step.lamps is None, "a headset that is only watched is never written"
            assert "host" not in known
        if "host" in known:
            assert shown
        if "level" in known or "toggle" in known:
            assert told
        if hook is None:
            assert seat.hook.value == "unknown" or hold == "own"
        if seat.mute.mode == "toggle":
            assert seat.mute.value is None or seat.mute.by != "level"
        if seat.hook.mode == "toggle" and not shown:
            assert seat.hook.value == "unknown" or seat.hook.by == "toggle" or hook == "level"


@settings(max_examples=150)
@given(acts=st.lists(ACTS, max_size=50), device=st.sampled_from(DEVICES[:4]), fails_ms=st.integers(0, 1500))
def test_an_own_headset_ends_answered_within_its_patience(acts: list[Act], device: Device, fails_ms: int) -> None:
    """Whatever comes: the lamps are written while the device still waits, also where it takes none for a while after each press."""
    desk = Desk(device)
    for turn, (act, value, gap_ms) in enumerate(acts):
        desk.after(gap_ms / 1000)
        if act == "write":
            continue
        writes, desk.takes = len(desk.writes), act not in ("hook", "mute", "both", "call", "ring", "plug")
        desk.run(done(desk.seat, act, value, turn, desk.now, device, layout()))
        if not desk.takes:
            is_owed = desk.seat.mute.due_ns is not None or desk.seat.host.due_ns is not None
            assert len(desk.writes) > writes or not is_owed or desk.seat.due_ns is not None
            desk.after(fails_ms / 1000)
        desk.takes = True
        desk.after(0.3)
        assert (desk.seat.hook.unanswered, desk.seat.mute.unanswered) == (0, 0)
    desk.after(3)
    assert (desk.seat.hook.unanswered, desk.seat.mute.unanswered) == (0, 0)
    assert desk.seat.mute.due_ns is None
    assert desk.seat.fault in (None, "it stalls")


@settings(max_examples=60)
@given(acts=st.lists(ACTS, max_size=40), shift_s=st.integers(0, 10**7))
def test_only_differences_of_time_count(acts: list[Act], shift_s: int) -> None:
    """No clock but the monotonic one: the same reports a year later, or after a boot, give the same events."""

    def events(by_ns: int) -> list[Any]:
        seat = Seat("a1")
        moved = [("tick", 0, by_ns // MS), *acts]
        return [step for _, act, step in played(seat, JABRA, layout(), moved) if act != "tick"]

    assert events(0) == events(shift_s * S)
