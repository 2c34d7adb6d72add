"""SIP messages: whole, cut at every byte, damaged at every byte; names, numbers and who is withheld; what an answer repeats."""

from __future__ import annotations

from contextlib import suppress

import pytest
from gateway_rig import request
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import CorruptError
from gateway.fxo.caller_id import CallerId
from gateway.fxo.sip_caller import caller_from_invite, user_from_uri
from gateway.fxo.sip_message import SipMessage, address_from_text, answer, message_from_bytes
from gateway.fxo.sip_stream import SipStream

WHOLE = request("INVITE", 5061, more="Supported: replaces\r\nP-Asserted-Identity: <tel:+593987654321>") + b""
BODY = WHOLE.replace(b"Content-Length: 0", b"Content-Type: application/sdp\r\nContent-Length: 4") + b"v=0\n"
SHORT = (
    b"INVITE sip:linea-1@10.0.0.2;user=phone SIP/2.0\r\nv: SIP / 2.0 / UDP 10.0.0.9 ;branch=z9hG4bKx,SIP/2.0/UDP 1.2.3.4\r\n"
    b"f: Ana\r\n Torres <sip:0987654321@10.0.0.9>; tag = 7\r\nt: sip:linea-1@10.0.0.2\r\ni: a@b\r\nCSEQ:  9   INVITE\r\nl: 0\r\n\r\n"
)
SAMPLES = (WHOLE, BODY, SHORT)


def read(data: bytes) -> SipMessage:
    return message_from_bytes(data)


def test_what_a_message_says() -> None:
    message = read(WHOLE)
    assert (message.method, message.uri, message.cseq, message.from_tag, message.to_tag) == (
        "INVITE",
        "sip:linea-1@127.0.0.1",
        1,
        "fc1",
        None,
    )
    assert (message.via.host, message.via.port, message.via.branch, message.via.rport) == ("127.0.0.1", 5061, "z9hG4bKc1", True)


def test_short_names_folded_lines_and_blanks() -> None:
    message = read(SHORT)
    assert (message.via.host, message.via.port, message.via.branch) == ("10.0.0.9", None, "z9hG4bKx")
    assert (message.from_tag, message.cseq, message.call_id) == ("7", 9, "a@b")
    assert address_from_text(message.first("from") or "").display == "Ana Torres"


@pytest.mark.parametrize("sample", SAMPLES)
def test_cut_short_it_is_no_message(sample: bytes) -> None:
    whole = sample.index(b"\r\n\r\n") + 4
    for length in range(len(sample)):
        if length < whole or sample is BODY:
            with pytest.raises(CorruptError):
                read(sample[:length])


@pytest.mark.parametrize("sample", SAMPLES)
def test_damaged_anywhere_it_is_read_or_refused(sample: bytes) -> None:
    for at in range(len(sample)):
        for byte in (0, 0xFF, ord(":"), ord('"')):
            with suppress(CorruptError):
                message = read(sample[:at] + bytes((byte,)) + sample[at + 1 :])
                caller_from_invite(message, frozenset())
                answer(message, 200, "OK", source=("10.0.0.9", 5060), to_tag="t")


@pytest.mark.parametrize(
    "damage",
    [
        (b"SIP/2.0\r\n", b"SIP/3.0\r\n"),
        (b"Call-ID: c1@gateway\r\n", b""),
        (b"Call-ID: ", b"Call-ID: other\r\nCall-ID: "),
        (b"CSeq: 1 INVITE", b"CSeq: 1 BYE"),
        (b"CSeq: 1", b"CSeq: 2147483648"),
        (b"Via: SIP/2.0/UDP", b"Via: HTTP/1.1"),
        (b"Max-Forwards", b"Max Forwards"),
        (b"Content-Length: 0", b"Content-Length: -1"),
        (b"Content-Length: 0", b"Content-Length: 9"),
        (b"Contact", b"X: " + b"y" * 20_000 + b"\r\nContact"),
        (b"Contact", b"X: y\r\n" * 200 + b"Contact"),
        (b"Ana", b"A\x00na"),
        (b"Ana", b"A\nna"),
    ],
)
def test_what_is_no_message(damage: tuple[bytes, bytes]) -> None:
    assert damage[0] in WHOLE
    with pytest.raises(CorruptError):
        read(WHOLE.replace(*damage, 1))


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_refused(data: bytes) -> None:
    with suppress(CorruptError):
        read(data)


@given(st.lists(st.sampled_from([*WHOLE.split(b"\r\n"), b"", b" x", b":", b"v: ,", b"From: <", b'To: "', b"\xff: \xff"]), max_size=20))
def test_whatever_lines_come_are_read_or_refused(lines: list[bytes]) -> None:
    with suppress(CorruptError):
        message = read(b"\r\n".join([*lines, b"", b""]))
        caller_from_invite(message, frozenset())
        assert message_from_bytes(answer(message, 486, "Busy Here", source=("::1", 1), to_tag="x")).status == 486


