"""Every parser of what comes from outside is listed here, and held to two things: nothing that comes is a fault of the program, and what
comes in pieces means the same wherever it is cut. A parser that is not listed fails the first test.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.directory_page import Page
from appliance.core.directory_sync import ready_from
from appliance.core.e164 import e164
from appliance.core.errors import CallfloorError
from appliance.directory.column import member_of
from appliance.directory.table import Table
from appliance.sim.freeswitch_text import event
from drivers.alpha_command import command_from_body
from drivers.alpha_frame import Decoder, records_from_bytes
from drivers.alpha_letters import bytes_from_text
from drivers.alpha_reply import acknowledged_from_bytes
from drivers.alpha_text import segments_from_bytes, shown_from_bytes
from gateway.agi.wire import AnswerFeed, RequestFeed
from gateway.asterisk import ami
from gateway.freeswitch import esl
from gateway.freeswitch.resync import channels_from_answer
from gateway.freeswitch.tables import table_from_answer
from gateway.fxo.caller_id import date_from, name_from, number_from, text_from, time_from
from gateway.fxo.clip import DigitFeed, caller_from_digits
from gateway.fxo.decode import records as caller_records
from gateway.fxo.gateway_row import poll_from_text, poll_text
from gateway.fxo.message import PacketFeed, caller_from_packet
from gateway.fxo.modem_bytes import ModemFeed
from gateway.fxo.modem_call import CallerFeed
from gateway.fxo.modem_profile import profile_of
from gateway.fxo.monitor_record import MonitorFeed, record_from_datagram, record_from_text, unit_from_datagram
from gateway.fxo.sip_message import address_from_text, message_from_bytes
from gateway.fxo.sip_stream import SipStream
from gateway.fxo.snmp_profile import PROFILES, meaning, word
from gateway.fxo.tone import Tone, text_from_tone, tone_from_text
from gateway.smdr.decode import lines_from_bytes
from gateway.smdr.line import Splitter
from gateway.smdr.moment import clock_from_text
from gateway.smdr.profile import profile_from_toml
from gateway.smdr.shelf import profile
from gateway.smdr.span import seconds
from gateway.smdr.stream import Stream
from headsets.descriptor import parse as descriptor
from headsets.item import items

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone

AMI = (
    b"Asterisk Call Manager/11.0.0\r\nEvent: QueueCallerJoin\r\nUniqueid: 1.1\r\nQueue: ventas\r\nCallerIDName: Jos\xc3\xa9\r\n\r\n"
    b"Response: Success\r\nPing: Pong\r\n\r\n"
)
ESL = b"Content-Type: auth/request\n\n" + event(
    "CUSTOM", {"Core-UUID": "c"}, {"CC-Action": "member-queue-start", "CC-Member-CID-Name": "José"}
)
AGI_ANSWERS = b"200 result=1\n520-Invalid command syntax.\nUsage: x\n520 End of proper usage.\n510 Invalid or unknown command\nHANGUP\n"
AGI = b"agi_network: yes\nagi_network_script: route?default=ventas\nagi_callerid: 0991234567\nagi_arg_1: digits=2\n\n" + AGI_ANSWERS
BODY = b"\x01\x0811211403\x02\x0a0987654321\x07\x0aANA TORRES"
PACKET = b"\x80" + bytes((len(BODY),)) + BODY
PACKET += bytes((-sum(PACKET) % 256,))
MODEM = (
    b"\r\nRING\r\n\r\nDATE = 1121\r\nTIME = 1403\r\nNMBR = 0987654321\r\nNAME = ANA\r\n\r\nRING\r\nMESG=" + PACKET.hex().upper().encode()
    + b"\r\n\x10R\x10/\x10\\\x10h\x10H\x10d\x10\x03OK\r\nDRON=20\r\nDROF=40\r\nCALLER NUMBER: 099\r\n+CIDRP\r\n"
)  # fmt: skip
MONITOR = (
    b"$01 I S 0000 G A1 11/21 02:03 PM 099-123-4567   ANA TORRES\r\n01 F 11/21 14:03:07\r\n$02  11/21  02:03  PM  0991234567  I  ANA\r\n"
)
DATAGRAM = b"^^<U>123456<S>123456$01 I E 0065 G A1 11/21 02:03 PM 0991234567 ANA"
INVITE = (
    b"INVITE sip:linea-1@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bKc1\r\n"
    b'From: "Ana" <sip:0991234567@10.0.0.9>;tag=a\r\nTo: <sip:linea-1@10.0.0.2>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\nContent-Length: 4\r\n\r\nv=0\n'
)
SMDR = (
    b"  Date     Time    Ext CO        Dial Number        Ring Duration  Acc code  CD \r\n" + b"-" * 80 + b"\r\n"
    b"11/21/26 10:03AM  1200 01 <I>0987654321 ANA\xc1 0'05 00:01'05 1234567890 TR\n11/21/26 10:05AM  1200 01 <I>0987 0'45 00:00'00  NA\0\f"
)
SIGN = b"\0\0\0\0\0\x01Z00\x02AA\x1b bHOLA\x04" * 2
TABLE = "name|instance_id|uuid\n1000@default|single_box||\n+OK\n"


def fed(make: Callable[[], Any], *after: Callable[[Any], list[Any]]) -> Callable[[list[bytes]], list[Any]]:
    """A parser that is fed, and what it gives in the end."""

    def run(pieces: list[bytes]) -> list[Any]:
        parser = make()
        return [*(got for piece in pieces for got in parser.feed(piece)), *(got for each in after for got in each(parser))]

    return run


def callers(pieces: list[bytes]) -> list[Any]:
    feed, into = ModemFeed(), CallerFeed()
    return [caller for piece in pieces for reading in feed.feed(piece) for caller in into.feed(reading, 0)] + into.quiet()


def records(pieces: list[bytes]) -> list[Any]:
    stream = Stream(profile("panasonic"))
    return [record for piece in pieces for record in stream.feed(piece, NOW, 0.0)] + stream.idle(NOW, 9.0)


def told(pieces: list[bytes], parser: Any, seen: Callable[[Any], Any]) -> list[Any]:
    return [seen(message) for piece in pieces for message in parser.feed(piece)]


def asked(pieces: list[bytes]) -> list[Any]:
    feed, answers = RequestFeed(), AnswerFeed()
    request, out = None, list[Any]()
    for piece in pieces:
        if request is not None:
            out += answers.feed(piece)
        elif (request := feed.feed(piece)) is not None:
            out += [request.path, request.query, request.caller, request.fields, *answers.feed(feed.rest)]
    return out


#: What is fed in pieces: how, and what a recording of it holds.
FED: dict[str, tuple[Callable[[list[bytes]], list[Any]], bytes]] = {
    "gateway.asterisk.ami:Parser.feed": (
        lambda pieces: told(pieces, ami.Parser(), lambda message: [message.get(key) for key in ("Event", "Queue", "CallerIDName", "Ping")]),
        AMI,
    ),
    "gateway.freeswitch.esl:Parser.feed": (
        lambda pieces: told(pieces, esl.Parser(), lambda message: (message.name, message.get("CC-Action"))),
        ESL,
    ),
    "gateway.agi.wire:RequestFeed.feed": (asked, AGI),
    "gateway.agi.wire:AnswerFeed.feed": (fed(AnswerFeed), AGI_ANSWERS),
    "gateway.fxo.message:PacketFeed.feed": (fed(PacketFeed), b"\x55" * 30 + PACKET + b"noise" + b"\x55" * 30 + PACKET),
    "gateway.fxo.modem_bytes:ModemFeed.feed": (fed(ModemFeed), MODEM),
    "gateway.fxo.modem_call:CallerFeed.feed": (callers, MODEM),
    "gateway.fxo.monitor_record:MonitorFeed.feed": (fed(MonitorFeed), MONITOR),
    "gateway.fxo.sip_stream:SipStream.feed": (fed(SipStream), INVITE + INVITE),
    "gateway.smdr.line:Splitter.feed": (fed(Splitter, Splitter.flush), SMDR),
    "gateway.smdr.stream:Stream.feed": (records, SMDR),
    "drivers.alpha_frame:Decoder.feed": (fed(Decoder), SIGN),
}


def _digits(text: str) -> None:
    feed = DigitFeed()
    for at, digit in enumerate(text):
        feed.feed(digit, at * 50_000_000)


def _polled(text: str) -> None:
    found = poll_from_text(text)
    if found is not None:
        assert poll_from_text(poll_text(*found).decode()) == found


def _meant(text: str) -> None:
    for make in PROFILES.values():
        for column in make.columns:
            for value in (text, None, len(text), -1):
                assert meaning(column, value, {text: "off_hook"}) in (*column.means.values(), "off_hook", None)


def _paged(text: str) -> None:
    """A card of a CRM's: whatever JSON it is, it is filed, or told why not."""
    try:
        raw = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raw = {"customer": text, "numbers": [text], "name": text}
    ready = ready_from(Page(version=1, upserts=(raw,)), "EC")
    assert len(ready.cards) + len(ready.rejected) >= 1


