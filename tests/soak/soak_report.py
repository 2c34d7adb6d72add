"""Decides what a soak says: which figure of which process is judged by which limit, the table, the pictures, the page docs/soak.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from soak_flat import Limit, Verdict, judged
from soak_plot import Picture, svg_of

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "headsets", "wallboard", "uplink", "opcua")
#: MB an hour: the day's callers and the ids of past calls still fill up to their bounds.
MEMORY_PER_H, MEMORY_MOST = {"wallboard": 1.5, "uplink": 1.5}, 120.0
#: At speed the calls of many hours lie within the real half hour that a fold and a gateway keep whole: MB a call.
MEMORY_PER_CALL = 0.0015
#: An hour may add less than one: a leak of one handle a trouble would be a dozen.
FILES, THREADS = Limit(1.0, 200.0), Limit(0.5, 40.0)
#: Its working size is 16 MB at most; four times that is a reader that never ends.
WAL = Limit(0.5, 64.0)
#: Milliseconds an hour, of the median and of the 95th percentile: on a shared machine the latter wanders.
LATENCY = {"p50": Limit(10.0, None), "p95": Limit(60.0, None)}


class Line(msgspec.Struct, frozen=True):
    """One row of the table."""

    what: str
    unit: str
    verdict: Verdict | None


def series(samples: Sequence[dict[str, Any]], *keys: str) -> list[tuple[float, float]]:
    """(seconds, value) wherever a sample has it."""
    out = []
    for sample in samples:
        value: Any = sample
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            out.append((float(sample["at"]), float(value)))
    return out


def calls_per_h(samples: Sequence[dict[str, Any]], warm_s: float) -> float:
    """Calls in a real hour, after the warm-up."""
    line = [point for point in series(samples, "box", "calls") if point[0] >= warm_s]
    return 3600 * (line[-1][1] - line[0][1]) / (line[-1][0] - line[0][0]) if len(line) > 1 else 0.0


def lines_of(samples: Sequence[dict[str, Any]], warm_s: float, speed: float = 1.0) -> list[Line]:
    """Everything that is judged."""
    out = []
    fast = MEMORY_PER_CALL * calls_per_h(samples, warm_s) if speed > 1 else 0.0
    for name in SERVICES:
        if series(samples, name, "own"):
            memory = Limit(round(MEMORY_PER_H.get(name, 1.0) + fast, 2), MEMORY_MOST)
            out.append(Line(f"memory, {name}", "MB", judged(series(samples, name, "own"), memory, warm_s)))
            out.append(Line(f"open files, {name}", "", judged(files_of(samples, name), FILES, warm_s)))
            out.append(Line(f"threads, {name}", "", judged(series(samples, name, "threads"), THREADS, warm_s)))
    out.append(Line("write-ahead log", "MB", judged(series(samples, "box", "wal"), WAL, warm_s)))
    for far, words in (("board", "to the board"), ("crm", "to the CRM")):
        for part, limit in LATENCY.items() if speed == 1 else ():  # a day's load rises and falls, and with it how long things take
            out.append(Line(f"{words}, {part}", "ms", judged(series(samples, "box", far, part), limit, warm_s)))
    return out


def files_of(samples: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """Open files; of the boards' service without the televisions that were there then, which are a file each."""
    less = 1 if name == "wallboard" else 0
    return [(float(s["at"]), float(s[name]["files"] - less * s["tvs"])) for s in samples if name in s]


def pictures_of(samples: Sequence[dict[str, Any]]) -> list[Picture]:
    """What is drawn."""
    there = [name for name in SERVICES if series(samples, name, "own")]

    def each(key: str) -> dict[str, list[tuple[float, float]]]:
        return {name: series(samples, name, key) for name in there}

    pictures = [
        Picture(title="Own memory, MB", lines=each("own")),
        Picture(
            title="Open files, and televisions", lines={n: files_of(samples, n) for n in there} | {"televisions": series(samples, "tvs")}
        ),
        Picture(title="Threads", lines=each("threads")),
        Picture(title="Write-ahead log, MB", lines={"WAL": series(samples, "box", "wal")}),
        Picture(title="Waiting for the CRM, events", lines={"waiting": series(samples, "box", "waiting")}),
        Picture(title="Told to the board, ms", lines={part: series(samples, "box", "board", part) for part in LATENCY}),
        Picture(title="Load of the machine (one is a busy core)", lines={"load": series(samples, "load")}),
        Picture(title="Told to the CRM while the link stood, ms", lines={part: series(samples, "box", "crm", part) for part in LATENCY}),
    ]
    return [picture for picture in pictures if any(picture.lines.values())]


