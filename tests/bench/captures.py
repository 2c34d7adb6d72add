"""Recorded PBXs to measure on: from tests/captures, else from the folder that CALLFLOOR_CORPUS names."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

from tests.bench.room import ROOT, Room, SkippedError


def capture(folder: str, stream: str) -> Path:
    """The capture's file. Raises SkippedError where this machine has none."""
    places = [ROOT / "tests" / "captures" / folder]
    corpus = os.environ.get("CALLFLOOR_CORPUS")
    if corpus:
        places += [Path(corpus) / "asterisk" / folder, Path(corpus) / folder]
    for place in places:
        if (place / f"{stream}.jsonl.gz").exists():
            return place / f"{stream}.jsonl.gz"
    raise SkippedError(f"no capture {folder}/{stream}: set CALLFLOOR_CORPUS to the folder that holds it")


def plain(room: Room, path: Path) -> Path:
    """The same file, not packed."""
    out = room.folder() / path.name.removesuffix(".gz")
    out.write_bytes(gzip.decompress(path.read_bytes()))
    return out


def chunks_from(path: Path) -> list[bytes]:
    """What the PBX sent, chunk by chunk as it arrived."""
    with gzip.open(path, "rt") as file:
        rows = [json.loads(line) for line in file]
    return [row["data"].encode("latin-1") for row in rows if "data" in row]


def events_per_second(path: Path) -> list[int]:
    """How many AMI events came in each second of the capture in which any came."""
    seconds: dict[int, int] = {}
    with gzip.open(path, "rt") as file:
        for line in file:
            row = json.loads(line)
            if "data" in row:
                count = row["data"].count("Event: ")
                seconds[int(row["t"])] = seconds.get(int(row["t"]), 0) + count
    return list(seconds.values())