def _tabled(text: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_text(text, encoding="utf-8", errors="replace")
        with Table(file) as table:
            for line in table.lines():
                assert (line.card is None) != (line.fault is None)


def _toned(text: str) -> None:
    tone = tone_from_text(text)
    again = tone_from_text(text_from_tone(tone))
    assert (again.hertz, again.cadences_ms) == (tone.hertz, tone.cadences_ms)


#: What is read whole: bytes, or text.
BYTES: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "gateway.asterisk.ami:decode": (lambda data: list(ami.decode(data)), AMI),
    "gateway.freeswitch.esl:decode": (lambda data: list(esl.decode(data)), ESL),
    "gateway.fxo.message:caller_from_packet": (caller_from_packet, PACKET),
    "gateway.fxo.decode:records": (caller_records, MODEM),
    "gateway.fxo.monitor_record:record_from_datagram": (record_from_datagram, DATAGRAM),
    "gateway.fxo.monitor_record:unit_from_datagram": (unit_from_datagram, DATAGRAM),
    "gateway.fxo.sip_message:message_from_bytes": (message_from_bytes, INVITE),
    "gateway.fxo.caller_id:text_from": (text_from, b"ANA"),
    "gateway.smdr.decode:lines_from_bytes": (lines_from_bytes, SMDR),
    "drivers.alpha_frame:records_from_bytes": (records_from_bytes, SIGN),
    "drivers.alpha_text:segments_from_bytes": (segments_from_bytes, b"\x1b bHOLA\x1c2A"),
    "drivers.alpha_text:shown_from_bytes": (shown_from_bytes, b"\x1b bHOLA\x1c2A"),
    "drivers.alpha_command:command_from_body": (command_from_body, b"AA\x1b bHOLA"),
    "drivers.alpha_reply:acknowledged_from_bytes": (acknowledged_from_bytes, SIGN),
    "headsets.descriptor:parse": (descriptor, bytes.fromhex("050b0905a1010920150025017501950181220ac0")),
    "headsets.item:items": (lambda data: list(items(data)), bytes.fromhex("050b0905a101c0")),
}
TEXT: dict[str, tuple[Callable[[str], object], str]] = {
    "gateway.freeswitch.tables:table_from_answer": (table_from_answer, TABLE),
    "gateway.freeswitch.resync:channels_from_answer": (
        channels_from_answer,
        '{"row_count":1,"rows":[{"uuid":"u","name":"sofia/x","callstate":"ACTIVE"}]}',
    ),
    "gateway.fxo.monitor_record:record_from_text": (record_from_text, MONITOR.decode().splitlines()[0]),
    "gateway.fxo.clip:DigitFeed.feed": (_digits, "A0991234567D12345B10C"),
    "gateway.fxo.clip:caller_from_digits": (caller_from_digits, "A0991234567D12345B10C"),
    "gateway.fxo.caller_id:date_from": (date_from, "1121"),
    "gateway.fxo.caller_id:time_from": (time_from, "1403"),
    "gateway.fxo.caller_id:number_from": (number_from, "099-1234567"),
    "gateway.fxo.caller_id:name_from": (name_from, "ANA"),
    "gateway.fxo.gateway_row:poll_from_text": (_polled, "# snmp 0.020 0:hook=off_hook\n"),
    "gateway.fxo.snmp_profile:meaning": (_meant, "Off Hook"),
    "gateway.fxo.snmp_profile:word": (word, "Off Hook"),
    "gateway.fxo.sip_message:address_from_text": (address_from_text, '"Ana" <sip:099@10.0.0.9>;tag=a'),
    "appliance.core.e164:e164": (lambda text: e164(text, "EC"), "+593 (0)99 123-4567"),
    "appliance.core.directory_sync:ready_from": (_paged, '{"customer":"k","numbers":["0991234567"],"segment":"vip"}'),
    "appliance.directory.column:member_of": (member_of, "Teléfono 2"),
    "appliance.directory.table:Table.lines": (_tabled, 'id;teléfono;nombre\n1;0991234567;"Ana\nM."\n'),
    "gateway.fxo.tone:tone_from_text": (_toned, "f1=480@-24,f2=620,c=500/500-250/250;"),
    "gateway.fxo.modem_profile:profile_of": (profile_of, "CX93001-EIS_V0.2013-V92"),
    "gateway.smdr.moment:clock_from_text": (clock_from_text, "10:03AM"),
    "gateway.smdr.span:seconds": (seconds, "00:01'05"),
    "gateway.smdr.profile:profile_from_toml": (
        lambda text: profile_from_toml(text, "x"),
        'name = "x"\ntitle = "X"\n[[line]]\nname = "a"\npattern = "(?P<date>x)"\n',
    ),
    "drivers.alpha_letters:bytes_from_text": (bytes_from_text, "HOLA ñ €"),
}
#: Held to the same elsewhere, by a test that names them.
ELSEWHERE = {
    "gateway.smdr.match:fields_from_text": "tests/gateway/smdr/test_smdr_property.py",
    "gateway.smdr.reader:Reader.feed": "tests/gateway/smdr/test_smdr_property.py",
    "gateway.fxo.modem_talk:ModemTalk.feed": "tests/gateway/fxo/test_modem_talk.py",
    "gateway.fxo.modem_sense:ModemSense.feed": "tests/gateway/fxo/test_noisy_day.py",
    "gateway.fxo.sip_server:SipServer.feed": "tests/gateway/fxo/test_sip_server.py",
    "drivers.alpha_reply:memory_from_answer": "tests/drivers/test_alpha.py",
    "drivers.alpha_reply:general_info_from_answer": "tests/drivers/test_alpha.py",
    "drivers.alpha_reply:errors_from_answer": "tests/drivers/test_alpha.py",
    "gateway.uplink.websocket:Frames.feed": "tests/gateway/uplink/test_websocket.py",
    "gateway.uplink.packet:split": "tests/gateway/uplink/test_packet.py",
}
_NAMES = ("feed", "parse", "decode", "records")
_INTO = ("_from_bytes", "_from_text", "_from_packet", "_from_datagram", "_from_digits", "_from_body", "_from_answer", "_from_toml")
#: Named so, and fed with what is ours already.
OURS = {
    "gateway.pbx.dialect:Parser.feed", "headsets.minute:Minutes.feed", "headsets.staff:Staff.feed", "headsets.heard:Heard.feed", "headsets.afar:Afar.feed",
    "headsets.press:Presses.feed", "gateway.opcua.change:Differ.feed", "drivers.alpha_record:records", "gateway.smdr.decode:decode",
}  # fmt: skip


