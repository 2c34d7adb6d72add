"""Put a new version on this box: checked before anything is written, tried once, kept only if the floor works with it.

FILE is a bundle (.raucb) for a box made from an image, or a package (.deb, its signature FILE.sig beside it) for a Debian of
its own; or the https:// address of one, whose download goes on where it broke off.

Instead of a file: status, activate (try what is staged; once more, what came back), discard (forget it).
Exit code 0: done, or restarting; 1: refused, and nothing was changed.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import msgspec

from appliance.cli.main import add_config
from appliance.cli.terminal import Progress, coloured, complain, say, say_json
from appliance.cli.update_text import planned, status_lines, status_of
from appliance.core.errors import CallfloorError, DeniedError, UnsupportedError
from appliance.update import package, trial
from appliance.update.candidate import Candidate, looked_at, refuse_unfit, running_version, wanted_by
from appliance.update.facts import collected, usable
from appliance.update.fetch import fetched, is_url
from appliance.update.install import activated, needs_slots, restart, staged, staged_again
from appliance.update.place import Place, said
from appliance.update.state import State, alone, load, save
from appliance.update.words import LANGUAGES, Language, language_from, text

EXAMPLES = """
  sudo callfloor update callfloor-0.2.0-arm64.raucb --plan
  sudo callfloor update https://updates.example.com/callfloor-0.2.0-arm64.raucb --yes
  sudo callfloor update callfloor-0.2.0-arm64.raucb --stage && sudo callfloor update activate
  sudo callfloor update callfloor_0.2.0_arm64.deb
  callfloor update status --json
"""

#: Called by units and by deb-swap, not by people.
_OWN: Final = ("health", "judge", "settle", "note")
_YES: Final = ("y", "yes", "s", "si", "sí", "sim")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE | URL | status | activate | discard, and how."""
    add_config(parser)
    parser.add_argument("what", metavar="FILE|URL|status|activate|discard")
    parser.add_argument("outcome", nargs="?", choices=("good", "rolled-back"), help=argparse.SUPPRESS)
    parser.add_argument("--plan", action="store_true", help="check it and say what would happen; change nothing")
    parser.add_argument("--stage", action="store_true", help="write it, and do not restart")
    parser.add_argument("--yes", action="store_true", help="restart without asking")
    parser.add_argument("--allow-downgrade", action="store_true", help="take an older version, or the same once more")
    parser.add_argument("--sha256", metavar="HEX", help="take only a file with this digest, beside its signature")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--lang", choices=LANGUAGES, help="default: the terminal's")


def main(args: argparse.Namespace, place: Place | None = None) -> int:
    """Raises CallfloorError with what was refused and why."""
    place, config, language = place or Place(), Path(args.config), language_from(args.lang)
    if args.what == "status":
        return _status(place, language, json=args.json)
    if args.what == "note":
        return _note(place, config)
    if os.geteuid() != 0 and not args.plan:
        raise DeniedError("an update changes the system: run it with sudo")
    if args.what in _OWN:
        return _own(args.what, args.outcome, place, config)
    with alone(place.folder) if os.geteuid() == 0 else nullcontext():
        if args.what == "activate":
            return _activate(place, config, language, json=args.json)
        if args.what == "discard":
            return _discard(place, language)
        return _update(args, place, config, language)


def _update(args: argparse.Namespace, place: Place, config: Path, language: Language) -> int:
    candidate = _candidate(args, place, language)
    running, before = running_version(place), collected(usable(config))
    slots = needs_slots(place) if candidate.kind == "image" else None
    target = ("B" if slots.booted == "A" else "A") if slots else ""
    plan = planned(candidate, running, target, before, language)
    if args.plan:
        say_json({"plan": candidate, "running": running, "slot": target or None, "before": before}, pretty=True) if args.json else say(plan)
        return 0
    if not args.json:
        say(plan)
    source = args.what if is_url(args.what) else str(Path(args.what).absolute())
    if candidate.kind == "deb":
        state = package.prepared(candidate, place, before, source)
        said("systemctl", "start", "--no-block", package.UNIT)
        _told(state, args.json, text("changing", language, version=state.version, running=running))
        return 0
    progress = Progress(text("writing", language, slot=target))
    state = staged(candidate, place, before, source, activate=not args.stage, seen=lambda share, _what: progress.at(share, 100))
    progress.end()
    if is_url(args.what):
        candidate.file.unlink(missing_ok=True)
    if args.stage or not (args.yes or _agreed(language)):
        if not args.stage:
            save(place.folder, state := msgspec.structs.replace(state, activate=False))
        _told(state, args.json, text("staged", language, version=state.version, slot=state.slot))
        return 0
    return _restarted(place, state, config, language, json=args.json)


