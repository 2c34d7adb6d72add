"""Lines found in manuals, forums and open programs: each is read as its source means it, alone, with every profile tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.smdr.line import Splitter
from gateway.smdr.shelf import profiles
from gateway.smdr.vote import winner

pytestmark = pytest.mark.corpus
NOW = datetime(2026, 11, 22, 3, 0)  # noqa: DTZ001 - printed times have no zone
#: Which of our profiles a system of the corpus is.
PROFILES = {
    "Avaya IP Office": "avaya-ipoffice", "Panasonic": "panasonic", "Samsung": "samsung", "LG": "lg", "TransTel": "transtel",
    "Toshiba Strata CTX": "toshiba-ctx", "Toshiba Strata DK": "toshiba-dk", "NEC": "nec", "Nortel Meridian": "nortel",
    "Nortel BCM": "nortel-bcm", "Mitel": "mitel", "Cisco": "cisco-cme", "Asterisk": "asterisk", "Whozz": "whozz",
}  # fmt: skip


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "protocols" / "smdr.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def told(raw: str) -> tuple[str, dict[str, Any]]:
    """The profile that is named, and the one record."""
    splitter = Splitter()
    result = winner(profiles(), splitter.feed(raw.encode()) + splitter.flush(), NOW)
    assert result is not None, raw
    (record,) = result.records or [None]
    return result.profile.name, record.as_json() if record is not None else {}


def field(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda record: record["fields"].get(name)


def member(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda record: record.get(name)


#: What a source says of its line, and where we say it.
SAID: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dir": member("direction"), "answered": member("answered"), "abandoned": member("abandoned"), "lost": member("abandoned"),
    "ring_s": member("ring_s"), "dur_s": member("duration_s"), "caller": member("number"), "dialed": member("number"),
    "number": member("number"), "ext": member("extension"), "sta": member("extension"), "callid": member("call_id"),
    "uniqueid": member("call_id"), "conn": member("call_id"), "last": member("last"), "trunk": member("trunk"), "trk": member("trunk"),
    "co": member("trunk"), "voicemail": member("voicemail"), "hold_s": member("hold_s"), "acc": member("account"), "name": member("name"),
    "cd": field("mark"), "fg": field("mark"), "status": field("mark"), "kind": field("kind"), "target": field("target"),
    "rec": field("record"), "node": field("node"), "orig": field("from"), "term": field("to"), "from": field("from"), "to": field("to"),
    "seq": lambda record: record["fields"].get("sequence"), "bch": field("bch"), "supervised": member("supervised"),
    "class": field("class"), "disconnected_flag": member("cut"), "transfer_follows": member("transferred"),
    "completion": field("done"), "event": member("event"), "disp": field("disposition"), "answer": field("answer_stamp"),
    "billsec": field("billsec"), "lastapp": field("lastapp"), "queue": member("queue"), "leg": field("leg"), "peer": field("peer"),
    "cause_hex": field("cause_hex"), "cause_text": field("cause_text"), "origin": field("origin"), "phase": field("phase"),
    "sum": field("sum"), "rings": field("rings"), "line": member("trunk"), "tta_s": member("ring_s"), "meaning": member("text"),
    "connect_to_disconnect_s": member("duration_s"), "transferred": member("transferred"), "text": member("text"),
}  # fmt: skip
#: What a source says in a sentence, or of the line as a whole; we say it as data.
AS_DATA: dict[tuple[str, str], Callable[[dict[str, Any]], bool]] = {
    ("S02", "internal"): lambda record: record["internal"] is True,
    ("S18", "event"): lambda record: record["event"] == "log_in",
    ("S20", "transferred"): lambda record: record["transferred"] is True,
    ("S21", "transferred"): lambda record: record["transferred"] is True,
    ("S43", "meaning"): lambda record: record["text"] == "took the held call",
    ("S53", "separator"): lambda record: ";" in record["fields"]["duration"],
    ("S54", "separator"): lambda record: ";" in record["fields"]["duration"],
    ("S63", "continues_previous"): lambda record: record["event"].startswith("NEXT"),
    ("S72", "closes"): lambda record: record["fields"]["record"] == "E",
    ("S80", "long"): lambda record: record["fields"]["long"] == "%",
    ("S85", "text"): lambda record: record["text"].upper() == "INVALID NUMBER",
    ("S93", "ring_s"): lambda record: record["ring_s"] == 4.0,
    ("S95", "trap"): lambda record: record["answered"] is False,
}


def test_every_line_says_what_its_source_means(corpus_folder: Path) -> None:
    found = rows(corpus_folder)
    assert found
    for row in found:
        name, record = told(row["raw"])
        assert name == next(ours for system, ours in PROFILES.items() if row["system"].startswith(system)), row["id"]
        if row["expected"] == {"header": True}:
            assert record == {}
            continue
        for key, meant in row["expected"].items():
            if (row["id"], key) in AS_DATA:
                assert AS_DATA[row["id"], key](record), (row["id"], key, record)
                continue
            said = SAID[key](record)
            if isinstance(meant, int) and not isinstance(meant, bool) and isinstance(said, str):
                said = int(said)
            assert said == meant, (row["id"], key, record)


def test_a_chain_of_records_is_told_where_all_of_it_is_there(corpus_folder: Path) -> None:
    lines = [row["raw"] for row in rows(corpus_folder) if row["system"].startswith("Nortel Meridian")]
    result = winner(profiles(), lines, NOW)
    assert result is not None
    assert [record.as_json().get("opened_by") for record in result.records] == [None, "S 025"]


def test_every_line_at_every_byte(corpus_folder: Path) -> None:
    """The same lines however the bytes come in pieces, and the same records."""
    for row in rows(corpus_folder):
        raw = row["raw"].encode() + b"\r\n"
        whole = Splitter().feed(raw)
        for at in range(len(raw) + 1):
            splitter = Splitter()
            assert splitter.feed(raw[:at]) + splitter.feed(raw[at:]) == whole, (row["id"], at)
