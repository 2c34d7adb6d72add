"""Decides what the running services have learnt of their peers, and a look from outside does not see: who refuses, who does not listen.

The floor's snapshot has it (docs/contract.md); a process of its own folds it, as in `journal`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene
from appliance.floor.snapshot import Crm, Pbx

LIMIT_S: Final = 40.0
_FOLD_S: Final = 30.0
_BLIND: Final = "the floor's figures stand still and say so; calls meanwhile are missing"
_HELD: Final = "events are held on this box until it answers"
#: What a look from outside tells better, or the services' own locks.
_ELSEWHERE: Final = frozenset(("unreachable", "stopped", "service_stopped", "shutdown"))


class LinkFacts(Struct, frozen=True):
    """Of the snapshot, what concerns links; and of it nothing when the journal cannot be folded."""

    pbx: dict[str, Pbx] = {}
    crm: Crm | None = None


def wanted(config: Config) -> bool:
    """There is a peer, and a journal that may tell of it."""
    return (bool(config.pbx) or config.crm is not None) and config.journal.path.exists()


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge. A journal that cannot be read is another probe's finding."""
    try:
        facts = probe(scene.file)
    except subprocess.TimeoutExpired:
        evidence = f"the look had not ended after {_FOLD_S:g} s"
        return (Finding("links", "amber", "it could not be looked at", evidence, "nothing is known of it", "sudo callfloor doctor --deep"),)
    return judge(facts, scene.config) if facts is not None else ()


def probe(file: Path) -> LinkFacts | None:
    """What the journal has of its peers; None: it cannot be read. Raises TimeoutExpired."""
    command = [sys.executable, "-m", "appliance.cli.main", "status", "--json", "-c", str(file)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=_FOLD_S, check=False, stdin=subprocess.DEVNULL)
    try:
        return msgspec.json.decode(said.stdout, type=LinkFacts)
    except msgspec.DecodeError:
        return None


def refused(name: str, kind: str) -> str:
    """What mends a PBX that refuses: here the secret, there the user and from where it may come."""
    return f"sudo callfloor config secret pbx.{name} --restart   # user and permit at the PBX: callfloor pbx template {kind}"


def judge(facts: LinkFacts, config: Config) -> tuple[Finding, ...]:
    """What follows; of a link that stands nothing, for others tell of it."""
    found = []
    for name, at in facts.pbx.items():
        if name not in config.pbx or at.since is None or at.state in ("up", "resyncing") or at.reason in _ELSEWHERE:
            continue
        item, evidence = f"link pbx {name}", f"{at.reason or at.state} since {at.since}"
        if at.state == "denied":
            mend = refused(name, config.pbx[name].kind)
            found.append(Finding(item, "red", "the PBX refuses this box's user", evidence, _BLIND, mend))
        else:
            found.append(Finding(item, "red", "its link is lost", evidence, _BLIND, "journalctl -u callfloor@gateway -n 20"))
    if facts.crm is not None and config.crm is not None and config.crm.url:
        evidence = f"since {facts.crm.since}; {facts.crm.backlog:,} events are held"
        if facts.crm.state == "denied":
            found.append(Finding("link crm", "red", "the broker refuses this box", evidence, _HELD, "sudo callfloor doctor broker --deep"))
        if facts.crm.state == "no_consumer":
            mend = "call the CRM team: nobody there has subscribed to this box's event/# (docs/contract.md)"
            found.append(Finding("link crm", "amber", "the broker takes events, and nobody at the CRM listens", evidence, _HELD, mend))
    return tuple(found) or (
        Finding("links", "ok", "no peer refuses this box", ", ".join(sorted(facts.pbx)) or "the journal tells of none"),
    )
