"""The backend that says which slot starts, run as it ships, with a folder as CONFIG: every verb, both kinds of firmware, cuts at every write."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "images/rauc/tryboot"
AUTOBOOT = "[all]\ntryboot_a_b=1\nboot_partition={}\n[tryboot]\nboot_partition={}\n"


class Rig:
    """A CONFIG, a /proc/cmdline, a place for the reboot's argument."""

    def __init__(self, folder: Path, *, grub: bool) -> None:
        self.config, self.cmdline, self.parameter, self.kept = (
            folder / "config",
            folder / "cmdline",
            folder / "run/reboot-param",
            folder / "kept",
        )
        self.reboots = folder / "reboots"
        self.config.mkdir()
        (self.config / "autoboot.txt").write_text(AUTOBOOT.format(2, 3))
        self.grub = grub
        if grub:
            (self.config / "EFI/debian").mkdir(parents=True)
            text = "# GRUB Environment Block\nboot_partition=2\ntryboot=0\narguments=quiet video=1920x1080\n"
            (self.config / "EFI/debian/grubenv").write_bytes(text.encode().ljust(1024, b"#"))
        self.boot("A")

    def boot(self, slot: str) -> None:
        """As after a start: a new /run."""
        self.cmdline.write_text(f"root=PARTLABEL=system_{slot.lower()} ro rauc.slot={slot} quiet\n")
        self.parameter.unlink(missing_ok=True)

    def run(self, *words: str, ok: bool = True, path: str | None = None) -> str:
        environ = {
            "PATH": path or os.environ["PATH"],
            "CALLFLOOR_BOOT_CONFIG": str(self.config),
            "CALLFLOOR_CMDLINE": str(self.cmdline),
            "CALLFLOOR_REBOOT_PARAMETER": str(self.parameter),
            "CALLFLOOR_UPDATE_FOLDER": str(self.kept),
            "CALLFLOOR_REBOOT": f"touch {self.reboots}",
        }
        done = subprocess.run(["/bin/sh", str(SCRIPT), *words], check=False, capture_output=True, text=True, env=environ, timeout=20)
        assert (done.returncode == 0) == ok, done.stderr
        return done.stdout.strip() if ok else done.stderr.strip()

    def status(self) -> dict[str, str]:
        return dict(line.partition("=")[::2] for line in self.run("status").splitlines())

    def firmware(self) -> str:
        """The slot that would start now, by the documented rules; a one-shot flag is used up."""
        if self.grub:
            env = self.config / "EFI/debian/grubenv"
            text = env.read_bytes()
            assert len(text) == 1024
            found = dict(line.partition("=")[::2] for line in text.decode().splitlines())
            other = {"2": "3", "3": "2"}
            start = other[found["boot_partition"]] if found["tryboot"] == "1" else found["boot_partition"]
            env.write_bytes(text.replace(b"tryboot=1", b"tryboot=0"))
        else:
            tried = self.parameter.exists() and self.parameter.read_text() == "0 tryboot"
            section, start = "", ""
            for line in (self.config / "autoboot.txt").read_text().splitlines():
                section = line if line.startswith("[") else section
                if line.startswith("boot_partition=") and section == ("[tryboot]" if tried else "[all]"):
                    start = line.partition("=")[2]
        return {"2": "A", "3": "B"}[start]


