"""Recording a PBX, sending the recording home without its people in it, and replaying it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.core.clock import SystemClock
from appliance.core.config import Config, PbxConfig
from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError, TransientError
from appliance.sim.floor_model_plan import plan_named
from appliance.sim.pbx import SimPbx
from gateway.asterisk.sanitize import sanitize
from gateway.asterisk.template import template
from gateway.pbx.capture import record
from gateway.pbx.replay_feed import feed_capture

CAPTURES = Path(__file__).parents[2] / "captures"


def lines_of(folder: str) -> list[bytes]:
    return gzip.decompress((CAPTURES / folder / "lean.jsonl.gz").read_bytes()).splitlines()


def bytes_of(lines: list[bytes], key: str = "data") -> bytes:
    return b"".join(json.loads(line).get(key, "").encode("latin-1") for line in lines)


@pytest.mark.parametrize("folder", ["S2_busy", "S4_restart", "S5_ivr", "S7_stress_smallqueues"])
def test_a_sanitised_capture_folds_to_the_same_figures(folder: str, tally: Any) -> None:
    plain, clean = lines_of(folder), list(sanitize(lines_of(folder)))
    one, other = (tally(event for _, events in feed_capture(lines, Config()) for event in events) for lines in (plain, clean))
    assert other.queues == one.queues
    assert other.talk_s == one.talk_s
    assert sorted(other.answered_by.values()) == sorted(one.answered_by.values())


def test_nobodys_number_or_name_is_left(truth: Callable[[str], Any]) -> None:
    told = truth("S2_busy")
    clean = b"\n".join(sanitize(lines_of("S2_busy"))).decode()
    people = {str(call["caller"]) for call in told["calls"]} | set(told["agents"]) | {"911000002", "127.0.0.1", "Carmen Diaz"}
    assert [person for person in people if person in clean] == []
    for queue in told["queues"]:
        assert f"Queue: {queue}" in clean


def test_stand_ins_are_the_same_within_one_salt_and_others_with_another() -> None:
    line = '{"t": 1, "data": "CallerIDNum: 612000101\\r\\nConnectedLineNum: 612000101\\r\\nMemberName: Ana Garcia\\r\\nX: Ana Garcia llama\\r\\n"}'

    def once(salt: bytes | None) -> list[str]:
        (row,) = sanitize([line], salt)
        return [text.partition(": ")[2] for text in json.loads(row)["data"].split("\r\n")[:-1]]

    first = once(b"a")
    assert first[0] == first[1]
    assert len(first[0]) == 9
    assert first[3] == f"{first[2]} llama"
    assert once(b"a") == first
    assert once(None)[0] != first[0]


def test_a_value_cut_by_a_chunks_end_is_replaced_whole() -> None:
    rows = [{"t": 1, "data": "Event: X\r\nCallerIDNum: 6120"}, {"t": 2, "data": "00101\r\n\r\n"}]
    clean = [json.loads(row)["data"] for row in sanitize([json.dumps(row) for row in rows])]
    assert clean[0] == "Event: X\r\n"
    assert "612000101" not in "".join(clean)
    assert clean[1].endswith("\r\n\r\n")


def test_names_in_utf8_stay_utf8() -> None:
    data = "Queue: atención\r\nMemberName: José Núñez\r\n".encode().decode("latin-1")
    (row,) = sanitize([json.dumps({"t": 1, "data": data})])
    text = json.loads(row)["data"].encode("latin-1").decode()
    assert "Queue: atención" in text
    assert "José" not in text


async def test_a_recording_of_a_live_pbx_replays_and_holds_no_secret(tmp_path: Path, tally: Any) -> None:
    (tmp_path / "secret").write_text("callfloor")
    lines: list[bytes] = []
    async with SimPbx(plan_named("morning", calls_per_min=None, agents=None), seed=3, speed=30) as pbx:
        for auth in ("auto", "plain"):
            config = PbxConfig(port=pbx.port, secret_file=tmp_path / "secret", auth=auth)  # type: ignore[arg-type]
            task = asyncio.create_task(record("central", config, SystemClock(), lines.append))
            await asyncio.sleep(1.5)
            if auth == "auto":
                await pbx.fault("drop", seconds=0.2)
                await asyncio.sleep(1.8)
                whole = list(lines)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    assert b"Secret: callfloor" not in b"".join(lines)
    assert b"Secret: ***" in b"".join(lines)
    rows = [json.loads(line) for line in whole]
    assert rows[0]["kind"] == "asterisk"
    assert [row["event"] for row in rows if "event" in row] == ["disconnected", "connected"]
    assert [row["t"] for row in rows[1:]] == sorted(row["t"] for row in rows[1:])
    counted = tally(event for _, events in feed_capture(whole, Config()) for event in events)
    assert len(counted.of("pbx.resynced")) == 2
    assert counted.total("offered") > 0


async def test_recording_says_at_once_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("falsch")
    async with SimPbx(plan_named("morning", calls_per_min=None, agents=None)) as pbx:
        config = PbxConfig(port=pbx.port, secret_file=tmp_path / "secret")
        with pytest.raises(DeniedError):
            await record("central", config, SystemClock(), lambda line: None)
    with pytest.raises(TransientError):
        await record("central", config, SystemClock(), lambda line: None)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{}"], "line 1: not a capture"),
        (['{"capture": 1, "kind": "smdr", "name": "x", "started": "x"}'], "line 1: not a capture of a PBX"),
        (['{"capture": 1, "kind": "asterisk", "name": "x"}', "nonsense"], "line 2: not a JSON object"),
        (['{"capture": 1, "kind": "asterisk", "name": "x"}', "", '{"data": "x"}'], "line 3: no time"),
    ],
)
def test_a_file_that_is_no_capture_names_its_line(lines: list[str], said: str) -> None:
    with pytest.raises(CorruptError, match=said):
        list(feed_capture(lines, Config()))


def test_a_capture_without_what_the_box_sent_replays_as_well(tally: Any) -> None:
    lines = [line for line in lines_of("S4_restart") if b'"sent"' not in line]
    counted = tally(event for _, events in feed_capture(lines, Config()) for event in events)
    assert (counted.total("offered"), counted.total("answered"), counted.total("pbx_stopped")) == (32, 24, 8)


def test_a_capture_that_begins_in_mid_session_replays(tally: Any) -> None:
    lines = lines_of("S2_busy")
    cut = [lines[0], *(line for line in lines[1:] if json.loads(line)["t"] > 100)]
    counted = tally(event for _, events in feed_capture(cut, Config()) for event in events)
    assert 30 < counted.total("offered") < 56


@pytest.mark.parametrize("kind", ["asterisk", "freepbx"])
def test_templates_ask_for_the_least_rights(kind: str) -> None:
    text = template(kind, user="caja", secret="s")
    assert "[caja]" in text
    assert "\nread = system,call,agent,user\n" in text
    assert "\nwrite = system,reporting\n" in text
    assert all(line.startswith((";", "[")) or " = " in line for line in text.splitlines() if line)


def test_an_unknown_template_names_the_known_ones() -> None:
    with pytest.raises(MisconfiguredError, match="asterisk, freepbx"):
        template("elastix")
