"""A user who may not list channels: a conversation that a phone in use alone vouches for must not last for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def doubted(script: Callable[..., Any], rows: Any) -> Any:
    """Agent 101 talks to caller 1.1 since second 11; blind from 20 to 30; his phone is in use when sight comes back."""
    s = script().at(10).join("1.1").ring("1.1", "1.2").at(11).connect_agent("1.1", "1.2").member(Status=2)
    s.at(20).feed(b"Event: Reload\r\n\r\n").disconnect().at(30)
    return s.connect(members=[rows.listed(status=2)], channels=None)


def test_it_ends_at_last_sight_when_the_phone_is_seen_free(script: Callable[..., Any], rows: Any) -> None:
    s = doubted(script, rows)
    assert s.states()[-1] == "talking"
    s.at(40).member(Status=1).at(45)
    (ended,) = s.tally.of("call.ended")
    assert (ended.inferred, ended.ended_by, ended.talk_s) == (True, "unknown", pytest.approx(9.0, abs=0.1))
    assert s.states()[-1] == "available"


def test_it_ends_at_last_sight_when_its_agent_gets_another_call(script: Callable[..., Any], rows: Any) -> None:
    s = doubted(script, rows).at(31).join("2.1").ring("2.1", "2.2").at(35).connect_agent("2.1", "2.2")
    (ended,) = s.tally.of("call.ended")
    assert (ended.uniqueid, ended.inferred, ended.talk_s) == ("1.1", True, pytest.approx(9.0, abs=0.1))
    s.at(50).complete("2.1", "2.2").hangup("2.2").hangup("2.1").member(Status=1).at(55)
    assert [(e.uniqueid, e.inferred, e.talk_s) for e in s.tally.of("call.ended")][1:] == [("2.1", False, 15.0)]
    assert s.states()[-1] == "available"


def test_one_that_did_go_on_ends_by_its_own_word_though_the_phones_state_overtakes_it(script: Callable[..., Any], rows: Any) -> None:
    s = doubted(script, rows).at(40).member(Status=1).at(40.2).complete("1.1", "1.2").hangup("1.2").hangup("1.1").at(50)
    (ended,) = s.tally.of("call.ended")
    assert (ended.inferred, ended.ended_by, ended.talk_s) == (False, "agent", pytest.approx(29.2, abs=0.1))
    assert s.states()[-1] == "available"


def test_one_whose_own_channel_was_held_is_believed(script: Callable[..., Any], rows: Any) -> None:
    s = doubted(script, rows).at(35).say("Hold", Channel="PJSIP/101-1.2", Uniqueid="1.2").at(36).member(Status=1).at(45)
    assert (s.tally.total("ended"), s.states()[-1]) == (0, "holding")


def test_one_seen_free_just_before_the_line_is_cut_again_is_over(script: Callable[..., Any], rows: Any) -> None:
    s = doubted(script, rows).at(40).member(Status=1).at(40.5).disconnect().at(42)
    (ended,) = s.tally.of("call.ended")
    assert (ended.inferred, ended.talk_s) == (True, pytest.approx(9.0, abs=0.1))
