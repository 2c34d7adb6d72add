"""Look at what the configuration names, and say what is wrong: the finding, what shows it, what follows, and what mends it.

Nothing is changed, taken or sent; no device is opened and nobody logs in. As root it sees which program holds a headset, and
judges by the rights of the services' user. Exit code 0: nothing red; 1: something that the configuration asks for fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from appliance.cli.check import examined as configuration
from appliance.cli.main import add_config
from appliance.cli.terminal import coloured, say, say_json
from appliance.doctor import configuration as verdict
from appliance.doctor.finding import Finding, Scene, worst
from appliance.doctor.probe import PROBES, chosen, examined

EXAMPLES = """
  sudo callfloor doctor
  callfloor doctor headsets -c callfloor.toml
  callfloor doctor --json | jq -r '.findings[] | select(.level == "red") | .mend'
"""

_COLOUR: Final = {"ok": "green", "amber": "amber", "red": "red"}
_QUIET_S: Final = 2.0


class _Wait:
    """One line on a terminal that says what is waited for, once that takes longer than 2 s."""

    def __init__(self) -> None:
        self._from_s, self._shown = time.monotonic(), False

    def at(self, name: str) -> None:
        """Called often."""
        waited_s = time.monotonic() - self._from_s
        if waited_s > _QUIET_S and sys.stderr.isatty():
            self._shown = True
            sys.stderr.write(f"\rlooking at {name} … {waited_s:.0f} s\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PROBE…, -c, --json."""
    add_config(parser)
    parser.add_argument(
        "probe",
        nargs="*",
        metavar="PROBE",
        help=f"only these: {', '.join((verdict.ITEM, *PROBES))} (default: what the configuration names)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object: file, ok, findings")


def main(args: argparse.Namespace) -> int:
    """Print the findings; 1 if one of them is red. Raises MisconfiguredError for a probe that there is not."""
    file = Path(args.config).absolute()
    config, services, faults = configuration(file)
    found = list(verdict.judge(file, services, faults))
    named = [name for name in args.probe if name != verdict.ITEM]
    probes = chosen(config, named) if config is not None and (named or not args.probe) else {}
    if not args.json:
        _print(found)
    wait = _Wait()
    for _, told in examined(Scene(config, file), probes, wait.at) if config is not None else ():
        wait.end()
        found += told
        if not args.json:
            _print(told)
    wait.end()
    level = worst(found)
    if args.json:
        say_json({"file": str(file), "ok": level != "red", "findings": found}, pretty=True)
    else:
        _sum_up(found, whole=config is not None)
    return 1 if level == "red" else 0


def _print(found: list[Finding] | tuple[Finding, ...]) -> None:
    for finding in found:
        say(f"{coloured(f'{finding.level:<5}', _COLOUR[finding.level])} {coloured(finding.item, 'bold')}: {finding.finding}")
        if finding.level == "ok":
            say(coloured(f"      {finding.evidence}", "dim"))
            continue
        for name, text in (("seen", finding.evidence), ("so", finding.consequence), ("do", finding.mend)):
            say(f"      {name:<4} {text}")
    sys.stdout.flush()


def _sum_up(found: list[Finding], *, whole: bool) -> None:
    red, amber = (sum(finding.level == level for finding in found) for level in ("red", "amber"))
    text = f"{red + amber} finding{'s' * (red + amber != 1)}: {red} red, {amber} amber" if red or amber else "nothing wrong"
    say(text if whole else f"{text}; the rest is looked at once the configuration can be used")