def table_of(lines: Sequence[Line]) -> str:
    """For people."""
    out = [
        "| figure | after the warm-up | at the end | most | slope an hour (95 % bounds) | allowed | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for line in lines:
        v = line.verdict
        if v is None:
            out.append(f"| {line.what} | | | | too little was seen | | open |")
            continue
        most = "" if v.limit_most is None else f", at most {v.limit_most:g}"
        values = " | ".join(f"{value:.3g} {line.unit}".strip() for value in (v.first, v.last, v.most))
        slope = f"{v.slope_per_h:+.2g} [{v.low_per_h:+.2g} – {v.high_per_h:+.2g}]"
        out.append(f"| {line.what} | {values} | {slope} | ≤ +{v.limit_per_h:g}{most} | {v.word} |")
    return "\n".join(out)


def cpu_share(samples: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Percent of one core over the run, by process."""
    out = {}
    for name in SERVICES:
        line = series(samples, name, "cpu")
        if len(line) > 1 and line[-1][0] > line[0][0]:
            out[name] = round(100 * (line[-1][1] - line[0][1]) / (line[-1][0] - line[0][0]), 2)
    return out


def warm_up_s(seconds: float) -> float:
    """What is not judged: the first quarter. Pages of SQLite, Python's arenas and the trend lines, a sample a minute for an hour, fill up."""
    return seconds / 4


def told(run: dict[str, Any], samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A run with its verdicts, as build/soak.json has it. `is_flat`: nothing grows, and nothing is open but a 95th percentile, which is as
    much the machine's; None in less than half an hour, which is warming up.
    """
    plan = run["plan"]
    warm_s = warm_up_s(plan["seconds"])
    lines = lines_of(samples, warm_s, plan["speed"])
    words = {line.what: line.verdict.word if line.verdict else "open" for line in lines}
    is_flat = all(word == "flat" or (word == "open" and what.endswith("p95")) for what, word in words.items())
    figures = [{"what": line.what, "unit": line.unit, "verdict": msgspec.to_builtins(line.verdict)} for line in lines]
    return run | {
        "warm_s": warm_s,
        "is_flat": is_flat if plan["seconds"] >= 1800 else None,
        "cpu_percent": cpu_share(samples),
        "figures": figures,
    }


def page_of(runs: Sequence[dict[str, Any]], images: dict[str, str]) -> str:
    """docs/soak.md."""
    parts = [_HEAD]
    for run in runs:
        plan, count = run["plan"], len(run["troubles"])
        kinds = ", ".join(
            f"{sum(word == kind for _, _, word in run['troubles'])} × {kind}" for kind in sorted({w for _, _, w in run["troubles"]})
        )
        lines = [Line(f["what"], f["unit"], msgspec.convert(f["verdict"], Verdict) if f["verdict"] else None) for f in run["figures"]]
        lost = "Nothing was lost." if not run["faults"] else "Wrong: " + "; ".join(run["faults"])
        cpu = ", ".join(f"{name} {share:g} %" for name, share in run["cpu_percent"].items())
        speed = "at real speed" if plan["speed"] == 1 else f"at {plan['speed']:g} times the speed"
        parts.append(
            f"## {_TITLES[plan['name']]}\n\n{plan['seconds'] / 60:.0f} minutes {speed}, {run['when']}, on {run['machine']}: {run['calls']} calls, {run['events']} events "
            f"to the CRM ({run['doubles']} came twice), {run['tvs']} televisions came and went, {count} troubles ({kinds}). {lost}\n\n"
            f"Processor, of one core: {cpu}.\n\n{table_of(lines)}\n\n![{_TITLES[plan['name']]}]({images[plan['name']]})\n"
        )
    return "\n".join(parts)


_TITLES = {"hours": "Two hours", "day": "A day"}
_HEAD = """# Hours of it: what stays flat

Written by `make soak`: a whole box, one process a service as systemd runs them, under a simulated floor of thirty agents and twelve
headsets, with an LED chain, a sign and lamps. Meanwhile the link to the broker is cut again and again (for up to minutes, so that a
backlog stands and drains), the PBX restarts, dies, stalls and talks rubbish, headsets are pulled and plugged, and televisions come and go.
At the end what the CRM has is held against the journal, event by event.

Every process is looked at every five seconds. A figure is **flat** when the 95 % upper bound of its slope, through the medians of sixteen
blocks of equal time after the warm-up (the first quarter: page caches, Python's arenas and the hour of trend lines fill), is within what is allowed; it **grows** when the lower bound is beyond it; **open** lies between.
Own memory is what belongs to the process alone (anonymous pages, and what of them is swapped out). What may grow to a bound: the fold
keeps the visits of the last half hour whole, and each caller of the day, for repeat calls; the gateway the ids of its last 16 384 channels. At
speed that half hour holds the calls of many, so that 1.5 kB a call are allowed there. Latencies are judged in the two hours alone: a day's load
rises and falls. They are the machine's too, which does nothing else when this is run for the record.

    make soak                        # a day at speed, then two real hours
    make soak ARGS="--minutes 5"     # a try of both
"""


def write(build: Path, docs: Path | None) -> None:
    """From build/soak.json and the samples beside it: the pictures, and with `docs` the page."""
    said = json.loads((build / "soak.json").read_text())
    images = {}
    said["runs"] = [told(run, samples_of(build / f"soak-{run['plan']['name']}.jsonl")) for run in said["runs"]]
    (build / "soak.json").write_text(json.dumps(said, indent=1) + "\n")
    for run in said["runs"]:
        name = run["plan"]["name"]
        samples = samples_of(build / f"soak-{name}.jsonl")
        span_s = max(run["plan"]["seconds"], samples[-1]["at"])
        svg = svg_of(pictures_of(samples), span_s, [(a, b) for a, b, _ in run["troubles"]], run["warm_s"])
        images[name] = f"images/soak-{name}.svg"
        (build / f"soak-{name}.svg").write_text(svg)
        if docs is not None:
            (docs / images[name]).write_text(svg)
    if docs is not None:
        (docs / "soak.md").write_text(page_of(said["runs"], images))


def samples_of(path: Path) -> list[dict[str, Any]]:
    """The samples of a run, also of one that still runs or was cut off."""
    out = []
    for line in path.read_text().splitlines():
        try:
            out.append(json.loads(line))
        except ValueError:
            continue
    return out
