"""A card that fails while the box runs, and a journal that somebody deletes: said on the board, survived, and healed without a hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_box import Box, Site

from appliance.core.catalogue import CallHeld
from appliance.core.clock import SystemClock
from appliance.core.errors import CallfloorError
from appliance.core.event import Event
from appliance.core.journal_sqlite import SqliteJournal


def held() -> Event:
    clock = SystemClock()
    return Event("call.held", "test/test", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), CallHeld(call="c1", pbx="other"))


def ran(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not allowed here: {' '.join(map(str, command))}: {done.stderr.strip()}")


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """An ext4 of its own."""
    place, image = tmp_path / "card", tmp_path / "card.img"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(1 << 30)  # sparse: with less free the board would speak of room
    ran("mkfs.ext4", "-q", "-F", image)
    ran("mount", "-o", "loop", image, place)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def red(box: Box, item: str) -> list[str]:
    """What the board says of this in red."""
    health: list[dict[str, Any]] = (box.floor() or {"health": []})["health"]
    return [each["text"] for each in health if each["id"] == item and each["level"] == "red"]


def test_a_card_that_goes_read_only_is_on_the_board_and_gone_from_it_once_it_is_mounted_again(site: Site, card: Path) -> None:
    run_dir = site.folder / "run"
    box = site.box(journal=card / "journal.db", budget=f'run_dir = "{run_dir}"')
    box.service("wallboard").start()
    epoch = site.until(box.floor, what=box.logs)["epoch"]
    journal = SqliteJournal.open(card / "journal.db", run_dir=run_dir)  # as another process of the box
    journal.append([held()])
    ran("mount", "-o", "remount,abort", card)  # what the kernel does by itself when the card fails
    site.until(lambda: any("read-only" in text for text in red(box, "disk")), what=box.logs)
    with pytest.raises(CallfloorError, match="journal at"):
        journal.append([held()])
    again = site.folder / "again.img"
    shutil.copyfile(site.folder / "card.img", again)
    subprocess.run(["umount", "-l", str(card)], check=True)
    subprocess.run(["e2fsck", "-fy", str(again)], capture_output=True, check=False)
    ran("mount", "-o", "loop", again, card)
    seq = journal.append([held()])
    journal.close()
    site.until(lambda: not red(box, "disk"), what=box.logs)
    site.until(lambda: (floor := box.floor()) and floor["seq"] >= seq, what=box.logs)
    assert (box.floor() or {})["epoch"] == epoch
    assert box.services["wallboard"].starts == 1
    assert "Traceback" not in box.services["wallboard"].log()


def test_a_journal_that_is_deleted_under_running_services_begins_anew_and_says_so(site: Site) -> None:
    box = site.box()
    box.service("wallboard").start()
    epoch = site.until(box.floor, what=box.logs)["epoch"]
    journal = SqliteJournal.open(site.folder / "journal.db", run_dir=site.folder / "run")
    journal.append([held()])
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (site.folder / name).unlink()
    journal.append([held()])
    floor = site.until(lambda: (floor := box.floor()) and floor["epoch"] != epoch and floor, what=box.logs)
    assert floor["epoch"] == journal.epoch
    journal.close()
    site.until(lambda: any(item["id"] == "journal.epoch" for item in (box.floor() or {"health": []})["health"]), what=box.logs)
    assert box.services["wallboard"].starts == 1
    assert "Traceback" not in box.services["wallboard"].log()
