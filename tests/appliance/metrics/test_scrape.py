"""A whole box is scraped: what every process tells, what the documents, the alerts and the dashboard name of it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from metrics_box import MetricsBox, open_box
from prometheus_client.openmetrics.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[3]
UP = tuple(f'callfloor_service_up{{service="{name}"}} 1.0' for name in ("gateway", "headsets", "wallboard", "uplink", "routing"))
#: What Prometheus makes itself.
_OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MetricsBox, str]]:
    """A box in two processes, and a scrape of it."""
    with open_box(tmp_path_factory.mktemp("box")) as box:
        box.start("gateway", "headsets")
        box.start("wallboard", "uplink", "routing")
        yield box, box.until(box.tv, *UP)


def families_of(body: str) -> dict[str, str]:
    """Every family of a scrape with its type, as the specification's own parser reads it."""
    return {family.name: family.type for family in text_string_to_metric_families(body)}


def names_of(body: str) -> set[str]:
    """Every name that a query may have."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}
    return {name + suffix for name, kind in families_of(body).items() for suffix in suffixes.get(kind, ("",))}


def test_every_process_of_the_box_stands_in_one_answer(scraped: tuple[MetricsBox, str]) -> None:
    _, body = scraped
    for process in ("gateway-headsets", "wallboard-uplink-routing"):
        for figure in ("resident_memory_bytes", "own_memory_bytes", "open_fds", "threads"):
            [value] = re.findall(rf'^callfloor_process_{figure}{{process="{process}"}} (\S+)$', body, re.M)
            assert float(value) > 0
        assert f'callfloor_journal_append_seconds_bucket{{le="+Inf",process="{process}"}}' in body
        [count] = re.findall(rf'^callfloor_journal_append_seconds_count{{process="{process}"}} (\S+)$', body, re.M)
        assert float(count) > 0
    [told] = re.findall(r"^callfloor_event_to_board_seconds_count (\S+)$", body, re.M)
    assert float(told) > 0
    for wire in (("pbx", "central"), ("led", "panel"), ("sign", "strip"), ("beacon", "tower"), ("crm", "crm")):
        assert 'callfloor_wire_sessions_total{{kind="{}",wire="{}"}}'.format(*wire) in body, wire
    assert 'callfloor_trunk_lines{trunk="pstn"} 8.0' in body


def test_the_listener_of_its_own_says_the_same(scraped: tuple[MetricsBox, str]) -> None:
    box, body = scraped
    other = box.until(box.metrics, *UP)
    assert families_of(other).keys() == families_of(body).keys()


def test_a_process_that_died_is_down_and_its_journal_is_told_all_the_same(tmp_path: Path) -> None:
    with open_box(tmp_path) as box:
        box.start("gateway")
        box.start("uplink")
        box.until(box.metrics, 'callfloor_service_up{service="gateway"} 1.0', 'callfloor_service_up{service="uplink"} 1.0')
        box.kill("gateway")  # whether or not it had the listener: the other takes that over
        body = box.until(
            box.metrics, 'callfloor_service_up{service="gateway"} 0.0', 'callfloor_service_up{service="uplink"} 1.0',
            'callfloor_service_up{service="wallboard"} 0.0',
        )  # fmt: skip
        assert "callfloor_journal_seq" in body
        assert 'callfloor_pbx_up{pbx="central"} 0.0' in body


def test_no_name_is_a_persons(scraped: tuple[MetricsBox, str]) -> None:
    labels = set(re.findall(r'[{,](\w+)="', scraped[1]))
    assert labels == {
        "version", "python", "site", "box", "callfloor_crm_state", "pbx", "trunk", "state", "level", "acknowledged", "service",
        "process", "le", "kind", "wire", "error", "reader", "result", "outcome",
    } | (labels & {"item"})  # fmt: skip


def test_the_page_names_every_metric_and_no_other(scraped: tuple[MetricsBox, str]) -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    table = page[page.index("## The metrics") :]
    named = set()
    for cell in re.findall(r"^\| (`callfloor_.*?) \|", table, re.M):
        stem = ""
        for word in re.findall(r"`(\w+)`", cell):
            if word.startswith("callfloor_"):
                named.add(word)
                stem = word
            else:
                named |= {stem[: at.start()] + word for at in re.finditer("_", stem)} & families_and_counters(scraped[1])
    assert families_and_counters(scraped[1]) - named == set()
    assert named - families_and_counters(scraped[1]) == set()


def families_and_counters(body: str) -> set[str]:
    """Every family by the name that a person writes."""
    return {name + {"counter": "_total", "info": "_info"}.get(kind, "") for name, kind in families_of(body).items()}


def queries() -> dict[str, list[str]]:
    """Every query of the documents, by where it stands."""
    board = json.loads((ROOT / "docs/grafana/callfloor.json").read_text())
    variables = [str(variable.get("definition", "")) for variable in board["templating"]["list"]]
    exprs = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    alerts = (ROOT / "docs/prometheus/alerts.yml").read_text()
    page = (ROOT / "docs/metrics.md").read_text()
    return {
        "grafana": [*exprs, *variables],
        "alerts": re.findall(r"expr: (?:\|\n)?((?:.+\n)+?)\s+(?:for|labels):", alerts),
        "page": re.findall(r"increase\((\w+)", page),
    }


def test_dashboard_and_alerts_name_only_what_a_box_tells(scraped: tuple[MetricsBox, str]) -> None:
    known = names_of(scraped[1])
    for where, texts in queries().items():
        named = {name for text in texts for name in re.findall(r"\bcallfloor_\w+", text) if f'"{name}"' not in text}
        assert len(named) > 1, where
        assert named - known - {"callfloor_crm_state"} == set(), where


@pytest.mark.promtool
def test_promtool_takes_the_scrape(scraped: tuple[MetricsBox, str], promtool_program: str) -> None:
    box, _ = scraped
    plain = box.get(box.tv, accept="text/plain;version=0.0.4")
    assert "# EOF" not in plain
    said = subprocess.run([promtool_program, "check", "metrics"], input=plain, capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


@pytest.mark.promtool
def test_promtool_takes_the_alerts_and_they_do_as_they_say(promtool_program: str) -> None:
    for words in (("check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"), ("test", "rules", "alerts-test.yml")):
        said = subprocess.run(
            [promtool_program, *words], cwd=ROOT / "docs/prometheus", capture_output=True, text=True, check=False, timeout=60
        )
        assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.promtool
def test_every_query_of_the_dashboard_is_one(tmp_path: Path, promtool_program: str) -> None:
    """Checked as rules: promtool has no other check of an expression."""
    board = json.loads((ROOT / "docs/grafana/callfloor.json").read_text())
    exprs = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    for name, value in (("$__rate_interval", "5m"), ("$__range", "6h"), ("$instance", ".+"), ("$queue", ".+")):
        exprs = [expr.replace(name, value) for expr in exprs]
    rules = [{"record": f"callfloor:query{at}", "expr": expr} for at, expr in enumerate(exprs)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    said = subprocess.run(
        [promtool_program, "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 0, said.stdout + said.stderr
