"""Bytes of an event socket into messages: however they are cut, whatever is between them, and in no more memory than they need."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.core.config import Config
from appliance.sim.freeswitch_text import GREETING, REJECTION, answer, event, farewell, reply
from gateway.freeswitch.esl import MAX_BODY_BYTES, MAX_HEAD_BYTES, Parser, decode
from gateway.freeswitch.source import FreeswitchSource

KEYS = st.from_regex(r"[A-Z][A-Za-z]{0,10}(-[A-Za-z]{1,10}){0,2}", fullmatch=True)
TEXTS = st.text(max_size=40)
EVENTS = st.builds(
    lambda name, fields, body: event(name, {"Core-UUID": "c"}, {k: v for k, v in fields.items() if k != "Event-Name"}, body),
    st.sampled_from(["HEARTBEAT", "CHANNEL_HANGUP", "BACKGROUND_JOB"]),
    st.dictionaries(KEYS, TEXTS, max_size=6),
    st.text(st.characters(codec="utf-8"), max_size=200).map(lambda text: text.replace("Content-", "")),
)
OTHERS = st.sampled_from(
    [GREETING, REJECTION, farewell(), reply("+OK accepted"), reply("+OK", Job_UUID="7"), answer("a|b\n+OK\n"), answer("x")]
)
STREAMS = st.lists(EVENTS | OTHERS, max_size=6)


def whole(data: bytes) -> list[dict[str, object]]:
    return [message.to_dict() for message in Parser().feed(data)]


@given(STREAMS, st.randoms(use_true_random=False))
def test_any_cut_gives_the_same_messages(pieces: list[bytes], dice: random.Random) -> None:
    data, parser, out = b"".join(pieces), Parser(), []
    at = 0
    while at < len(data):
        step = dice.choice((1, 1, 2, 7, 100, 5_000))
        out += [message.to_dict() for message in parser.feed(data[at : at + step])]
        at += step
    assert out == whole(data)
    assert (len(out), parser.damage) == (len(pieces), 0)


@given(st.dictionaries(KEYS, TEXTS, min_size=1, max_size=6))
@example({"CC-Queue": "atención: al\ncliente %41 |"})
def test_values_come_back_as_they_were(fields: dict[str, str]) -> None:
    fields = {key: value.encode("utf-8", "replace").decode() for key, value in fields.items() if key != "Event-Name" and value != "_undef_"}
    (message,) = Parser().feed(event("HEARTBEAT", {}, fields))
    assert {key: message.get(key) for key in fields} == fields


@given(st.lists(EVENTS, min_size=1, max_size=4), st.binary(max_size=300))
@example([event("HEARTBEAT", {}, {"A": "b"})], b"Content-Length: 99999\nContent-Type: text/event-plain\n\n")
@example([event("HEARTBEAT", {}, {"A": "b"})], b"Content-Length: 9\n")
def test_rubbish_before_a_message_costs_at_most_itself(events: list[bytes], rubbish: bytes) -> None:
    parser = Parser()
    found = parser.feed(rubbish) + parser.feed(b"".join(events))
    names = [message.to_dict() for message in found]
    assert names[len(names) - len(events) + 1 :] == whole(b"".join(events[1:])) or len(events) == 1
    assert parser.damage <= 2 + len(rubbish)


@settings(max_examples=40)
@given(st.lists(EVENTS | OTHERS, min_size=5, max_size=30), st.integers(0, 2**32))
def test_noise_at_one_per_cent_never_raises_and_is_outlived(pieces: list[bytes], seed: int) -> None:
    dice, parser = random.Random(seed), Parser()
    source = FreeswitchSource("central", Config())
    source.connected(0)
    noisy = bytearray(b"".join(pieces))
    for at in range(len(noisy)):
        if dice.random() < 0.01:
            noisy[at] = dice.randrange(256)
    for at in range(0, len(noisy), 64):
        for message in parser.feed(bytes(noisy[at : at + 64])):
            source.on_message(message, at)
    after = event("HEARTBEAT", {}, {"Up-Time": "0 years"})
    found = [message for _ in range(20) for message in parser.feed(after)]
    assert [message.get("Up-Time") for message in found[-5:]] == ["0 years"] * 5


@given(st.binary(max_size=2_000))
def test_any_bytes_at_all(data: bytes) -> None:
    parser = Parser()
    for message in [*parser.feed(data), *parser.feed(b"\n\n" + data)]:
        message.to_dict()
    list(decode(data))


def test_a_flood_without_an_end_is_bounded() -> None:
    parser = Parser()
    for _ in range(200):
        parser.feed(b"Content-" + b"x" * 10_000)
    assert len(parser._tail) <= MAX_HEAD_BYTES + 10_100
    parser = Parser()
    parser.feed(f"Content-Length: {MAX_BODY_BYTES + 1}\nContent-Type: text/event-plain\n\n".encode())
    for _ in range(100):
        parser.feed(b"x" * 10_000)
    assert (len(parser._tail), parser.damage) == (96, 1)


def test_a_length_of_thousands_of_digits_is_damage() -> None:
    parser = Parser()
    endless = b"Content-Type: text/event-plain\nContent-Length: " + b"9" * 5_000 + b"\n\n"
    assert parser.feed(endless) == []
    assert parser.damage == 1
    assert [message.type for message in parser.feed(b"Content-Type: auth/request\n\n")] == ["auth"]


def test_a_damaged_length_does_not_swallow_what_follows() -> None:
    first, others = event("HEARTBEAT", {}, {"N": 1}), [event("HEARTBEAT", {}, {"N": number}) for number in range(2, 6)]
    longer = first.replace(b"Content-Length: ", b"Content-Length: 9", 1)
    parser = Parser()
    found = [message.get("N") for data in (longer, *others) for message in parser.feed(data)]
    assert (found, parser.damage) == (["2", "3", "4", "5"], 1)


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        (GREETING, "auth", ""),
        (reply("-ERR invalid"), "reply", "-ERR invalid"),
        (REJECTION, "rejected", ""),
        (farewell(), "farewell", ""),
        (answer("UP 0 years\n"), "answer", ""),
        (event("CUSTOM", {"Event-Subclass": "callcenter::info"}, {}), "event", "callcenter::info"),
        (event("SHUTDOWN", {}, {}), "event", "SHUTDOWN"),
    ],
)
def test_each_kind_of_message(data: bytes, kind: str, name: str) -> None:
    (message,) = Parser().feed(data)
    assert (message.type, message.name) == (kind, name)


def test_a_jobs_answer_is_a_body_in_the_body() -> None:
    (message,) = Parser().feed(event("BACKGROUND_JOB", {}, {"Job-UUID": "7"}, "queue|agent\natención|Íñigo\n+OK\n"))
    assert (message.get("Job-UUID"), message.text) == ("7", "queue|agent\natención|Íñigo\n+OK\n")
    told: Any = message.to_dict()
    assert told["body"] == message.text


def test_servers_that_write_a_frame_otherwise_are_understood() -> None:
    lines = b"Event-Name: CUSTOM\nEvent-Subclass: callcenter::info\nCC-Queue: ventas@default"
    for body in (lines, lines + b"\n", lines + b"\n\n"):
        data = f"Content-Type: text/event-plain\nContent-Length: {len(body)}\n\n".encode() + body
        found = Parser().feed(data + b"\n" + data)
        assert [(m.name, m.get("CC-Queue")) for m in found] == [("callcenter::info", "ventas@default")] * 2
        parser = Parser()
        assert len(parser.feed(b"rubbish\n" + data)) == 1


def test_an_event_of_the_dialplans_own_has_its_name_last() -> None:
    lines = b"Core-UUID: c\nEvent-Subclass: ivr%3A%3Achoice\nMenu: main\nEvent-Name: CUSTOM\n\n"
    (message,) = Parser().feed(f"Content-Length: {len(lines)}\nContent-Type: text/event-plain\n\n".encode() + lines)
    assert (message.name, message.get("Menu")) == ("ivr::choice", "main")
