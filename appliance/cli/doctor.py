"""Look at the box and at what its configuration names, and say what is wrong: the finding, what shows it, what follows,
what mends it.

Nothing is changed, taken or sent; no device is opened, and nobody logs in but with --deep. As root it sees which
program holds a headset, and judges by the rights of the services' user. Exit code 0: nothing red; 1: something that the
configuration asks for fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.cli.check import examined as configuration
from appliance.cli.main import add_config
from appliance.cli.terminal import coloured, say, say_json
from appliance.core.clock import NS, SystemClock, rfc3339, wall_ns_from_rfc3339
from appliance.core.config import Config
from appliance.doctor import configuration as verdict
from appliance.doctor.finding import Finding, Scene, worst
from appliance.doctor.probe import DEEP, PROBES, chosen, examined
from appliance.doctor.record import Change, Record, compared, keep, last, place_of
from appliance.doctor.words import in_language, label
from appliance.provision.words import LANGUAGES, Language, language
from appliance.version import VERSION

EXAMPLES = """
  sudo callfloor doctor
  sudo callfloor doctor --since-last                # only what is new since the night
  callfloor doctor headsets -c callfloor.toml
  sudo callfloor doctor --deep                      # log in at PBX and broker too
  sudo callfloor doctor --bundle /tmp/support.tar.gz
  callfloor doctor --json | jq -r '.findings[] | select(.level == "red") | .mend'
"""

_COLOUR: Final = {"ok": "green", "amber": "amber", "red": "red"}
_QUIET_S: Final = 2.0


class _Wait:
    """One line on a terminal that says what is waited for, once that takes longer than 2 s."""

    def __init__(self, tongue: Language) -> None:
        self._from_s, self._shown, self._tongue = time.monotonic(), False, tongue

    def at(self, name: str) -> None:
        """Called often."""
        waited_s = time.monotonic() - self._from_s
        if waited_s > _QUIET_S and sys.stderr.isatty():
            self._shown = True
            sys.stderr.write(f"\r{label('looking at {} … {} s', self._tongue, name, round(waited_s))}\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PROBE…, -c, --json, --deep, --record, --since-last, --bundle, --lang, --root."""
    add_config(parser)
    parser.add_argument(
        "probe",
        nargs="*",
        metavar="PROBE",
        help=f"only these: {', '.join((verdict.ITEM, *PROBES, *DEEP))} (default: what the configuration names)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object: file, ok, findings, since")
    parser.add_argument("--deep", action="store_true", help="log in at the PBX and at the broker too, and off again")
    parser.add_argument(
        "--record", action="store_true", help="keep what is found, for the next one to compare with; a timer does so at night"
    )
    parser.add_argument("--since-last", action="store_true", help="tell only what is new since the one kept, and what is gone")
    parser.add_argument("--bundle", metavar="FILE", type=Path, help="write one archive for support too: no secrets, no numbers, no events")
    parser.add_argument("--lang", choices=LANGUAGES, help="language (default: the terminal's)")
    parser.add_argument("--root", metavar="DIR", type=Path, default=Path("/"), help="read the board's files below this folder")


def main(args: argparse.Namespace) -> int:
    """Print the findings; 1 if one of them is red. Raises MisconfiguredError for a probe that there is not."""
    file, tongue = Path(args.config).absolute(), language(args.lang)
    config, services, faults = configuration(file)
    found = list(verdict.judge(file, services, faults))
    before = last(place_of(config)) if config is not None else None
    is_told = not args.json and not (args.since_last and before is not None)
    if is_told:
        _print(found, tongue)
    found += _looked(args, config, file, tongue, is_told=is_told)
    level = worst(found)
    looked = frozenset(each.item for each in found) if args.probe else None
    change = compared(before, tuple(found), looked) if before is not None else None
    if args.json:
        say_json(_told(file, found, change), pretty=True)
    else:
        if change is not None:
            _compare(change, tongue, whole=not is_told)
        _sum_up(found, tongue, whole=config is not None)
    if args.record and config is not None and not args.probe:
        record = Record(rfc3339(SystemClock().wall_ns()), VERSION, tuple(found))
        keep(place_of(config), record)
    if args.bundle is not None:
        from appliance.doctor.bundle import write  # noqa: PLC0415 - rarely asked for

        names = write(args.bundle, config, file, _told(file, found, change), args.root)
        if not args.json:
            say(f"{label('written: {}', tongue, args.bundle)} ({', '.join(names)})")
    return 1 if level == "red" else 0


def _looked(args: argparse.Namespace, config: Config | None, file: Path, tongue: Language, *, is_told: bool) -> list[Finding]:
    """What the probes find, told as it comes."""
    named = [name for name in args.probe if name != verdict.ITEM]
    if config is None or (args.probe and not named):
        return []
    probes = chosen(config, named) | (chosen(config, list(DEEP)) if args.deep else {})
    found: list[Finding] = []
    wait = _Wait(tongue)
    for _, told in examined(Scene(config, file, args.root), probes, wait.at):
        wait.end()
        found += told
        if is_told:
            _print(told, tongue)
    wait.end()
    return found


def _told(file: Path, found: list[Finding], change: Change | None) -> dict[str, object]:
    """As JSON has it; in English, for a program reads it."""
    return {"file": str(file), "ok": worst(found) != "red", "findings": found, "since": change}


def _print(found: list[Finding] | tuple[Finding, ...], tongue: Language) -> None:
    wide = max(len(label(name, tongue)) for name in ("seen", "so", "do"))
    for each in found:
        finding = in_language(each, tongue)
        word = label(finding.level, tongue)
        say(f"{coloured(f'{word:<5}', _COLOUR[finding.level])} {coloured(finding.item, 'bold')}: {finding.finding}")
        if finding.level == "ok":
            say(coloured(f"      {finding.evidence}", "dim"))
            continue
        for name, text in (("seen", finding.evidence), ("so", finding.consequence), ("do", finding.mend)):
            say(f"      {label(name, tongue):<{wide}} {text}")
    sys.stdout.flush()


def _compare(change: Change, tongue: Language, *, whole: bool) -> None:
    """What is new since the last record, and what is gone: the findings themselves where nothing else was told, else their items."""
    when = datetime.fromtimestamp(wall_ns_from_rfc3339(change.time) / NS).astimezone().strftime("%Y-%m-%d %H:%M")
    if whole:
        _print(change.new, tongue)
        for each in change.gone:
            say(f"{coloured(label('gone since {}', tongue, when), 'green')}: {each.item}: {in_language(each, tongue).finding}")
        if not change.new and not change.gone:
            say(label("as it was at {}", tongue, when))
        return
    for text, colour, each in (
        *(("new since {}", "amber", one) for one in change.new),
        *(("gone since {}", "green", one) for one in change.gone),
    ):
        say(f"{coloured(label(text, tongue, when), colour)}: {each.item}: {in_language(each, tongue).finding}")


def _sum_up(found: list[Finding], tongue: Language, *, whole: bool) -> None:
    red, amber = (sum(finding.level == level for finding in found) for level in ("red", "amber"))
    count = label("1 finding", tongue) if red + amber == 1 else label("{} findings", tongue, red + amber)
    text = label("{}: {} red, {} amber", tongue, count, red, amber) if red or amber else label("nothing wrong", tongue)
    say(text if whole else label("{}; the rest is looked at once the configuration can be used", tongue, text))
