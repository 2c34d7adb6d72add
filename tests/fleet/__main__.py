"""A fleet of boxes at one broker that goes away and comes back: `make fleet`. Prints figures, writes build/fleet.json.

python -m tests.fleet                                  a thousand boxes, under six minutes on two cores
python -m tests.fleet --boxes 100 --rate 2             a hundred busier ones
python -m tests.fleet --away 60 --rounds kill:site     one long outage
python -m tests.fleet --boxes 50 --rounds stop:site --broker aedes     another broker: aedes, amqtt
python -m tests.fleet --folder /var/tmp/fleet          journals on a disk; as they are in memory where there is room

Every box is the product's whole uplink service on a real SQLite journal; four processes hold them all. The broker is a real mosquitto
with persistence, killed (-9) or stopped while all record on. Three consumers read by site, then together by $share.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.bench.report import write_figures
from tests.bench.table import Row, alone, at_most, no_more_than, text_from_row, write
from tests.fleet.fleet_child import ROOT, FleetError
from tests.fleet.fleet_others import BROKERS
from tests.fleet.fleet_run import Fleet, Plan, Result

#: What a box's journal takes at its start: its log, grown once.
_BYTES_PER_BOX = 7 << 20
#: Loops that stood still for longer tell of this machine, not of the boxes.
_LATE_S = 2.0
_JSON = ROOT / "build" / "fleet.json"
_ROWS = ROOT / "build" / "bench-fleet.json"


def main() -> int:
    """Exit code 0 when nothing was lost and every goal met, 1 otherwise, 2 for wrong usage."""
    args = _arguments()
    began_s = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"fleet {time.monotonic() - began_s:4.0f} s: {text}\n")
        sys.stderr.flush()

    plan = Plan(
        boxes=args.boxes,
        rate=args.rate,
        calm_s=args.seconds,
        away_s=args.away,
        workers=args.workers,
        rounds=tuple(_round(word) for word in args.rounds),
        sites=max(3, min(12, args.boxes)),
        reconnect_max_s=args.reconnect_max,
        broker=args.broker,
    )
    folder = _folder(args.folder, plan.boxes)
    say(f"{plan.boxes} boxes, {plan.rate:g} events a second each, {len(plan.rounds)} rounds; journals in {folder}")
    fleet: Fleet | None = None
    try:
        fleet = Fleet(folder / "run", plan, say)
        result = fleet.run()
    except FleetError as fault:
        sys.stderr.write(f"fleet: {fault}\n")
        return 1
    finally:
        if fleet is not None:
            fleet.close()
        shutil.rmtree(folder, ignore_errors=True)
    _JSON.parent.mkdir(exist_ok=True)
    _JSON.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    rows = rows_of(result)
    write(rows, _ROWS)
    _print(result, rows)
    if args.docs:
        write_figures(_ROWS, "fleet")
    return 0 if result.is_whole and all(row.met for row in rows) else 1


def rows_of(result: Result) -> list[Row]:
    """The run as rows of the table of docs/performance.md."""
    plan, after, before = result.plan, result.after_resend, result.before_resend
    boxes = f"{plan.boxes} boxes"
    back = [each.came_back for each in result.rounds]
    crowd = f"{boxes}; 99th of 100 {max(each.p99_s for each in back):g} s, last {max(each.max_s for each in back):g} s"
    share = [each.most_per_s / plan.boxes for each in back]
    doubled = f"{after.doubled} came twice, dropped by id"
    return [
        alone("fleet.reconnect_s", "s", [each.p50_s for each in back], no_more_than(5, "s, the median box"), crowd),
        alone("fleet.crowd", "of all", share, no_more_than(0.5, "of all boxes in any one second"), f"most {max(each.most_per_s for each in back)}"),
        alone(
            "fleet.drain", "s", [each.drained.all_s for each in result.rounds], no_more_than(20, "s, the last box"),
            f"{max(each.drained.events for each in result.rounds)} events of {result.rounds[0].away_s:g} s without a broker",
        ),
        alone("fleet.lost", "events", [after.lost], at_most(0, "of what the boxes recorded"), f"{before.lost} before `resend`; {doubled}", f"{after.recorded}"),
    ]  # fmt: skip


def _print(result: Result, rows: list[Row]) -> None:
    for number, each in enumerate(result.rounds, 1):
        back, drained = each.came_back, each.drained
        print(
            f"round {number}: broker {'killed' if each.how == 'kill' else 'stopped'}, away {each.away_s:g} s, read by {each.readers}\n"
            f"  back      {back.boxes} of {each.boxes}: half by {back.p50_s:g} s, 99 % by {back.p99_s:g} s, all by {back.max_s:g} s; "
            f"at most {back.most_per_s} in one second; {back.again} came more than once\n"
            f"  knocks    {each.knocks_per_s:g} a second while nobody listened, at most {each.knocks_most_per_s}\n"
            f"  drain     {drained.events} events, half by {drained.p50_s:g} s, all by {drained.all_s:g} s, {drained.per_s:g} a second in its "
            f"middle; broker {each.broker_cpu_s:g} CPU s\n"
            f"  missing   {each.lost_before} from before it went, {each.lost_away} from while it was away, until they were asked for"
        )
    before, after, broker = result.before_resend, result.after_resend, result.broker
    print(
        f"recorded {after.recorded}, arrived {after.arrivals}; came twice {after.doubled}, twice behind the ids {after.doubled_after}; "
        f"out of order {', '.join(f'{number} by {name}' for name, number in after.disordered.items())}\n"
        f"lost {before.lost}, after resend {after.lost} ({result.resend})\n"
        f"at the end online {result.online}, floors {result.floors} of {result.plan.boxes}\n"
        f"broker {100 * broker['calm_cpu_share']:.1f} % of a core when calm, {broker['resident_mb']:g} MB, {broker['kb_per_box']:g} kB a box; "
        f"a box {result.box_kb:g} kB in its process\n"
        f"took {result.took_s:g} s; loops late by {result.worst_late_s:g} s at worst; load {result.load:g}"
    )
    if result.worst_late_s > _LATE_S:
        print(f"NOTE the machine was too busy to play {result.plan.boxes} boxes: their processes stood still for {result.worst_late_s:g} s")
    for fault in result.faults:
        print(f"FAULT {fault}")
    for row in rows:
        print(text_from_row(row) + (f"  [{row.note}]" if row.note else ""))
    print(f"fleet: {'whole' if result.is_whole else 'NOT WHOLE'}; build/{_JSON.name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fleet ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=_counted, default=1000)
    parser.add_argument(
        "--rate", type=float, default=0.2, help="events a second and box (0.2: a floor of about forty calls an hour and queue)"
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="of calm before the first outage")
    parser.add_argument("--away", type=float, default=20.0, help="seconds without a broker")
    parser.add_argument("--rounds", nargs="+", default=["kill:site", "stop:site", "kill:share"], metavar="HOW:READERS",
                        help="kill or stop the broker; read by site or share")  # fmt: skip
    parser.add_argument("--reconnect-max", type=float, default=60.0, help="[crm] reconnect_max_s")
    parser.add_argument("--workers", type=_counted, default=4, help="processes that hold the boxes")
    parser.add_argument("--broker", choices=sorted(BROKERS), default="mosquitto", help="the others know no 5 and no $share, and forget")
    parser.add_argument("--folder", type=Path, help="where journals lie; made, and removed at the end")
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/performance.md as well")
    args = parser.parse_args()
    for word in args.rounds:
        how, _, readers = word.partition(":")
        if how not in ("kill", "stop") or readers not in ("site", "share"):
            parser.error(f"a round is kill or stop, a colon, site or share; not {word!r}")
    return args


def _counted(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("one or more")
    return number


def _round(word: str) -> tuple[str, str]:
    how, _, readers = word.partition(":")
    return how, readers


def _folder(asked: Path | None, boxes: int) -> Path:
    """A new folder: where told, else in memory where the journals fit twice, else under build/."""
    memory = Path("/dev/shm")
    if asked is None and memory.is_dir() and shutil.disk_usage(memory).free > 2 * boxes * _BYTES_PER_BOX:
        asked = memory
    place = asked or ROOT / "build"
    place.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="callfloor-fleet-", dir=place))


if __name__ == "__main__":
    sys.exit(main())
