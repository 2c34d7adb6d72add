"""Decides whether the services that the configuration enables run, by the locks that they hold while they do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance import registry
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Level, Scene
from appliance.doctor.running import runs

LIMIT_S: Final = 5.0
#: Service → its lock, and what is missing without it. The boards hold the one of their alarms.
_LOCKS: Final = {
    "gateway": ("gateway", "nobody listens to the PBX: the floor's figures stand still and say so"),
    "headsets": ("headsets", "nobody listens to the headsets: their seats are stale"),
    "wallboard": ("alarms", "no board is drawn, no alarm raised"),
    "uplink": ("uplink", "nothing goes to the CRM and no command is carried out; events are kept"),
    "routing": ("routing", "calls are not routed by rules: the dialplan's own queue stands"),
    "opcua": ("opcua", "no rig and no plant system sees the floor"),
}


class ServiceFacts(Struct, frozen=True):
    """Enabled services and whether each runs (None: it may not be seen), in starting order; `locks`: where that is seen."""

    runs: dict[str, bool | None]
    locks: Path


def wanted(config: Config) -> bool:
    """Some service is enabled, and there is a place for locks."""
    return config.journal.run_dir is not None and bool(registry.enabled(config))


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(probe(scene.config))


def probe(config: Config) -> ServiceFacts:
    """Try each lock."""
    run_dir = config.journal.run_dir or config.journal.path.parent / "run"
    found = {name: runs(run_dir, _LOCKS[name][0]) for name in registry.enabled(config) if name in _LOCKS}
    return ServiceFacts(found, run_dir / "alive")


def judge(facts: ServiceFacts) -> tuple[Finding, ...]:
    """One that is down while others run has died or was forgotten: red. Where none runs the box was not started: amber."""
    if None in facts.runs.values():
        evidence, so = f"no right to look into {facts.locks}", "nothing is known of the services"
        return (Finding("services", "amber", "whether they run cannot be seen", evidence, so, "sudo callfloor doctor"),)
    up = [name for name, is_up in facts.runs.items() if is_up]
    level: Level = "red" if up else "amber"
    down = tuple(
        Finding(
            f"service {name}", level, "it does not run", f"nobody holds {facts.locks}/{_LOCKS[name][0]}.lock", _LOCKS[name][1],
            f"sudo systemctl restart callfloor@{name}",
        )
        for name, is_up in facts.runs.items() if not is_up
    )  # fmt: skip
    return (*([Finding("services", "ok", "they run", ", ".join(up))] if up else []), *down)
