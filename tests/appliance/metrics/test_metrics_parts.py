"""The parts of a scrape: counters that never go back, labels of a bounded set, processes that are asked, a listener that lets nobody in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from appliance.core.config import Config
from appliance.core.journal_memory import MemoryJournal
from appliance.core.meter import Family, Meter, Sample, WireBook, count, gauge, wire_families
from appliance.core.metrics_config import MetricsConfig
from appliance.floor.snapshot import Channel, Queue, Snapshot, Window
from appliance.metrics import line
from appliance.metrics.exposition import written
from appliance.metrics.floor import OTHER, FloorFamilies, Ratchet
from appliance.metrics.gather import Gatherer
from appliance.metrics.listener import MetricsListener


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e6)), max_size=40))
def test_a_day_s_figures_become_counters_that_never_go_back(told: list[tuple[int, float]]) -> None:
    ratchet, last = Ratchet(), 0.0
    for day, value in sorted(told, key=lambda one: one[0]):
        ratchet.day(str(day))
        now = ratchet.feed(("ventas", "offered"), value)
        assert now >= last
        last = now


def test_midnight_a_correction_and_a_queue_that_goes() -> None:
    ratchet = Ratchet()
    ratchet.day("monday")
    assert [ratchet.feed(("ventas",), value) for value in (3, 5, 4, 5, 6)] == [3, 5, 5, 5, 6]
    ratchet.day("tuesday")
    assert ratchet.feed(("ventas",), 2) == 8
    ratchet.keep(["cobranzas"])
    assert ratchet.feed(("ventas",), 2) == 2


def snapshot_of(count_: int) -> Snapshot:
    """A floor of so many queues with one caller each."""
    window = Window(offered=2, service_level_of=(1, 2))
    return Snapshot(queues={f"q{at}": Queue(title="Ana Quiroga", waiting=1, longest_wait=float(at), today=window) for at in range(count_)})


def test_of_many_queues_the_rest_is_counted_as_other() -> None:
    families = FloorFamilies(most_keys=3).of(snapshot_of(200), "monday")
    told = {family.name: {sample.labels.get("queue"): sample.value for sample in family.samples} for family in families}
    assert told["callfloor_queue_waiting"] == {"q0": 1, "q1": 1, "q2": 1, OTHER: 197}
    assert told["callfloor_queue_longest_wait_seconds"] == {"q0": 0, "q1": 1, "q2": 2, OTHER: 199}
    assert told["callfloor_queue_service_level_counted_calls"] == {"q0": 2, "q1": 2, "q2": 2, OTHER: 394}
    assert "Ana" not in written(families)[0].decode()


def test_classes_are_counters_and_what_the_crm_tells_are_gauges() -> None:
    email = Channel(fresh="stale", waiting=12, longest_wait=1800.0, service_level=0.75)
    made = FloorFamilies()

    def told(day: str, classes: dict[str, int]) -> dict[str, dict[str | None, float]]:
        floor = Queue(today=Window(classes=classes, fcr=0.83))
        families = made.of(Snapshot(floor=floor, channels={"email": email, "fax": Channel()}), day)
        return {family.name: {next(iter(sample.labels.values()), None): sample.value for sample in family.samples} for family in families}

    assert told("monday", {"perfect": 3, "improper": 1})["callfloor_classified_calls"] == {"perfect": 3, "improper": 1}
    assert told("monday", {"perfect": 2, "improper": 2})["callfloor_classified_calls"] == {"perfect": 3, "improper": 2}, "never back"
    now = told("tuesday", {"perfect": 1})
    assert now["callfloor_classified_calls"] == {"perfect": 4}
    assert now["callfloor_channel_waiting"] == {"email": 12}, "what nobody told is not told"
    assert now["callfloor_channel_fresh"] == {"email": 0, "fax": 0}
    assert now["callfloor_first_contact_resolution_ratio"] == {None: 0.83}


def test_a_label_says_what_was_said() -> None:
    name = 'a "b"\\c\nd'
    body, kind = written([gauge("callfloor_x", 'Text with "quotes"\nand lines.', [({"queue": name}, 1)])])
    assert kind.startswith("application/openmetrics-text")
    [family] = text_string_to_metric_families(body.decode())
    assert family.samples[0].labels == {"queue": name}


def test_families_of_several_processes_are_one_and_what_does_not_fit_is_left_out() -> None:
    book = WireBook()
    book.opened()
    book.failed("lost")
    told = [
        *wire_families("led", [book.wire("a")]),
        *wire_families("sign", [book.wire("b")]),
        count("callfloor_wire_up", "another kind", [({}, 7)]),
        Family("callfloor_x", "histogram", "x", (Sample({"process": "a"}, None, (1, 2), 3.0),), (0.5,)),
        Family("callfloor_x", "histogram", "x", (Sample({"process": "b"}, None, (1, 2, 3), 3.0),), (0.5, 1.0)),
    ]
    families = {family.name: family for family in text_string_to_metric_families(written(told)[0].decode())}
    assert [sample.labels for sample in families["callfloor_wire_up"].samples] == [
        {"kind": "led", "wire": "a"},
        {"kind": "sign", "wire": "b"},
    ]
    assert [sample.value for sample in families["callfloor_x"].samples if sample.name.endswith("_bucket")] == [1, 3]


async def test_processes_are_asked_in_a_folder_however_deep_and_dead_ones_say_nothing(tmp_path: Path) -> None:
    run_dir = tmp_path / ("deep" * 30)
    meters = {name: Meter() for name in ("gateway", "uplink")}
    meters["gateway"].counter("callfloor_x", "x").add(2)
    meters["uplink"].floors["uplink"] = lambda: b'{"site":"quito"}'
    async with line.open_line(run_dir, "gateway", line.Voices(meters["gateway"])):
        async with line.open_line(run_dir, "uplink", line.Voices(meters["uplink"])):
            assert line.names(run_dir) == ["gateway", "uplink"]
            told = await line.figures_of(run_dir)
            assert told["gateway"] == meters["gateway"].families()
            assert told["uplink"] == []
            assert await line.asked(run_dir, "uplink", "floor") == b'{"site":"quito"}'
            assert await line.asked(run_dir, "gateway", "floor") is None
            assert await line.asked(run_dir, "gateway", "rubbish" * 1000) is None
        assert line.names(run_dir) == ["gateway"]
    with socket.socket(socket.AF_UNIX) as dead:  # killed: its socket lies there, and nobody listens
        dead.bind(str(tmp_path / "s"))
    (tmp_path / "s").rename(run_dir / "figures" / "wallboard.sock")
    assert await line.figures_of(run_dir) == {}


async def test_a_process_that_hangs_is_not_waited_for(short_path: Path) -> None:
    (short_path / "figures").mkdir()
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(short_path / "figures" / "gateway.sock"))
        hung.listen()
        async with asyncio.timeout(5):
            assert await line.figures_of(short_path) == {}


@asynccontextmanager
async def listening(**metrics: object) -> AsyncIterator[MetricsListener]:
    config = Config(metrics=MetricsConfig(listen="127.0.0.1:0", **metrics))  # type: ignore[arg-type]
    listener = MetricsListener(config, Gatherer(config, MemoryJournal(), Meter()))
    task = asyncio.create_task(listener.run())
    while listener.port is None:
        await asyncio.sleep(0.005)
    try:
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def said(listener: MetricsListener, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(request)
    async with asyncio.timeout(10):
        answer = await reader.read(-1)
    writer.close()
    return answer.decode("latin-1")


async def test_the_listener_answers_one_question_and_nothing_else() -> None:
    async with listening() as listener:
        whole = await said(listener, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert whole.startswith("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0")
        assert whole.endswith("# EOF\n")
        head = await said(listener, b"HEAD /metrics?x=1 HTTP/1.1\r\n\r\n")
        assert (head.split("\r\n")[0], head.endswith("\r\n\r\n")) == ("HTTP/1.1 200 OK", True)
        for request, status in (
            (b"GET / HTTP/1.1\r\n\r\n", "404"),
            (b"GET /metricsx HTTP/1.1\r\n\r\n", "404"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"\x00\xff\r\n\r\n", "404"),
        ):
            assert (await said(listener, request)).split(" ")[1] == status, request
        assert await said(listener, b"x" * 20_000 + b"\r\n\r\n") == ""


async def test_the_listener_lets_in_whom_it_is_told(tmp_path: Path) -> None:
    async with listening(allow=("10.1.0.0/16",), token_file=tmp_path / "token") as listener:
        (tmp_path / "token").write_text("sésamo-ábrete\n")
        may = listener._may
        assert may("127.0.0.1", "")
        assert may("::ffff:10.1.2.3", "")
        assert not may("10.2.0.1", "")
        assert not may("10.2.0.1", "Bearer ")
        assert not may("10.2.0.1", "Bearer wrong")
        assert may("10.2.0.1", "Bearer " + "sésamo-ábrete".encode().decode("latin-1"))
        (tmp_path / "token").write_text("\n")
        assert not may("10.2.0.1", "Bearer ")
