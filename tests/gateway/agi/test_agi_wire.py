"""The environment that a real Asterisk sends, its answers, and that nothing of either can grow."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.channel_variable import is_value, value
from appliance.core.errors import CorruptError
from appliance.sim.pbx_agi import Agi
from gateway.agi import wire
from gateway.agi.wire import Answer, AnswerFeed, Request, RequestFeed, request_from_fields, set_all, set_one

#: As Asterisk 22.10.1 sent it, the number changed.
ENVIRONMENT = b"""agi_network: yes
agi_network_script: route?default=ventas
agi_request: agi://127.0.0.1:4573/route?default=ventas
agi_channel: Local/s@wait-00000000;1
agi_language: en
agi_type: Local
agi_uniqueid: 1795353273.0
agi_version: 22.10.1
agi_callerid: 0991234567
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: unknown
agi_rdnis: unknown
agi_context: agi
agi_extension: s
agi_priority: 3
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 140135427614400
agi_arg_1: digits=main:2

"""


def request(**fields: str) -> Request:
    return request_from_fields(fields)


def test_what_a_real_asterisk_sends() -> None:
    feed = RequestFeed()
    found = feed.feed(ENVIRONMENT + b"HANGUP\n")
    assert found is not None
    assert (found.path, found.query) == ("route", {"default": "ventas", "digits": "main:2"})
    assert (found.caller, found.dialled, found.digits, found.withheld) == ("0991234567", "s", ("main:2",), False)
    assert (found.fields["uniqueid"], found.fields["accountcode"]) == ("1795353273.0", "")
    assert AnswerFeed().feed(feed.rest) == [Answer(0)]


@pytest.mark.parametrize("told", ["", "unknown", "Anonymous", "<unknown>", "Restricted"])
def test_a_number_that_is_none_is_withheld(told: str) -> None:
    assert request(callerid=told).caller is None
    assert request(callerid=told).withheld


@pytest.mark.parametrize(
    ("presentation", "withheld"), [("0", False), ("3", False), ("32", True), ("35", True), ("67", True), ("x", False), ("٣٢", False)]
)
def test_a_number_that_is_not_to_be_shown_is_withheld(presentation: str, *, withheld: bool) -> None:
    assert request(callerid="0991234567", callingpres=presentation).withheld is withheld


def test_the_dialplan_may_say_more_in_the_url_or_as_arguments() -> None:
    assert request(request="agi://box/queue/ventas%20norte").path == "queue/ventas norte"
    asked = request(
        network_script="route?caller=+593991234567&dialled=911&digits=2|main:3", callerid="x", dnid="y", arg_1="default=q", arg_2="noise"
    )
    assert (asked.caller, asked.dialled, asked.digits, asked.query["default"]) == ("+593991234567", "911", ("2", "main:3"), "q")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n",
        b"\n",
        b"agi_network yes\n",
        b"\x16\x03\x01\x02\x00\n",
        b"agi_x: " + b"y" * (wire.MOST_LINE_BYTES + 1),
        b"agi_x: " + b"y" * (wire.MOST_LINE_BYTES + 1) + b"\n",
        b"agi_x: y\n" * (wire.MOST_LINES + 1),
        b"agi_x: y\n" * wire.MOST_BYTES,
    ],
)
def test_what_is_no_agi_is_told_at_once(garbage: bytes) -> None:
    with pytest.raises(CorruptError):
        RequestFeed().feed(garbage)


def test_answers_of_every_kind() -> None:
    feed = AnswerFeed()
    assert feed.feed(b"200 result=1\n200 result=0 (ventas)\n510 Invalid or unknown command\n") == [
        Answer(200, "1"),
        Answer(200, "0"),
        Answer(510),
    ]
    assert feed.feed(b"520-Invalid command syntax.  Proper usage follows:\nUsage: SET VARIABLE\n\n520 End of proper usage.\n200 res") == [
        Answer(520)
    ]
    assert feed.feed(b"ult=1\nHANGUP\n511 Command Not Permitted\n") == [Answer(200, "1"), Answer(0), Answer(511)]
    with pytest.raises(CorruptError):
        feed.feed(b"hello\n")
    with pytest.raises(CorruptError):
        AnswerFeed().feed(b"520-x\n" + b"y\n" * wire.MOST_ANSWER_BYTES)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True), st.text(max_size=60).map(value).filter(bool), min_size=1, max_size=20
    )
)
@settings(max_examples=25)
def test_what_is_set_is_what_was_meant(variables: dict[str, str]) -> None:
    """Whatever a CRM calls its segments: as Asterisk reads a line (res_agi.c, parse_args), it is one command, and nobody's expression."""
    assert all(is_value(text) for text in variables.values())
    pbx, at_once, one_by_one = Agi("agi://127.0.0.1/route"), dict[str, str](), dict[str, str]()
    assert pbx._obey(set_all(variables).decode().removesuffix("\n"), at_once) == b"200 result=0\n"
    for name, text in variables.items():
        assert set_one(name, text).count(b"\n") == 1
        pbx._obey(set_one(name, text).decode().removesuffix("\n"), one_by_one)
    assert at_once == one_by_one == variables
    assert not set('$`,"\\{}[]()\n') & set("".join(variables.values()))


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(0, len(ENVIRONMENT)))
@settings(max_examples=80)
def test_nothing_that_comes_is_a_fault_of_ours(pieces: list[bytes], at: int) -> None:
    for feed in (RequestFeed(), AnswerFeed()):
        with contextlib.suppress(CorruptError):
            for piece in (ENVIRONMENT[:at], *pieces):
                feed.feed(piece)


def test_a_pbx_that_nobody_answers_goes_on() -> None:
    told = asyncio.run(Agi("agi://127.0.0.1:1/route").ask({"callerid": "0991234567"}))
    assert (told.status, told.variables) == ("FAILURE", {})
