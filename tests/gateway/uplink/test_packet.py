"""Frames written and answers read, whatever the cuts of the stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import CorruptError
from gateway.uplink.packet import LANE_MIDS, publish, split, topic_field, varint


def test_a_publish_is_what_the_standard_says() -> None:
    # Section 3.3: 0x32 is PUBLISH with QoS 1; then remaining length, topic, identifier, no properties, payload.
    assert publish(topic_field("a/b"), 10, b"hi", v5=True) == b"\x32\x0a\x00\x03a/b\x00\x0a\x00hi"
    assert publish(topic_field("a/b"), 10, b"hi", v5=False) == b"\x32\x09\x00\x03a/b\x00\x0ahi"


@given(st.integers(0, 268_435_455))
def test_a_length_is_read_as_it_was_written(value: int) -> None:
    read, shift = 0, 0
    for byte in varint(value):
        read |= (byte & 127) << shift
        shift += 7
    assert read == value
    assert len(varint(value)) <= 4


@pytest.mark.parametrize("size", [0, 1, 100, 121, 122, 127, 128, 16_380, 16_384, 300_000])
@pytest.mark.parametrize("v5", [True, False])
def test_a_publish_of_any_size_is_one_whole_frame(size: int, v5: bool) -> None:
    frame = publish(topic_field("t"), 7, b"x" * size, v5)
    inbound = split(frame + b"\x40\x02\x00\x01")
    assert inbound.rest == frame
    assert inbound.acked == [1]


def ack(mid: int, code: int | None) -> bytes:
    return b"\x40\x02" + mid.to_bytes(2, "big") if code is None else b"\x40\x04" + mid.to_bytes(2, "big") + bytes((code, 0))


frames = st.one_of(
    st.tuples(st.just("ack"), st.integers(1, 0xFFFF), st.sampled_from([None, None, None, 0, 0x10, 0x87, 0x97])),
    st.tuples(st.just("other"), st.binary(max_size=300), st.sampled_from([0x30, 0x32, 0x90, 0xD0, 0xE0])),
)


@given(st.lists(frames, max_size=40), st.lists(st.integers(0, 60), max_size=60))
def test_the_cuts_of_the_stream_change_nothing(sent: list, cuts: list[int]) -> None:
    stream, acked, told, rest = b"", [], [], b""
    for kind, first, second in sent:
        if kind == "other":
            frame = bytes((second,)) + varint(len(first)) + first
            rest += frame
        else:
            frame = ack(first, second)
            if first > LANE_MIDS:
                rest += frame
            elif second:
                told.append((first, second))
            else:
                acked.append(first)
        stream += frame
    buffer, got_acked, got_told, got_rest = bytearray(), [], [], b""
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    for piece in [*pieces, stream[at:]]:
        buffer += piece
        inbound = split(buffer)
        del buffer[: inbound.used]
        got_acked += inbound.acked
        got_told += inbound.told
        got_rest += inbound.rest
    assert (got_acked, got_told, got_rest, bytes(buffer)) == (acked, told, rest, b"")


@given(st.binary(max_size=400))
def test_rubbish_is_told_or_waits_for_more_and_is_never_lost(rubbish: bytes) -> None:
    try:
        inbound = split(rubbish, limit=1000)
    except CorruptError:
        return
    assert 0 <= inbound.used <= len(rubbish)
    assert 4 * len(inbound.acked) + 5 * len(inbound.told) + len(inbound.rest) <= inbound.used


@pytest.mark.parametrize("stream", [b"\x40\xff\xff\xff\xff\x01", b"\x30\xff\xff\xff\x7f"])
def test_what_is_no_mqtt_is_refused(stream: bytes) -> None:
    with pytest.raises(CorruptError, match="MQTT broker"):
        split(stream)
