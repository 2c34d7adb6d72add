"""`callfloor pop`: one call's pops step by step, where each stopped and what to do; how long they took, from the journal alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.cli.main import main
from appliance.core import catalogue as c
from appliance.core.clock import NS, SystemClock
from appliance.core.config_file import load
from appliance.core.event import Event
from appliance.runner import open_journal

NUMBER = "+12025550143"
Tell = Callable[..., list[str]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = tmp_path / "callfloor.toml"
    file.write_text("[site]\nname = 'quito'\ntimezone = 'America/Guayaquil'\n[journal]\npath = 'journal.db'\n")
    return file


@pytest.fixture
def tell(site: Path) -> Tell:
    def append(*told: Any, ago_s: float = 0.0) -> list[str]:
        clock = SystemClock()
        journal = open_journal(load(site), clock)
        wall_ns = clock.wall_ns() - round(ago_s * NS)
        last = journal.append([Event(c.kind_of(d), "x/y", wall_ns, clock.mono_ns(), clock.boot, clock.quality(), d) for d in told])
        ids = [f"{journal.epoch}-{last - len(told) + 1 + at}" for at in range(len(told))]
        journal.close()
        return ids

    return append


def of(call: str, **more: Any) -> dict[str, Any]:
    return {"call": call, "visit": f"{call}.1", "pbx": "central", "queue": "ventas", "uniqueid": f"17.{call}", "caller": NUMBER, **more}


def settled(pop: str, call: str, agent: str = "ana", outcome: Any = "delivered", card: Any = "found", **more: Any) -> c.PopSettled:
    return c.PopSettled(pop=pop, call=call, agent=agent, outcome=outcome, card=card, **more)


def run(capsys: pytest.CaptureFixture[str], site: Path, *words: str) -> tuple[int, str]:
    code = main(["pop", *words, "-c", str(site)])
    said = capsys.readouterr()
    return code, said.out + said.err


def traced(capsys: pytest.CaptureFixture[str], site: Path, which: str, *words: str) -> list[dict[str, Any]]:
    code, out = run(capsys, site, "trace", which, "--json", *words)
    assert code == 0, out
    return [json.loads(line) for line in out.splitlines()]


def test_a_pop_that_reached_its_agent_is_told_step_by_step(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    *_, pop = tell(
        c.CallQueued(**of("c1")),
        c.CallMatched(**of("c1"), customer="kunde-4077", segment="vip", vip=True, version=12),
        c.CallRinging(**of("c1", agent="ana")),
    )
    tell(settled(pop, "c1", sent_s=0.0123, settled_s=0.0151, code=0), c.CallAnswered(**of("c1", agent="ana"), wait_s=3.0))
    for which in ("c1", "c1.1", "17.c1", "ana", "last", pop):
        (row,) = traced(capsys, site, which)
        assert (row["pop"], row["stopped_at"], row["outcome"], row["sent_s"]) == (pop, None, "delivered", 0.0123)
    assert row["matched"] == {"customer": "…77", "segment": "vip", "vip": True, "version": 12}
    code, text = run(capsys, site, "trace", "last")
    assert code == 0
    for said in ("12.3 ms after the PBX's bytes", "delivered after 15.1 ms", "answered by him", "it reached him", "…43", "VIP"):
        assert said in text
    assert NUMBER not in text
    assert "kunde" not in text
    assert NUMBER in run(capsys, site, "trace", "last", "--numbers")[1]


@pytest.mark.parametrize(
    ("ring", "end", "step", "why", "says"),
    [
        ({"agent": None}, None, "ring", "no_agent", "did not say whose phone"),
        ({}, None, "send", "no_end", "callfloor status"),
        ({}, {"outcome": "link_down"}, "send", "link_down", "link down since"),
        ({}, {"outcome": "stale"}, "send", "stale", "30 s"),
        ({}, {"outcome": "too_large"}, "send", "too_large", "max_packet_size"),
        ({}, {"outcome": "no_consumer", "sent_s": 0.01, "code": 0x10}, "broker", "no_consumer", "subscribes to pop/AGENT"),
        ({}, {"outcome": "refused", "sent_s": 0.01, "code": 0x87}, "broker", "refused", "0x87"),
        ({"caller": None}, {"card": "no_number", "sent_s": 0.01}, "caller", "no_caller", "tells no number"),
        ({}, {"card": "no_directory", "sent_s": 0.01}, "match", "no_directory", "callfloor directory import"),
        ({}, {"card": "not_found", "sent_s": 0.01}, "match", "not_found", "holds nobody"),
        ({}, {"card": "failed", "sent_s": 0.01}, "match", "failed", "callfloor doctor"),
    ],
)
def test_where_it_stopped_and_what_to_do(
    site: Path, tell: Tell, capsys: pytest.CaptureFixture[str], ring: Any, end: Any, step: str, why: str, says: str
) -> None:
    tell(c.LinkDown(reason="unreachable", text="x"), ago_s=100)
    (pop,) = tell(c.CallRinging(**{**of("c1", agent="ana"), **ring}), ago_s=90)
    if end is not None:
        tell(settled(pop, "c1", **end))
    (row,) = traced(capsys, site, "c1", "--since", "1h")
    assert (row["stopped_at"], row["reason"]) == (step, why)
    assert says in run(capsys, site, "trace", "c1", "--since", "1h")[1]


def test_one_ring_of_several_agents_and_a_caller_who_gave_up(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tell(c.CallRinging(**of("c1", agent="ana")), c.CallRinging(**of("c1", agent="luis")))
    tell(settled(first, "c1"), settled(second, "c1", "luis"), c.CallAnswered(**of("c1", agent="luis"), wait_s=3.0))
    assert [(row["agent"], row["stopped_at"], row["reason"]) for row in traced(capsys, site, "c1")] == [
        ("ana", "answer", "answered_elsewhere"), ("luis", None, None),
    ]  # fmt: skip
    (third,) = tell(c.CallRinging(**of("c2", agent="ana")))
    tell(settled(third, "c2"), c.CallAbandoned(**of("c2"), wait_s=3.0))
    assert [row["reason"] for row in traced(capsys, site, "ana", "--most", "1")] == ["abandoned"]


def test_a_preview_and_one_that_has_just_rung(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    (pop,) = tell(c.CallPreviewed(call="c1", pbx="central", agent="ana", dialled=NUMBER, command="cmd-1"))
    (row,) = traced(capsys, site, "last")
    assert (row["why"], row["caller"], row["reason"]) == ("preview", "…43", "none_yet")
    tell(settled(pop, "c1"))
    assert "whom he will call" in run(capsys, site, "trace", "last")[1]


def test_what_is_not_there_says_how_to_look_further(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    tell(c.CallRinging(**of("c1", agent="ana")), ago_s=3 * 86_400)
    code, text = run(capsys, site, "trace", "c1")
    assert (code, "--since" in text) == (1, True)
    assert run(capsys, site, "trace", "last", "--since", "5d")[0] == 0
    assert run(capsys, site, "stats", "--since", "nonsense")[0] == 2


def test_a_call_for_which_no_phone_rang_is_told_as_far_as_it_came(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    tell(c.CallQueued(**of("c1")), c.CallMatched(**of("c1"), customer="kunde-4077"), c.CallAbandoned(**of("c1"), wait_s=9.0))
    for which in ("c1", "c1.1", "17.c1"):
        code, text = run(capsys, site, "trace", which)
        assert code == 1
        for said in ("call.queued  ventas", "call.matched", "call.abandoned", "stopped at the ring", "he was found"):
            assert said in text
        assert NUMBER not in text
        code, text = run(capsys, site, "trace", which, "--json")
        assert (json.loads(text)["reason"], json.loads(text)["matched"]) == ("no_ring", True)


def test_the_figures_of_many(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    tell(settled("e-0", "old", sent_s=9.0, settled_s=9.0), ago_s=2 * 86_400)
    ends = [settled(f"e-{at}", f"c{at}", sent_s=at / 1000, settled_s=at / 500, code=0) for at in range(1, 101)]
    tell(*ends, settled("e-x", "cx", outcome="link_down", card="not_found", settled_s=30.0))
    code, out = run(capsys, site, "stats", "--json")
    figures = json.loads(out)
    assert (code, figures["pops"], figures["outcomes"]) == (0, 101, {"delivered": 100, "link_down": 1})
    assert figures["sent_s"] == {"p50": 0.051, "p95": 0.096, "p99": 0.1}
    assert figures["settled_s"]["p99"] == 0.2, "what was never sent was never answered"
    assert "p99 100.0 ms" in run(capsys, site, "stats")[1]


def test_a_long_journal_is_not_read_from_its_beginning(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(6):
        tell(*(c.CallHeld(call=f"h{at}", pbx="central") for at in range(500)), ago_s=86_400 * 2)
    (pop,) = tell(c.CallRinging(**of("c1", agent="ana")))
    assert traced(capsys, site, "c1")[0]["pop"] == pop
    assert msgspec.json.decode(msgspec.json.encode(traced(capsys, site, "c1", "--since", "5d")[0]))["pop"] == pop


def test_a_row_that_cannot_be_read_hides_no_other(site: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    odd: Any = {"no": "text"}
    tell(
        c.CallRinging(**of("c1", agent="ana")),
        c.CallRinging(**of(odd)),
        c.CallMatched(**of(odd), customer="k", version=1),
        settled(odd, "c1"),
    )
    assert [row["call"] for row in traced(capsys, site, "last")] == ["c1"]
    assert "0 pops" in run(capsys, site, "stats")[1]
