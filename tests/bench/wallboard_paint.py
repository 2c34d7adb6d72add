"""`board.paint_p50`, `board.paint_p99`: from an event's append to its figure painted, in a real Chromium that looks at a real wallboard."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.box import Box
from tests.bench.room import Room, SkippedError
from tests.bench.table import Row, alone, no_more_than, percentile
from tests.bench.wallboard_floor import QUEUE, Floor, Told

if TYPE_CHECKING:
    from tests.browser.conftest import Tab

_RATE = 5
BOARD = f'title = "Bench"\n[[page]]\nkind = "queue"\nqueue = "{QUEUE}"\nfigures = ["waiting"]\n'
#: Notes each new text of the first figure with the moment after the frame that shows it.
_WATCH = """(() => {
  window.__painted = [];
  const after = new MessageChannel();
  let last = null, shown = null;
  after.port1.onmessage = () => { if (shown !== null) { window.__painted.push([shown, performance.now()]); shown = null; } };
  const look = () => {
    const now = document.querySelector("article .digits")?.textContent ?? "";
    if (now === last) return;
    last = now;
    requestAnimationFrame(() => { shown = now; after.port2.postMessage(0); });
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
})()"""
#: The same from a change that the page makes itself: what no board can be faster than.
_OWN = """(async () => {
  const spot = document.body.appendChild(document.createElement("i")), out = [], after = new MessageChannel();
  for (let n = 0; n < 60; n += 1) {
    await new Promise((done) => setTimeout(done, 20 + 15 * Math.random()));
    const began = performance.now();
    await new Promise((done) => {
      after.port1.onmessage = done;
      spot.textContent = n;
      requestAnimationFrame(() => after.port2.postMessage(0));
    });
    out.push(performance.now() - began);
  }
  spot.remove();
  return out;
})()"""


def paint(room: Room) -> list[Row]:
    """Changes at five a second on a board of one figure; beside it a change that the page makes itself."""
    try:
        from tests.browser import conftest as chromium  # noqa: PLC0415 - brings pytest along
    except ImportError as fault:
        raise SkippedError(f"the browser tests' own tools do not load: {fault}") from fault
    if chromium.CHROMIUM is None:
        raise SkippedError("no Chromium here: make setup installs it")
    changes = 25 if room.quick else 80
    medians, lasts, owns = [], [], []
    with room.passing() as folder:
        box = Box(folder / "box", crm_port=None)
        (folder / "box" / "boards").mkdir()
        (folder / "box" / "boards" / "bench.toml").write_text(BOARD)
        with box, Floor(box) as floor:
            box.start("wallboard")
            box.wait_for("the board", lambda: (seen := box.floor()) and QUEUE in seen["queues"])
            for waits, own in asyncio.run(_rounds(room, folder / "chromium", box, floor, changes)):
                medians.append(percentile(waits, 0.5))
                lasts.append(percentile(waits, 0.99))
                owns.append(percentile(own, 0.5))
    note = f"{changes} changes a run, {_RATE} a second; append returned → after the frame"
    frame = "a change of the page's own to its frame"
    return [
        alone("board.paint_p50", "ms", medians, no_more_than(200, "ms"), note, f"{frame}: {percentile(owns, 0.5):.1f} ms p50"),
        alone("board.paint_p99", "ms", lasts, no_more_than(400, "ms"), note),
    ]


async def _rounds(room: Room, profile: Path, box: Box, floor: Floor, changes: int) -> list[tuple[list[float], list[float]]]:
    from tests.browser.conftest import running_chromium  # noqa: PLC0415 - brings pytest along

    out = []
    async with running_chromium(profile) as browser:
        tab = await browser.tab()
        await tab.open(f"http://127.0.0.1:{box.board_port}/board/bench")
        await tab.until('document.querySelector("article .digits")?.textContent.length > 0', 30)
        await tab.ask(_WATCH)
        floor.begin(_RATE, _RATE)
        await asyncio.to_thread(floor.told)
        await asyncio.sleep(1)
        for again in room.rounds(3, 1):
            room.say(f"round {again + 1}: {changes} changes in front of Chromium")
            await tab.ask("window.__painted.length = 0")
            floor.begin(changes, _RATE)
            told = await asyncio.to_thread(floor.told)
            await asyncio.sleep(1)
            offset_s = await _offset_s(tab)
            painted = json.loads(await tab.ask("JSON.stringify(window.__painted)"))
            out.append((waits_ms(told, [(text, ms / 1000 + offset_s) for text, ms in painted]), await tab.ask(_OWN)))
        await tab.close()
    return out


async def _offset_s(tab: Tab) -> float:
    """This process's monotonic clock minus the page's: from the quickest of many questions, so right to half its way."""
    best: tuple[float, float] = (9.0, 0.0)
    for _ in range(100):
        before = time.monotonic()
        page_ms: Any = await tab.ask("performance.now()")
        after = time.monotonic()
        best = min(best, (after - before, (before + after) / 2 - page_ms / 1000))
    return best[1]


def waits_ms(told: list[Told], painted: list[tuple[str, float]]) -> list[float]:
    """Each change's way, until its figure stood there. Raises RuntimeError when one never did."""
    out = []
    for number, change in enumerate(told):
        # Another change of the same figure comes only after a tide; one that was passed over shows with the next.
        wanted = {str(each.waiting) for each in told[number : number + 3]}
        at = next((at for text, at in painted if at > change.at_s - 0.002 and text in wanted), None)
        if at is None:
            raise RuntimeError(f"the board never showed {change.waiting}; it showed {painted[-3:]}")
        out.append((at - change.at_s) * 1000)
    return out
