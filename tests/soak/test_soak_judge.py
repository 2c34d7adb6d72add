"""The judge of `make soak` sees a leak, lets a flat figure pass, and says when it cannot tell; its pictures are SVG."""

from __future__ import annotations

import random
from xml.etree import ElementTree

import pytest
from soak_flat import Limit, Point, judged, slope_of
from soak_plot import Picture, scale_of, svg_of, thinned
from soak_report import lines_of, table_of
from soak_seen import Board, mark_of

LIMIT = Limit(1.0, 100.0)


def walked(per_h: float, *, noise: float = 0.05, step: float = 0.0, hours: float = 2.0, seed: int = 1) -> list[Point]:
    """A figure of 30 with a slope, noise that lasts for some samples, and perhaps one step in the warm-up."""
    chance, out, drift = random.Random(seed), [], 0.0
    for at in range(0, round(hours * 3600), 5):
        drift = 0.9 * drift + chance.gauss(0, noise)
        out.append((float(at), 30.0 + per_h * at / 3600 + drift + (step if at > 400 else 0.0)))
    return out


@pytest.mark.parametrize(("per_h", "word"), [(0.0, "flat"), (0.5, "flat"), (-3.0, "flat"), (2.0, "grows"), (20.0, "grows")])
def test_a_leak_is_seen_and_noise_is_none(per_h: float, word: str) -> None:
    for seed in range(5):
        verdict = judged(walked(per_h, seed=seed), LIMIT, warm_s=900)
        assert verdict is not None
        assert verdict.word == word, verdict
        assert verdict.low_per_h <= verdict.slope_per_h <= verdict.high_per_h


def test_the_warm_up_does_not_count() -> None:
    verdict = judged(walked(0.0, step=40.0), LIMIT, warm_s=900)
    assert verdict is not None
    assert verdict.word == "flat"


def test_a_slope_on_the_limit_in_noise_is_left_open() -> None:
    verdict = judged(walked(1.0, noise=1.0), LIMIT, warm_s=900)
    assert verdict is not None
    assert verdict.word == "open"


def test_one_sample_beyond_all_measure_is_no_flat_figure() -> None:
    points = [*walked(0.0), (7200.0, 101.0)]
    verdict = judged(points, LIMIT, warm_s=900)
    assert verdict is not None
    assert (verdict.word, verdict.most) == ("grows", 101.0)


def test_too_little_is_no_verdict() -> None:
    assert judged([], LIMIT, warm_s=0) is None
    assert judged(walked(0.0)[:100], LIMIT, warm_s=900) is None


def test_the_bounds_are_student_s() -> None:
    """Three points, one degree of freedom: 6.314 standard errors (Student's table, one-sided 95 %)."""
    slope, low, high = slope_of([(0.0, 0.0), (1.0, 1.5), (2.0, 2.0)])
    error = (sum(d * d for d in (-1 / 6, 1 / 3, -1 / 6)) / 2) ** 0.5
    assert slope == pytest.approx(1.0)
    assert high - slope == pytest.approx(6.314 * error)
    assert slope - low == pytest.approx(6.314 * error)


def test_the_table_has_a_row_for_everything_that_was_seen() -> None:
    used = {"own": 20.0, "files": 18, "threads": 3, "cpu": 1.0}
    box = {"wal": 4.0, "waiting": 0, "board": {"p50": 5.0, "p95": 9.0}, "crm": None}
    samples = [{"at": at, "tvs": 5, "gateway": used} | ({"box": box} if at % 30 == 0 else {}) for at in range(0, 3600, 5)]
    lines = lines_of(samples, 600)
    assert [line.what for line in lines if line.verdict is not None and line.verdict.word == "flat"] == [
        "memory, gateway", "open files, gateway", "threads, gateway", "write-ahead log", "to the board, p50", "to the board, p95",
    ]  # fmt: skip
    assert table_of(lines).count("\n") == len(lines) + 1


def test_a_picture_is_svg_whatever_is_drawn() -> None:
    pictures = [
        Picture(title='Memory, "MB" & <more>', lines={"a": [(0.0, 1.0), (60.0, 2.0)], "empty": []}),
        Picture(title="one value", lines={"b": [(0.0, 0.0)]}, from_zero=False),
        Picture(title="nothing", lines={}),
    ]
    drawn = ElementTree.fromstring(svg_of(pictures, 60.0, [(10.0, 12.0)], 5.0))
    assert drawn.tag.endswith("svg")
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == 3


@pytest.mark.parametrize(("low", "most"), [(0.0, 0.0), (0.0, 1e-9), (3.0, 3.0), (17.0, 18.1), (0.0, 1e9)])
def test_a_scale_holds_all_values_in_few_steps(low: float, most: float) -> None:
    for from_zero in (True, False):
        begin, end, step = scale_of(low, most, from_zero=from_zero)
        assert begin <= low
        assert end >= most
        assert 1 <= (end - begin) / step <= 5.01


def test_a_long_line_keeps_its_peaks() -> None:
    line = [(float(at), 1.0) for at in range(5000)]
    line[2345] = (2345.0, 99.0)
    assert len(thinned(line)) <= 700
    assert max(value for _, value in thinned(line)) == 99.0


def test_the_board_s_stream_tells_positions_and_content_has_one_mark() -> None:
    board = Board()
    board.told(b"retry: 2000\nevent: floor\nid: 7\ndata: {}\n\nevent: patch\nid: 9\ndata: {}\n\n")
    assert board.shown_s(9) is not None
    assert board.shown_s(10) is None
    assert mark_of({"a": 1, "b": [2]}) == mark_of({"b": [2], "a": 1}) != mark_of({"a": 1, "b": [3]})
