"""Decides what of an update somebody should know: one that waits, one that did not pass, one that nobody judged."""

from __future__ import annotations

from appliance.core.config import Config
from appliance.core.errors import CallfloorError
from appliance.doctor.finding import Finding, Scene
from appliance.update.place import Place
from appliance.update.slots import Slots, slots_of
from appliance.update.state import State, at_work, load

LIMIT_S = 10.0


def wanted(config: Config) -> bool:
    """On a box that has slots, or was ever updated."""
    place = Place()
    return place.has_slots or (place.folder / "state.json").exists()


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    place = Place()
    try:
        return judge(load(place.folder), slots_of(place), at_work=at_work(place.folder))
    except CallfloorError as fault:
        so = "no update can be staged, and what is staged cannot be seen"
        return (Finding("update", "red", "the slots cannot be asked", str(fault), so, "sudo mount -o ro /boot/config"),)


def judge(state: State, slots: Slots | None, *, at_work: bool = False) -> tuple[Finding, ...]:
    """What follows."""
    runs = f"slot {slots.booted} runs, {slots.committed} is committed" if slots else "one system, updated by .deb"
    if slots is not None and slots.trial:
        so = f"without a verdict of its health check the box goes back to {slots.committed}"
        return (Finding("update", "amber", f"{state.version} is being tried", runs, so, "journalctl -fu callfloor-health"),)
    if state.phase == "staged":
        so = "the box goes on with the version before until then"
        return (Finding("update", "amber", f"{state.version} is staged and not tried yet", runs, so, "sudo callfloor update activate"),)
    if at_work:
        return (Finding("update", "ok", "an update is at work", runs),)
    if state.phase == "writing":
        so = "the slot that runs is not affected"
        return (Finding("update", "amber", f"writing {state.version} was interrupted", runs, so, f"sudo callfloor update {state.source}"),)
    if state.past and state.past[-1].outcome != "good":
        last = state.past[-1]
        what = "did not pass, and the version before runs again" if last.outcome == "rolled-back" else "was interrupted"
        so, mend = "the box works as before that update", "journalctl -u callfloor-health -u callfloor-update-deb --since -7d"
        return (Finding("update", "amber", f"{last.version} {what}", f"{last.at}: {last.reason}; {runs}", so, mend),)
    return (Finding("update", "ok", "no update waits", runs),)
