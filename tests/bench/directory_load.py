"""A million customers over MQTT and from a file: time, memory, size, bytes written, and lookups meanwhile. `make directory-load`.

python -m tests.bench.directory_load                     a million; five minutes
python -m tests.bench.directory_load --entries 20000     does it work at all
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from appliance.core.directory import Directory
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm
from appliance.sim.crm_directory import send_directory, version_after
from tests.bench.room import ROOT

BOX = ROOT / "tests" / "gateway" / "uplink" / "directory_box.py"
#: No prime factor with a million in common: every number once, in no order.
_STEP = 611_953


def number_at(at: int, count: int) -> str:
    return f"+59399{at * _STEP % max(count, 1):07d}"


def cards(count: int) -> Iterator[dict[str, Any]]:
    for at in range(count):
        yield {
            "customer": f"c-{at:07d}",
            "numbers": [number_at(at, count), *([f"+5932{2_000_000 + at:07d}"] if at % 4 == 0 else [])],
            "name": f"Customer Number {at}",
            "segment": "vip" if at % 50 == 0 else "standard",
            "language": "es",
            "last_case": f"T-{at % 100_000}",
        }


def of_process(pid: int) -> dict[str, int]:
    """KiB in memory now and at most, bytes that went to the disk."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    written = next(int(line.split()[1]) for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line.startswith("write_bytes"))
    return {"rss_kib": int(status["VmRSS"].split()[0]), "peak_kib": int(status["VmHWM"].split()[0]), "written": written}


def looked_up(path: str, count: int, stop: Event, results: Any) -> None:
    """Look up random numbers, a thousand a second, until told; then a burst of them: milliseconds each."""
    dice, during = random.Random(1), []
    rss = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024  # noqa: E731
    at_first, found = rss(), 0
    with Directory(Path(path), country="EC") as directory:
        while not stop.is_set():
            number = number_at(dice.randrange(count), count)
            began = time.perf_counter()
            card = directory.lookup(number)
            during.append((time.perf_counter() - began) * 1000)
            found += card is not None
            time.sleep(0.001)
    results.put({"during": spread(during), "found": found, "rss_kib": rss(), "rss_at_first_kib": at_first})


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 4) for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0))} | {"count": len(values)}  # fmt: skip


def burst(path: Path, count: int, *, cold: bool, many: int = 20_000) -> dict[str, float]:
    """One reader, so many lookups; cold: nothing of the file in the system's cache, nor in the reader's."""
    dice, took = random.Random(2), []
    if cold:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
        many = min(many, 2_000)
    with Directory(path, country="EC") as directory:
        directory.lookup("+593000")
        for _ in range(many):
            number = number_at(dice.randrange(count), count)
            began = time.perf_counter()
            card = directory.lookup(number)
            took.append((time.perf_counter() - began) * 1000)
            assert card is not None, number
    return spread(took)


