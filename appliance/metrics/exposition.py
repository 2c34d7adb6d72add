"""Decides how gathered figures are written: OpenMetrics, or Prometheus' older text for a scraper that asks for it alone.

prometheus_client is imported at the first scrape: nobody pays for it whom nobody scrapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from appliance.core.meter import Family, Sample

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

OPENMETRICS: Final = "application/openmetrics-text"


def merged(families: Iterable[Family]) -> list[Family]:
    """One family of each name, also of one without a sample, in order of first sight: of a sample told twice the first counts."""
    known: dict[str, Family] = {}
    samples: dict[str, dict[tuple[tuple[str, str], ...], Sample]] = {}
    for family in families:
        first = known.setdefault(family.name, family)
        if (family.kind, family.bounds) == (first.kind, first.bounds):  # another version's, in the middle of an update, is left out
            held = samples.setdefault(family.name, {})
            for sample in family.samples:
                held.setdefault(tuple(sorted(sample.labels.items())), sample)
    return [Family(f.name, f.kind, f.text, tuple(samples[f.name].values()), f.bounds) for f in known.values()]


class Gathered:
    """A collector of prometheus_client over what was gathered for one scrape."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = merged(families)

    def collect(self) -> Iterator[Metric]:
        """The families as the library has them."""
        for family in self._families:
            yield _metric(family)


def written(families: Iterable[Family], accept: str = "") -> tuple[bytes, str]:
    """The body of a scrape and its content type; `accept` is the scraper's own header."""
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4  # noqa: PLC0415 - at the first scrape
    from prometheus_client.exposition import generate_latest as plain  # noqa: PLC0415
    from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415

    gathered = Gathered(families)
    if "text/plain" in accept and OPENMETRICS not in accept:
        return plain(gathered), CONTENT_TYPE_PLAIN_0_0_4
    return generate_latest(gathered), CONTENT_TYPE_LATEST  # type: ignore[no-untyped-call]


def _metric(family: Family) -> Metric:
    from prometheus_client.metrics_core import (  # noqa: PLC0415 - as above
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        InfoMetricFamily,
        StateSetMetricFamily,
    )

    names = sorted({name for sample in family.samples for name in sample.labels})
    if family.kind == "info":
        info = InfoMetricFamily(family.name, family.text)
        for sample in family.samples:
            info.add_metric([], sample.labels)
        return info
    if family.kind == "stateset":
        states = StateSetMetricFamily(family.name, family.text)
        states.add_metric([], {sample.labels[family.name]: bool(sample.value) for sample in family.samples})
        return states
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.text, labels=names)
        bounds = [*(f"{bound:g}" if bound % 1 else f"{bound:.1f}" for bound in family.bounds), "+Inf"]
        for sample in family.samples:
            counts = accumulate(sample.counts or ())
            histogram.add_metric(_labels(names, sample), list(zip(bounds, counts, strict=True)), sample.sum)
        return histogram
    metric = CounterMetricFamily(family.name, family.text, labels=names) if family.kind == "counter" else GaugeMetricFamily(
        family.name, family.text, labels=names
    )  # fmt: skip
    for sample in family.samples:
        if sample.value is not None:
            metric.add_metric(_labels(names, sample), sample.value)
    return metric


def _labels(names: list[str], sample: Sample) -> list[str]:
    return [sample.labels.get(name, "") for name in names]
