"""`callfloor run` as a process: starts, says so, restarts what crashes, drains on SIGTERM, never runs a service twice."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.core.catalogue import CallHeld
from appliance.core.clock import SystemClock
from appliance.core.errors import FullError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal

Start = Callable[..., Any]
Events = Callable[[], list[Event]]


@pytest.fixture
def health(events: Events) -> Callable[[str], list[str]]:
    """The levels that a health item went through."""

    def levels(item: str) -> list[str]:
        return [event.data.level for event in events() if event.kind == "box.health" and event.data.id == item]  # type: ignore[attr-defined]

    return levels


def test_it_records_its_start_and_drains_in_reverse_order_on_sigterm(start: Start, site: Path, events: Events) -> None:
    running = start("steady", "second")
    running.wait_for(lambda: "up: steady, second" in running.log())
    running.process.send_signal(signal.SIGTERM)
    assert running.ended() == 0
    assert (site / "drained").read_text().split() == ["second", "steady"]
    kinds = [(event.kind, getattr(event.data, "services", None)) for event in events()]
    assert kinds[:2] == [("journal.started", None), ("box.started", ("steady", "second"))]


def test_a_full_journal_is_no_reason_not_to_start(start: Start, site: Path) -> None:
    clock = SystemClock()
    (site / "callfloor.toml").write_text("[site]\nname = 'here'\nbox = 'one'\n[journal]\npath = 'journal.db'\nmax_bytes = 1048576\n")
    journal = SqliteJournal.open(site / "journal.db", run_dir=site / "run", max_bytes=1024**2)
    for size in (500, 1):
        data = CallHeld(call="c" * size, pbx="p")
        event = Event("call.held", "t/t", clock.wall_ns(), clock.mono_ns(), clock.boot, "synced", data)
        with pytest.raises(FullError):
            while True:
                journal.append([event] * (500 if size > 1 else 1))
    journal.close()
    running = start("steady")
    running.wait_for(lambda: "up: steady" in running.log())
    assert "no room for the journal" in running.log()
    assert "Traceback" not in running.log()


def test_ctrl_c_is_as_clean(start: Start) -> None:
    running = start("steady")
    running.wait_for(lambda: "up: steady" in running.log())
    running.process.send_signal(signal.SIGINT)
    assert running.ended() == 0
    assert "Traceback" not in running.log()


def test_a_crashed_service_is_started_again_and_says_so(start: Start, site: Path) -> None:
    running = start("crashing", "steady")
    running.wait_for(lambda: (site / "starts").exists() and len((site / "starts").read_text()) == 3)
    lines = [line for line in running.log().splitlines() if "crashing stopped" in line]
    assert len(lines) == 2, "one line each, whatever the fault's text holds"
    assert "RuntimeError: a wheel came\\noff" in lines[0]
    assert "again in 1 s (failure 1)" in lines[0]
    assert "again in 2 s (failure 2)" in lines[1]


def test_a_service_that_will_not_stop_is_left_behind(start: Start, site: Path) -> None:
    running = start("steady", "deaf")
    running.wait_for(lambda: "up: steady, deaf" in running.log())
    running.process.send_signal(signal.SIGTERM)
    assert running.ended(6.0) == 1
    assert "service deaf did not stop" in running.log()
    assert (site / "drained").read_text().split() == ["steady"], "the others drain all the same"


def test_a_second_signal_leaves_a_drain_at_once(start: Start, site: Path) -> None:
    running = start("deaf")
    running.wait_for(lambda: "up: deaf" in running.log())
    running.process.send_signal(signal.SIGINT)
    running.wait_for((site / "asked").exists)
    running.process.send_signal(signal.SIGINT)
    assert running.ended(1.9) == 1


def test_a_second_signal_leaves_a_service_that_never_lets_the_loop_go(start: Start, site: Path) -> None:
    running = start("busy")
    running.wait_for((site / "asked").exists)
    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGTERM)
    assert running.ended(4.0) == 1


def test_a_service_runs_once_on_a_journal_and_its_place_is_free_after_a_kill(start: Start, site: Path) -> None:
    first = start("steady")
    first.wait_for(lambda: "up: steady" in first.log())
    assert start("steady").ended() == 1
    assert f"service steady already runs on {site}/journal.db (process {first.process.pid}); stop that one first" in first.log()
    other = start("second")
    other.wait_for(lambda: "up: second" in other.log())
    first.process.kill()
    first.ended()
    again = start("steady")
    again.wait_for(lambda: again.log().count("up: steady") == 2)


def test_another_process_takes_over_the_housekeeping(start: Start, health: Callable[[str], list[str]]) -> None:
    first = start("steady")
    first.wait_for(lambda: health("disk") != [])
    other = start("second")
    other.wait_for(lambda: "up: second" in other.log())
    told = len(health("disk"))
    first.process.kill()
    other.wait_for(lambda: len(health("disk")) > told)


def test_systemd_hears_ready_status_watchdog_and_stopping(start: Start, site: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(site / "notify"))
        line.settimeout(10)
        running = start("steady", NOTIFY_SOCKET=str(site / "notify"), WATCHDOG_USEC="400000")
        heard: list[str] = []
        while not (any(word.startswith("STATUS=") for word in heard) and heard.count("WATCHDOG=1") > 2):
            heard.append(line.recv(4096).decode())
        assert heard[:2] == ["STATUS=steady: ready", "READY=1"]
        running.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in heard:
            heard.append(line.recv(4096).decode())


def test_an_unknown_service_and_an_empty_configuration_are_told(start: Start, site: Path) -> None:
    assert start("gatewya").ended() == 1
    running = start()
    assert running.ended() == 1
    assert "there is no service 'gatewya'; there are: gateway, headsets, wallboard, uplink, routing, opcua, broken, busy" in running.log()
    assert "the configuration enables no service" in running.log()
    assert not (site / "journal.db").exists()


def test_a_service_whose_package_is_missing_says_which(start: Start) -> None:
    running = start("broken", "nowhere")
    running.wait_for(lambda: "made_of_nothing" in running.log() and "Nowhere" in running.log())
    assert "service broken needs the package made_of_nothing, which is not installed" in running.log()


def test_faults_in_the_configuration_are_told_before_anything_is_made(start: Start, site: Path) -> None:
    (site / "callfloor.toml").write_text("[site]\nbox = 'Piso 3'\n[kpi]\ntarget_s = 0\n")
    running = start("steady")
    assert running.ended() == 1
    assert f"{site}/callfloor.toml:2: site.box:" in running.log()
    assert f"{site}/callfloor.toml:4: kpi.target_s:" in running.log()
    assert "Traceback" not in running.log()
    assert not (site / "run").exists()


def test_a_journal_that_cannot_be_made_is_told(start: Start, site: Path) -> None:
    (site / "file").write_text("")
    (site / "callfloor.toml").write_text("[journal]\npath = 'file/journal.db'\n")
    running = start("steady")
    assert running.ended() == 1
    assert f"the folder {site}/file cannot be made: File exists" in running.log()
    assert "Traceback" not in running.log()


def test_a_journal_that_is_no_database_is_set_aside_and_the_box_runs(start: Start, site: Path, events: Events) -> None:
    (site / "journal.db").write_bytes(b"not a database at all" * 1000)
    running = start("steady")
    running.wait_for(lambda: "up: steady" in running.log())
    assert events()[0].data.reason == "damaged"  # type: ignore[attr-defined]
    assert len(list(site.glob("journal.db.damaged-*"))) == 1


def test_a_port_in_use_is_told_and_taken_when_it_is_free(start: Start, site: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (site / "callfloor.toml").open("a") as file:
            file.write(f"[wallboard.tv]\nlisten = '127.0.0.1:{port}'\n")
        running = start("wallboard", "steady")
        running.wait_for(lambda: f"127.0.0.1:{port}: the port is in use" in running.log())
        running.wait_for(lambda: "up: wallboard, steady" in running.log())
    running.wait_for(lambda: f"boards on http://127.0.0.1:{port}" in running.log())
