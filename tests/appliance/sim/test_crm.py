"""The simulated CRM: exact books, and the embedded brokers under it."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import TransientError
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm
from appliance.sim.crm_book import Book
from appliance.sim.crm_cli import add_arguments, main
from gateway.uplink.packet import publish, topic_field


def event(n: int, epoch: str = "e1", kind: str = "call.held", data: dict | None = None, seq: int | None = None) -> bytes:
    seq = n + 100 if seq is None else seq
    document = {
        "specversion": "1.0", "id": f"{epoch}-{seq}", "source": "/quito/p3/gateway/central", "type": f"callfloor.{kind}.v1",
        "time": "2026-11-21T14:06:40.123Z", "sequence": f"{seq:012d}", "delivery": f"{n:012d}", "data": data or {},
    }  # fmt: skip
    return msgspec.json.encode(document)


@given(st.permutations(range(1, 30)), st.sets(st.integers(1, 29)), st.lists(st.integers(1, 29), max_size=20))
def test_the_books_tell_doubles_and_gaps_whatever_the_order(order: list[int], lost: set[int], twice: list[int]) -> None:
    book = Book()
    sent = [n for n in order if n not in lost]
    for n in sent + [n for n in twice if n not in lost]:
        book.add(event(n))
    assert book.events == len(sent)
    assert book.doubles == len([n for n in twice if n not in lost])
    below = max(sent, default=0)
    assert book.missing == len([n for n in lost if n < below])
    assert book.faults == 0


def test_a_gap_that_was_announced_is_no_gap() -> None:
    book = Book()
    for n in (1, 2, 6):
        book.add(event(n))
    assert book.gaps == [("quito/p3", 3, 5)]
    book.add(event(7, kind="journal.gap", data={"from": 3, "to": 5}))
    assert book.missing == 0
    book.add(event(1, epoch="e2"))
    assert book.report()["boxes"][1] == {"box": "quito/p3", "epoch": "e2", "last_delivery": 1, "complete_to": 1}


def test_what_was_given_up_or_shed_is_lost_and_no_hole_and_may_come_all_the_same() -> None:
    book = Book()
    for n in (1, 2, 9):
        book.add(event(n))
    book.add(event(10, kind="journal.gap", data={"from": 3}))
    assert book.report()["boxes"][0]["gap_from"] == 3
    assert book.gaps == [("quito/p3", 3, 8)], "a gap that goes on says nothing of where it ends"
    book.add(event(11, kind="journal.gap", data={"from": 3, "to": 7}))
    assert book.gaps == [("quito/p3", 8, 8)]
    book.add(event(12, kind="journal.skipped", data={"n": 8, "reason": "0x99"}))
    assert (book.missing, book.is_whole) == (0, True)
    late = msgspec.json.encode(msgspec.json.decode(event(8)) | {"late": True})
    assert book.add(late) is not None
    assert book.add(late) is None
    report = book.report()
    assert (report["announced"], report["skipped"], report["filled"], report["out_of_order"], report["doubles"]) == (6, 1, 1, 0, 1)
    assert report["boxes"] == [{"box": "quito/p3", "epoch": "e1", "last_delivery": 12, "complete_to": 12}]
    book.add(event(13, kind="journal.gap", data={"from": "x"}))
    assert not book.is_whole


def test_a_book_begun_in_the_middle_asks_for_nothing_before() -> None:
    book = Book(from_now=True)
    for n in (500, 501, 503):
        book.add(event(n))
    assert book.gaps == [("quito/p3", 502, 502)]
    assert book.add(event(400)) is None


def test_what_is_no_event_and_an_id_that_changes_are_faults() -> None:
    book = Book()
    for rubbish in (b"", b"[]", b'{"id": "x"}', event(1).replace(b"000000000001", b"one")):
        assert book.add(rubbish) is None
    book.add(event(1))
    book.add(event(1, seq=999))
    assert (book.faults, book.events, book.doubles) == (5, 1, 1)


async def until(condition, timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
async def test_the_crm_hears_what_is_published_and_comes_back_after_a_cut(kind: str) -> None:
    if kind == "amqtt":
        pytest.importorskip("amqtt")
    async with Broker(kind=kind) as broker, SimCrm(broker.url, protocol=broker.protocol) as crm:
        await until(lambda: crm.connected)
        async with SimCrm(broker.url, protocol=broker.protocol) as other:
            await until(lambda: other.connected)
            topic = topic_field("callfloor/1/quito/p3/event/call/held")
            other._link.send([publish(topic, n, event(n), broker.protocol == "5") for n in (1, 2, 2, 4)])
            await until(lambda: crm.book.events == 3)
        assert (crm.book.doubles, crm.book.missing) == (1, 1)
        with pytest.raises(TransientError, match="did not answer"):
            await crm.send("quito", "p3", "ping", timeout_s=0.05)
        await broker.cut()
        await until(lambda: not crm.connected)
        with pytest.raises(TransientError, match="no connection"):
            await crm.send("quito", "p3", "ping")
        await broker.restore()
        await until(lambda: crm.connected)


@pytest.mark.broker
async def test_a_port_in_use_is_one_clear_error() -> None:
    async with Broker(kind="mosquitto") as broker:
        with pytest.raises(TransientError, match=f"port {broker.port} is taken"):
            await Broker(broker.port).start()


@pytest.mark.broker
def test_the_command_reports_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    report = tmp_path / "report.json"
    assert main(parser.parse_args(["--listen", "127.0.0.1:0", "--for", "0.3", "--json", "--report", str(report)])) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(report.read_text())
    assert json.loads(report.read_text())["events"] == 0
    assert main(parser.parse_args(["--url", "nonsense"])) == 2
