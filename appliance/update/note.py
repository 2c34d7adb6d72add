"""Decides what of an update stands in the journal: a health item of the box, `update`, that changes with what happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.core.catalogue import BoxHealth, kind_of
from appliance.core.clock import SystemClock
from appliance.core.config import Config
from appliance.core.event import Event
from appliance.runner import open_journal
from appliance.update.state import State

_NOTE_S = 60.0


def health_of(state: State) -> BoxHealth:
    """What holds now. Only a version that did not pass is anybody's trouble.

    >>> health_of(State(phase="staged", version="0.2.0"))
    BoxHealth(id='update', level='ok', text='0.2.0 is staged and not tried yet')
    """
    if state.phase == "staged":
        return BoxHealth(id="update", level="ok", text=f"{state.version} is staged and not tried yet")
    if state.phase == "trying":
        return BoxHealth(id="update", level="ok", text=f"{state.version} is being tried")
    if not state.past:
        return BoxHealth(id="update", level="ok")
    last = state.past[-1]
    if last.outcome == "good":
        return BoxHealth(id="update", level="ok", text=f"{last.version} runs")
    what = "did not pass, back to the version before" if last.outcome == "rolled-back" else "was interrupted"
    return BoxHealth(id="update", level="amber", text=f"update to {last.version} {what}: {last.reason}")


def append(config: Config, state: State) -> bool:
    """One event, durable. False where there is no journal yet: an update makes none. Raises CallfloorError."""
    if not config.journal.path.exists():
        return False
    data, clock = health_of(state), SystemClock()
    journal = open_journal(config, clock)
    try:
        journal.append([Event(kind_of(data), "box/box", clock.wall_ns(), clock.mono_ns(), clock.boot, clock.quality(), data)])
    finally:
        journal.close()
    return True


def told(config: Path) -> str:
    """`callfloor update note` in a process of its own, which becomes the journal's owner; the fault in words, or nothing."""
    words = [sys.executable, "-m", "appliance.cli.main", "update", "note", "-c", str(config)]
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=_NOTE_S, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
