"""Decides how a process counts what happens in it, and how that is told to whoever gathers it: a counter, a moment's value, a histogram.

Instruments cost an addition; nothing is sent, written or timed while nobody asks. Names follow Prometheus: base units, a counter's name
without `_total` (the exposition adds it). Labels are of a bounded set: a service, a wire, a queue's key; never a person, never a caller.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal

from msgspec import Struct

from appliance.core.errors import CallfloorError

Kind = Literal["counter", "gauge", "histogram", "stateset", "info"]
#: Seconds, from what a fast disk takes to what a person calls broken.
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Sample(Struct, frozen=True):
    """One value under its labels; of a histogram the counts of its buckets (not summed up, one more than bounds) and the sum."""

    labels: dict[str, str]
    value: float | None = None
    counts: tuple[int, ...] | None = None
    sum: float = 0.0


class Family(Struct, frozen=True):
    """One metric with all its samples. `bounds`: the upper bounds of a histogram's buckets, without infinity."""

    name: str
    kind: Kind
    text: str
    samples: tuple[Sample, ...]
    bounds: tuple[float, ...] = ()


class Counter:
    """What only grows, from the start of the process."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1.0) -> None:
        """It happened, so many times."""
        self.value += amount


class Histogram:
    """How long something took, in buckets.

    >>> took = Histogram((0.1, 1.0)); took.observe(0.1); took.observe(0.5); took.observe(7.0)
    >>> took.sample({}).counts
    (1, 1, 1)
    """

    __slots__ = ("_counts", "_sum", "bounds")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """One more, in the unit of the bounds; a clock that ran backwards counts as nothing."""
        value = max(0.0, value)
        self._counts[bisect.bisect_left(self.bounds, value)] += 1
        self._sum += value

    def sample(self, labels: Mapping[str, str]) -> Sample:
        """As it stands."""
        return Sample(dict(labels), None, tuple(self._counts), self._sum)


class Meter:
    """The instruments of one process, by name and labels; a service that is started again finds its own."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[Kind, str, tuple[float, ...]]] = {}
        self._made: dict[str, dict[tuple[tuple[str, str], ...], Counter | Histogram]] = {}
        self._asked: dict[str, Callable[[], Iterable[Family]]] = {}
        #: The floor's snapshot as JSON, by the services that have a view of it.
        self.floors: dict[str, Callable[[], bytes]] = {}

    def counter(self, name: str, text: str, **labels: str) -> Counter:
        """The counter of that name and these labels."""
        self._kinds.setdefault(name, ("counter", text, ()))
        found = self._made.setdefault(name, {}).setdefault(tuple(sorted(labels.items())), Counter())
        assert isinstance(found, Counter), f"{name} is a histogram"
        return found

    def histogram(self, name: str, text: str, bounds: Sequence[float] = SECONDS, **labels: str) -> Histogram:
        """The histogram of that name and these labels."""
        self._kinds.setdefault(name, ("histogram", text, tuple(bounds)))
        found = self._made.setdefault(name, {}).setdefault(tuple(sorted(labels.items())), Histogram(bounds))
        assert isinstance(found, Histogram), f"{name} is a counter"
        return found

    def ask(self, who: str, figures: Callable[[], Iterable[Family]]) -> None:
        """Let `figures` be asked whenever somebody gathers; of the same `who` the last one counts."""
        self._asked[who] = figures

    def families(self) -> list[Family]:
        """Everything as it stands; of an instrument that cannot answer now nothing."""
        out = []
        for name, (kind, text, bounds) in self._kinds.items():
            samples = [_sampled(one, dict(labels)) for labels, one in self._made[name].items()]
            out.append(Family(name, kind, text, tuple(samples), bounds))
        for figures in list(self._asked.values()):
            with suppress(RuntimeError, CallfloorError):  # its tables are being changed, or the journal cannot be read: the others answer
                out += figures()
        return out


def gauge(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float | None]]) -> Family:
    """Values of now; what is not known has no sample."""
    return Family(name, "gauge", text, _known(samples))


def count(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float | None]]) -> Family:
    """Counts that were kept elsewhere; what is not known has no sample."""
    return Family(name, "counter", text, _known(samples))


def _known(samples: Iterable[tuple[Mapping[str, str], float | None]]) -> tuple[Sample, ...]:
    return tuple(Sample(dict(labels), float(value)) for labels, value in samples if value is not None)


def _sampled(one: Counter | Histogram, labels: dict[str, str]) -> Sample:
    return one.sample(labels) if isinstance(one, Histogram) else Sample(labels, one.value)


class Wire(Struct, frozen=True, kw_only=True):
    """One wire of the box: a PBX, a line device, a call-record port, a sign, a chain. What is None is not known of its kind.

    `errors`: what came and could not be used, or could not be sent, by a word of a fixed set.
    """

    name: str
    up: bool | None = None
    sessions: int | None = None
    received_bytes: int | None = None
    sent: int | None = None
    errors: Mapping[str, float] = {}


class WireBook:
    """What the driver of one wire counts as it goes."""

    def __init__(self) -> None:
        self.up = False
        self.sessions = 0
        #: Frames sent; None where nobody counts them.
        self.sent: int | None = None
        self.errors: dict[str, float] = {}

    def opened(self) -> None:
        """It is open from now on."""
        self.up = True
        self.sessions += 1

    def lost(self) -> None:
        """It is not any more, for whatever reason."""
        self.up = False

    def failed(self, error: str) -> None:
        """One more error of a fixed set."""
        self.errors[error] = self.errors.get(error, 0) + 1

    def wire(self, name: str) -> Wire:
        """As it stands."""
        return Wire(name=name, up=self.up, sessions=self.sessions, sent=self.sent, errors=self.errors)


def wire_families(kind: str, wires: Iterable[Wire]) -> list[Family]:
    """All wires of a kind in the metrics that every wire has."""
    told = [({"kind": kind, "wire": wire.name}, wire) for wire in wires]
    errors = [({**labels, "error": error}, amount) for labels, wire in told for error, amount in wire.errors.items()]
    return [
        gauge("callfloor_wire_up", "Whether the wire is open and heard.", [(labels, wire.up) for labels, wire in told]),
        count("callfloor_wire_sessions", "How often the wire was opened.", [(labels, wire.sessions) for labels, wire in told]),
        count("callfloor_wire_received_bytes", "Bytes that came.", [(labels, wire.received_bytes) for labels, wire in told]),
        count("callfloor_wire_sent_frames", "Frames, messages or requests sent.", [(labels, wire.sent) for labels, wire in told]),
        count("callfloor_wire_errors", "What came and could not be used, or could not be sent.", errors),
    ]
