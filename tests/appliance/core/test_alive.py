"""Who is alive: known at once when a process dies, and what it saw last outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.core.alive import Alive, Sight, began, is_alive, sights

HOLD = """
import sys
from pathlib import Path
from appliance.core.alive import Alive, Sight
held = Alive.open(Path(sys.argv[1]), "gateway")
held.saw("central", Sight("boot", 5, 6))
print("held", flush=True)
sys.stdin.read()
"""


def test_nobody_ever_ran(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "gateway")
    assert sights(tmp_path, "gateway") == {}


def test_alive_while_held(tmp_path: Path) -> None:
    held = Alive.open(tmp_path, "gateway")
    assert is_alive(tmp_path, "gateway")
    assert not is_alive(tmp_path, "uplink")
    held.close()
    assert not is_alive(tmp_path, "gateway")


def test_a_service_runs_once(tmp_path: Path) -> None:
    held = Alive.open(tmp_path, "gateway")
    with pytest.raises(BlockingIOError):
        Alive.open(tmp_path, "gateway")
    held.close()
    Alive.open(tmp_path, "gateway").close()


def test_a_killed_process_is_dead_at_once_and_its_last_sight_stays(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert is_alive(tmp_path, "gateway")
        process.kill()
        process.wait()
    assert not is_alive(tmp_path, "gateway")
    assert sights(tmp_path, "gateway") == {"central": Sight("boot", 5, 6)}


def test_stamps_replace_one_another_and_sources_stand_side_by_side(tmp_path: Path) -> None:
    held = Alive.open(tmp_path, "gateway")
    held.saw("central", Sight("boot", 1, 1, "a-long-word-for-a-state"))
    held.saw("norte", Sight("boot", 2, 2))
    held.saw("central", Sight("boot", 3, 3))
    assert sights(tmp_path, "gateway") == {"central": Sight("boot", 3, 3), "norte": Sight("boot", 2, 2)}
    held.close()


def test_a_holder_tells_since_when_and_keeps_what_its_predecessor_saw_until_it_sees_itself(tmp_path: Path) -> None:
    first = Alive.open(tmp_path, "gateway", Sight("boot", 1, 1))
    first.saw("central", Sight("boot", 2, 2))
    first.close()
    second = Alive.open(tmp_path, "gateway", Sight("boot", 3, 3))
    assert (began(tmp_path, "gateway"), sights(tmp_path, "gateway")) == (Sight("boot", 3, 3), {"central": Sight("boot", 2, 2)})
    second.saw("norte", Sight("boot", 4, 4))
    assert (began(tmp_path, "gateway"), sights(tmp_path, "gateway")) == (Sight("boot", 3, 3), {"norte": Sight("boot", 4, 4)})
    second.close()
    Alive.open(tmp_path, "gateway").close()
    assert began(tmp_path, "gateway") is None, "a holder that says nothing has not begun with its predecessor"


def test_rubbish_in_the_file_is_no_sight(tmp_path: Path) -> None:
    (tmp_path / "alive").mkdir()
    (tmp_path / "alive" / "gateway.lock").write_bytes(b"\xff\x00{")
    assert sights(tmp_path, "gateway") == {}


def test_a_stamp_that_finds_no_room_does_not_end_the_service(tmp_path: Path) -> None:
    alive = Alive.open(tmp_path, "gateway")
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, alive._descriptor)
    os.close(full)
    alive.saw("p", Sight("b", 1, 1))
    alive.close()
