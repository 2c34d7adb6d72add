"""What became of screen pops: `trace` says step by step how one call's were matched, sent and received, or where they stopped.

`stats` says how long it took from the ring to the broker. Reads the journal only; works beside running services, and when none
runs. Callers' numbers and customers' ids are shown by their last two digits unless --numbers asks for all of them: whoever may
read the journal may see them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from appliance.cli.access import configured, open_readonly
from appliance.cli.alarms import since_from_text
from appliance.cli.commands import hidden
from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.core.catalogue import PopSettled
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.event import Stored, stored_from_body
from appliance.core.journal_readonly import ReadonlyJournal
from appliance.pop_trace import KINDS, Ring, data_of, percentile, rings_from_rows, verdict_of

EXAMPLES = """
  callfloor pop trace last
  callfloor pop trace 1732197600.42                  a call by the PBX's own id, by ours, or by a visit's
  callfloor pop trace agente-101 --since 1h
  callfloor pop stats --since 8h --json
"""
_SETTLED: Final = (b'{"k":"pop.settled"',)
_PERCENTILES: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_STEPS: Final = {"ring": "the ring", "send": "the way out", "broker": "the broker"}
_OVER: Final = {
    "abandoned": "the caller hung up while it rang", "left": "the queue let the caller go", "lost": "the box lost sight of the call",
    "answered_elsewhere": "another agent answered",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words, and what each takes."""
    words = parser.add_subparsers(dest="word", required=True, metavar="trace|stats")
    trace = words.add_parser("trace", help="one call's pops, step by step", description=__doc__)
    trace.add_argument("which", metavar="CALL|AGENT|last", help="a call (our id, a visit's, the PBX's), an agent, or the newest ring")
    trace.add_argument("--numbers", action="store_true", help="callers' numbers and customers' ids whole")
    trace.add_argument("--most", type=int, default=10, metavar="N", help="at most so many rings, the newest (default: 10)")
    stats = words.add_parser("stats", help="how many, how they ended, how long from the PBX's bytes to the broker")
    for each in (trace, stats):
        each.add_argument("--since", metavar="WHEN", help="a local date or time, or a span such as 45m, 8h, 3d (default: today)")
        add_config(each)
        each.add_argument("--json", action="store_true", help="JSON instead: of a trace one object per ring")


def main(args: argparse.Namespace) -> int:
    """2 for a time that is none, 1 when nothing rang for it. Raises TransientError when there is no journal."""
    config = configured(args)
    zone = ZoneInfo(config.site.timezone)
    now_ns = SystemClock().wall_ns()
    try:
        since_ns = since_from_text(args.since, now_ns, zone)
    except ValueError as fault:
        complain(f"callfloor pop: {fault}")
        return 2
    journal = open_readonly(config.journal.path, config.journal.run_dir)
    try:
        if args.word == "stats":
            return _stats(journal, since_ns, zone, as_json=args.json)
        return _trace(journal, since_ns, now_ns, zone, args)
    finally:
        journal.close()


# -- one call's ------------------------------------------------------------------------------------------------


def _trace(journal: ReadonlyJournal, since_ns: int, now_ns: int, zone: ZoneInfo, args: argparse.Namespace) -> int:
    rings = [ring for ring in rings_from_rows(rows_since(journal, since_ns, KINDS), journal.epoch) if ring.wall_ns >= since_ns]
    found = rings[-1:] if args.which == "last" else [ring for ring in rings if ring.names(args.which)]
    if not found:
        if args.which != "last" and (told := _unrung(journal, since_ns, args.which)):
            return _tell_unrung(args.which, told, zone, as_json=args.json)
        since = f"{datetime.fromtimestamp(since_ns // NS, zone):%Y-%m-%d %H:%M}"
        what = "rang nobody" if args.which != "last" else "nothing rang"
        complain(f"{args.which}: {what} since {since}; --since 3d looks further back, `callfloor journal tail` shows what the PBX told")
        return 1
    for ring in found[-max(1, args.most) :]:
        if args.json:
            say_json(document(ring, now_ns, numbers=args.numbers))
        else:
            for line in lines(ring, now_ns, zone, numbers=args.numbers):
                say(line)
    return 0


