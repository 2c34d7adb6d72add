"""What the rig tests are handed: a rig of this run's own, or one that is named; one run at a time; what was measured, as JSON.

The options live here, where pytest reads them when it is pointed at this folder (`make rig`); the rest of the suite knows nothing of them.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules of this folder that are no tests

from rig_bench import Bench, RefusedError
from rig_far import Far, Own
from rig_here import Here
from rig_owner import LEASE_S, owner

from appliance.rig.place import running
from gateway.opcua.rig_keys import keys_from_file

REPORT = Path(__file__).parents[2] / "build" / "rig.json"
_ROWS: list[dict[str, Any]] = []
_RIG: dict[str, Any] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("rig", "hardware in the loop")
    group.addoption(
        "--rig",
        metavar="URL|own",
        help="the rig to test at, as opc.tcp://bench-2:4840; own: a simulated one, started for this run (default)",
    )
    group.addoption("--keys", metavar="FILE", help="its rig.json, copied from there (default: of the rig that runs on this machine)")
    group.addoption(
        "--device", action="append", metavar="PLACE=DEVICE",
        help="a real device in place of its simulator, as line1=/dev/ttyUSB0; again for another",
    )  # fmt: skip
    group.addoption("--hand", metavar="PROGRAM", help="what does to real devices what a simulator would; else whoever sits here is asked")
    group.addoption("--rig-report", metavar="FILE", help="where the figures go (default: build/rig.json)")


def option(config: pytest.Config, name: str) -> Any:
    """An option, also where this file was read too late to declare it."""
    return config.getoption(name, default=None)


def bench_of(config: pytest.Config) -> Bench:
    """The rig of this run, not opened yet."""
    url, keys = option(config, "--rig"), option(config, "--keys")
    if url not in (None, "own") or keys is not None:
        return Bench(Far(keys_from_file(Path(keys) if keys else running()), None if url == "own" else url))
    devices = dict(each.split("=", 1) for each in option(config, "--device") or ())
    hand = option(config, "--hand")
    # The quick suite has no seconds for a server; `make rig` says `--rig own`.
    return Bench(Own(devices, hand) if url == "own" else Here(devices, hand))


@pytest.fixture(scope="session")
def held(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The rig, held for this run: whoever comes meanwhile is refused, and told who has it."""
    bench = bench_of(request.config)
    bench.open()
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LEASE_S / 3):
            bench.renew(LEASE_S)

    keeper = threading.Thread(target=renew, name="lease", daemon=True)
    try:
        try:
            bench.take(owner(), LEASE_S)
        except RefusedError as fault:
            pytest.exit(str(fault), returncode=3)
        keeper.start()
        _RIG.update(rig=option(request.config, "--rig") or "simulated", devices=bench.value("rig/devices"))
        yield bench
        done.set()
        bench.free()
    finally:
        done.set()
        bench.close()


@pytest.fixture
def bench(held: Bench, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The rig as it is after a reset. What a test measures stands in JUnit's report as its properties, and in build/rig.json."""
    held.measured.clear()
    held.reset()
    began_s = time.monotonic()
    yield held
    for row in held.measured:
        took = "not seen" if row["latency_ms"] is None else f"{row['latency_ms']} ms"
        request.node.user_properties.append((f"{row['stimulus']} -> {row['output']}", took))
    wires = request.node.get_closest_marker("wires")
    _ROWS.append(
        {
            "test": request.node.name,
            "outcome": None,
            "seconds": round(time.monotonic() - began_s, 2),
            "wiring": f"docs/rig/{request.node.name}.md" if wires else None,
            "measured": [dict(row) for row in held.measured],
        }
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    for row in _ROWS:
        if row["test"] == item.name and report.when == "teardown":
            row["outcome"] = getattr(item, "_rig_outcome", "error")
    if report.when == "call":
        item._rig_outcome = report.outcome  # type: ignore[attr-defined]
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not _ROWS or hasattr(session.config, "workerinput"):
        return
    report = Path(option(session.config, "--rig-report") or REPORT)
    report.parent.mkdir(exist_ok=True)
    told = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **_RIG, "tests": _ROWS}
    report.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    rows = [(row["test"], each) for row in _ROWS for each in row["measured"]]
    if not rows:
        return
    terminalreporter.section("from stimulus to output")
    for test, each in rows:
        took = "   not seen " if each["latency_ms"] is None else f"{each['latency_ms']:>9.1f} ms"
        terminalreporter.write_line(f"{took}  {each['stimulus']} -> {each['output']}  ({test})")
