"""A board of a site with analog lines and no PBX: dashes where nobody can know, and words for what is not told or not heard."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from appliance.core.clock import NS
from appliance.floor.snapshot import Health, Pbx, Queue, Snapshot, Window
from wallboard.banner import banners
from wallboard.tile import Reader, Scope
from wallboard.words import words_of

NOW_NS = 1_800_000_000 * NS


def tiles(language: str, snapshot: Snapshot) -> Reader:
    return Reader(snapshot, words_of(language), {}, NOW_NS)


def test_what_nobody_can_know_is_a_dash_and_what_nobody_told_is_said() -> None:
    window = Window(offered=9, answered=3, abandoned=1, unknown=5, target=15.0)
    queue = Queue(title="Líneas", pbx="lines", fresh="live", waiting=2, agents=None, today=window)
    found = tiles("es", Snapshot(queues={"lines": queue}, floor=queue))
    scope = Scope("queue.lines", queue, "today")
    values = {
        key: tile.value for key in ("waiting", "available", "busy", "paused", "offered") if (tile := found.tile(key, scope)) is not None
    }
    assert values == {"waiting": "2", "available": "–", "busy": "–", "paused": "–", "offered": "9"}
    offered = found.tile("offered", scope)
    assert offered is not None
    assert offered.notes == ("5 sin desenlace conocido",)


def test_a_line_that_is_not_heard_is_named() -> None:
    snapshot = Snapshot(
        pbx={"lines": Pbx(state="down")}, health=[Health(id="line.l2", level="red", text="modem serial:///dev/ttyUSB1: gone")]
    )
    for language, texts in {
        "es": ("Hay líneas que no se oyen", "Línea sin conexión: l2"),
        "en": ("Some lines are not heard", "modem serial:///dev/ttyUSB1: gone"),
        "pt": ("Há linhas que não são ouvidas", "Linha sem conexão: l2"),
    }.items():
        said = [
            text for banner in banners(snapshot, words_of(language), NOW_NS, ZoneInfo("UTC")) for text in (banner.text, *banner.details)
        ]
        assert set(texts) <= set(said), said


def test_call_records_alone_show_no_queue() -> None:
    """Nobody's printout says who waits: the figures are dashes, never 0."""
    found = tiles("en", Snapshot())
    for key in ("waiting", "longest_wait", "service_level", "available", "abandon_rate", "offered"):
        tile = found.tile(key, Scope("floor", Queue(), "today"))
        assert tile is not None
        assert tile.value == "–", key
