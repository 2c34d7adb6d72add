"""Run by test_provision: provisions a root again and again, killed before each single deed, and heals it; prints what came of it as JSON.

A process of its own, for it forks: python cut_power.py ROOT-TEMPLATE SHEET WORK.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from appliance.provision.machine import Machine
from appliance.provision.plan import plan
from appliance.provision.site_file import load_site
from appliance.provision.state import States
from appliance.provision.work import apply, finish, go_back


def provision(root: Path, sheet: Path, die_at: int | None = None) -> int:
    """One run; returns how many deeds it was. `die_at`: the deed before which the power is cut."""
    deeds = 0

    def at(_: str) -> None:
        nonlocal deeds
        if deeds == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        deeds += 1

    machine = Machine(root)
    todo = plan(machine, load_site(sheet), sheet.parent, "root")
    if todo.pending:
        with States(machine).locked():
            finish(machine, apply(machine, todo.steps, sheet.name, at, time.time()))
    return deeds


def back(root: Path, die_at: int | None = None) -> int:
    """Undo the last run."""
    deeds = 0

    def at(_: str) -> None:
        nonlocal deeds
        if deeds == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        deeds += 1

    machine = Machine(root)
    go_back(machine, States(machine).down_to(None), lambda: (), at)
    return deeds


def killed(act: object, *args: object) -> bool:
    """In a child; whether it died of the cut."""
    child = os.fork()
    if child == 0:
        act(*args)  # type: ignore[operator]
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main() -> None:
    template, sheet, work = map(Path, sys.argv[1:4])
    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import tree  # noqa: PLC0415

    whole = work / "whole"
    shutil.copytree(template, whole, symlinks=True)
    before = tree(whole)
    deeds = provision(whole, sheet)
    right = tree(whole)
    wrong: list[str] = []
    for at in range(deeds):
        root = work / f"cut-{at}"
        shutil.copytree(template, root, symlinks=True)
        if not killed(provision, root, sheet, at):
            wrong.append(f"deed {at}: nobody died")
        provision(root, sheet)
        if tree(root) != right:
            wrong.append(f"cut before deed {at}: not healed")
        if [state.stage for state in States(Machine(root)).all()] != ["done"]:
            wrong.append(f"cut before deed {at}: {[state.stage for state in States(Machine(root)).all()]}")
        if provision(root, sheet):
            wrong.append(f"cut before deed {at}: a third run had something to do")
        # And the way back leads to before the first run, also when it is cut itself.
        died = killed(back, root, at % 7)
        back(root)
        if not died or tree(root) != before:
            wrong.append(f"cut before deed {at}: the way back is not the way it came, at {set(tree(root)) ^ set(before)}")
        shutil.rmtree(root)
    print(json.dumps({"deeds": deeds, "wrong": wrong}))


if __name__ == "__main__":
    main()
