"""Two PBXs that each have a "Ventas": a board says whose each is; where a title stands once it stands alone."""

from __future__ import annotations

from appliance.cli.screen import screen
from appliance.floor.snapshot import Queue, Snapshot

NOW = "2026-11-21T14:00:00.000Z"


def test_queues_of_one_name_are_told_apart() -> None:
    queues = {
        "norte.ventas": Queue(title="Ventas", pbx="norte", fresh="live", waiting=1),
        "sur.ventas": Queue(title="Ventas", pbx="sur", fresh="live", waiting=2),
        "sur.soporte": Queue(title="Soporte", pbx="sur", fresh="live", waiting=0),
    }
    text = screen(Snapshot(site="s", box="b", time=NOW, queues=queues))
    rows = [line.split("  ")[0].strip() for line in text.splitlines()]
    assert "Ventas (norte)" in rows
    assert "Ventas (sur)" in rows
    assert "Soporte" in rows