@pytest.fixture(params=["pi", "grub"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, grub=request.param == "grub")


def stage(rig: Rig, slot: str = "B") -> None:
    """As `rauc install` and `rauc status mark-active` call it."""
    rig.run("set-state", slot, "bad")
    rig.run("set-primary", slot)


def test_an_update_is_tried_once_and_committed_only_when_told(rig: Rig) -> None:
    rig.run("set-state", "A", "good")
    stage(rig)
    assert rig.status() == {"booted": "A", "committed": "A", "staged": "B", "good": "A", "firmware": "grub" if rig.grub else "pi"}
    assert rig.run("get-primary") == "B"
    assert rig.firmware() == "A", "staged is not armed"
    rig.run("arm")
    assert rig.firmware() == "B"
    rig.boot("B")
    assert rig.run("get-current") == "B"
    assert rig.run("get-state", "B") == "bad"
    # RAUC's own mark-good does not commit.
    rig.run("set-state", "B", "good")
    assert rig.status()["committed"] == "A"
    rig.run("commit")
    assert rig.status() | {"good": ""} == {"booted": "B", "committed": "B", "staged": "", "good": "", "firmware": rig.status()["firmware"]}
    assert rig.firmware() == "B"
    if rig.grub:
        assert b"arguments=quiet video=1920x1080\n" in (rig.config / "EFI/debian/grubenv").read_bytes()


def test_a_slot_that_was_tried_and_says_nothing_is_left_at_the_next_start(rig: Rig) -> None:
    stage(rig)
    rig.run("arm")
    assert rig.firmware() == "B"
    rig.boot("B")
    # A panic, a hang, a pulled plug: nothing is called.
    assert rig.firmware() == "A"


def test_rollback_keeps_the_first_reason_and_restarts_into_the_committed_slot(rig: Rig) -> None:
    stage(rig)
    rig.run("arm")
    rig.firmware()
    rig.boot("B")
    rig.run("rollback", "the board is not drawn")
    assert rig.reboots.exists()
    assert (rig.kept / "reason").read_text() == "the board is not drawn\n"
    rig.run("rollback", "no verdict in time")
    assert (rig.kept / "reason").read_text() == "the board is not drawn\n"
    assert rig.firmware() == "A"
    rig.boot("A")
    assert rig.status()["staged"] == ""


def test_a_committed_slot_never_goes_back_by_itself(rig: Rig) -> None:
    rig.run("rollback", "services are down")
    assert not rig.reboots.exists()
    assert not (rig.kept / "reason").exists()


def test_only_what_is_staged_is_tried(rig: Rig) -> None:
    assert "nothing is staged" in rig.run("arm", ok=False)
    stage(rig)
    # RAUC begins to write over it again: what is half-written must not be tried.
    rig.run("arm")
    rig.run("set-state", "B", "bad")
    assert rig.firmware() == "A"
    assert "nothing is staged" in rig.run("arm", ok=False)


def test_unstage_and_the_committed_slot_as_primary_forget(rig: Rig) -> None:
    for forget in (("unstage",), ("set-primary", "A")):
        stage(rig)
        rig.run("arm")
        rig.run(*forget)
        assert rig.firmware() == "A"
        assert rig.status()["staged"] == ""


def test_what_is_no_slot_and_a_config_that_is_not_there_are_refused(rig: Rig) -> None:
    assert "slot must be A or B" in rig.run("set-primary", "C", ok=False)
    assert "state must be good or bad" in rig.run("set-state", "A", "fine", ok=False)
    assert "unknown verb" in rig.run("frobnicate", ok=False)
    for path in rig.config.rglob("*"):
        if path.is_file():
            path.unlink()
    assert "is CONFIG mounted there?" in rig.run("status", ok=False)


def test_a_torn_staged_file_is_nothing_staged(rig: Rig) -> None:
    (rig.config / "staged").write_bytes(b"\0\0")
    assert rig.status()["staged"] == ""
    assert rig.run("get-primary") == "A"


@pytest.mark.parametrize("at", range(1, 8))
def test_a_cut_at_any_write_leaves_a_slot_that_starts(rig: Rig, at: int, tmp_path: Path) -> None:
    """`mv`, `sync` and `rm` count themselves; at the `at`-th the power goes."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("mv", "sync", "rm"):
        real = shutil.which(name)
        (tools / name).write_text(
            f'#!/bin/sh\nn=$(cat {tools}/n 2>/dev/null || echo 0); n=$((n+1)); echo $n >{tools}/n\n[ $n -ne {at} ] || kill -9 $PPID\nexec {real} "$@"\n'
        )
        (tools / name).chmod(0o755)
    path = f"{tools}:{os.environ['PATH']}"
    steps = [("A", ("set-state", "B", "bad")), ("A", ("set-primary", "B")), ("A", ("arm",)), ("B", ("commit",))]
    for booted, words in steps:
        if rig.run("get-current") != booted:
            rig.boot(booted)
        environ = {
            "PATH": path, "CALLFLOOR_BOOT_CONFIG": str(rig.config), "CALLFLOOR_CMDLINE": str(rig.cmdline),
            "CALLFLOOR_REBOOT_PARAMETER": str(rig.parameter), "CALLFLOOR_UPDATE_FOLDER": str(rig.kept),
        }  # fmt: skip
        if subprocess.run(["/bin/sh", str(SCRIPT), *words], check=False, capture_output=True, env=environ, timeout=20).returncode != 0:
            break
    rig.parameter.unlink(missing_ok=True)
    assert rig.firmware() in {"A", "B"}
    assert rig.status()["committed"] in {"A", "B"}
    # And the next update goes through from there.
    now = rig.status()["committed"]
    rig.boot(now)
    other = {"A": "B", "B": "A"}[now]
    stage(rig, other)
    rig.run("arm")
    assert rig.firmware() == other
