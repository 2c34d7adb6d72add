"""Boxes at a NATS JetStream cluster of three, by its MQTT front, one node after the other killed (-9) while a backlog drains: `make cluster`.

python -m tests.fleet.cluster                      thirty boxes, three rounds; about four minutes
python -m tests.fleet.cluster --boxes 10 --rate 40

Each box has the three nodes as its URLs and goes over to the next by itself; the consumers, a third of the sites each, do likewise.
NATS speaks MQTT 3.1.1 only. Streams and consumers have three replicas. Prints figures, writes build/cluster.json.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.fleet.fleet_child import ROOT, Child, FleetError, free_port, raise_file_limit, resident_mb
from tests.fleet.fleet_figures import Arrival, Books, books, holes, quantile, spread

_NODES = 3
_CONSUMERS = 3
_SITES = 6
_JSON = ROOT / "build" / "cluster.json"


class Round(msgspec.Struct, frozen=True):
    """One node killed in the middle of a drain."""

    node: int
    boxes_there: int
    waiting: int
    back_p50_s: float
    back_max_s: float
    drained_s: float
    per_s: float
    again_s: float


class Result(msgspec.Struct, frozen=True):
    """A whole run."""

    nats: str
    boxes: int
    rounds: list[Round]
    books: Books
    #: Seconds by which an arrival out of order came behind the first that it should have been before: half of them, and the most.
    behind_p50_s: float
    behind_max_s: float
    holes: int
    #: Why attempts failed and connections ended, the most frequent first.
    ends: dict[str, int]
    node_mb: list[float]
    took_s: float

    @property
    def is_whole(self) -> bool:
        """Nothing lost, nothing twice behind the ids."""
        return self.books.lost == self.books.unknown == self.books.doubled_after == self.holes == 0


class Node:
    """One NATS server."""

    def __init__(self, number: int, folder: Path, client: int, mqtt: int, route: int, routes: list[int], program: str) -> None:
        self.number, self.mqtt, self._folder, self._program = number, mqtt, folder / f"node{number}", program
        self._folder.mkdir(parents=True)
        others = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in routes)
        (self._folder / "nats.conf").write_text(
            f'server_name: node{number}\nlisten: "127.0.0.1:{client}"\n'
            f'jetstream {{ store_dir: "{self._folder}/store", max_memory_store: 64MB, max_file_store: 4GB }}\n'
            f'cluster {{ name: crm, listen: "127.0.0.1:{route}", routes: [{others}] }}\n'
            f'mqtt {{ listen: "127.0.0.1:{mqtt}", stream_replicas: 3, consumer_replicas: 3, ack_wait: "10s", max_ack_pending: 1000 }}\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [self._program, "-c", str(self._folder / "nats.conf"), "-l", str(self._folder / "nats.log")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def greets(self) -> bool:
        """Is an MQTT client with a session taken in?"""
        greeted: list[bool] = []
        client = paho.Client(CallbackAPIVersion.VERSION2, f"look-{self.number}", protocol=MQTTProtocolVersion.MQTTv311, clean_session=True)
        client.on_connect = lambda *told: greeted.append(not told[3].is_failure)
        with contextlib.suppress(OSError):
            client.connect("127.0.0.1", self.mqtt, 10)
            end_s = time.monotonic() + 3
            while not greeted and time.monotonic() < end_s and client.loop(0.1) == paho.MQTT_ERR_SUCCESS:
                pass
            client.disconnect()
        return greeted == [True]


class Cluster:
    """The nodes, the boxes, the consumers, and the rounds."""

    def __init__(self, folder: Path, boxes: int, rate: float, say: Callable[[str], None]) -> None:
        program = shutil.which("nats-server", path="/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise FleetError("no nats-server here: apt-get install nats-server, or .ci/setup cluster")
        self._folder, self._boxes, self._rate, self._say = folder, boxes, rate, say
        self._version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        ports = [(free_port(), free_port(), free_port()) for _ in range(_NODES)]
        routes = [route for _, _, route in ports]
        self._nodes = [
            Node(number, folder, client, mqtt, route, [port for port in routes if port != route], program)
            for number, (client, mqtt, route) in enumerate(ports, 1)
        ]
        self._consumers: list[Child] = []
        self._worker: Child | None = None
        (folder / "boxes").mkdir()

    def run(self) -> Result:
        """Raises FleetError."""
        began_s = time.monotonic()
        raise_file_limit(8192)
        for node in self._nodes:
            node.start()
        for node in self._nodes:
            self._until(node.greets, 60, f"node {node.number} takes clients in")
        self._begin()
        # Where the boxes are; where they went; and one that they are not at.
        seen = [self._round(self._nodes[number]) for number in (0, 1, 0)]
        heads = self._mark()
        self._until(lambda: self._arrived(heads), 90, "all has arrived", must=False)
        time.sleep(12.0)  # whatever is not acknowledged yet comes once more
        arrivals = self._arrivals()
        sizes = [round(resident_mb(node.process.pid), 1) for node in self._nodes if node.process is not None]
        boxes = self._end()
        rounds = [self._judged(one, boxes, arrivals) for one in seen]
        found = books(boxes, heads, {"site": arrivals})
        missing = sum(last - first + 1 for ranges in holes(heads, arrivals).values() for first, last in ranges)
        behind = behind_s(arrivals)
        ends: Counter[str] = Counter()
        for box in boxes.values():
            ends.update(box["faults"])
        return Result(
            self._version, self._boxes, rounds, found, round(quantile(behind, 0.5), 1), round(max(behind, default=0.0), 1), missing, dict(ends.most_common(8)), sizes, round(time.monotonic() - began_s, 1),
        )  # fmt: skip

    def close(self) -> None:
        """Nothing of it is left running."""
        for child in (*self._consumers, *([self._worker] if self._worker else [])):
            child.close()
        for node in self._nodes:
            node.kill()

    def _begin(self) -> None:
        ports = [node.mqtt for node in self._nodes]
        for number in range(_CONSUMERS):
            filters = [f"callfloor/1/site-{site:02d}/+/event/#" for site in range(_SITES) if site % _CONSUMERS == number]
            turned = [str(ports[(number + more) % _NODES]) for more in range(_NODES)]
            name = f"consumer-{number}"
            self._consumers.append(
                Child(name, "tests.fleet.fleet_consumer", self._folder / f"{name}.log", "--protocol", "3.1.1", "--client-id", name,
                      "--port", *turned, "--filter", *filters)
            )  # fmt: skip
        for child in self._consumers:
            child.wait_for("arrivals", 90)
        self._worker = Child(
            "boxes", "tests.fleet.fleet_boxes", self._folder / "boxes.log",
            "--folder", str(self._folder / "boxes"), "--boxes", str(self._boxes), "--sites", str(_SITES), "--protocol", "3.1.1",
            "--url", *(f"mqtt://127.0.0.1:{port}" for port in ports),
        )  # fmt: skip
        self._until(lambda: self._told("up") == self._boxes, 120, f"{self._boxes} boxes begin")

    def _round(self, node: Node) -> dict[str, Any]:
        """A backlog that grows faster than the cluster takes it; a node killed on the way; until all of it has arrived."""
        base = self._told("acknowledged")
        self._word(f"record {self._rate}")
        self._until(lambda: False, 4, f"a backlog for node {node.number}", must=False)
        self._word("rest")
        heads = self._mark()
        had = self._count()
        waiting = sum(heads.values()) - had
        killed_s = time.monotonic()
        up = self._told("up")
        node.kill()
        self._until(lambda: self._arrived(heads), 120, f"node {node.number} was killed with {waiting} waiting", must=False)
        until_s = time.monotonic()
        node.start()
        self._until(node.greets, 60, f"node {node.number} is back")
        again_s = time.monotonic()
        self._until(lambda: False, 5, f"node {node.number} catches up", must=False)
        settled_s = time.monotonic()
        return {
            "node": node.number, "waiting": waiting, "killed_s": killed_s, "until_s": settled_s, "again_s": again_s - until_s,
            "heads": heads, "events": self._told("acknowledged") - base, "up": up,
        }  # fmt: skip

    def _judged(self, seen: dict[str, Any], boxes: dict[str, Any], arrivals: list[Arrival]) -> Round:
        killed_s, heads = seen["killed_s"], seen["heads"]
        moved = {name: box for name, box in boxes.items() if any(killed_s <= at < seen["until_s"] for at in box["connected"])}
        back = spread(moved, killed_s, killed_s, seen["until_s"])
        first: dict[tuple[str, int], float] = {}
        for at, _, box, n, _ in sorted(arrivals):
            first.setdefault((box, n), at)
        moments = [at for (box, n), at in first.items() if at >= killed_s and n <= heads[box] and at < seen["until_s"]]
        took_s = max(moments, default=killed_s) - killed_s
        return Round(
            node=seen["node"], boxes_there=len(moved), waiting=seen["waiting"], back_p50_s=back.p50_s, back_max_s=back.max_s,
            drained_s=round(took_s, 2), per_s=round(len(moments) / took_s, 1) if took_s else 0.0, again_s=round(seen["again_s"], 1),
        )  # fmt: skip

    def _end(self) -> dict[str, Any]:
        assert self._worker is not None
        self._worker.say("stop")
        told = msgspec.json.decode(Path(self._worker.wait_for("written", 120.0)).read_bytes())
        self._worker.end()
        boxes: dict[str, Any] = told["boxes"]
        return boxes

    def _mark(self) -> dict[str, int]:
        assert self._worker is not None
        heads: dict[str, int] = self._worker.ask("mark", "heads")
        return heads

    def _word(self, word: str) -> None:
        assert self._worker is not None
        self._worker.say(word)

    def _told(self, what: str) -> int:
        assert self._worker is not None
        return int(self._worker.last.get(what, 0))

    def _count(self) -> int:
        return sum(child.last.get("arrivals", 0) for child in self._consumers)

    def _arrivals(self) -> list[Arrival]:
        found: list[Arrival] = []
        for child in self._consumers:
            path = self._folder / f"{child.name}.arrivals"
            child.ask(f"dump {path}", "dumped")
            found += msgspec.msgpack.decode(path.read_bytes(), type=list[Arrival])
        return found

    def _arrived(self, heads: dict[str, int]) -> bool:
        """Has every number come? Looked at in full only when the count says that it may be so."""
        time.sleep(0.3)
        return self._count() >= sum(heads.values()) and not holes(heads, self._arrivals())

    def _until(self, done: Callable[[], bool], within_s: float, what: str, *, must: bool = True) -> None:
        begun_s = told_s = time.monotonic()
        while not done():
            now_s = time.monotonic()
            for child in (*self._consumers, *([self._worker] if self._worker else [])):
                if child.process.poll() is not None:
                    raise FleetError(f"{child.name} ended with {child.process.returncode}: {child.log()}")
            if now_s - begun_s > within_s:
                if must:
                    raise FleetError(f"{what}: not within {within_s:.0f} s")
                return
            if now_s - told_s >= 2.0:
                told_s = now_s
                seen = f", {self._told('up')} boxes connected, {self._told('acknowledged')} recorded" if self._worker else ""
                self._say(f"{what}: {now_s - begun_s:3.0f} s{seen}, {self._count()} arrived")
            time.sleep(0.05)


def behind_s(arrivals: Sequence[Arrival]) -> list[float]:
    """For each first arrival of a number below one that had come already: seconds since the first such had.

    >>> behind_s([(1.0, "e-1", "b", 1, False), (2.0, "e-3", "b", 3, False), (9.0, "e-2", "b", 2, False), (9.5, "e-2", "b", 2, False)])
    [7.0]
    """
    came: dict[str, list[tuple[int, float]]] = {}
    seen: set[str] = set()
    found = []
    for at, event, box, n, _ in sorted(arrivals):
        if event in seen:
            continue
        seen.add(event)
        # The numbers so far that were higher than all before them, and when.
        peaks = came.setdefault(box, [])
        if peaks and n < peaks[-1][0]:
            found.append(at - peaks[bisect(peaks, (n, at))][1])
        else:
            peaks.append((n, at))
    return found


def main() -> int:
    """Exit code 0 when nothing was lost, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="make cluster ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=250.0, help="events a second and box while a backlog grows")
    parser.add_argument("--folder", type=Path, default=ROOT / "build", help="where journals and streams lie; removed at the end")
    args = parser.parse_args()
    began_s = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"cluster {time.monotonic() - began_s:4.0f} s: {text}\n")
        sys.stderr.flush()

    args.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="callfloor-cluster-", dir=args.folder))
    cluster: Cluster | None = None
    try:
        cluster = Cluster(folder, args.boxes, args.rate, say)
        result = cluster.run()
    except FleetError as fault:
        sys.stderr.write(f"cluster: {fault}\n")
        return 1
    finally:
        if cluster is not None:
            cluster.close()
        shutil.rmtree(folder, ignore_errors=True)
    _JSON.parent.mkdir(exist_ok=True)
    _JSON.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    for each in result.rounds:
        print(
            f"node {each.node} killed with {each.waiting} events waiting; {each.boxes_there} boxes went over, half by {each.back_p50_s:g} s, all "
            f"by {each.back_max_s:g} s; all arrived by {each.drained_s:g} s, {each.per_s:g} a second; the node back after {each.again_s:g} s"
        )
    told = result.books
    print(
        f"{result.nats}, {result.boxes} boxes: recorded {told.recorded}, arrived {told.arrivals}, came twice {told.doubled}, twice behind the ids "
        f"{told.doubled_after}, lost {told.lost}, out of order {told.disordered['site']} (by {result.behind_p50_s:g} s, at most {result.behind_max_s:g}); nodes {result.node_mb} MB; {result.took_s:g} s"
    )
    for text, count in result.ends.items():
        print(f"  {count:5} x {text}")
    print(f"cluster: {'whole' if result.is_whole else 'NOT WHOLE'}; build/{_JSON.name}")
    return 0 if result.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
