"""The simulated headset: what its firmware does with the person's presses and the host's lamps, and that our host gets along with each."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.catalogue import HeadsetFault, HeadsetHook, HeadsetMute
from appliance.core.errors import MisconfiguredError
from appliance.sim.headset import SimHeadset
from appliance.sim.headset_model import MODELS, model_named, with_habits
from appliance.sim.headset_script import act_from_key, act_from_line, script_from_lines
from headsets.report import led_report, split, values
from headsets.seat import Device, Seat, Step

MS = 1_000_000
S = 1000 * MS


class Desk:
    """A simulated headset on an ideal wire to our own seat; time passes only when told."""

    def __init__(self, model: str, habits: str = "", hold: str = "own") -> None:
        self.headset = SimHeadset(with_habits(model_named(model), habits))
        self.seat, self.now = Seat("a1", hold=hold), 100 * S  # type: ignore[arg-type]
        self.events: list[object] = []
        self.seat.told("available", self.now)
        made = self.headset.model
        self._take(self.seat.plugged(Device(vendor_id=made.vendor_id, product_id=made.product_id), self.headset.layout, self.now))

    def told(self, state: str) -> None:
        self._take(self.seat.told(state, self.now))  # type: ignore[arg-type]

    def do(self, word: str, *args: str) -> list[bytes]:
        act = getattr(self.headset, word)
        return self._hear(act(*args) if word in ("leave", "come_back") else act(*args, self.now))

    def pass_s(self, seconds: float) -> list[bytes]:
        end, heard = self.now + round(seconds * S), []
        while (due := min((at for at in (self.headset.due_ns, self.seat.due_ns) if at is not None), default=end)) < end:
            self.now = max(self.now, due)
            heard += self._hear(self.headset.tick(self.now))
            self._take(self.seat.tick(self.now))
        self.now = end
        return heard

    def _hear(self, reports: list[bytes]) -> list[bytes]:
        for report in reports:
            self._take(self.seat.reported(values(self.headset.layout, *split(self.headset.layout, report)), self.now))
        return reports

    def _take(self, step: Step) -> None:
        self.events += step.events
        if step.lamps is None:
            return
        answers = [self.headset.written(report, self.now) for report in led_report(self.headset.layout, step.lamps)]
        self._take(self.seat.wrote(None not in answers, self.now))
        for answer in answers:
            self._hear(answer or [])

    @property
    def hooks(self) -> list[str]:
        return [event.hook for event in self.events if isinstance(event, HeadsetHook)]

    @property
    def mutes(self) -> list[bool | None]:
        return [event.mute for event in self.events if isinstance(event, HeadsetMute)]


@pytest.mark.parametrize("name", MODELS)
def test_our_host_and_each_model_agree_through_a_whole_call(name: str) -> None:
    desk = Desk(name)
    headset = desk.headset
    desk.told("ringing")
    assert headset.lamps["ring"]
    desk.do("lift")
    desk.told("talking")
    desk.pass_s(3)
    assert (headset.off_hook, desk.seat.hook.value) == (True, "off")
    assert not headset.lamps["ring"]
    for muted in (True, False, True):
        desk.do("mute")
        desk.pass_s(3)
        assert (headset.muted, desk.seat.mute.value) == (muted, muted), f"{name}: {desk.events}"
    desk.do("hang_up")
    desk.told("available")
    desk.pass_s(3)
    assert (headset.off_hook, desk.seat.hook.value) == (False, "on")
    assert not [event for event in desk.events if isinstance(event, HeadsetFault)]
    assert headset.refused == 0
    assert headset.due_ns is None, "it comes to rest"


def test_a_press_that_nobody_answers_is_taken_back() -> None:
    headset = SimHeadset(MODELS["jabra"])
    assert [each.hex() for each in headset.lift(0)] == ["020100"]
    assert headset.tick(headset.due_ns or 0) == [bytes.fromhex("020000")]
    assert (headset.off_hook, headset.due_ns) == (False, None)
    headset.lift(10 * S)
    assert headset.written(bytes.fromhex("020100"), 11 * S) == []
    assert headset.tick(13 * S) == [], "an answered one is not"
    assert headset.off_hook


def test_a_mute_that_nobody_answers_lets_go_after_its_patience_and_an_answered_one_at_once() -> None:
    headset = SimHeadset(with_habits(MODELS["jabra"], "mute_in_call=no"))
    assert [each.hex() for each in headset.mute(0)] == ["020400"]
    assert headset.tick(S) == []
    assert [each.hex() for each in headset.tick(2 * S)] == ["020000"]
    assert not headset.muted
    headset.mute(10 * S)
    answered = headset.written(bytes.fromhex("020200"), 10 * S)
    assert answered == [bytes.fromhex("020000")]
    assert headset.muted


def test_no_mute_while_on_hook_where_mute_is_of_a_call() -> None:
    headset = SimHeadset(MODELS["jabra"])
    assert headset.mute(0) == []


def test_a_pulse_a_stutter_a_button_that_never_comes_up() -> None:
    pulse = SimHeadset(MODELS["poly"])
    assert [each.hex() for each in pulse.lift(0)] == ["0802"]
    assert [each.hex() for each in pulse.tick(50 * MS)] == ["0800"]
    assert not pulse.off_hook, "it is a button, whatever its level says: the host decides"
    pulse.written(bytes.fromhex("1701"), S)
    assert pulse.off_hook
    stutter = SimHeadset(with_habits(MODELS["phone"], "repeats=2"))
    assert [each.hex() for each in stutter.lift(0)] == ["01", "01"]
    stuck = SimHeadset(with_habits(MODELS["phone"], "let_go=no"))
    assert stuck.mute(0) == [b"\x04"]
    assert stuck.tick(10 * S) == []
    assert stuck.mute(20 * S) == [b"\x04"]


def test_a_lamp_moves_the_hook_and_is_echoed_where_that_is_the_habit() -> None:
    for model, echo in (("epos", [bytes.fromhex("0201")]), ("phone", [])):
        headset = SimHeadset(MODELS[model])
        lit = led_report(headset.layout, {"off_hook": True})
        assert headset.written(lit[0], 0) == echo
        assert headset.off_hook
        assert values(headset.layout, *split(headset.layout, headset.mute(S)[0]))["hook"] == 1, "it is told with whatever comes next"


def test_out_of_range_it_is_silent_and_its_base_takes_writes() -> None:
    headset = SimHeadset(MODELS["jabra-base"])
    headset.lift(0)
    assert headset.leave() == [bytes.fromhex("020000")]
    assert (headset.lift(S), headset.mute(S)) == ([], [])
    assert headset.written(bytes.fromhex("020100"), S) == []
    assert not headset.off_hook
    assert headset.come_back() == [bytes.fromhex("020100")]
    with pytest.raises(MisconfiguredError, match="cable"):
        SimHeadset(MODELS["jabra"]).leave()


def test_what_it_does_not_take() -> None:
    headset = SimHeadset(MODELS["jabra"])
    assert headset.written(bytes.fromhex("0201"), 0) is None, "a report that is too short"
    assert headset.written(bytes.fromhex("0901"), 0) is None
    headset.stalls = True
    assert headset.written(bytes.fromhex("020100"), 0) is None
    assert headset.refused == len(headset.faults) == 3
    assert headset.picture().lamps == ()


def test_our_host_says_what_refuses() -> None:
    desk = Desk("jabra")
    desk.headset.stalls = True
    desk.told("talking")
    desk.do("lift")
    desk.pass_s(6)
    assert [event.fault for event in desk.events if isinstance(event, HeadsetFault)]


def test_watched_a_press_is_no_knowledge_and_nothing_is_written() -> None:
    desk = Desk("jabra", hold="watch")
    desk.do("lift")
    desk.pass_s(3)
    assert desk.hooks[-1] == "on", "the device gave up, and said so"
    assert desk.headset.lamps == dict.fromkeys(desk.headset.lamps, False)


def test_names_and_habits_that_are_none() -> None:
    with pytest.raises(MisconfiguredError, match="built in"):
        model_named("jabbra")
    with pytest.raises(MisconfiguredError, match="reverts"):
        with_habits(MODELS["jabra"], "revert")
    with pytest.raises(MisconfiguredError, match="patience_s"):
        with_habits(MODELS["jabra"], "patience_s=soon")
    with pytest.raises(MisconfiguredError, match="it has hook, mute"):
        SimHeadset(MODELS["epos"]).press("key5", 0)


def test_a_script_and_its_faults() -> None:
    script = script_from_lines(["# a call", "lift", "0.5 mute", "2 @* pull", "1 report 02 01:00", "5 again"])
    assert [(act.word, act.wait_s, act.which) for act in script][1:3] == [("mute", 0.5, 1), ("pull", 2.0, None)]
    assert script[3].argument == "020100"
    for line in ("lfit", "press", "mute now", "report xy", "@ lift", "99999999 lift"):
        with pytest.raises(MisconfiguredError, match="line 1"):
            script_from_lines([line])
    with pytest.raises(MisconfiguredError, match="never pause"):
        script_from_lines(["lift", "again"])
    with pytest.raises(MisconfiguredError, match="last line"):
        script_from_lines(["1 again", "lift"])
    assert act_from_line("  # nothing") is None


def test_keys_go_back_and_forth() -> None:
    is_so = {"plugged": True, "in_range": True, "stalls": False}
    assert [getattr(act_from_key(key, 3, **is_so), "word", None) for key in "hmpsox"] == ["hook", "mute", "pull", "stall", "leave", None]
    assert act_from_key("p", 3, **is_so | {"plugged": False}).word == "plug"  # type: ignore[union-attr]


WORDS = ("lift", "hang_up", "mute", *(f"told:{state}" for state in ("available", "ringing", "talking", "holding", "paused")))


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(sorted(MODELS)),
    acts=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([0.2, 0.6, 1.5, 3.0])), max_size=12),
)
def test_whatever_a_person_and_the_pbx_do_our_host_believes_nothing_false(model: str, acts: list[tuple[str, float]]) -> None:
    """What it believes once all is quiet is what the person at the desk would say, or that it does not know."""
    desk = Desk(model)
    for word, then_s in acts:
        if word.startswith("told:"):
            desk.told(word[5:])
        else:
            desk.do(word)
        desk.pass_s(then_s)
    desk.pass_s(10)
    headset = desk.headset
    assert desk.seat.hook.value in ("unknown", "off" if headset.off_hook else "on"), desk.events
    assert desk.seat.mute.value in (None, headset.muted), desk.events
    assert headset.due_ns is None, "it comes to rest"