def _unrung(journal: ReadonlyJournal, since_ns: int, key: str) -> list[tuple[int, str, dict[str, Any]]]:
    """What was told of a call for which no phone rang: when, kind, data."""
    found = []
    for _, row in rows_since(journal, since_ns, (b'{"k":"call.',)):
        if row.wall_ns >= since_ns and key.encode() in bytes(row.data):
            data = msgspec.json.decode(row.data, type=dict[str, Any])
            if key in (data.get("call"), data.get("visit"), data.get("uniqueid")):
                found.append((row.wall_ns, row.kind, data))
    return found


def _tell_unrung(which: str, told: list[tuple[int, str, dict[str, Any]]], zone: ZoneInfo, *, as_json: bool) -> int:
    matched = any(kind == "call.matched" for _, kind, _ in told)
    if as_json:
        steps = [{"time": rfc3339(at_ns), "kind": kind, "queue": data.get("queue")} for at_ns, kind, data in told]
        say_json({"call": told[-1][2]["call"], "told": steps, "matched": matched, "stopped_at": "ring", "reason": "no_ring"})
        return 1
    for at_ns, kind, data in told[-20:]:
        say(f"{_at(at_ns, zone)}  {kind}" + (f"  {data['queue']}" if data.get("queue") else ""))
    say("  " + coloured("stopped at the ring: the PBX told of no agent's phone that rings for it", "red"))
    say(
        f"    {'he was found in the directory' if matched else 'nobody was found in the directory'}; an analog line has no agent, so no pop"
    )
    return 1


def lines(ring: Ring, now_ns: int, zone: ZoneInfo, *, numbers: bool) -> Iterator[str]:
    """One ring for people: each step, then where it stopped and what to do."""
    verdict = verdict_of(ring, now_ns)
    what = "is shown whom he will call (preview)" if ring.preview else "is rung"
    yield f"{_at(ring.wall_ns, zone)}  {ring.agent or '(agent not told)'} {what}, call {ring.call}" + (
        f", queue {ring.queue}" if ring.queue else ""
    )
    for name, text, good in _steps(ring, numbers=numbers):
        yield f"  {coloured('✓' if good else '✗', 'green' if good else 'red')} {name:<8} {text}"
    if verdict.step == "done":
        yield "  " + coloured("it reached him" if ring.over else "it reached his screen; the call is still open", "green")
    elif verdict.step == "answer":
        yield f"  it reached his screen; {_OVER[verdict.why or '']}"
    else:
        why = (verdict.why or "").replace("_", " ")
        bare = verdict.step in ("caller", "match")
        text = f"it reached his screen without a card: {why}" if bare else f"stopped at {_STEPS[verdict.step]}: {why}"
        yield "  " + coloured(text, "amber" if bare else "red")
        if verdict.mend is not None:
            yield f"    {verdict.mend}"


def _steps(ring: Ring, *, numbers: bool) -> Iterator[tuple[str, str, bool]]:
    """Name, what is known of it, and whether it went well."""
    settled, matched = ring.settled, ring.matched
    yield "ring", f"told by the PBX {ring.pbx}", ring.agent is not None
    caller = None if ring.caller is None else ring.caller if numbers else hidden(ring.caller)
    yield "caller", caller or "the PBX told no number", caller is not None
    if matched is not None:
        vip = ", VIP" if matched.vip else ""
        segment = f", {matched.segment}" if matched.segment else ""
        customer = matched.customer if numbers else hidden(matched.customer)
        yield "match", f"customer {customer}{segment}{vip}, directory version {matched.version}", True
    elif settled is not None:
        yield "match", f"card: {settled.card.replace('_', ' ')}", settled.card == "found"
    if settled is None:
        return
    if settled.sent_s is not None:
        yield "sent", f"{settled.sent_s * 1000:.1f} ms after the PBX's bytes", True
    elif settled.outcome == "link_down" and ring.link is not None and ring.link.state == "down":
        yield "sent", f"never: link down since {rfc3339(ring.link.since_ns)}", False
    else:
        yield "sent", f"never: {settled.outcome.replace('_', ' ')}", False
    if settled.sent_s is not None:
        code = f" (code {settled.code:#04x})" if settled.code else ""
        after = f" after {settled.settled_s * 1000:.1f} ms" if settled.settled_s is not None else ""
        yield "broker", f"{settled.outcome.replace('_', ' ')}{code}{after}", settled.outcome == "delivered"
    if ring.over is not None:
        mine = ring.answered_by == ring.agent
        yield "answer", ("answered by him" if mine else _OVER[ring.over if ring.answered_by is None else "answered_elsewhere"]), mine


