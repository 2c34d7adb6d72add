"""What of the board itself a floor is shown: red in its own language, amber not at all."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from appliance.floor.snapshot import Health, Snapshot
from wallboard.banner import banners
from wallboard.words import words_of

TEXTS = {
    "power": "Alimentación eléctrica insuficiente",
    "temperature": "El equipo está demasiado caliente",
    "memory": "Falta memoria en el equipo",
    "card": "La tarjeta de memoria está por fallar",
}


@pytest.mark.parametrize("item", TEXTS)
def test_a_floor_is_told_what_is_grave_and_cannot_wait(item: str) -> None:
    def shown(level: str) -> list[tuple[str, ...]]:
        shot = Snapshot(time="2026-11-22T08:00:00.000Z", clock="synced", health=[Health(id=item, level=level, text="said")])  # type: ignore[arg-type]
        return [each.details for each in banners(shot, words_of("es"), 0, ZoneInfo("UTC")) if each.trouble == "box"]

    assert shown("red") == [(TEXTS[item],)]
    assert shown("amber") == []
