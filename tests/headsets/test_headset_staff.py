"""Who sits where and what he does, by hand-fed events: what the PBX's absence leaves of it, and which phone is whose."""

from __future__ import annotations

import pytest

from appliance.core.catalogue import AgentLoggedIn, AgentLoggedOut, AgentStateChanged, BoxStarted, CallLost, PbxDown, PbxResynced
from headsets.phone import is_same_phone
from headsets.staff import Staff


def floor(*events: object) -> Staff:
    staff = Staff()
    for event in (PbxResynced(pbx="p"), *events):
        staff.feed(event)  # type: ignore[arg-type]
    return staff


ANA = AgentLoggedIn(agent="ana", pbx="p", interface="PJSIP/101")
FREE = AgentStateChanged(agent="ana", pbx="p", state="available")


def test_a_state_holds_while_its_pbx_is_in_sight() -> None:
    staff = floor(ANA, FREE)
    assert staff.state_of("ana") == "available"
    assert staff.state_of("ana", hidden={"p"}) is None
    staff.feed(PbxDown(pbx="other", reason="unreachable"))
    assert staff.state_of("ana") == "available"
    staff.feed(PbxDown(pbx="p", reason="unreachable"))
    assert staff.state_of("ana") is None
    staff.feed(FREE)
    assert staff.state_of("ana") is None
    staff.feed(PbxResynced(pbx="p"))
    assert staff.state_of("ana") == "available"


def test_nothing_holds_of_what_a_gateway_told_that_is_gone_until_the_next_has_read_the_pbx() -> None:
    staff = floor(ANA, FREE, BoxStarted(version="1", services=("wallboard",)))
    assert staff.state_of("ana") == "available"
    staff.feed(BoxStarted(version="1", services=("gateway", "uplink")))
    assert staff.state_of("ana") is None
    assert staff.at({"a": "PJSIP/101"}, {}) == {"a": "ana"}
    staff.feed(PbxResynced(pbx="p"))
    assert staff.state_of("ana") == "available"
    staff.blind()
    assert staff.state_of("ana") is None


def test_nobody_does_anything_before_the_pbx_was_read() -> None:
    staff = Staff()
    staff.feed(FREE)
    assert staff.state_of("ana") is None
    assert staff.state_of(None) is None
    assert floor().state_of("nobody") is None


def test_a_state_from_before_a_logout_is_not_that_after_the_next_login() -> None:
    staff = floor(ANA, FREE, AgentLoggedOut(agent="ana", pbx="p"))
    assert staff.state_of("ana") == "logged_out"
    staff.feed(ANA)
    assert staff.state_of("ana") is None


def test_agents_move_between_phones() -> None:
    phones = {"a": "PJSIP/101", "b": "PJSIP/102"}
    staff = floor(ANA)
    assert staff.at(phones, {}) == {"a": "ana"}
    before = staff.moves
    staff.feed(AgentLoggedIn(agent="ana", pbx="p", interface="PJSIP/102"))
    assert staff.at(phones, {}) == {"b": "ana"}
    staff.feed(AgentLoggedIn(agent="eva", pbx="p", interface="PJSIP/101"))
    assert staff.at(phones, {}) == {"a": "eva", "b": "ana"}
    staff.feed(AgentLoggedOut(agent="ana", pbx="p"))
    assert staff.at(phones, {}) == {"a": "eva"}
    assert staff.moves == before + 3
    staff.feed(FREE)
    assert staff.moves == before + 3


def test_a_phone_at_which_two_are_logged_in_seats_nobody() -> None:
    staff = floor(ANA, AgentLoggedIn(agent="q.ana", pbx="q", interface="PJSIP/101"))
    assert staff.at({"a": "PJSIP/101"}, {}) == {}


def test_of_an_agents_several_phones_the_one_at_a_seat_counts() -> None:
    others = {"ana": ("PJSIP/101", "SIP/7"), "eva": ("SIP/8",)}
    staff = floor(ANA)
    assert staff.at({"s": "SIP/7", "t": "SIP/8"}, others) == {"s": "ana"}
    assert staff.at({"s": "SIP/7", "a": "PJSIP/101"}, others) == {"a": "ana"}


def test_what_is_no_word_of_agents_changes_nothing() -> None:
    staff = floor(ANA, FREE)
    staff.feed(CallLost(call="1", pbx="p"))
    assert staff == floor(ANA, FREE)


def test_the_agents_remembered_are_bounded() -> None:
    staff = floor(*(AgentStateChanged(agent=f"a{number}", pbx="p", state="available") for number in range(5100)))
    assert len(staff.people) == 5000
    assert staff.state_of("a5099") == "available"


@pytest.mark.parametrize(
    ("configured", "told", "same"),
    [
        ("PJSIP/101", "PJSIP/101", True),
        ("pjsip/Ana", "PJSIP/ana", True),
        ("PJSIP/101", "hint:101@ext-local", True),
        ("PJSIP/101", "Local/101@from-queue/n", True),
        ("Local/101@agents/n", "SIP/101", True),
        ("PJSIP/101", "PJSIP/1010", False),
        ("PJSIP/101", "SIP/101", False),
        ("PJSIP/101", "hint:102@ext-local", False),
        ("PJSIP/101", "Custom:101", False),
        ("hint:@x", "Local/@y", False),
        ("PJSIP/101", "", False),
    ],
)
def test_which_phone_is_meant(configured: str, told: str, same: bool) -> None:
    assert is_same_phone(configured, told) == same
