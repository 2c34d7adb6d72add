"""Decides how a bundle gets into the other slot and how that slot comes to be tried. Every step is on the disk before the next begins."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance.core.errors import DeniedError, TransientError, UnsupportedError
from appliance.update.candidate import Candidate, running_version
from appliance.update.place import Place, said
from appliance.update.slots import Slots, slots_of
from appliance.update.state import Facts, State, load, save

_INSTALL_S = 3600.0
_SHARE = re.compile(r"^\s*(\d{1,3})%\s+(.*)$")

#: Called with per cent done and what is done.
Seen = Callable[[int, str], object]


def needs_slots(place: Place) -> Slots:
    """Raises UnsupportedError on a stock Debian, TransientError when CONFIG cannot be read."""
    slots = slots_of(place)
    if slots is None:
        raise UnsupportedError("this box has one system only, not two slots: it is updated by .deb")
    return slots


def staged(candidate: Candidate, place: Place, before: Facts, source: str, *, activate: bool, seen: Seen) -> State:
    """Write the bundle into the other slot and stage it; the slot that runs is not touched.

    Raises DeniedError while a slot is being tried, TransientError with RAUC's own words when it refuses or cannot write.
    """
    slots = needs_slots(place)
    if slots.trial:
        raise DeniedError(f"slot {slots.booted} is being tried right now; wait for its verdict: callfloor update status")
    target = "B" if slots.booted == "A" else "A"
    state = State(
        phase="writing", kind="image", version=candidate.version, was=running_version(place), slot=target, sha256=candidate.sha256,
        source=source, activate=activate, before=before, past=load(place.folder).past,
    )  # fmt: skip
    save(place.folder, state)
    for name in ("reason", "reached"):
        (place.folder / name).unlink(missing_ok=True)
    try:
        _write(candidate.file, seen)
        said("rauc", "status", "mark-active", "other")
        os.sync()
        now = needs_slots(place)
        if now.staged != target:
            raise TransientError(f"slot {target} was written, and is not staged; look at: sudo {place.tryboot} status")
    except TransientError:
        # Nothing of it counts: the slot that is committed starts as before.
        save(place.folder, State(past=state.past))
        raise
    state = msgspec.structs.replace(state, phase="staged")
    save(place.folder, state)
    return state


def staged_again(place: Place, state: State) -> State:
    """What came back without a verdict, or with a bad one, staged once more as it lies in its slot; any other state as it is.

    A write that was interrupted left half a system, and is not among these.
    """
    slots = needs_slots(place)
    last = state.past[-1] if state.past else None
    came_back = state.phase == "idle" and last is not None and last.outcome == "rolled-back" and last.version == state.version
    if not came_back or state.kind != "image" or not state.slot or state.slot == slots.booted or slots.trial:
        return state
    said(place.tryboot, "set-primary", state.slot)
    state = msgspec.structs.replace(state, phase="staged")
    save(place.folder, state)
    return state


def activated(place: Place, state: State, before: Facts | None) -> State:
    """Arm the one try, and remember it. The caller restarts the box.

    Raises DeniedError when nothing is staged.
    """
    slots = needs_slots(place)
    if state.phase != "staged" or not slots.staged or slots.staged != state.slot:
        raise DeniedError("nothing is staged; first: callfloor update FILE")
    said(place.tryboot, "arm")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    state = msgspec.structs.replace(state, phase="trying", boot=boot, activate=True, before=before or state.before)
    save(place.folder, state)
    return state


def restart() -> None:
    """Restart the box in order: services drain, file systems are flushed. Returns at once."""
    said("systemctl", "--no-block", "reboot")


def _write(file: Path, seen: Seen) -> None:
    """`rauc install`, its progress told. Raises TransientError with its last error."""
    command = ["rauc", "install", str(file)]
    try:
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace"
        )
    except FileNotFoundError as fault:
        raise UnsupportedError("rauc is not installed here") from fault
    last = ""
    with running:
        assert running.stdout is not None
        for line in running.stdout:
            if found := _SHARE.match(line):
                seen(int(found[1]), found[2].strip())
            elif line.startswith("LastError:") or "failed" in line.lower():
                last = line.removeprefix("LastError:").strip()
        code = running.wait(timeout=_INSTALL_S)
    if code:
        raise TransientError(f"rauc did not write {file.name}: {last or f'exit code {code}'}; the slot that runs is as it was")
