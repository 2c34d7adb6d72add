"""One analog line: every way in which a call begins and ends, what hides it, and what stands in the way; outcomes are never made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import LineCallerId, LineFault, LineReleased, LineRinging, LineSeized
from gateway.fxo.caller_id import CallerId
from gateway.fxo.line import BLIND_NS, Line
from gateway.fxo.line_call import NS, Told
from gateway.fxo.line_settings import LineSettings

ANA = CallerId(format="modem", number="0987654321", name="ANA")
BELL = (2000, 4000)


class Rig:
    """A line with a clock in seconds, which lets every deadline pass in its order."""

    def __init__(self, **settings: Any) -> None:
        self.line = Line(LineSettings(line="linea-1", trunk="pstn", **{"ring_ms": BELL, "hook_sense": True, **settings}))
        self.told: list[Told] = []
        self.now_ns = 0
        self.do("found", tells_hook=True)
        if self.line.settings.hook_sense:
            self.do("hook", False, edge=False)

    def at(self, now_s: float) -> Rig:
        until_ns = int(now_s * NS)
        while (due_ns := self.line.due_ns) is not None and due_ns <= until_ns:
            self.now_ns = max(self.now_ns, due_ns)
            self.told += self.line.tick(self.now_ns)
        self.now_ns = max(self.now_ns, until_ns)
        return self

    def do(self, what: str, *args: Any, **named: Any) -> Rig:
        self.told += getattr(self.line, what)(*args, self.now_ns, **named)
        return self

    def burst(self, start_s: float, seconds: float = 2.0) -> Rig:
        self.at(start_s + 0.3)
        self.told += self.line.burst(True, int(start_s * NS), self.now_ns)
        self.at(start_s + seconds + 0.2)
        self.told += self.line.burst(False, int((start_s + seconds) * NS), self.now_ns)
        return self

    @property
    def kinds(self) -> list[str]:
        names = {LineRinging: "ringing", LineCallerId: "caller_id", LineSeized: "seized", LineReleased: "released", LineFault: "fault"}
        return [names[type(told.event)] for told in self.told]

    @property
    def released(self) -> LineReleased:
        (event,) = [told.event for told in self.told if isinstance(told.event, LineReleased)]
        return event

    def faults(self) -> list[tuple[str, bool]]:
        return [(told.event.fault, told.event.over) for told in self.told if isinstance(told.event, LineFault)]


# -- calls in --------------------------------------------------------------------------------------------------


def test_a_call_that_is_answered() -> None:
    rig = Rig().burst(10).do("caller_id", ANA).burst(16).at(18.5).do("hook", True).at(60).do("hook", False).at(61)
    assert rig.kinds == ["ringing", "caller_id", "seized", "released"]
    ringing, caller, seized, released = (told.event for told in rig.told)
    assert (ringing.line, ringing.trunk) == ("linea-1", "pstn")
    assert isinstance(caller, LineCallerId)
    assert (caller.number, caller.name, caller.absent) == ("0987654321", "ANA", None)
    assert isinstance(seized, LineSeized)
    assert (seized.direction, seized.inferred) == ("in", False)
    assert isinstance(released, LineReleased)
    assert (released.outcome, released.rang_s, released.inferred) == ("answered", 8.5, False)
    assert [told.at_ns / NS for told in rig.told] == [10.0, 12.2, 18.5, 60.0]
    assert rig.line.state == "idle"
    assert rig.line.due_ns is None


def test_a_call_that_is_abandoned() -> None:
    rig = Rig().burst(10).burst(16).at(23.9)  # the longest silence, and two seconds
    assert rig.kinds == ["ringing"]
    rig.at(30)
    assert rig.kinds == ["ringing", "released"]
    assert (rig.released.outcome, rig.released.rang_s) == ("abandoned", 8.0)
    assert rig.told[-1].at_ns == 18 * NS
    assert rig.line.state == "idle"


def test_by_words_alone() -> None:
    rig = Rig().at(10).do("ring").at(16).do("ring").at(22).do("ring").at(29.9)
    assert rig.kinds == ["ringing"]
    rig.at(31)
    assert (rig.kinds, rig.released.outcome, rig.released.rang_s) == (["ringing", "released"], "abandoned", 12.0)
    answered = Rig().at(10).do("ring").at(12).do("hook", True).at(12.3).do("ring").at(40).do("hook", False).at(50)
    assert answered.kinds == ["ringing", "seized", "released"]  # the word for the burst that was cut short counts for nothing


def test_nothing_senses_that_it_was_taken() -> None:
    rig = Rig(hook_sense=False).at(10).do("ring").at(16).do("ring").at(40)
    assert (rig.kinds, rig.released.outcome) == (["ringing", "released"], "unknown")
    assert rig.line.state == "unknown"


def test_answered_by_reversal() -> None:
    rig = Rig(hook_sense=False, answer_reversal=True, release_reversal=True).burst(10).at(14).do("reversal").at(14.4).do("reversal").at(50)
    assert rig.kinds == ["ringing", "seized"]
    rig.do("reversal").at(51)
    assert (rig.kinds, rig.released.outcome) == (["ringing", "seized", "released"], "answered")
    assert rig.told[-1].at_ns == 50 * NS
    assert Rig(hook_sense=False, answer_reversal=True).burst(10).at(40).released.outcome == "abandoned"


def test_a_reversal_that_announces_the_caller_is_no_answer() -> None:
    rig = (
        Rig(hook_sense=False, answer_reversal=True, country="gb", ring_ms=None)
        .at(9)
        .do("reversal")
        .do("caller_id", ANA)
        .burst(10, 0.4)
        .at(12)
        .do("reversal")
    )
    assert rig.kinds == ["ringing", "caller_id", "seized"]
    rig = Rig(hook_sense=False, answer_reversal=True, caller_id_reversal=True).burst(10).at(12.5).do("reversal")
    assert rig.kinds == ["ringing"]
    assert rig.at(13).do("reversal").kinds == ["ringing", "seized"]


def test_callers_told_early_late_twice_or_badly() -> None:
    early = Rig().at(8).do("caller_id", ANA).burst(10)
    assert early.kinds == ["ringing", "caller_id"]
    assert Rig().at(8).do("caller_id", ANA).burst(30).kinds == ["ringing"]  # of a call that never rang
    late = Rig().burst(10).at(13).do("hook", True).at(14).do("caller_id", ANA).do("caller_id", ANA)
    assert late.kinds == ["ringing", "seized", "caller_id"]
    bad = CallerId(format="mdmf", checksum_ok=False, number="666")
    assert Rig().burst(10).do("caller_id", bad).kinds == ["ringing"]
    withheld = CallerId(format="mdmf", checksum_ok=True, absent="P")
    assert Rig().burst(10).do("caller_id", withheld).do("caller_id", ANA).do("caller_id", withheld).kinds == [
        "ringing",
        "caller_id",
        "caller_id",
    ]
    assert Rig().at(5).do("hook", True).at(9).do("caller_id", ANA).kinds == ["seized"]  # call waiting, during a call out


# -- calls out, and how calls end ------------------------------------------------------------------------------


def test_a_call_out() -> None:
    rig = Rig().at(5).do("hook", True).at(60).do("hook", False).at(62)
    assert rig.kinds == ["seized", "released"]
    seized, released = (told.event for told in rig.told)
    assert isinstance(seized, LineSeized)
    assert isinstance(released, LineReleased)
    assert (seized.direction, released.outcome, released.rang_s) == ("out", None, None)


def test_a_flash_is_no_hang_up() -> None:
    rig = Rig().at(5).do("hook", True).at(20).do("hook", False).at(20.5).do("hook", True).at(30)
    assert rig.kinds == ["seized"]
    assert rig.do("hook", False).at(30.69).kinds == ["seized"]
    assert rig.at(30.7).kinds == ["seized", "released"]
    assert rig.told[-1].at_ns == 30 * NS


def test_the_exchange_disconnects_by_a_break() -> None:
    """The call was over at the break; the line is free when the phone is back on its hook, and its howler is a fault."""
    rig = (
        Rig(cpc_ms=(200, 650))
        .burst(10)
        .at(13)
        .do("hook", True)
        .at(50)
        .do("hook", False)
        .at(50.4)
        .do("hook", True)
        .at(70)
        .do("hook", False)
        .at(80)
    )
    assert rig.kinds == ["ringing", "seized", "released"]
    assert rig.told[-1].at_ns == 50 * NS
    short = (
        Rig(cpc_ms=(200, 650)).at(13).do("hook", True).at(50).do("hook", False).at(50.1).do("hook", True).at(70).do("hook", False).at(80)
    )
    assert short.told[-1].at_ns == 70 * NS
    howls = Rig().at(5).do("hook", True).at(20).do("far_end_gone").at(79).do("far_end_gone")
    assert howls.kinds == ["seized"]
    assert howls.at(81).faults() == [("stuck_off_hook", False)]
    assert howls.do("hook", False).at(90).faults() == [("stuck_off_hook", False), ("stuck_off_hook", True)]


def test_a_break_of_the_battery_disconnects_too() -> None:
    rig = Rig(cpc_ms=(200, 800), hook_sense=False, answer_reversal=True).burst(10).at(13).do("reversal").at(50)
    rig.do("battery", False).at(50.5).do("battery", True)
    assert (rig.kinds, rig.told[-1].at_ns) == (["ringing", "seized", "released"], 50 * NS)


def test_a_line_in_use_cannot_ring() -> None:
    rig = Rig().at(5).do("hook", True).burst(100)
    assert rig.kinds == ["seized", "released", "ringing"]
    assert rig.released.inferred


# -- faults ----------------------------------------------------------------------------------------------------


def test_dead_line() -> None:
    rig = Rig().at(5).do("battery", False).at(5.9)
    assert rig.kinds == []
    assert rig.at(6).faults() == [("no_battery", False)]
    assert rig.at(100).do("battery", True).faults() == [("no_battery", False), ("no_battery", True)]
    ringing = Rig().burst(10).at(13).do("battery", False).at(20)
    assert (ringing.kinds, ringing.released.outcome) == (["ringing", "released", "fault"], "unknown")


def test_stuck_off_hook() -> None:
    rig = Rig(stuck_s=3600.0).at(5).do("hook", True).at(3604)
    assert rig.faults() == []
    assert rig.at(3700).do("hook", False).at(3800).faults() == [("stuck_off_hook", False), ("stuck_off_hook", True)]


def test_a_ring_sense_that_is_stuck() -> None:
    rig = Rig()
    for at in range(10, 1000, 3):
        rig.at(at).do("ring")
    assert (rig.kinds, rig.released.outcome) == (["ringing", "released", "fault"], "unknown")
    assert rig.at(1100).faults() == [("stuck_ringing", False), ("stuck_ringing", True)]
    rig.told.clear()
    assert rig.at(1200).do("ring").kinds == ["ringing"]


def test_a_bell_that_never_stops_is_a_fault_until_it_does() -> None:
    rig = Rig().at(10)
    rig.told += rig.line.burst(True, rig.now_ns, rig.now_ns)
    assert rig.at(2000).faults() == [("stuck_ringing", False)]
    rig.told += rig.line.burst(False, rig.now_ns, rig.now_ns)
    assert rig.at(2100).faults() == [("stuck_ringing", False), ("stuck_ringing", True)]
    rig.told.clear()
    assert rig.burst(2200).kinds == ["ringing"]


def test_a_bell_that_never_stops_and_whose_sense_is_lost_is_heard_again() -> None:
    rig = Rig().at(10)
    rig.told += rig.line.burst(True, rig.now_ns, rig.now_ns)
    rig.at(400).do("lost").at(410).do("found").at(500)
    assert rig.faults() == [("stuck_ringing", False), ("stuck_ringing", True)]


def test_a_flood_of_rings_is_one_call() -> None:
    rig = Rig().at(10)
    for _ in range(20_000):
        rig.do("ring")
    assert rig.at(60).kinds == ["ringing", "released"]


def test_chatter_is_bounded_and_over_when_it_is_quiet() -> None:
    """A loose contact, or a peer that floods: twenty calls in a minute, and no more until it is quiet."""
    rig = Rig().at(10)
    for step in range(2_000):
        rig.at(10 + step * 0.01).do("hook", step % 2 == 0, steady=True)
    assert rig.kinds.count("seized") == rig.kinds.count("released") == 20
    assert (rig.faults(), rig.line.state) == ([("chatter", False)], "unknown")
    assert rig.at(60).faults() == [("chatter", False), ("chatter", True)]
    rig.told.clear()
    assert rig.do("ring").at(62).do("hook", True).at(90).do("hook", False).at(100).kinds == ["ringing", "seized", "released"]


def test_who_waits_during_a_call_is_not_who_called() -> None:
    rig = Rig().at(10).do("ring").at(12).do("hook", True).at(30).do("caller_id", ANA)
    assert rig.kinds == ["ringing", "seized"]


def test_glare() -> None:
    """Whoever took the line up to dial met a call that nobody had heard."""
    rig = Rig().at(10.3)
    rig.told += rig.line.burst(True, 10 * NS, rig.now_ns)
    rig.at(10.4).do("hook", True)
    assert (rig.kinds, rig.faults()) == (["ringing", "fault", "seized"], [("glare", False)])
    rig = Rig().at(10).do("hook", True).at(10.35)
    rig.told += rig.line.burst(True, int(10.05 * NS), rig.now_ns)
    assert rig.kinds == ["seized", "fault", "released", "ringing", "seized"]
    rig.told.clear()
    assert rig.at(40).do("hook", False).at(50).released.outcome == "answered"


# -- out of sight ----------------------------------------------------------------------------------------------


def test_cut_while_it_rings_and_back_on_hook() -> None:
    rig = Rig().burst(10).at(13).do("lost").at(15).do("found", tells_hook=True).do("hook", False, edge=False).at(60)
    assert (rig.kinds, rig.released.outcome) == (["ringing", "released"], "unknown")
    assert rig.line.state == "idle"


def test_cut_while_it_rings_and_still_ringing() -> None:
    rig = (
        Rig()
        .burst(10)
        .at(13)
        .do("lost")
        .at(14)
        .do("found", tells_hook=True)
        .burst(16)
        .at(19)
        .do("hook", True)
        .at(40)
        .do("hook", False)
        .at(50)
    )
    assert (rig.kinds, rig.released.outcome) == (["ringing", "seized", "released"], "answered")


def test_cut_while_it_rings_and_taken_meanwhile() -> None:
    rig = Rig().burst(10).at(13).do("lost").at(14).do("found", tells_hook=True).do("hook", True, edge=False)
    assert rig.kinds == ["ringing", "seized"]
    seized = rig.told[-1].event
    assert isinstance(seized, LineSeized)
    assert seized.inferred


def test_cut_for_good() -> None:
    rig = Rig().burst(10).at(13).do("lost").at(100)
    assert (rig.released.outcome, rig.line.state) == ("unknown", "unknown")
    rig = Rig().at(5).do("hook", True).at(20).do("lost").at(20 + BLIND_NS / NS - 1)
    assert rig.kinds == ["seized"]
    assert rig.at(100).released.inferred
    rig = Rig().at(5).do("lost")
    assert rig.line.state == "unknown"


def test_cut_while_in_use() -> None:
    talking = (
        Rig()
        .at(5)
        .do("hook", True)
        .at(20)
        .do("lost")
        .at(25)
        .do("found", tells_hook=True)
        .do("hook", True, edge=False)
        .at(60)
        .do("hook", False)
        .at(70)
    )
    assert (talking.kinds, talking.released.inferred) == (["seized", "released"], False)
    gone = Rig().at(5).do("hook", True).at(20).do("lost").at(25).do("found", tells_hook=True).do("hook", False, edge=False)
    assert (gone.kinds, gone.released.inferred) == (["seized", "released"], True)
    mute = Rig().at(5).do("hook", True).at(20).do("lost").at(25).do("found")
    assert (mute.kinds, mute.released.inferred, mute.line.state) == (["seized", "released"], True, "idle")


def test_taken_when_first_seen() -> None:
    line = Line(LineSettings(line="linea-1", hook_sense=True))
    line.found(0, tells_hook=True)
    (told,) = line.hook(True, 0, edge=False)
    assert isinstance(told.event, LineSeized)
    assert (told.event.direction, told.event.inferred) == (None, True)


def test_what_could_not_be_read_makes_the_outcome_unknown() -> None:
    rig = Rig().at(10).do("ring").at(14).do("doubt").at(20)
    assert rig.kinds == ["ringing"]  # what was damaged may have been a ring
    assert rig.at(40).released.outcome == "unknown"
    assert Rig().at(10).do("ring").at(14).do("doubt").at(16).do("ring").at(40).released.outcome == "abandoned"
    assert Rig().at(10).do("ring").at(14).do("hook", False).at(40).released.outcome == "unknown"  # it went down, so it was up


@pytest.mark.parametrize("country", ["es", "gb", "ar", None])
def test_the_bell_of_a_country_is_one_call(country: str | None) -> None:
    rig = Rig(country=country, ring_ms=None)
    on, off = rig.line.settings.cadence_ms[-2] / 1000, rig.line.settings.cadence_ms[-1] / 1000
    for step in range(5):
        rig.burst(10 + step * (on + off), on)
    assert rig.kinds == ["ringing"]
    assert rig.at(100).kinds == ["ringing", "released"]


STEPS = st.one_of(
    st.sampled_from(
        [("ring", (), {}), ("doubt", (), {}), ("hook", (True,), {}), ("hook", (False,), {}), ("hook", (True,), {"edge": False}), ("hook", (False,), {"edge": False}),
         ("hook", (False,), {"steady": True}), ("far_end_gone", (), {}), ("reversal", (), {}), ("battery", (False,), {}), ("battery", (True,), {}), ("lost", (), {}),
         ("found", (), {}), ("found", (), {"tells_hook": True}), ("caller_id", (ANA,), {}), ("burst", (True,), {}), ("burst", (False,), {})]
    )
)  # fmt: skip


@given(st.booleans(), st.booleans(), st.lists(st.tuples(STEPS, st.floats(0, 12)), max_size=60))
def test_whatever_happens(
    hook_sense: bool, reversals: bool, steps: list[tuple[tuple[str, tuple[Any, ...], dict[str, Any]], float]]
) -> None:
    """A line is free or not: every ringing or seizing is ended once; nothing is abandoned where nothing tells, or after something was hidden."""
    rig = Rig(hook_sense=hook_sense, answer_reversal=reversals, release_reversal=reversals, cpc_ms=(200, 800))
    now, hidden_until_ring = 0.0, False
    for (what, args, named), wait_s in steps:
        now += wait_s
        before = len(rig.told)
        rig.at(now)
        if what == "burst":
            rig.told += rig.line.burst(args[0], rig.now_ns, rig.now_ns)
        else:
            rig.do(what, *args, **named)
        for told in rig.told[before:]:
            if isinstance(told.event, LineReleased) and told.event.outcome == "abandoned":
                assert not hidden_until_ring
        hidden_until_ring = what in ("lost", "doubt") or (hidden_until_ring and what not in ("ring", "burst"))
    rig.do("lost").at(now + 100_000)
    assert rig.line.call is None
    busy, rang = False, False
    for told in rig.told:
        event = told.event
        if isinstance(event, LineRinging):
            assert not busy
            busy = rang = True
        elif isinstance(event, LineSeized):
            assert rang or not busy
            busy, rang = True, False
        elif isinstance(event, LineReleased):
            assert busy
            busy = rang = False
            assert event.outcome != "abandoned" or hook_sense or reversals
    assert not busy
