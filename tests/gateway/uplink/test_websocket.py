"""Frames, cut anywhere; what is no frame; the keep-alive's bound; certificates' times; aliases."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import CorruptError, TransientError
from gateway.uplink.frame import Framer
from gateway.uplink.packet import topic_field
from gateway.uplink.pulse import Pulse
from gateway.uplink.websocket import Frames, check_answer, frame, masked
from gateway.uplink.x509 import validities_from_pem, validity_from_der


def _from_server(payload: bytes, opcode: int = 2, *, last: bool = True) -> bytes:
    size = len(payload)
    head = bytes((opcode | (0x80 if last else 0),))
    if size < 126:
        return head + bytes((size,)) + payload
    if size < 65536:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.sampled_from([0, 1, 2, 9, 10])), max_size=8), st.lists(st.integers(1, 50), max_size=60)
)
def test_frames_cut_anywhere_give_one_stream(parts: list[tuple[bytes, int]], cuts: list[int]) -> None:
    parts = [(payload[:125] if opcode > 7 else payload, opcode) for payload, opcode in parts]
    wire = b"".join(_from_server(payload, opcode) for payload, opcode in parts)
    frames, out, at = Frames(), b"", 0
    for cut in [*cuts, len(wire)]:
        out += frames.feed(wire[at : at + cut])
        at += cut
    assert out == b"".join(payload for payload, opcode in parts if opcode < 8)
    assert frames.control == [(opcode, payload) for payload, opcode in parts if opcode > 7]


@given(st.binary(max_size=70_000), st.binary(min_size=4, max_size=4))
def test_masking_undoes_itself_and_frames_keep_their_size(data: bytes, key: bytes) -> None:
    assert masked(masked(data, key), key) == data
    made = frame(data, key)
    assert made.endswith(masked(data, key))
    assert made[1] & 0x80


@given(st.binary(max_size=200))
def test_noise_is_damage_or_patience(noise: bytes) -> None:
    with contextlib.suppress(CorruptError):
        assert len(Frames().feed(noise)) <= len(noise)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 404 Not Found", b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: no", b""]
)
def test_what_is_no_websocket_is_told(head: bytes) -> None:
    with pytest.raises(TransientError, match="websocket"):
        check_answer(head, b"dGhlIHNhbXBsZSBub25jZQ==")


def test_the_answer_of_the_standard_is_taken() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    check_answer(head, b"dGhlIHNhbXBsZSBub25jZQ==")


@given(st.integers(0, 65535), st.lists(st.floats(0.01, 30), max_size=30))
def test_a_dead_link_is_found_within_twenty_seconds_whatever_the_keepalive(keepalive_s: int, gaps: list[float]) -> None:
    """Ticks a second apart; things come at any times, then nothing more."""
    pulse, now, last = Pulse(keepalive_s, 0.0), 0.0, 0.0
    for gap in gaps:
        last = now + min(gap, 1.5)
        while now < last:
            assert pulse.due(now) != "dead"
            now += 1.0
        pulse.heard(now)
        last = now
    while pulse.due(now) != "dead":
        now += 1.0
        assert now - last <= 20
    assert now - last >= 2


@given(st.integers(-473_385_600, 7_258_118_400), st.integers(1, 20_000))
def test_a_certificates_times_are_those_that_openssl_wrote(first_s: int, days: int) -> None:
    first = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=first_s)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, first, first + dt.timedelta(days))
    signed = made.sign(key, hashes.SHA256())
    found = validity_from_der(signed.public_bytes(serialization.Encoding.DER))
    assert found.not_before_ns == int(first.timestamp()) * 10**9
    assert found.not_after_ns == int((first + dt.timedelta(days)).timestamp()) * 10**9
    pem = signed.public_bytes(serialization.Encoding.PEM).decode()
    assert validities_from_pem(f"words\n{pem}more\n{pem}") == (found, found)


@given(st.binary(max_size=300))
def test_what_is_no_certificate_is_damage(noise: bytes) -> None:
    with pytest.raises(CorruptError):
        validity_from_der(b"\x30\x82" + noise)


def test_a_topic_too_large_to_send_makes_no_alias() -> None:
    framer, topic = Framer(v5=True, alias_max=1, packet_max=100), topic_field("callfloor/1/q/p/event/call/held")
    assert len(framer.frame(topic, 1, b"x" * 200, late=False)) > 100, "not sent: so its topic stays unknown to the broker"
    assert b"call/held" in framer.frame(topic, 2, b"x", late=False)
    again = framer.frame(topic, 3, b"x", late=True)
    assert b"call/held" not in again
    assert b"late" in again
    other = topic_field("callfloor/1/q/p/event/call/left")
    for mid in (4, 5):
        assert b"call/left" in framer.frame(other, mid, b"x", late=False), "the broker takes one alias"
