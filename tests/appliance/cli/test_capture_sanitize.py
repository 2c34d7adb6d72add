"""A recording of each kind, cleaned: no number and no name of it is left, it is replayed to the same figures, in the same pieces."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.capture_sanitize import sanitized
from appliance.cli.main import main
from appliance.core.clock import SystemClock
from appliance.core.config import Config, PbxConfig
from appliance.core.errors import CorruptError, UnsupportedError
from appliance.replay import events_from_capture
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.freeswitch import SimFreeswitch
from gateway.fxo.message import caller_from_packet
from gateway.pbx.capture import record
from gateway.pbx.stand_in import StandIns

INVITE = (
    "INVITE sip:linea-1@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKc1\r\n"
    'From: "Ana Torres" <sip:0987654321@10.0.0.9:5060>;tag=fc1\r\nTo: <sip:linea-1@10.0.0.2>\r\nCall-ID: c1@gateway\r\nCSeq: 1 INVITE\r\n'
    'Authorization: Digest username="x", response="0123456789abcdef"\r\nContent-Length: 0\r\n\r\n'
)
CANCEL = INVITE.replace("INVITE", "CANCEL")
BODY = b"\x01\x0811211403\x02\x0a0987654321\x07\x0aANA TORRES"
PACKET = b"\x80" + bytes((len(BODY),)) + BODY
PACKET += bytes((-sum(PACKET) % 256,))
RING = "\r\nRING\r\n"
MODEM = f"{RING}\r\nDATE = 1121\r\nTIME = 1403\r\nNMBR = 0987654321\r\nNAME = ANA TORRES\r\n{RING}{RING}"
PRINTED = (
    "  Date     Time    Ext CO        Dial Number        Ring Duration  Acc code  CD \r\n"
    "11/21/26 10:03AM  1200 01 <I>0987654321 ANA TORRES       0'05 00:01'05 1234567890 TR\r\n"
    "11/21/26 10:05AM  1200 01 <I>0987654321 ANA TORRES       0'45 00:00'00            NA\r\n"
    "11/21/26 10:06AM  1201 02 0987654321                          00:02'05\r\n"
    "what is this of 0987654321?\r\n"
)
MONITOR = (
    "^^<U>123456<S>123456$01 I S 0000 G A1 11/21 02:03 PM 098-765-4321   Ana Torres",
    "^^<U>123456<S>123456$01 I E 0065 G A1 11/21 02:03 PM 0987654321 ANA TORRES",
)
AT = "2026-11-21T14:00:00Z"
TOLD: dict[str, list[dict[str, Any]]] = {
    "modem": [{"t": 1.0, "data": MODEM[:25]}, {"t": 1.2, "data": MODEM[25:70]}, {"t": 1.3, "data": MODEM[70:]}],
    "monitor": [{"t": 1.0 + n, "data": text} for n, text in enumerate(MONITOR)],
    "gateway": [{"t": 1.0, "data": INVITE}, {"t": 1.1, "sent": "SIP/2.0 180 Ringing\r\n\r\n"}, {"t": 9.0, "data": CANCEL}],
    "smdr": [{"t": 1.0 + n / 10, "data": PRINTED[n * 50 : n * 50 + 50]} for n in range(9)],
    "pins": [{"t": 1.0, "data": "ring=1 0"}, {"t": 2.0, "event": "disconnected"}],
}  # fmt: skip


def written(path: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    head = {"capture": 1, "kind": kind, "name": "l1", "started": AT}
    path.write_text("".join(json.dumps(row) + "\n" for row in (head, *rows)))
    return path


def told(path: Path) -> list[tuple[str, int, dict[str, Any]]]:
    """What a replay tells, without what a stand-in stands for."""
    from msgspec import to_builtins  # noqa: PLC0415

    private = {"number", "caller", "caller_name", "name", "account", "dialled", "digest", "id", "call", "unit", "special", "redirect"}
    return [
        (event.kind, event.mono_ns, {key: value for key, value in to_builtins(event.data).items() if key not in private})
        for event in events_from_capture(path, Config())
    ]


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_cleaned_it_tells_the_same_of_nobody(kind: str, tmp_path: Path) -> None:
    path, clean = written(tmp_path / "raw.jsonl", kind, TOLD[kind]), tmp_path / "clean.jsonl"
    packed = path.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert main(["capture", "sanitize", str(packed), "-o", str(clean)]) == 0
    text = "".join(str(row.get("data", "")) + str(row.get("sent", "")) for row in map(json.loads, clean.read_text().splitlines()))
    for secret in ("0987654321", "098-765-4321", "TORRES", "Torres", "1234567890", "10.0.0.9", "0123456789abcdef"):
        assert secret not in text
    assert told(clean) == told(path)
    assert kind == "pins" or told(path)
    rows, before = ([json.loads(line) for line in each.read_text().splitlines()] for each in (clean, path))
    assert [(row.get("t"), len(row.get("data", ""))) for row in rows] == [(row.get("t"), len(row.get("data", ""))) for row in before]


async def test_freeswitch(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("ClueCon")
    lines: list[bytes] = []
    async with SimFreeswitch(plan_named("morning", calls_per_min=None, agents=None), seed=3, speed=30) as pbx:
        config = PbxConfig(kind="freeswitch", port=pbx.port, secret_file=tmp_path / "secret")
        task = asyncio.create_task(record("central", config, SystemClock(), lines.append))
        async with asyncio.timeout(60):
            while sum(b"callcenter%3A%3Ainfo" in line for line in lines) < 30:
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    path, clean = tmp_path / "raw.jsonl", tmp_path / "clean.jsonl"
    path.write_bytes(b"".join(lines))
    clean.write_bytes(b"".join(sanitized(lines)))
    numbers = {str(event.data.caller) for event in events_from_capture(path, Config()) if getattr(event.data, "caller", None)}  # type: ignore[attr-defined]
    assert numbers
    text = clean.read_text()
    assert not [number for number in numbers if len(number) > 5 and number in text]
    assert Counter(kind for kind, _, _ in told(clean)) == Counter(kind for kind, _, _ in told(path))
    assert told(clean) == told(path)


@pytest.mark.parametrize("key", ["variable_accountcode", "Caller-ANI", "variable_sip_from_user", "variable_candidate"])
def test_a_number_in_any_header_of_a_freeswitch(key: str) -> None:
    from gateway.freeswitch.sanitize import clean_socket  # noqa: PLC0415

    clean = clean_socket(StandIns())
    assert "0987654321" not in clean(f"Event-Name: CHANNEL_CREATE\n{key}: 0987654321\n")
    kept = "Caller-Channel-Created-Time: 1700000000123456\nvariable_call_count: 1700000000\nEvent-Date-Timestamp: 1700000000123456\n"
    assert clean(kept) == kept


@pytest.mark.parametrize("packet", [PACKET.decode("latin-1"), f"\r\nMESG={PACKET.hex().upper()}\r\n"])
def test_a_packet_stays_whole(packet: str, tmp_path: Path) -> None:
    path = written(tmp_path / "raw.jsonl", "modem", [{"t": 1.0, "data": packet}])
    row = json.loads(list(sanitized(path.read_bytes().splitlines(keepends=True)))[1])
    data = row["data"].encode("latin-1") if packet.startswith("\x80") else bytes.fromhex(row["data"].strip()[5:])
    caller = caller_from_packet(data)
    assert caller.checksum_ok
    assert caller.number is not None
    assert (len(caller.number), caller.number == "0987654321", caller.name == "ANA TORRES") == (10, False, False)


def test_what_cannot_be_cleaned_says_so(tmp_path: Path) -> None:
    for kind, data, fault in (("x", "", UnsupportedError), ("smdr", "ACME 0987654321 and so on\r\n", UnsupportedError)):
        path = written(tmp_path / f"{kind}.jsonl", kind, [{"t": 1.0, "data": data}])
        with pytest.raises(fault):
            list(sanitized(path.read_bytes().splitlines(keepends=True)))
    with pytest.raises(CorruptError):
        list(sanitized([b"{}\n"]))
    with pytest.raises(CorruptError):
        list(sanitized([b"no\n"]))


def test_a_printout_of_each_make_that_is_simulated(tmp_path: Path) -> None:
    from appliance.sim.smdr import MAKES, calls  # noqa: PLC0415

    for name, make in MAKES.items():
        made = calls(random.Random(4).randrange(99))
        all_of = [next(made)(datetime(2026, 11, 21, 10, n)) for n in range(40)]  # noqa: DTZ001 - printed times have no zone
        text = "".join(make.line(call) + "\r\n" for call in all_of)
        path = written(tmp_path / f"{name}.jsonl", "smdr", [{"t": 1.0, "data": text}])
        clean = tmp_path / f"{name}-clean.jsonl"
        clean.write_bytes(b"".join(sanitized(path.read_bytes().splitlines(keepends=True))))
        left = clean.read_text()
        assert not [call.number for call in all_of if call.number in left], name
        assert told(clean) == told(path), name


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200), st.sampled_from(["modem", "monitor", "gateway", "freeswitch"]))
def test_anything_stays_as_long_as_it_was(text: str, kind: str) -> None:
    lines = [json.dumps(row).encode() for row in ({"capture": 1, "kind": kind, "name": "l1", "started": AT}, {"t": 1.0, "data": text})]
    (_, row) = sanitized(lines)
    assert len(json.loads(row)["data"]) == len(text)


@given(st.from_regex(r"\+?[0-9]{6,15}", fullmatch=True))
def test_a_number_is_always_the_same_other_one(number: str) -> None:
    stand_ins = StandIns(b"s")
    assert stand_ins.numbers(f"a {number} b") == f"a {stand_ins.number(number)} b"
    assert stand_ins.number(number).lstrip("+") == stand_ins.number(number.lstrip("+"))