def document(ring: Ring, now_ns: int, *, numbers: bool) -> dict[str, Any]:
    """One ring for programs."""
    verdict, settled, matched = verdict_of(ring, now_ns), ring.settled, ring.matched
    return {
        "pop": ring.pop, "call": ring.call, "visit": ring.visit, "uniqueid": ring.uniqueid, "agent": ring.agent, "pbx": ring.pbx,
        "queue": ring.queue, "why": "preview" if ring.preview else "call", "rang": rfc3339(ring.wall_ns),
        "caller": ring.caller if numbers or ring.caller is None else hidden(ring.caller),
        "matched": None if matched is None else {
            "customer": matched.customer if numbers else hidden(matched.customer), "segment": matched.segment, "vip": matched.vip,
            "version": matched.version,
        },
        "card": settled.card if settled is not None else None,
        "outcome": settled.outcome if settled is not None else None,
        "sent_s": settled.sent_s if settled is not None else None,
        "settled_s": settled.settled_s if settled is not None else None,
        "code": settled.code if settled is not None else None,
        "link": None if ring.link is None else {"state": ring.link.state, "since": rfc3339(ring.link.since_ns)},
        "over": ring.over, "answered_by": ring.answered_by,
        "stopped_at": None if verdict.step == "done" else verdict.step, "reason": verdict.why, "mend": verdict.mend,
    }  # fmt: skip


# -- all of them -----------------------------------------------------------------------------------------------


def _stats(journal: ReadonlyJournal, since_ns: int, zone: ZoneInfo, *, as_json: bool) -> int:
    rows = (row for _, row in rows_since(journal, since_ns, _SETTLED) if row.wall_ns >= since_ns)
    told = [end for row in rows if isinstance(end := data_of(row), PopSettled)]
    figures = stats_of(told)
    if as_json:
        say_json({"since": rfc3339(since_ns), **figures})
        return 0
    say(f"since {datetime.fromtimestamp(since_ns // NS, zone):%Y-%m-%d %H:%M}: {figures['pops']} pops")
    for name, what in (("sent_s", "ring to sent"), ("settled_s", "ring to the broker's answer")):
        shown = "  ".join(f"{key} {value * 1000:.1f} ms" if value is not None else f"{key} –" for key, value in figures[name].items())
        say(f"  {what:<28} {shown}")
    for name in ("outcomes", "cards"):
        say(f"  {name:<28} " + (", ".join(f"{key.replace('_', ' ')} {count}" for key, count in figures[name].items()) or "–"))
    return 0


def stats_of(ends: list[PopSettled]) -> dict[str, Any]:
    """Counts by outcome and card; seconds from the PBX's bytes until sent, and until the broker took it."""
    sent = [end.sent_s for end in ends if end.sent_s is not None]
    answered = [end.settled_s for end in ends if end.settled_s is not None and end.outcome in ("delivered", "no_consumer")]
    return {
        "pops": len(ends),
        "outcomes": dict(Counter(end.outcome for end in ends).most_common()),
        "cards": dict(Counter(end.card for end in ends).most_common()),
        "sent_s": {name: percentile(sent, share) for name, share in _PERCENTILES},
        "settled_s": {name: percentile(answered, share) for name, share in _PERCENTILES},
    }


def rows_since(journal: ReadonlyJournal, since_ns: int, kinds: tuple[bytes, ...]) -> Iterator[tuple[int, Stored]]:
    """Rows of these kinds from a little before that time on, oldest first; others are not even decoded."""
    progress, last = Progress("events looked at"), journal.head().seq
    first = after = _before(journal, since_ns)
    while page := journal.read(after):
        for entry in page:
            if entry.body.startswith(kinds):
                try:
                    yield entry.seq, stored_from_body(entry.body)
                except msgspec.DecodeError:
                    continue  # `journal verify` tells of it
        after = page[-1].seq
        progress.at(after - first, last - first)
    progress.end()


def _before(journal: ReadonlyJournal, since_ns: int) -> int:
    """A row before all that were told since then, found by halving: clocks that were set make it a guess, which only costs time."""
    low, high = max(0, journal.first_seq() - 1), journal.head().seq
    while high - low > 2000:
        middle = (low + high) // 2
        rows = journal.read(middle, 1)
        try:
            late = bool(rows) and stored_from_body(rows[0].body).wall_ns >= since_ns
        except msgspec.DecodeError:
            return low
        low, high = (low, middle) if late or not rows else (middle, high)
    return low


def _at(wall_ns: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(wall_ns / NS, zone):%Y-%m-%d %H:%M:%S.%f}"[:-3]
