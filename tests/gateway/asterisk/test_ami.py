"""The parser: the same messages whatever the chunks, damage counted and dropped, nothing kept for ever."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asterisk.ami import MAX_BLOCK_BYTES, Message, Parser, decode

CAPTURES = Path(__file__).parents[2] / "captures"
SESSIONS = sorted((CAPTURES / "S10_actions").glob("*.ami"))


def parsed(*chunks: bytes) -> tuple[list[dict[str, object]], Parser]:
    parser = Parser()
    messages = [message for chunk in chunks for message in parser.feed(chunk)]
    return [message.to_dict() for message in messages], parser


def test_banner_has_no_blank_line_and_the_first_response_is_glued_to_it() -> None:
    told, parser = parsed(b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: 1\r\n\r\n")
    assert [(m["type"], m["name"]) for m in told] == [("banner", "Asterisk Call Manager/11.0.0"), ("response", "Success")]
    assert parser.damage.total == 0


def test_banner_is_told_before_anything_follows_it() -> None:
    assert [m["name"] for m in parsed(b"Asterisk Call Manager/1.1\r\n")[0]] == ["Asterisk Call Manager/1.1"]


def test_only_the_first_colon_splits_and_values_may_hold_anything() -> None:
    told, _ = parsed('Event: X\r\nQueue: Atención: "norte"; 50% | ñ\r\nReason: \r\nEmpty:\r\n\r\n'.encode())
    assert told[0]["fields"] == {"Event": "X", "Queue": 'Atención: "norte"; 50% | ñ', "Reason": "", "Empty": ""}


def test_repeated_keys_become_a_list_in_order() -> None:
    told, _ = parsed(b"Response: Success\r\nMessage: a\r\nOutput: 1\r\nOutput: \r\nOutput: 3\r\nMessage: b\r\n\r\n")
    assert told[0]["fields"] == {"Response": "Success", "Message": ["a", "b"], "Output": ["1", "", "3"]}


def test_bare_line_feed_stays_within_its_value() -> None:
    told, _ = parsed(b"Response: Error\r\nMessage: Could not get channel snapshot\n\r\n\r\n")
    assert told[0]["fields"] == {"Response": "Error", "Message": "Could not get channel snapshot\n"}


def test_a_name_cut_by_a_chunks_end_stays_whole() -> None:
    data = "Event: X\r\nMemberName: Nuñez\r\n\r\n".encode()
    cut = data.index("ñ".encode()) + 1
    assert parsed(data[:cut], data[cut:])[0][0]["fields"]["MemberName"] == "Nuñez"  # type: ignore[index]


def test_every_split_of_a_session_gives_the_same_messages() -> None:
    data = (CAPTURES / "S10_actions/session_garbage.ami").read_bytes() + b"Event: A\r\nB: c\r\n\r\n\r\n\r\nEvent: D\r\n\r\n"
    whole, parser = parsed(data)
    assert len(whole) == 10
    for cut in range(len(data) + 1):
        told, other = parsed(data[:cut], data[cut:])
        assert told == whole
        assert other.damage == parser.damage
    assert parsed(*(data[at : at + 1] for at in range(len(data))))[0] == whole


def test_random_splits_of_a_busy_morning_give_the_same_messages(recorded: Callable[..., bytes]) -> None:
    data = recorded("S2_busy", "full")

    def names(*chunks: bytes) -> list[tuple[str, bytes]]:
        parser = Parser()
        return [(message.name, message.raw) for chunk in chunks for message in parser.feed(chunk)]

    whole = names(data)
    assert len([1 for name, _ in whole if name]) == 13_336 + 28
    rng = random.Random(7)
    for size in (7, 100, 5_000, 200_000):
        cuts = sorted(rng.randrange(len(data)) for _ in range(min(60_000, len(data) // size)))
        assert names(*(data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True))) == whole


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_recorded_odd_sessions_decode(path: Path) -> None:
    told = list(decode(path.read_bytes()))
    assert told[0] == {"type": "banner", "name": "Asterisk Call Manager/11.0.0", "fields": {}}
    assert all(one["type"] in ("event", "response") for one in told[1:])


def test_decode_takes_pasted_text_and_a_last_block_without_its_end() -> None:
    assert list(decode(b"Event: Hangup\nCause: 16\n\nEvent: Hangup\nCause: 17\n")) == [
        {"type": "event", "name": "Hangup", "fields": {"Event": "Hangup", "Cause": "16"}},
        {"type": "event", "name": "Hangup", "fields": {"Event": "Hangup", "Cause": "17"}},
    ]


@pytest.mark.parametrize("chunk", [100, 65_536, 10_000_000])
@pytest.mark.parametrize("line_end", [b"", b"\r\n"], ids=["one line", "many lines"])
def test_a_block_of_megabytes_is_dropped_counted_and_never_kept(chunk: int, line_end: bytes) -> None:
    data = b"Event: A\r\n\r\nEvent: Big\r\n" + (b"X: " + b"y" * 997 + line_end) * 3_000 + b"\r\n\r\nEvent: B\r\n\r\n"
    parser, names = Parser(), []
    for at in range(0, len(data), chunk):
        names += [message.name for message in parser.feed(data[at : at + chunk])]
        assert len(parser._tail) <= MAX_BLOCK_BYTES + 3
    assert names == ["A", "B"]
    assert parser.damage.oversized_blocks == 1


def test_a_message_cut_short_by_the_next_is_dropped_and_the_next_is_whole() -> None:
    told, parser = parsed(b"Event: QueueCallerJoin\r\nQueue: ven\r\nEvent: Hangup\r\nUniqueid: 1.2\r\n\r\n")
    assert told == [{"type": "event", "name": "Hangup", "fields": {"Event": "Hangup", "Uniqueid": "1.2"}}]
    assert parser.damage.truncated_blocks == 1


def test_binary_rubbish_before_an_event_is_counted_and_the_event_kept() -> None:
    told, parser = parsed(b"\x00\xff\xfe\x80rubbish\r\nEvent: Hangup\r\nUniqueid: 1.2\r\n\r\n\x01\x02\x03\r\n\r\n")
    assert [(m["type"], m["name"]) for m in told] == [("event", "Hangup"), ("other", "")]
    assert parser.damage.rubbish_lines == 2


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert parsed(b"Event: X\r\nName: Jos\xe9\r\n\r\n")[0][0]["fields"] == {"Event": "X", "Name": "Jos�"}


def test_fields_are_parsed_only_when_asked_for() -> None:
    message = Parser().feed(b"Event: X\r\nA: 1\r\n\r\n")[0]
    assert message.split is None
    assert (message.get("A"), message.get("B"), message.all("A"), message.all("B")) == ("1", "", ["1"], [])


VALUE = st.text(alphabet="ab: \u00f1", max_size=6)
BLOCK = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.sampled_from([": ", ":", ""]), VALUE), max_size=5)


@given(st.lists(BLOCK, min_size=1, max_size=12))
def test_a_block_means_the_same_whatever_blocks_came_before(blocks: list[list[tuple[str, str, str]]]) -> None:
    for block in blocks:
        lines = [("Event", ": ", "Shape"), *(line for line in block if line[1] or ":" in line[2])]
        fields: dict[str, list[str]] = {}
        for key, colon, value in lines:
            text = key + colon + value
            name, found, rest = text.partition(": ") if ": " in text else text.partition(":")
            assert found
            fields.setdefault(name, []).append(rest)
        raw = "\r\n".join(key + colon + value for key, colon, value in lines).encode()
        (message,) = Parser().feed(raw + b"\r\n\r\n")
        assert {name: message.all(name) for name in fields} == fields


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_bytes_in_any_chunks_give_what_they_give_in_one(chunks: list[bytes]) -> None:
    told, parser = parsed(*chunks)
    whole, other = parsed(b"".join(chunks))
    assert told == whole
    assert parser.damage == other.damage


_pieces = st.sampled_from(
    [
        b"Event: X\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Response: Success\r\n",
        b"Asterisk Call Manager/1\r\n",
        b"A: b\r\n",
        b"\r",
        b"\n",
        b"Event: ",
        b"\xff",
    ]
)


@given(st.lists(_pieces, max_size=40), st.data())
def test_pieces_of_the_protocol_in_any_order_and_any_chunks(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    told, parser = parsed(*(stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)))
    whole, other = parsed(stream)
    assert told == whole
    assert parser.damage == other.damage


@given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True), st.text(st.characters(exclude_characters="\r\n"))))
def test_what_was_written_is_read_back(fields: dict[str, str]) -> None:
    fields.pop("Event", None)
    data = "Event: Any\r\n" + "".join(f"{key}: {value}\r\n" for key, value in fields.items()) + "\r\n"
    message: Message = Parser().feed(data.encode("utf-8", "replace"))[0]
    assert {key: value for key, value in message.fields.items() if key != "Event"} == {
        key: value.encode("utf-8", "replace").decode() for key, value in fields.items()
    }
