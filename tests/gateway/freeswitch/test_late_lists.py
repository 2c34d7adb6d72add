"""Answers that come when the lists have been asked for again: they tell how it was, not how it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from appliance.core.clock import NS
from appliance.sim.freeswitch_text import answer, reply
from gateway.freeswitch.source import AGAIN_NS, PATIENCE_NS


def asked(pbx: Any) -> dict[str, str]:
    """What the source asks now, by the id under which it is asked; the PBX takes it and answers nothing yet."""
    out = {}
    for request in pbx.source.requests(pbx.now_ns):
        pbx._serial += 1
        pbx.source.sent(request, f"late-{pbx._serial}")
        out[f"late-{pbx._serial}"] = request.removeprefix("api ")
        pbx.feed(reply(f"+OK Job-UUID: late-{pbx._serial}"))
    return out


@pytest.fixture
def slow(up: Any) -> tuple[Any, dict[str, str]]:
    """Nobody waits, and a PBX that does not come to answering: the reading is given up, and somebody calls."""
    again_s = AGAIN_NS / NS
    up.at(again_s + 1)
    first = asked(up)
    up.members = []
    stale = {job: up.text(request) for job, request in first.items()}
    up.at(again_s + 1 + PATIENCE_NS / NS + 1).join()
    return up, stale


def test_an_answer_that_was_overtaken_loses_nobody(slow: tuple[Any, dict[str, str]], row: Callable[..., Any]) -> None:
    pbx, stale = slow
    pbx.at(2 * AGAIN_NS / NS + 30)
    second = asked(pbx)
    assert any("queue list" in request for request in second.values())
    for job, text in stale.items():
        pbx.say("BACKGROUND_JOB", text, Job_UUID=job)
    more = asked(pbx)  # each queue's callers: asked for by the new list of queues alone
    assert more == {}
    pbx.members = [row(1, "Waiting", AGAIN_NS / NS + 17)]
    for job, request in second.items():
        pbx.say("BACKGROUND_JOB", pbx.text(request), Job_UUID=job)
    for job, request in asked(pbx).items():
        pbx.say("BACKGROUND_JOB", pbx.text(request), Job_UUID=job)
    pbx.at(2 * AGAIN_NS / NS + 60)
    assert pbx.calls() == ["queued"]


def test_in_the_foreground_too_where_answers_have_no_ids(script: Callable[..., Any]) -> None:
    pbx = script()
    pbx.source._foreground = True
    pbx.connect()
    again_s = AGAIN_NS / NS
    pbx.at(again_s + 1)
    first = [pbx.text(request) for request in asked(pbx).values()]
    pbx.at(again_s + 40).join()
    pbx.at(2 * again_s + 30)
    asked(pbx)
    for text in first:
        pbx.feed(answer(text))
    assert pbx.source._answered == set()
