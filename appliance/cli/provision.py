"""Make a box what its site sheet says: a plan to read, then the change, then a look whether it works; else everything as it
was.

Without a sheet it asks. A second run has nothing to do. It needs no network. A power cut at any moment is healed by running
it again. `callfloor provision log` lists what was done here, `callfloor provision rollback [N]` undoes it. Exit code 1: a
fault, a plan that cannot be carried out, or an outcome that is not as the sheet says.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.cli.terminal import coloured, complain, say, say_json
from appliance.core.clock import SystemClock, rfc3339
from appliance.core.errors import CallfloorError, DeniedError, MisconfiguredError, TransientError
from appliance.provision import ask
from appliance.provision.atomic import write
from appliance.provision.enrol import enrolled
from appliance.provision.machine import Machine
from appliance.provision.plan import Plan, plan
from appliance.provision.site import SiteSheet
from appliance.provision.site_file import site_from_toml, text_of
from appliance.provision.state import State, States
from appliance.provision.step_config import remember
from appliance.provision.step_units import started
from appliance.provision.text import plan_data, plan_lines
from appliance.provision.verify import Seen, neighbours, verified
from appliance.provision.words import LANGUAGES, Words, language
from appliance.provision.work import apply, finish, go_back

EXAMPLES = """
  sudo callfloor provision site.toml            # the plan, a question, the change, its verification
  callfloor provision site.toml --plan          # the plan alone
  sudo callfloor provision --save site.toml     # by questions, and keep the answers
  callfloor provision site.toml --host pi@192.168.1.40 --deb callfloor-0.1.0-arm64.run
  sudo callfloor provision rollback
"""

_COLOUR: Final = {"ok": "green", "away": "amber", "failed": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[SITE.toml | log | rollback [N]] and how."""
    parser.add_argument("what", nargs="*", metavar="SITE.toml", help="the site sheet; or log; or rollback [N]. Without: questions")
    parser.add_argument("--plan", action="store_true", help="show the plan and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--keep", action="store_true", help="do not go back when the outcome is not as it should be")
    parser.add_argument("--fresh", action="store_true", help="write the configuration anew: what stands there beyond the sheet goes")
    parser.add_argument("--save", metavar="FILE", type=Path, help="write the answers as a site sheet")
    parser.add_argument("--root", metavar="DIR", type=Path, default=Path("/"), help="a box's file system instead of this box")
    parser.add_argument("--host", metavar="USER@BOX", help="on another box, over SSH")
    parser.add_argument("--deb", metavar="FILE", type=Path, help="with --host: install this there first: a package, or the one file (.run)")
    parser.add_argument("--port", metavar="N", type=int, help="with --host: the SSH port")
    parser.add_argument("--identity", metavar="FILE", type=Path, help="with --host: the SSH key")
    parser.add_argument("--lang", choices=LANGUAGES, help="language of the texts (default: LC_ALL, LANG, else en)")
    parser.add_argument("--json", action="store_true", help="one JSON object: plan, applied, state, verified, back")


def main(args: argparse.Namespace) -> int:
    """Do it. Raises CallfloorError."""
    words = Words(language(args.lang))
    machine = Machine(args.root)
    first = args.what[0] if args.what else None
    if first == "log" and len(args.what) == 1:
        return _log(machine, words, as_json=args.json)
    if first == "rollback" and len(args.what) <= 2:
        return _rollback(machine, args, words)
    if len(args.what) > 1:
        raise MisconfiguredError("one site sheet at a time; or: callfloor provision log, callfloor provision rollback [N]")
    text, path = _sheet(machine, Path(first) if first is not None else None, args, words)
    if args.host is not None:
        from appliance.provision.remote import provision_over_ssh  # noqa: PLC0415 - only whoever reaches another box needs it

        return provision_over_ssh(args, text, path)
    return _provision(machine, site_from_toml(text, path), path, args, words)


def _sheet(machine: Machine, file: Path | None, args: argparse.Namespace, words: Words) -> tuple[str, Path]:
    """The sheet's text, and where it stands or would stand: answers are written down only where that was asked for."""
    if file is not None:
        return text_of(file), file
    path = args.save if args.save is not None else Path("site.toml")
    text = ask.sheet_by_questions(machine, words, ask.from_terminal, say, path.absolute().parent)
    if args.save is not None:
        try:
            write(path.absolute(), text.encode(), 0o600)
        except OSError as fault:
            raise MisconfiguredError(f"{path} cannot be written: {fault.strerror}; name another with --save") from fault
        say(words("q.saved", path=path))
    return text, path


def _provision(machine: Machine, sheet: SiteSheet, path: Path, args: argparse.Namespace, words: Words) -> int:
    begin_s = time.monotonic()
    todo = plan(machine, sheet, path.absolute().parent, _technician(), fresh=args.fresh)
    told = {"plan": plan_data(machine, todo, words), "applied": False, "state": None, "verified": (), "back": False}
    if not args.json:
        for colour, line in plan_lines(machine, todo, words):
            say(coloured(line, colour) if colour else line)
    if todo.faults or args.plan or not todo.pending:
        if args.json:
            say_json(told, pretty=True)
        return 1 if todo.faults else 0
    if not _agreed(args, words, "ask.apply"):
        complain(words("not.applied"))
        return 1
    _as_root(machine)
    seen, state, back = _carried_out(machine, todo, path, args, words)
    failed = any(each.outcome == "failed" for each in seen)
    away = sum(each.outcome == "away" for each in seen)
    if args.json:
        say_json({**told, "applied": not back, "state": state.number, "verified": seen, "back": back}, pretty=True)
    elif not failed:
        if away:
            say(words("away.told", count=away))
        say(words("done", seconds=time.monotonic() - begin_s, number=state.number))
    return 1 if failed or away else 0


