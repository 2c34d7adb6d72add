"""A headset's recording: what it holds, that it holds no serial number, and what becomes of it when it is replayed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import CONSUMER_ONLY

from appliance.cli.main import main
from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetHook, HeadsetMute
from appliance.core.clock import SystemClock
from appliance.core.errors import CorruptError
from appliance.replay import replay
from appliance.sim.headset_model import MODELS
from drivers.hid_device import HidInfo
from headsets.capture import Recorder, without_serial
from headsets.replay_feed import feed_capture

RECORDING = Path(__file__).parents[1] / "captures" / "headset" / "jabra-like.jsonl"


def test_a_recording_of_a_whole_call_becomes_its_events() -> None:
    """First nobody answers, and it gives up; then a host does."""
    with RECORDING.open("rb") as file:
        told = [event for _, events in feed_capture(file) for event in events]
    assert isinstance(told[0], HeadsetAttached)
    assert (told[0].vendor_id, told[0].product) == ("0b0e", "Evolve Link (simulated)")
    assert [event.hook for event in told if isinstance(event, HeadsetHook)] == ["off", "on", "off", "on"]
    assert [event.mute for event in told if isinstance(event, HeadsetMute)] == [False, True, False, True, False]
    assert isinstance(told[-1], HeadsetDetached)


def test_replayed_it_is_the_floor_with_that_headset(tmp_path: Path) -> None:
    lines = RECORDING.read_text().splitlines()
    (tmp_path / "call.jsonl").write_text("\n".join(lines[:6]) + "\n")
    shot = replay(tmp_path / "call.jsonl")
    assert shot.headsets is not None
    one = shot.headsets["a-101"]
    assert (one.product, one.attached, one.hook, one.mute, one.fresh) == ("Evolve Link (simulated)", True, "off", True, "live")


def test_replay_says_what_was_understood_before_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(RECORDING)]) == 0
    lines = capsys.readouterr().out.splitlines()
    changes = [line.split(" s  ", 1) for line in lines[: lines.index("")]]
    reports = [text for _, text in changes if text[:2].isalnum() and text[2] == " "]
    assert any(text.endswith("  hook mute") for text in reports), "each report as its descriptor has it, though nothing follows from it"
    said = [text for _, text in changes if text not in reports]
    assert said[0] == "plugged in  Evolve Link (simulated) 0b0e:0307"
    assert [text.split("  ")[0] for text in said if "hook  (" in text] == ["off-hook", "on-hook", "off-hook", "on-hook"]
    assert [text.split("  ")[0] for text in said if text.startswith(("muted", "live"))] == ["live", "muted", "live", "muted", "live"]
    assert said[-1] == "unplugged"
    times = [float(time) for time, _ in changes]
    assert times == sorted(times)
    assert "a-101" in "\n".join(lines[lines.index("") :])
    assert main(["replay", str(RECORDING), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["headsets"]["a-101"]["attached"] is False


def rows(info: HidInfo, *reports: bytes) -> list[dict[str, Any]]:
    lines: list[bytes] = []
    recorder = Recorder("a-101", info, info.descriptor or b"", SystemClock(), lines.append)
    for report in reports:
        recorder.report(report, SystemClock().mono_ns())
    recorder.event("disconnected")
    return [json.loads(line) for line in lines]


def headset(serial: str | None, product: str = "Desk") -> HidInfo:
    return HidInfo("1-2", 3, "", 1, 2, 0x0B0E, 0x0307, serial, product, descriptor=MODELS["jabra"].descriptor)


def test_its_serial_number_is_nowhere() -> None:
    serial = "A1B2C3D4"
    told = rows(
        headset(serial, f"Desk {serial.lower()}"),
        b"\x02" + serial.encode(),
        b"\x04\x00" + serial.encode("utf-16-le"),
        bytes.fromhex("05" + serial),
        b"\x02\x01\x00",
    )
    text = "".join(map(str, told)).lower()
    assert serial.lower() not in text
    assert told[0]["product"] == "Desk xxxxxxxx"
    assert told[1]["data"] == "\x02xxxxxxxx"
    assert told[2]["data"] == "\x04\x00" + "x\x00" * 8
    assert told[3]["data"] == "\x05\x00\x00\x00\x00"
    assert told[4]["data"] == "\x02\x01\x00", "what holds none of it is as it came"
    assert told[5]["event"] == "disconnected"
    assert [row["t"] for row in told[1:]] == sorted(row["t"] for row in told[1:])


@given(serial=st.text("0123456789ABCDEFGHxyz-", min_size=4, max_size=20), around=st.binary(max_size=8))
def test_struck_out_wherever_it_stands_and_nothing_moves(serial: str, around: bytes) -> None:
    for coding in ("utf-8", "utf-16-le", "utf-16-be"):
        data = around + serial.encode(coding) + around
        left = without_serial(data, serial)
        assert len(left) == len(data)
        assert serial.encode(coding) not in left or set(serial) == {"x"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1"),
        ("nonsense", "line 1"),
        ('{"capture": 1, "kind": "asterisk", "name": "x", "descriptor": ""}', "not a recording of a headset"),
        ('{"capture": 1, "kind": "hid", "name": "x", "descriptor": "0x"}', "line 1"),
        (f'{{"capture": 1, "kind": "hid", "name": "x", "descriptor": "{CONSUMER_ONLY.hex()}"}}', "neither hook nor mute"),
        (f'{{"capture": 1, "kind": "hid", "name": "x", "descriptor": "{MODELS["jabra"].descriptor.hex()}"}}\n{{"t": 1', "line 2"),
        (f'{{"capture": 1, "kind": "hid", "name": "x", "descriptor": "{MODELS["jabra"].descriptor.hex()}"}}\n{{}}', "line 2: no time"),
    ],
)
def test_what_is_no_recording_says_where(text: str, fault: str) -> None:
    with pytest.raises(CorruptError, match=fault):
        list(feed_capture(text.splitlines()))


@given(reports=st.lists(st.binary(max_size=6), max_size=12))
def test_malformed_reports_make_no_fault(reports: list[bytes]) -> None:
    head = {"capture": 1, "kind": "hid", "name": "x", "descriptor": MODELS["jabra"].descriptor.hex()}
    lines = [json.dumps(head), *(json.dumps({"t": at * 0.3, "data": each.decode("latin-1")}) for at, each in enumerate(reports))]
    times = [t for t, _ in feed_capture(lines)]
    assert times == sorted(times)
