"""Staging, activating and what comes back, with the backend that ships and a folder as CONFIG."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.core.errors import DeniedError
from appliance.update import trial
from appliance.update.boot import NO_WORD
from appliance.update.install import activated, needs_slots, staged_again
from appliance.update.place import Place
from appliance.update.state import Past, State, load, save

RAUC = Path(__file__).parents[3] / "images/rauc"
AUTOBOOT = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Slot A runs and is committed, as the factory leaves it."""
    keyring = tmp_path / "ca.pem"
    keyring.write_text("-")
    root = tmp_path / "root"
    subprocess.run([str(RAUC / "lay_out"), str(root), "callfloor-pc", str(keyring)], check=True)
    config = tmp_path / "config"
    config.mkdir()
    (config / "autoboot.txt").write_text(AUTOBOOT)
    place = Place(root)
    place.folder.mkdir(parents=True)
    monkeypatch.setenv("CALLFLOOR_BOOT_CONFIG", str(config))
    monkeypatch.setenv("CALLFLOOR_CMDLINE", str(tmp_path / "cmdline"))
    monkeypatch.setenv("CALLFLOOR_REBOOT_PARAMETER", str(tmp_path / "run/reboot-param"))
    monkeypatch.setenv("CALLFLOOR_UPDATE_FOLDER", str(place.folder))
    boots(tmp_path, "A")
    return place


def boots(folder: Path, slot: str) -> None:
    """As after a start: a new /run."""
    (folder / "cmdline").write_text(f"root=PARTLABEL=system_{slot.lower()} ro rauc.slot={slot} quiet\n")
    shutil.rmtree(folder / "run", ignore_errors=True)


def stage(place: Place) -> State:
    """As `staged` leaves it when RAUC has written B."""
    for words in (("set-state", "B", "bad"), ("set-primary", "B")):
        subprocess.run([str(place.tryboot), *words], check=True)
    state = State(phase="staged", version="0.2.0", was="0.1.0", slot="B", activate=True, past=(Past("0.1.0", "good"),))
    save(place.folder, state)
    return state


def test_what_a_cut_brought_back_is_tried_once_more(box: Place, tmp_path: Path) -> None:
    activated(box, stage(box), None)
    assert (tmp_path / "run/reboot-param").read_text() == "0 tryboot"
    boots(tmp_path, "A")
    said: list[str] = []
    assert trial.at_boot(box, tmp_path / "no.toml", said.append) == 0
    state = load(box.folder)
    assert (state.phase, state.past[-1].outcome, state.past[-1].reason) == ("idle", "rolled-back", NO_WORD)
    assert needs_slots(box).staged == ""
    again = staged_again(box, state)
    assert (again.phase, needs_slots(box).staged) == ("staged", "B")
    assert activated(box, again, None).phase == "trying"
    assert (tmp_path / "run/reboot-param").read_text() == "0 tryboot"


@pytest.mark.parametrize(
    "state",
    [
        State(),
        # Half a system lies there.
        State(version="0.2.0", slot="B", past=(Past("0.2.0", "interrupted", "cut"),)),
        # It runs.
        State(version="0.2.0", slot="A", past=(Past("0.2.0", "good"),)),
        State(version="0.2.0", slot="A", past=(Past("0.2.0", "rolled-back"),)),
        # Writing the next one failed: nothing is known of the slot.
        State(past=(Past("0.2.0", "rolled-back"),)),
        State(kind="deb", version="0.2.0", past=(Past("0.2.0", "rolled-back"),)),
    ],
)
def test_nothing_else_is_tried_again(box: Place, tmp_path: Path, state: State) -> None:
    with pytest.raises(DeniedError, match="nothing is staged"):
        activated(box, staged_again(box, state), None)
    assert not (tmp_path / "run/reboot-param").exists()


def test_what_the_health_check_said_is_there_although_its_restart_ends_it(box: Place, tmp_path: Path) -> None:
    stage(box)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "systemctl").write_text('#!/bin/sh\n[ "$2" != reboot ] || kill -TERM $PPID\n')
    (tools / "systemctl").chmod(0o755)
    words = (
        "import argparse, os, pathlib; from appliance.cli.update import main; from appliance.update.place import Place; os.geteuid = lambda: 0; "
        f"main(argparse.Namespace(what='health', outcome=None, config='{tmp_path}/no.toml', lang=None), Place(pathlib.Path('{box.root}')))"
    )
    path = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", words], check=False, capture_output=True, text=True, env=path, timeout=60)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == "0.2.0 was staged when the power was cut: restarting into it\n"
    assert load(box.folder).phase == "trying"
