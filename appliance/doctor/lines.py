"""Decides whether what senses the analog lines is there, and names the sense that a line lacks, with the figures that it costs."""

from __future__ import annotations

from typing import Final

from appliance.core.config import Config
from appliance.core.line_config import LinesConfig
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.port import gateway_runs, port_finding
from appliance.doctor.reach import at_once
from appliance.doctor.who import Who, service_user
from gateway.fxo.line_settings import LineSettings
from gateway.fxo.made import settings_of

LIMIT_S: Final = 12.0
_DARK: Final = "its lines' queue stands still and says so; a call that rings meanwhile is not counted, or unknown, never abandoned"
_UNTOLD: Final = "each of its calls that stops ringing is `unknown`: answered, abandoned, wait and service level are not told for it"


def wanted(config: Config) -> bool:
    """There is a [lines.NAME]."""
    return bool(config.lines)


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look at every device at the same time; then what its lines lack."""
    who, is_held = service_user(), gateway_runs(scene.config)
    looked = at_once(lambda named: _there(named[0], named[1], who, is_held=is_held), scene.config.lines.items())
    return (*looked, *(lacks(name, one, line) for name, one in scene.config.lines.items() for line in unsensed(name, one)))


def _there(name: str, config: LinesConfig, who: Who, *, is_held: bool) -> Finding:
    item = f"lines {name}"
    if config.gateway is None:
        return port_finding(item, config.url, _DARK, who, is_held=is_held)
    # Over UDP nothing can be tried without the gateway's own words; the running gateway asks them.
    return Finding(item, "ok", "a gateway, which the running service asks", f"{config.gateway.address}; `callfloor status` shows it")


def unsensed(name: str, config: LinesConfig) -> list[LineSettings]:
    """The lines of which nothing tells that a call was taken."""
    return [each for each in settings_of(name, config).values() if not each.senses_answer]


def lacks(name: str, config: LinesConfig, line: LineSettings) -> Finding:
    """What a line lacks. It is amber: the line works, and less is known than could be."""
    mends = {
        "modem": f"write hook_sense = true in [lines.{name}] if the modem tells the hook (AT+FCLASS=8); else sense the loop current",
        "monitor": f"turn the monitor's detail mode on, and take hook_sense = false out of [lines.{name}]",
        "pins": f"wire a loop-current sense, and write loop = PIN in [lines.{name}]",
        "gateway": "write port and make, with parallel_phones = false where no phone hangs beside the gateway; else sense the loop current",
    }
    evidence = "nothing tells that a call was taken: no hook sense, no reversal at the answer"
    return Finding(f"line {line.line}", "amber", "its answers are not sensed", evidence, _UNTOLD, mends[config.sense])
