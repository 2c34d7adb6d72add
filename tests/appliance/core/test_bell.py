"""The bell between processes: heard by all, never in the way, found again whatever befalls the folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.core.bell import Bell, Ringer


def test_every_listener_hears_the_newest(tmp_path: Path) -> None:
    first, second, ringer = Bell(tmp_path), Bell(tmp_path), Ringer(tmp_path)
    ringer.ring(3)
    ringer.ring(7)
    assert (first.heard(), second.heard()) == (7, 7)
    assert first.heard() == 0
    for held in (first, second, ringer):
        held.close()


def test_ringing_where_nobody_listens(tmp_path: Path) -> None:
    ringer = Ringer(tmp_path / "nowhere")
    ringer.ring(1)
    ringer.close()


def test_a_closed_bell_leaves_nothing_behind(tmp_path: Path) -> None:
    bell = Bell(tmp_path)
    bell.close()
    assert list(tmp_path.iterdir()) == []


def test_a_late_listener_is_found(tmp_path: Path) -> None:
    ringer, early = Ringer(tmp_path), Bell(tmp_path)
    ringer.ring(1)
    late = Bell(tmp_path)
    ringer.ring(2)
    assert (early.heard(), late.heard()) == (2, 2)
    for held in (early, late, ringer):
        held.close()


def test_a_listener_of_the_same_tick_is_found(tmp_path: Path) -> None:
    """Two changes of a folder within one tick of the kernel's clock leave one stamp: made here by setting it."""
    ringer, early = Ringer(tmp_path), Bell(tmp_path)
    now = time.time_ns() + 10_000_000_000
    os.utime(tmp_path, ns=(now, now))
    ringer.ring(1)
    late = Bell(tmp_path)
    os.utime(tmp_path, ns=(now, now))
    ringer.ring(2)
    assert late.heard() == 2
    for held in (early, late, ringer):
        held.close()


def test_the_bell_of_a_dead_process_is_cleared_away(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from appliance.core.bell import Bell; import os; Bell(Path({str(tmp_path)!r})); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    ringer, living = Ringer(tmp_path), Bell(tmp_path)
    ringer.ring(4)
    assert living.heard() == 4
    assert list(tmp_path.iterdir()) == [living.path]
    living.close()
    ringer.close()


def test_a_listener_that_does_not_listen_holds_nobody_up(tmp_path: Path) -> None:
    deaf, ringer = Bell(tmp_path), Ringer(tmp_path)
    for seq in range(1, 5000):
        ringer.ring(seq)
    assert deaf.heard() > 0
    deaf.close()
    ringer.close()


@pytest.mark.parametrize("depth", [1, 6])
def test_a_folder_may_lie_deep(tmp_path: Path, depth: int) -> None:
    """A socket's address holds 107 bytes; a path may be longer."""
    folder = tmp_path.joinpath(*["a-folder-with-a-long-name"] * depth)
    bell, ringer = Bell(folder), Ringer(folder)
    ringer.ring(5)
    assert bell.heard() == 5
    assert bell.path.exists()
    bell.close()
    assert not bell.path.exists()
    ringer.ring(6)
    again = Bell(folder)
    ringer.ring(7)
    assert again.heard() == 7
    again.close()
    ringer.close()


def test_a_folder_made_anew_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "bells"
    gone, ringer = Bell(folder), Ringer(folder)
    ringer.ring(1)
    shutil.rmtree(folder)
    ringer.ring(2)
    bell = Bell(folder)
    ringer.ring(3)
    assert bell.heard() == 3
    for held in (gone, bell, ringer):
        held.close()
