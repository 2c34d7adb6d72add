"""Samples found in public places, read from the folder that CALLFLOOR_CORPUS names: each says what its source expects, however it is split."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.fxo.clip import DigitFeed, caller_from_digits
from gateway.fxo.decode import records
from gateway.fxo.message import PacketFeed
from gateway.fxo.modem_bytes import ModemFeed, Ring
from gateway.fxo.modem_call import QUIET_NS, CallerFeed
from gateway.fxo.monitor_record import MonitorFeed
from gateway.fxo.tone import tone_from_text

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="session")
def samples(corpus_folder: Path) -> dict[str, dict[str, Any]]:
    lines = (corpus_folder / "protocols" / "fxo.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, filter(None, lines))}


def bytes_of(sample: dict[str, Any]) -> bytes:
    return (sample.get("hex") or sample["raw"]).encode()


def dashed(text: str | None, mark: str) -> str | None:
    return text and text[:2] + mark + text[2:]


def agrees(sample: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether we say what the source expects, member by member; a member that nobody looks at fails."""
    looked = {
        "type": lambda meant: told["format"] == meant.lower(),
        "datetime": lambda meant: f"{told['date']} {told['time']}" == meant,
        "checksum": lambda meant: told["checksum_ok"] == (not meant.startswith("INVALID")),
        "date": lambda meant: told["date"] == dashed(meant, "-"),
        "time": lambda meant: told["time"] == dashed(meant, ":"),
        "number": lambda meant: told["number"] == meant,
        "name": lambda meant: told["name"] == meant,
        "redirect": lambda meant: told["redirect"] == meant,
        "special": lambda meant: told["special"] == meant,
        "variant": lambda meant: told["variant"] == meant.split(" ")[0],
        "reason": lambda meant: told["absent"] == {"P": "P", "O": "O", "private": "P", "number not available": "O"}.get(meant, "O"),
        "rings": lambda meant: told["rings"] == meant,
        "cid": lambda meant: meant is None and told["number"] is None and told["absent"] is None,
        "line": lambda meant: told["line"] == meant,
        "dir": lambda meant: told["direction"] == meant,
        "phase": lambda meant: told["what"] == {"S": "start", "E": "end"}[meant],
    }
    return all(looked[key](meant) for key, meant in sample["expected"].items())


def test_every_sample_says_what_its_source_expects(samples: dict[str, dict[str, Any]]) -> None:
    assert samples
    for key, sample in samples.items():
        if "tone" in sample["system"]:
            continue
        (told,) = records(bytes_of(sample))
        assert agrees(sample, told), (key, told, sample["expected"])


def test_tone_settings(samples: dict[str, dict[str, Any]]) -> None:
    found = [sample for sample in samples.values() if "tone" in sample["system"]]
    assert found
    for sample in found:
        tone, meant = tone_from_text(sample["raw"]), sample["expected"]
        assert (list(tone.hertz), tone.level_db, list(tone.cadences_ms[0])) == (
            meant["freqs"],
            meant["level_dB"],
            [meant["on_ms"], meant["off_ms"]],
        )


def test_packets_and_records_split_at_every_byte(samples: dict[str, dict[str, Any]]) -> None:
    split = 0
    for key, sample in samples.items():
        feed_of: Callable[[], Any] = PacketFeed if "hex" in sample else MonitorFeed
        raw = bytes.fromhex(sample["hex"]) if "hex" in sample else bytes_of(sample) + b"\r\n"
        whole = feed_of().feed(raw)
        if not whole:
            continue  # another kind, or a checksum that is wrong
        for cut in range(len(raw) + 1):
            feed = feed_of()
            assert feed.feed(raw[:cut]) + feed.feed(raw[cut:]) == whole, (key, cut)
        split += 1
    assert split >= 2


def test_digits_come_one_by_one(samples: dict[str, dict[str, Any]]) -> None:
    found = [bytes_of(sample).decode() for sample in samples.values() if sample["system"].startswith("DTMF")]
    assert found
    for digits in found:
        feed = DigitFeed()
        told = [caller for digit in digits if (caller := feed.feed(digit, 0)) is not None]
        assert told == [caller_from_digits(digits)]


def test_modem_samples_split_at_every_byte(samples: dict[str, dict[str, Any]]) -> None:
    for key, sample in samples.items():
        raw = bytes_of(sample)
        if b"RING" not in raw:
            continue
        whole = said(raw)
        for cut in range(len(raw) + 1):
            assert said(raw[:cut], raw[cut:]) == whole, (key, cut)


def said(*chunks: bytes) -> tuple[int, list[Any]]:
    feed, into, rings, out = ModemFeed(), CallerFeed(), 0, []
    for chunk in chunks:
        for reading in feed.feed(chunk):
            rings += isinstance(reading, Ring)
            out += into.feed(reading, 0)
    return rings, out + into.tick(QUIET_NS)