def parsers() -> Iterator[str]:
    """`module:function` and `module:Class.method` of whatever is named as a parser is."""
    for folder in ("gateway", "drivers", "headsets"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                bodies = [(f"{node.name}.", each) for each in node.body] if isinstance(node, ast.ClassDef) else [("", node)]
                for prefix, each in bodies:
                    named = each.name if isinstance(each, ast.FunctionDef) and not prefix.startswith("_") else "_"
                    if not named.startswith("_") and (named in _NAMES or named.endswith(_INTO)):
                        yield f"{module}:{prefix}{named}"


def test_every_parser_is_listed() -> None:
    listed = {*FED, *BYTES, *TEXT, *ELSEWHERE, *OURS}
    assert set(parsers()) - listed == set(), "list it, with what a recording of it holds"
    for name, where in ((name, ELSEWHERE[name]) for name in parsers() if name in ELSEWHERE):
        text = (ROOT / where).read_text(encoding="utf-8")
        assert name.partition(":")[2].split(".")[0] in text, where


@pytest.mark.parametrize("name", sorted(FED))
def test_cut_at_every_byte_it_means_the_same(name: str) -> None:
    run, whole = FED[name]
    meant = run([whole])
    assert meant
    for at in range(len(whole) + 1):
        assert run([whole[:at], whole[at:]]) == meant, at
    assert run([bytes((byte,)) for byte in whole]) == meant


@pytest.mark.parametrize("name", sorted(FED))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_fed_with_anything_it_stands(name: str, data: st.DataObject) -> None:
    run, whole = FED[name]
    with suppress(CallfloorError):  # said in words
        run(data.draw(st.lists(st.one_of(st.binary(max_size=60), _damaged(whole)), max_size=5)))


@pytest.mark.parametrize("name", sorted(BYTES))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_bytes_are_read_or_refused(name: str, data: st.DataObject) -> None:
    read, whole = BYTES[name]
    with suppress(CallfloorError):  # said in words
        read(data.draw(st.one_of(st.binary(max_size=120), _damaged(whole))))
    read(whole)


@pytest.mark.parametrize("name", sorted(TEXT))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_text_is_read_or_refused(name: str, data: st.DataObject) -> None:
    read, whole = TEXT[name]
    text = data.draw(st.one_of(st.text(max_size=120), _damaged(whole.encode()).map(lambda raw: raw.decode("latin-1"))))
    with suppress(CallfloorError):  # said in words
        read(text)
    read(whole)


@given(
    st.lists(st.integers(10, 9999), min_size=1, max_size=2), st.lists(st.tuples(st.integers(0, 99999), st.integers(0, 99999)), max_size=3)
)
def test_a_tone_comes_back(hertz: list[int], cadences: list[tuple[int, int]]) -> None:
    tone = Tone(tuple(hertz), tuple(cadences), -24)
    assert tone_from_text(text_from_tone(tone)) == tone


@st.composite
def _damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """What a recording holds, with bytes lost, doubled and changed."""
    out = bytearray(whole)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(out) - 1)))
        match draw(st.sampled_from(["lose", "change", "double", "cut"])):
            case "lose":
                del out[at : at + draw(st.integers(1, 9))]
            case "change" if out:
                out[at] = draw(st.integers(0, 255))
            case "double":
                out[at:at] = out[at : at + 9]
            case _:
                del out[at + 1 :]
    return bytes(out)
