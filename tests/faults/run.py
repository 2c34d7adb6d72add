"""`make faults`: every kind of fault, round by round, each judged; a line a kind, and build/faults.json.

python tests/faults/run.py [--seed N] [--rounds N] [--only WORD] [--jobs N] [--list] [--keep]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import fault_kinds as kinds
import fault_net as net
import fault_packets as packets
import fault_place as place
from fault_stage import Stage

BUILD = Path(__file__).parents[2] / "build" / "faults.json"
FAMILIES = {
    "processes": (Stage, kinds.PROCESSES, lambda: ""),
    "line": (Stage, kinds.LINES, lambda: ""),
    "broker": (Stage, packets.BROKER, lambda: ""),
    "network": (net.NetStage, net.NETWORK, net.may_make_networks),
    "clock": (place.ClockStage, place.CLOCK, place.lacks_faketime),
    "disk": (place.DiskStage, place.DISK, place.may_mount),
    "slow disk": (place.SlowStage, place.SLOW, place.lacks_compiler),
}


NOTHING = {"violations": 0, "seconds": 0.0, "events": 0, "redelivered": 0, "boards compared": 0, "what": []}


def rounds_of(kind: kinds.Kind, asked: int) -> int:
    """`--rounds` is for the kills; the others have their share of it."""
    return max(1, round(kind.rounds * asked / 200)) if asked < 200 else kind.rounds if kind.rounds < 200 else asked


def played(family: str, asked: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Play one family of faults on a stage of its own; a line a kind."""
    make, all_kinds, lacks = FAMILIES[family]
    wanted = [kind for kind in all_kinds if not asked.only or asked.only in f"{family}: {kind.name}"]
    if not wanted:
        return
    if why := lacks():
        yield from ({"family": family, "fault": kind.name, "rounds": 0, "not_possible": why} | NOTHING for kind in wanted)
        return
    with make(folder / family, asked.seed) as stage:
        for kind in wanted:
            chance = random.Random(f"{asked.seed}/{family}/{kind.name}")
            began_s, faults, count = time.monotonic(), [], rounds_of(kind, asked.rounds)
            compared, doubles = stage.judge.compared, stage.judge.doubles
            for number in range(count):
                if sys.stderr.isatty():
                    print(f"\r{family}: {kind.name} {number + 1}/{count} ", end="", file=sys.stderr, flush=True)
                with stage.round(well_s=kind.well_s, slower_s=kind.slower_s) as round_:
                    kind.play(stage, round_, chance)
                faults += [f"round {number + 1}{round_.name and ', '}{round_.name}: {fault}" for fault in round_.faults]
            if sys.stderr.isatty():
                print("\r", end="", file=sys.stderr, flush=True)
            yield {
                "family": family, "fault": kind.name, "rounds": count, "violations": len(faults),
                "seconds": round(time.monotonic() - began_s, 1), "events": stage.judge.last_n,
                "redelivered": stage.judge.doubles - doubles, "boards compared": stage.judge.compared - compared, "what": faults[:20],
            }  # fmt: skip


def line_of(line: dict[str, Any]) -> str:
    """One row of the table, and what was wrong below it."""
    rest = f"{line['events']:>7} {line['redelivered']:>6} {line['boards compared']:>7}"
    told = [f"{line['family'] + ': ' + line['fault']:<48} {line['rounds']:>6} {line['violations']:>10} {line['seconds']:>8} {rest}"]
    if "not_possible" in line:
        told.append(f"    not possible here: {line['not_possible']}")
    return "\n".join([*told, *(f"    {fault}" for fault in line["what"][:5])])


def part(asked: argparse.Namespace, folder: Path) -> None:
    """Play one family in this process; a JSON line for each kind of fault."""
    for line in played(asked.family, asked, folder):
        print(json.dumps(line), flush=True)


def together(asked: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Play all families, each in a process of its own, some at the same time: most of a round is waiting."""
    told: list[dict[str, Any]] = []
    families = queue.SimpleQueue[str]()
    for family in FAMILIES:
        families.put(family)

    def work() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                family = families.get_nowait()
                words = [sys.executable, __file__, "--seed", str(asked.seed), "--rounds", str(asked.rounds), "--only", asked.only]
                with subprocess.Popen([*words, "--family", family, "--folder", str(folder)], stdout=subprocess.PIPE, text=True) as child:
                    assert child.stdout is not None
                    for line in child.stdout:
                        told.append(json.loads(line))
                        print(line_of(told[-1]), flush=True)
                if child.returncode:
                    told.append({"family": family, "fault": "the suite itself", "rounds": 0} | NOTHING | {"violations": 1})
                    print(line_of(told[-1]), flush=True)

    workers = [threading.Thread(target=work) for _ in range(asked.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="as printed by an earlier run; by default a new one")
    parser.add_argument("--rounds", type=int, default=200, help="kills; the other faults have their share")
    parser.add_argument("--only", default="", help="faults whose line contains this word")
    parser.add_argument("--jobs", type=int, default=2, help="families at the same time")
    parser.add_argument("--list", action="store_true", help="name the faults and end")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and journals")
    parser.add_argument("--family", choices=FAMILIES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.family:
        part(asked, asked.folder)
        return 0
    if asked.list:
        for family, (_, all_kinds, _lacks) in FAMILIES.items():
            for kind in all_kinds:
                print(f"{family}: {kind.name} ({rounds_of(kind, asked.rounds)})")
        return 0
    asked.seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    folder, began_s = Path(tempfile.mkdtemp(prefix="callfloor-faults-")), time.monotonic()
    print(f"seed {asked.seed}, {asked.rounds} kills, in {folder}", flush=True)
    print(f"{'fault':<48} {'rounds':>6} {'violations':>10} {'seconds':>8} {'events':>7} {'again':>6} {'boards':>7}", flush=True)
    told = together(asked, folder)
    BUILD.parent.mkdir(exist_ok=True)
    rounds, wrong = sum(line["rounds"] for line in told), sum(line["violations"] for line in told)
    total = {"seed": asked.seed, "rounds": rounds, "violations": wrong, "seconds": round(time.monotonic() - began_s, 1)}
    BUILD.write_text(json.dumps(total | {"faults": told}, indent=1) + "\n")
    print(f"{rounds} rounds, {wrong} violations, {total['seconds']} s; {BUILD}")
    if wrong or asked.keep:
        print(f"logs and journals are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong or not rounds else 0


if __name__ == "__main__":
    sys.exit(main())