def _candidate(args: argparse.Namespace, place: Place, language: Language) -> Candidate:
    if not is_url(args.what):
        file = Path(args.what)
    else:
        progress = Progress(text("fetching", language, name=args.what.rpartition("/")[2]))
        file = fetched(args.what, place.folder / "fetched", progress.at)
        progress.end()
        if file.suffix == ".deb":
            # Beside the package, in a folder of its own: a download clears what an earlier one left.
            signature = fetched(args.what + ".sig", place.folder / "fetched-signature", largest=1024 * 1024)
            signature.replace(file.with_name(file.name + ".sig"))
    if not args.json and sys.stderr.isatty():
        complain(text("checking", language))
    try:
        candidate = looked_at(file, place, args.sha256)
        refuse_unfit(candidate, wanted_by(place), running_version(place), allow_downgrade=args.allow_downgrade)
    except CallfloorError:
        if is_url(args.what):
            file.unlink(missing_ok=True)  # another file by that name is fetched anew
        raise
    return candidate


def _agreed(language: Language) -> bool:
    """Asked at a terminal; a script that names a file has said so."""
    if not sys.stdin.isatty():
        return True
    sys.stdout.write(text("ask", language))
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in _YES


def _activate(place: Place, config: Path, language: Language, *, json: bool) -> int:
    return _restarted(place, staged_again(place, load(place.folder)), config, language, json=json)


def _restarted(place: Place, state: State, config: Path, language: Language, *, json: bool) -> int:
    now = collected(usable(config))
    state = activated(place, state, now)
    _told(state, json, text("restarting", language, version=state.version))
    restart()
    return 0


def _told(state: State, json: bool, words: str) -> None:
    if json:
        say_json({"phase": state.phase, "version": state.version, "slot": state.slot, "sha256": state.sha256}, pretty=True)
    else:
        say(words)
    sys.stdout.flush()


def _discard(place: Place, language: Language) -> int:
    state, slots = load(place.folder), needs_slots(place)
    if not slots.staged and state.phase != "staged":
        say(text("nothing", language))
        return 0
    said(place.tryboot, "unstage")
    save(place.folder, State(past=state.past))
    say(text("discarded", language))
    return 0


def _status(place: Place, language: Language, *, json: bool) -> int:
    status = status_of(place)
    if json:
        say_json(status, pretty=True)
        return 0
    for line, colour in status_lines(status, language):
        say(coloured(line, colour) if colour else line)
    return 0


def _own(what: str, outcome: str | None, place: Place, config: Path) -> int:
    if what == "health":
        return trial.at_boot(place, config, _say_now)
    state = load(place.folder)
    if what == "judge":
        verdict = trial.judged(state.before, config, _say_now)
        if verdict.level != "good":
            (place.folder / "reason").write_text("; ".join(verdict.missing), encoding="utf-8")
        return 0 if verdict.level == "good" else 1
    if state.phase != "trying":
        raise UnsupportedError("nothing is being tried")
    (trial.accept if outcome == "good" else trial.give_up)(place, config, state, _say_now)
    return 0


def _say_now(line: str) -> None:
    """A line that whoever follows the log sees at once, and that is there although the verdict's own restart ends this process."""
    say(line)
    sys.stdout.flush()


def _note(place: Place, config: Path) -> int:
    from appliance.cli.access import become_owner  # noqa: PLC0415
    from appliance.update import note  # noqa: PLC0415

    found, state = usable(config), load(place.folder)
    if found is None or not found.journal.path.exists():
        return 0
    become_owner(found.journal.path)
    note.append(found, state)
    return 0