def _carried_out(machine: Machine, todo: Plan, path: Path, args: argparse.Namespace, words: Words) -> tuple[tuple[Seen, ...], State, bool]:
    """Change, look, and go back where the look is bad; what was seen, the state, and whether it is undone. Raises CallfloorError."""
    before = neighbours(machine)
    at = _Deeds(quiet=args.json)
    with States(machine).locked():
        try:
            remember(machine, f"provision {path.name}", time.time())
            state = apply(machine, todo.steps, path.name, at)
            certificate = _certificate(machine, todo, path, at, words)
        except (CallfloorError, OSError) as fault:
            at.end()
            standing = States(machine).unfinished()
            if not args.keep and standing is not None:
                complain(words("back.cut"))
                _undo(machine, (standing,), at, words, quiet=args.json)
            raise TransientError(f"{fault}; look at that place, then run it again") if isinstance(fault, OSError) else fault from fault
        steps = plan(machine, todo.sheet, path.absolute().parent, _technician(), fresh=False).steps
        seen = (*verified(machine, tuple(each.step for each in steps), before, at, words), *certificate)
        at.end()
        if not args.json:
            _tell(seen, words)
        if any(each.outcome == "failed" for each in seen):
            if not args.keep:
                complain(words("back.begin"))
                _undo(machine, (state,), at, words, quiet=args.json)
                return seen, state, True
            complain(words("kept"))
        finish(machine, state)
    return seen, state, False


def _certificate(machine: Machine, todo: Plan, path: Path, at: _Deeds, words: Words) -> tuple[Seen, ...]:
    """Ask for one where that is a step; once it is there the configuration names it, as part of the same state."""
    if not any(each.step.name == "enrol" for each in todo.steps):
        return ()
    at("enrol")
    folder = path.absolute().parent
    seen = enrolled(machine, todo.sheet, folder, SystemClock(), words)
    if seen.outcome == "ok":
        apply(machine, plan(machine, todo.sheet, folder, _technician()).steps, path.name, at)
    return (seen,)


def _technician() -> str:
    """Whose SSH keys the sheet's are, where it does not say: who became root, else root."""
    return os.environ.get("SUDO_USER", "root")


def _tell(seen: Sequence[Seen], words: Words) -> None:
    say()
    say(coloured(words("verify"), "bold"))
    for each in seen:
        item = words(f"verify.{each.item}") if each.item in ("files", "board", "kiosk", "enrol") else each.item
        outcome = f"{words('outcome.' + each.outcome):<8}"
        say(f"  {coloured(outcome, _COLOUR[each.outcome])} {item}: {each.evidence}")
        if each.mend:
            say(f"           {each.mend}")


def _rollback(machine: Machine, args: argparse.Namespace, words: Words) -> int:
    number = None
    if len(args.what) == 2:
        if not args.what[1].isdigit():
            raise MisconfiguredError(f'"{args.what[1]}" is no state\'s number; callfloor provision log lists them')
        number = int(args.what[1])
    states = States(machine).down_to(number)
    if not states:
        say(words("back.none"))
        return 0
    if not args.json:
        say(words("back.plan", numbers=", ".join(str(state.number) for state in states)))
        for old in dict.fromkeys(old.path for state in states for old in state.before):
            say(f"   {old}")
    if args.plan:
        return 0
    if not _agreed(args, words, "ask.sure"):
        complain(words("not.applied"))
        return 1
    _as_root(machine)
    at = _Deeds(quiet=args.json)
    with States(machine).locked():
        count = _undo(machine, states, at, words, quiet=args.json)
    if args.json:
        say_json({"undone": [state.number for state in states], "files": count})
    return 0


def _undo(machine: Machine, states: tuple[State, ...], at: _Deeds, words: Words, *, quiet: bool) -> int:
    remember(machine, f"rollback of {states[-1].number}", time.time())
    back = go_back(machine, states, lambda: started(machine), at)
    at.end()
    if not quiet:
        say(words("back.done", count=len(back), number=states[-1].number))
    return len(back)


def _log(machine: Machine, words: Words, *, as_json: bool) -> int:
    states = States(machine).all()
    if as_json:
        say_json(
            [{"number": s.number, "at": rfc3339(round(s.at_s * 1e9)), "sheet": s.sheet, "stage": s.stage} for s in states], pretty=True
        )
        return 0
    for state in states:
        when = rfc3339(round(state.at_s * 1e9))[:19].replace("T", " ")
        say(f"{state.number:>4}  {when}Z  {words(f'stage.{state.stage}'):<10}  {state.sheet}  ({len(state.before)})")
    if not states:
        say(words("log.none"))
    return 0


def _agreed(args: argparse.Namespace, words: Words, question: str) -> bool:
    if args.yes:
        return True
    if args.json or not sys.stdin.isatty():
        raise MisconfiguredError(words("need.yes"))
    return words.says_yes(input("\n" + words(question)))


def _as_root(machine: Machine) -> None:
    if machine.root == Path("/") and not machine.as_root():
        raise DeniedError("only root may change this box; run it with sudo")


class _Deeds:
    """Progress for a person, once it takes more than 2 s."""

    def __init__(self, *, quiet: bool) -> None:
        self._from_s, self._shown = time.monotonic(), False
        self._quiet = quiet or not sys.stderr.isatty()

    def __call__(self, deed: str) -> None:
        if not self._quiet and time.monotonic() - self._from_s > 2:
            self._shown = True
            sys.stderr.write(f"\r{deed[:100]} …\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
