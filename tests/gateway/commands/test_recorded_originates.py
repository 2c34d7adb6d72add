"""Calls that a real Asterisk was told to originate (tests/captures/S6_trunk): how each job of ours would have ended, by the recorded bytes alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.core.clock import NS
from appliance.core.config import Config
from gateway.asterisk.ami import Parser
from gateway.asterisk.job import Call
from gateway.asterisk.source import PbxSource
from gateway.asterisk.whom import Whom

CAPTURE = Path(__file__).parents[2] / "captures" / "S6_trunk" / "lean.jsonl.gz"


def played(uniqueid: str, action_id: str, rang: list[str] | None = None) -> Any:
    """The end of a job that rings this channel, as the recording tells it; time stands still but for what the job waits for."""
    config = Config()
    job = Call(
        ("Originate", {}), 0, uniqueid=uniqueid, whom=Whom(PbxSource("central", config).tracker, config), user="callfloor", whose="agent",
        ring_s=60.0, number_s=None,
    )  # fmt: skip
    job.on_rings = (rang if rang is not None else []).append
    (ask,) = job.asks()
    job.sent(ask, action_id)
    parser, last_ns = Parser(), 0
    with gzip.open(CAPTURE, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        last_ns = round(row.get("t", 0.0) * NS)
        for message in parser.feed(row.get("data", "").encode("latin-1")):
            job.hears(message, last_ns)
        if job.ended is None and job.accepted and job.due_ns is not None and job.due_ns <= last_ns:
            job.due(last_ns)
    assert job.ended is not None
    return job.ended


@pytest.mark.parametrize(
    ("number", "outcome", "cause"),
    [(0, "answered", None), (1, "busy", 17), (2, "no_answer", 19), (3, "congested", 34), (4, "unallocated", 1), (5, "answered", None)],
)
def test_a_real_pbx_tells_outcomes_apart_by_the_channels_cause(number: int, outcome: str, cause: int | None) -> None:
    action, rang = {0: "lean-1-10", 1: "lean-1-12", 2: "lean-1-13", 3: "lean-1-14", 4: "lean-1-15", 5: "lean-1-16"}[number], list[str]()
    ended = played(f"dialer-{number}", action, rang)
    assert len(rang) == (outcome in ("answered", "no_answer")), "whoever rang was told to ring, once; who was busy was not"
    assert (ended.result["outcome"], ended.result.get("cause")) == (outcome, cause)
    assert ended.state == ("done" if outcome == "answered" else "failed")


def test_a_phone_that_cannot_be_reached_has_no_channel_and_no_cause() -> None:
    assert played("dialer-7", "lean-1-19").result["outcome"] == "unreachable"