async def synced(folder: Path, count: int) -> dict[str, Any]:
    """A real broker, a real uplink in a process of its own, a CRM that sends a full load, and somebody who looks up meanwhile."""
    path, context = folder / "directory.db", multiprocessing.get_context("spawn")
    async with Broker(0, kind="mosquitto") as broker:
        box = subprocess.Popen([sys.executable, str(BOX), str(folder), broker.url], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        stop, results = context.Event(), context.Queue()
        reader = context.Process(target=looked_up, args=(str(path), count, stop, results))
        try:
            async with SimCrm(broker.url, site="quito", box="p3", from_now=True) as crm:
                async with asyncio.timeout(60):
                    while "quito/p3" not in crm.boxes or crm.boxes["quito/p3"].info is None:
                        await asyncio.sleep(0.05)
                idle = of_process(box.pid)
                first = await send_directory(crm, "quito", "p3", cards(min(count, 1000)), version=version_after(crm, "quito", "p3"))
                assert first.reason is None, first
                reader.start()
                sent = await send_directory(crm, "quito", "p3", cards(count), version=10)
                assert sent.reason is None, sent
                done = of_process(box.pid)
                began = time.monotonic()
                delta = await send_directory_delta(crm, count, sent.result["version"])
                delta_s = (time.monotonic() - began) / 20
            stop.set()
            meanwhile = await asyncio.to_thread(results.get, timeout=60)
        finally:
            stop.set()
            if reader.pid is not None:
                reader.join(20)
            box.send_signal(signal.SIGTERM)
            box.wait()
    journal = (folder / "journal.db").stat().st_size
    return {
        "pages": sent.pages, "customers": sent.customers, "seconds": round(sent.seconds, 1), "result": sent.result,
        "uplink": {"idle_kib": idle["rss_kib"], "after_kib": done["rss_kib"], "peak_kib": done["peak_kib"],
                   "written_mb": round((done["written"] - idle["written"]) / 1e6, 1)},
        "delta_page_s": round(delta_s, 3), "delta_result": delta, "lookups_meanwhile": meanwhile,
        "journal_mb": round(journal / 1e6, 1), "size_mb": round(path.stat().st_size / 1e6, 1),
    }  # fmt: skip


async def send_directory_delta(crm: SimCrm, count: int, version: int) -> Any:
    """Twenty pages of five hundred changed customers from all over."""
    dice = random.Random(3)
    for at in range(20):
        changed = [
            {"customer": f"c-{n:07d}", "numbers": [number_at(n, count)], "name": "Changed", "segment": "vip"}
            for n in dice.sample(range(count), min(500, count))
        ]
        reply = await crm.send("quito", "p3", "directory", {"version": version + 1 + at, "upserts": changed}, timeout_s=60)
        assert reply.state == "done", reply
    return reply.result


def imported(folder: Path, count: int) -> dict[str, Any]:
    """The same from a file, at the command line."""
    file, config = folder / "clientes.csv", folder / "callfloor.toml"
    with file.open("w", encoding="utf-8") as out:
        out.write("cliente;telefono;telefono 2;nombre;segmento;idioma;ultimo caso\n")
        for card in cards(count):
            two = [*card["numbers"], ""][:2]
            out.write(";".join([card["customer"], *two, card["name"], card["segment"], "es", card["last_case"]]) + "\n")
    config.write_text('[site]\ntimezone = "America/Guayaquil"\n')
    began = time.monotonic()
    words = [sys.executable, "-m", "appliance.cli.main", "directory", "import", str(file), "--replace", "--json", "-c", str(config)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    peak = written = 0
    while process.poll() is None:
        try:
            seen = of_process(process.pid)
            peak, written = max(peak, seen["peak_kib"]), max(written, seen["written"])
        except (OSError, KeyError, StopIteration):
            pass
        time.sleep(0.05)
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    assert process.returncode == 0, told
    path = folder / "directory.db"
    return {
        "seconds": round(time.monotonic() - began, 1), "entries": told["entries"], "peak_kib": peak, "written_mb": round(written / 1e6, 1),
        "file_mb": round(file.stat().st_size / 1e6, 1), "size_mb": round(path.stat().st_size / 1e6, 1),
        "lookup_cold": burst(path, count, cold=True), "lookup": burst(path, count, cold=False),
    }  # fmt: skip


def main() -> int:
    """Print it all as JSON, also to build/directory.json; 1 where the goal for lookups is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="on which disk (default: build/)")
    asked = parser.parse_args()
    home = asked.folder or ROOT / "build"
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="directory-", dir=home) as name:
        folder = Path(name)
        for part in ("mqtt", "file"):
            (folder / part).mkdir()
        told = {
            "entries": asked.entries,
            "mqtt": asyncio.run(synced(folder / "mqtt", asked.entries)),
            "file": imported(folder / "file", asked.entries),
        }
        told["mqtt"]["lookup"] = burst(folder / "mqtt" / "directory.db", asked.entries, cold=False)
    text = json.dumps(told, indent=2)
    print(text)
    (ROOT / "build" / "directory.json").write_text(text + "\n")
    return 0 if max(told["file"]["lookup"]["p99"], told["mqtt"]["lookups_meanwhile"]["during"]["p99"]) < 1.0 else 1


if __name__ == "__main__":
    sys.exit(main())
