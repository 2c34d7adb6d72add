"""Frames found in other people's working programs: each is read as its source means it, and written again byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.main import main
from drivers.alpha_command import command_from_body
from drivers.alpha_frame import Frame, Packet, records_from_bytes
from drivers.alpha_record import records

pytestmark = pytest.mark.corpus


def rows(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "protocols" / "alpha.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def test_every_frame_is_written_again_exactly(corpus_folder: Path) -> None:
    found = rows(corpus_folder)
    assert found
    for row in found:
        raw = bytes.fromhex(row["hex"])
        (frame,) = records_from_bytes(raw)
        assert isinstance(frame, Frame), row["id"]
        again = Frame(
            frame.head,
            tuple(Packet(command_from_body(packet.body).body, packet.tail) for packet in frame.packets),
            frame.nuls,
            frame.ended,
        )
        assert again.raw == raw, row["id"]


def test_every_frame_says_what_its_source_means(corpus_folder: Path) -> None:
    for row in rows(corpus_folder):
        (told,) = records(bytes.fromhex(row["hex"]))
        unknown = {key for key in row["expected"] if key not in SAID}
        assert unknown == set(), f"{row['id']}: nobody looks at {unknown}"
        for key, meant in row["expected"].items():
            assert SAID[key](told) == meant or meant == NOT_DATA.get((row["id"], key)), (row["id"], key, told)


def first(told: dict[str, Any]) -> dict[str, Any]:
    return told["packets"][0]


def files(told: dict[str, Any]) -> list[list[Any]]:
    return [
        [file["label"], file["kind"], "L" if file["locked"] else "U", *(
            ([file["rows"], file["columns"]], file["colours"]) if file["kind"] == "DOTS" else (file["size"], file["times"])
        )]
        for file in first(told)["files"]
    ]  # fmt: skip


#: What a source says of its frame, and where we say it.
SAID = {
    "cmd": lambda told: first(told)["command"],
    "type": lambda told: told["type"],
    "addr": lambda told: told["address"],
    "nuls": lambda told: told["nuls"],
    "label": lambda told: first(told)["label"],
    "pos": lambda told: first(told)["position"],
    "mode": lambda told: first(told)["mode"],
    "mode_field": lambda told: first(told)["mode"],
    "text": lambda told: first(told)["text"],
    "files": files,
    "nested": lambda told: len(told["packets"]),
    "strings": lambda told: {packet["label"]: packet["text"] for packet in told["packets"]},
    "checksums": lambda told: any("checksum" in packet for packet in told["packets"]),
    "tone": lambda told: first(told)["tone"],
    "freq": lambda told: first(told)["frequency"],
    "dur": lambda told: first(told)["duration"],
    "repeat": lambda told: first(told)["repeats"],
    "irregular": lambda told: first(told).get("irregular"),
    "body": lambda told: first(told).get("codes"),
}
#: What a source says in a sentence; we say it as data, looked at below.
NOT_DATA = {
    ("A08", "body"): "colour AUTO then 13H call-time",
    ("A11", "irregular"): "ESC followed by 1CH 36H: no valid position/mode",
}


def test_what_is_said_in_a_sentence(corpus_folder: Path) -> None:
    told = {row["id"]: first(next(records(bytes.fromhex(row["hex"])))) for row in rows(corpus_folder)}
    assert [(code["code"], code["value"]) for code in told["A08"]["codes"]] == [("colour", "auto"), ("time", "")]
    assert told["A11"]["irregular"] == "ESC followed by 1C 36: no valid position and mode"


def test_the_verb_takes_them_all_at_once(corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(corpus_folder)
    file = tmp_path / "frames.bin"
    file.write_bytes(b"".join(bytes.fromhex(row["hex"]) for row in found))
    assert main(["decode", "alpha", str(file), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(found)
