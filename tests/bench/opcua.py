"""`opcua.cpu`, `opcua.latency`, `opcua.start`, `opcua.memory`: 2 000 nodes, 200 changes a second, five clients that watch all of them.

Beside a bare asyncua server of as many plain variables, written in the cheapest way it has, with the same security and the same clients.
Ours is told by a journal in another process, folds it, and serves what changed.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.core.password import line_from_password
from tests.bench.room import Room, child, line_from, stop
from tests.bench.table import Row, alone, at_most, compared, no_more_than, percentile

CLIENTS = 5
RATE = 200
INTERVAL_MS = 50
_TICKS = os.sysconf("SC_CLK_TCK")


def opcua(room: Room) -> list[Row]:
    """All but memory: both servers at the same work, one after the other, in each round."""
    seconds = 5 if room.quick else 20
    cpu, median, p99, start, notes = [], [], [], [], []
    with room.passing() as folder:
        _pair(folder)
        for again in room.rounds(3, 1):
            found = {}
            for kind in ("ours", "bare"):
                room.say(f"round {again + 1}: {kind}, {seconds} s")
                found[kind] = _at_work(folder / f"{kind}{again}", folder, kind, seconds)
            ours, bare = found["ours"], found["bare"]
            cpu.append((ours["cpu"], bare["cpu"]))
            median.append((ours["median_ms"], bare["median_ms"]))
            p99.append((ours["p99_ms"], bare["p99_ms"]))
            start.append((ours["start_s"], bare["start_s"]))
            notes.append(f"{ours['nodes']} nodes; of {ours['sent'] * CLIENTS} notifications {ours['heard']} came, bare {bare['heard']}")
    beside = "bare asyncua, plain variables"
    return [
        compared("opcua.cpu", "% of a core", cpu, beside, at_most(1.5, "× bare"), notes[-1]),
        compared(
            "opcua.latency",
            "ms median",
            median,
            beside,
            at_most(2, "× bare"),
            f"publishing interval {INTERVAL_MS} ms; ours from before the append to the journal, bare from before the write",
        ),
        compared("opcua.latency_p99", "ms", p99, beside, at_most(1.5, "× bare")),
        compared("opcua.start", "s of processor", start, beside, at_most(1.3, "× bare"), "until it listens"),
    ]


def memory(room: Room) -> list[Row]:
    """Clients that come, subscribe to everything, and go: some in order, some by a pulled plug, some whose subscriptions expire."""
    rounds, warm = (6, 2) if room.quick else (60, 10)
    with room.passing() as folder:
        _pair(folder)
        with _server(folder / "churn", folder, "ours") as (server, told):
            port = told["port"]
            room.say(f"{warm} rounds to get warm")
            _churn(folder, port, warm)
            before = _rss_mb(server.pid)
            room.say(f"{rounds} rounds of {CLIENTS} clients")
            left = _churn(folder, port, rounds)
            grown = _rss_mb(server.pid) - before
    note = f"{rounds * CLIENTS} clients with {told['nodes']} monitored items each; {before:.0f} MB before; {left} subscriptions left over"
    return [alone("opcua.memory", "MB grown", [grown], no_more_than(5, "MB"), note)]


def _at_work(folder: Path, shared: Path, kind: str, seconds: int) -> dict[str, Any]:
    with _server(folder, shared, kind, seconds) as (server, told):
        watchers = child(
            "opcua_ends:watch", url=f"opc.tcp://127.0.0.1:{told['port']}", shared=str(shared), nodes=str(folder / "nodes"), clients=CLIENTS,
            interval_ms=INTERVAL_MS, user="leo" if kind == "ours" else None,
        )  # fmt: skip
        try:
            line_from(watchers)
            teller = child("opcua_ends:change", folder=str(folder), rate=RATE, seconds=seconds) if kind == "ours" else server
            before, began = _cpu_s(server.pid), time.monotonic()
            _go(teller)
            sent = line_from(teller)
            spent = (_cpu_s(server.pid) - before) / (time.monotonic() - began) * 100
            time.sleep(1)
            _go(watchers)
            heard: list[float] = line_from(watchers)
            if teller is not server:
                stop(teller)
        finally:
            stop(watchers)
        return {
            "cpu": spent, "sent": sent, "heard": len(heard), "nodes": told["nodes"], "start_s": told["start_s"],
            "median_ms": percentile(heard, 0.5), "p99_ms": percentile(heard, 0.99),
        }  # fmt: skip


@contextmanager
def _server(folder: Path, shared: Path, kind: str, seconds: int = 20) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    folder.mkdir()
    if kind == "ours":
        (folder / "leo.pw").write_text(line_from_password("leo-secret"))
        (folder / "callfloor.toml").write_text(
            f'[site]\nname = "bench"\nbox = "bench"\n[journal]\npath = "{folder}/journal.db"\n[pbx.central]\nsecret_file = "leo.pw"\n[opcua]\n'
            f'listen = "127.0.0.1:{_free_port()}"\ntrusted = "{shared}/trusted"\n[opcua.users.leo]\npassword_file = "leo.pw"\n'
        )
    process = child(f"opcua_ends:{kind}", folder=str(folder), shared=str(shared), rate=RATE, port=_free_port(), seconds=seconds)
    try:
        yield process, line_from(process)
    finally:
        stop(process)


def _churn(folder: Path, port: int, rounds: int) -> int:
    """Returns how many subscriptions the server still had at the end."""
    process = child("opcua_ends:churn", url=f"opc.tcp://127.0.0.1:{port}", shared=str(folder), nodes=str(folder / "churn" / "nodes"), clients=CLIENTS, rounds=rounds)  # fmt: skip
    try:
        left: int = line_from(process)
        return left
    finally:
        stop(process)


def _pair(folder: Path) -> None:
    """A client's certificate, which both servers trust."""
    (folder / "trusted").mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=URI:urn:bench:client",
         "-keyout", folder / "key.pem", "-out", folder / "trusted" / "client.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