@given(st.text(max_size=80))
def test_whatever_address_stands_there(text: str) -> None:
    with suppress(CorruptError):
        user_from_uri(address_from_text(text).uri)


def test_an_answer_repeats_what_it_must() -> None:
    asked = SHORT.replace(b"i: a@b", b"Via: SIP/2.0/TCP 5.6.7.8;branch=q\r\ni: a@b\r\nRecord-Route: <sip:p;lr>")
    said = read(answer(read(asked), 180, "Ringing", source=("10.0.0.77", 4444), to_tag="T1"))
    assert said.status == 180
    assert said.all("via") == [
        "SIP / 2.0 / UDP 10.0.0.9;branch=z9hG4bKx;received=10.0.0.77,SIP/2.0/UDP 1.2.3.4",
        "SIP/2.0/TCP 5.6.7.8;branch=q",
    ]
    assert (said.to_tag, said.from_tag, said.call_id, said.cseq, said.first("record-route")) == ("T1", "7", "a@b", 9, "<sip:p;lr>")
    again = read(answer(read(WHOLE), 404, "Not Found", source=("127.0.0.1", 9), to_tag="T1"))
    assert again.first("via") == "SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bKc1;received=127.0.0.1;rport=9"


def calling(*headers: str, sender: str = "sip:anonymous@anonymous.invalid") -> CallerId | None:
    text = (
        WHOLE.decode()
        .replace('"Ana Torres" <sip:0987654321@127.0.0.1:5061>', sender)
        .replace("P-Asserted-Identity: <tel:+593987654321>\r\n", "")
    )
    return caller_from_invite(read(text.replace("Supported: replaces", "\r\n".join(headers) or "X: y").encode()), frozenset({"linea-1"}))


def told(number: str | None = None, name: str | None = None, absent: str | None = None) -> CallerId:
    return CallerId(format="sip", number=number, name=name, absent=absent)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "sender", "expected"),
    [
        ((), '"Ana Torres" <sip:0987654321@10.0.0.9>', told("0987654321", "Ana Torres")),
        ((), '"0987654321" <sip:0987654321@10.0.0.9>', told("0987654321")),
        ((), "<sip:0987654321;phone-context=ec@10.0.0.9;user=phone>", told("0987654321")),
        ((), "sip:%2B593987654321@10.0.0.9;x=y", told("+593987654321")),
        (("P-Asserted-Identity: <sip:022222222@g>",), '"Ana" <sip:anonymous@anonymous.invalid>', told("022222222")),
        (('Remote-Party-ID: "Luis" <sip:033333333@g>;party=calling;privacy=off',), "<sip:linea-1@g>", told("033333333", "Luis")),
        (("Remote-Party-ID: <sip:033333333@g>;privacy=full",), "<sip:linea-1@g>", told(absent="P")),
        (("Privacy: id", "P-Asserted-Identity: <sip:022222222@g>"), "<sip:x@anonymous.invalid>", told(absent="P")),
        ((), '"Anonymous" <sip:anonymous@anonymous.invalid>', told(absent="P")),
        ((), "<sip:unavailable@10.0.0.9>", told(absent="O")),
        ((), '"Out of area" <sip:fxo@10.0.0.9>', told(absent="O")),
        ((), '"linea-1" <sip:linea-1@10.0.0.9>', None),
        ((), "<sip:10.0.0.9>", None),
        ((), '"broken <sip:1@x>', None),
        ((), '"' + "x" * 4000 + '" <sip:0987654321@10.0.0.9>', told("0987654321", "x" * 128)),
    ],
)
def test_who_calls(headers: tuple[str, ...], sender: str, expected: CallerId | None) -> None:
    assert calling(*headers, sender=sender) == expected


def test_a_stream_is_split_wherever_it_is_cut() -> None:
    stream = WHOLE + b"\r\n\r\n" + BODY + SHORT
    for at in range(len(stream)):
        feed = SipStream()
        assert feed.feed(stream[:at]) + feed.feed(stream[at:]) == [WHOLE, BODY, SHORT]


@pytest.mark.parametrize(
    "data", [b"x" * 20_000, WHOLE.replace(b"Content-Length: 0\r\n", b""), WHOLE.replace(b"Length: 0", b"Length: 999999")]
)
def test_a_stream_that_cannot_be_followed(data: bytes) -> None:
    with pytest.raises(CorruptError):
        SipStream().feed(data)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([WHOLE[:50], WHOLE[50:], b"\r\n\r\n", b"l: 5\r\n\r\n"]), max_size=20))
def test_whatever_stream_comes(chunks: list[bytes]) -> None:
    feed = SipStream()
    with suppress(CorruptError):
        for chunk in chunks:
            feed.feed(chunk)
