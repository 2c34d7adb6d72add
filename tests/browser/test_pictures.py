"""The pictures of the documentation, drawn by the real page: CALLFLOOR_PICTURES=1 .venv/bin/pytest tests/browser -k pictures."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from appliance.floor.snapshot import Alarm
from wallboard.sample import ago, stocked

if TYPE_CHECKING:
    from conftest import Box, Browser

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parent.parent.parent / "docs" / "images"
NEAR = 'distance_m = 3\n[[page]]\nkind = "floor"\n[[page]]\nkind = "queues"\n[[page]]\nkind = "agents"\nnames = true\n[[page]]\nkind = "trunks"\n'
BACK = "distance_m = 5\n" + "".join(f'[[page]]\nkind = "{kind}"\n' for kind in ("callbacks", "channels", "classes", "outbound"))
#: Name of the picture, board, query, size, face.
SHOTS = (
    ("board-floor", "floor", "", (1920, 1080), "alarm"),
    ("board-near", "near", "page=floor", (1920, 1080), "alarm"),
    ("board-near-4k-pt", "near", "page=floor&lang=pt", (3840, 2160), "normal"),
    ("board-queues-en", "near", "page=queues&lang=en", (1920, 1080), "alarm"),
    ("board-agents", "near", "page=agents", (1280, 720), "normal"),
    ("board-portrait", "near", "page=floor", (1080, 1920), "normal"),
    ("board-queue-en", "queue.ventas", "lang=en", (1920, 1080), "normal"),
    ("board-vip", "near", "page=floor", (1920, 1080), "vip"),
    ("board-channels", "back", "page=channels", (1920, 1080), "extraordinary"),
    ("board-classes-pt", "back", "page=classes&lang=pt", (1280, 720), "vip"),
    ("board-outbound-en", "back", "page=outbound&lang=en", (1280, 720), "vip"),
    ("board-link-down", "near", "page=floor", (1920, 1080), "link_down"),
    ("board-pbx-down-pt", "floor", "lang=pt", (1920, 1080), "pbx_down"),
    ("board-closed", "floor", "", (1280, 720), "closed"),
    ("board-led", "led.entrada", "", (1280, 400), "normal"),
)


@pytest.mark.skipif(not os.environ.get("CALLFLOOR_PICTURES"), reason="draws docs/images anew: CALLFLOOR_PICTURES=1")
async def test_pictures_for_the_documentation(browser: Browser, box: Box) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    box.write("near", NEAR)
    box.write("back", BACK)
    for name, board, query, (width, height), face in SHOTS:
        floor = box.show(face)
        if board == "back" and face != "vip":
            stocked(floor)
            box.tell()
        if face == "alarm":
            floor.alarms = [
                Alarm(id="floor.abandon_rate", level="red", since=ago(95)),
                Alarm(id="floor.longest_wait", level="amber", since=ago(20)),
                Alarm(id="queue.cobranzas.abandon_rate", level="red", since=ago(600), acknowledged=ago(540)),
                Alarm(id="queue.cobranzas.service_level", level="red", since=ago(300)),
            ]
            box.tell()
        tab = await box.open(browser, f"/board/{board}?{query}", width, height)
        await asyncio.sleep(1.5 if board.startswith("led") else 0.9)
        path = PICTURES / f"{name}.png"
        await tab.picture(path)
        with Image.open(path) as full:
            full.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)
        await tab.close()
    assert sum(path.stat().st_size for path in PICTURES.glob("board-*.png")) < 3_000_000
