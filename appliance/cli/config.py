"""The configuration: in what it differs (diff), one key or secret changed (set, secret), what was there before (log), and
back to it (rollback).

A change is judged by the rules of callfloor check before it is written, keeps the file's comments and order, and keeps the
file as it was under a number. It names the services that must be restarted to heed it; --restart does it. Exit code of diff:
1 if it differs.
"""

from __future__ import annotations

import argparse
import difflib
import getpass
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from appliance import registry
from appliance.cli.main import add_config
from appliance.cli.terminal import coloured, say, say_json
from appliance.core.clock import rfc3339
from appliance.core.config import Config
from appliance.core.config_file import ConfigFaultsError, config_from_toml, load
from appliance.core.config_shape import dotted
from appliance.core.errors import CallfloorError, MisconfiguredError
from appliance.doctor.running import runs
from appliance.provision import config_change as change
from appliance.provision import secret
from appliance.provision.machine import Machine
from appliance.provision.toml_edit import key_from_text
from appliance.provision.words import LANGUAGES, Words, language

EXAMPLES = """
  callfloor config diff                          # beyond the defaults
  callfloor config diff 3                        # what became of number 3
  callfloor config diff --running                # what services do not know yet
  sudo callfloor config set kpi.target_s 20 --restart
  sudo callfloor config set 'queues."Atención".title' "Atención al cliente"
  sudo callfloor config set crm.drain_per_s --default
  sudo callfloor config secret pbx.central --restart   # asks for it, and shows it nowhere
  callfloor config log
  sudo callfloor config rollback
"""

_LOCKS: Final = {"wallboard": "alarms"}
#: Table → the service that opens its secret.
_OPENS: Final = {"pbx": "gateway", "crm": "uplink", "wallboard": "wallboard"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """diff | set | secret | log | rollback, each with its own."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="diff|set|secret|log|rollback")
    diff = verbs.add_parser("diff", help="what the file says beyond the defaults, beyond number N, or beyond what services run with")
    diff.add_argument("number", nargs="?", type=int, metavar="N", help="an older one, by its number in the log")
    diff.add_argument("--running", action="store_true", help="what the services that run were started with")
    put = verbs.add_parser("set", help="set one key")
    put.add_argument("key", metavar="KEY", help='as kpi.target_s, pbx.central.host, queues."Atención".title')
    put.add_argument("value", nargs="?", metavar="VALUE", help="as TOML; what is no TOML is text")
    put.add_argument("--default", action="store_true", help="take the key out: its default holds")
    hidden = verbs.add_parser("secret", help="another secret of a PBX or of the broker: asked for, or a line of standard input")
    hidden.add_argument("table", metavar="TABLE", help="whose: pbx.central, crm")
    back = verbs.add_parser("rollback", help="the file as it was under number N (default: the newest)")
    back.add_argument("number", nargs="?", type=int, metavar="N")
    log = verbs.add_parser("log", help="older ones: number, when it was set aside, by what")
    for each in (diff, put, hidden, back, log):
        add_config(each)
        each.add_argument("--json", action="store_true", help="one JSON object")
        each.add_argument("--lang", choices=LANGUAGES, help="language of the texts (default: LC_ALL, LANG, else en)")
    for each in (put, hidden, back):
        each.add_argument("--restart", action="store_true", help="restart the services that must heed it")


def main(args: argparse.Namespace) -> int:
    """Do it. Raises CallfloorError."""
    words, path = Words(language(args.lang)), Path(args.config)
    if args.verb == "log":
        return _log(path, words, as_json=args.json)
    if args.verb == "diff":
        return _diff(path, args, words)
    if args.verb == "secret":
        return _secret(path, args, words)
    if args.verb == "rollback":
        kept = change.history_of(path).kept()
        if not kept:
            raise MisconfiguredError(words("config.none"))
        number = args.number if args.number is not None else kept[0].number
        text = change.history_of(path).text(number)
        change.judge(path, text)
        return _put(path, text, f"rollback {number}", args, words)
    if (args.value is None) != args.default:
        raise MisconfiguredError("name a value, or --default to take the key out: callfloor config set KEY VALUE")
    key = key_from_text(args.key)
    return _put(path, change.changed(path, key, args.value), f"set {dotted(key)}", args, words)


def _secret(path: Path, args: argparse.Namespace, words: Words) -> int:
    """Never by argument: what is typed there every user of the box can read."""
    table = key_from_text(args.table)
    place = secret.place_of(path, table)
    asked = getpass.getpass(words("q.pbx.secret") + ": ") if sys.stdin.isatty() else sys.stdin.readline()
    secret.put(place, asked.strip("\r\n"))
    try:
        config = load(path)
        services = _up(config, [name for name in registry.enabled(config) if name == _OPENS.get(table[0])])
    except ConfigFaultsError:
        services = ()  # something else keeps them from running
    _told_restart(args, {"file": str(place)}, [words("config.secret", file=place)], services, words)
    return 0


def _put(path: Path, text: str, why: str, args: argparse.Namespace, words: Words) -> int:
    old = change.text_of(path)
    keys = change.differing(old, text)
    if not keys:
        _told(args, {"changed": [], "kept": None, "restart": []}, [words("config.already")])
        return 0
    try:
        config = config_from_toml(text, path)
        services = _up(config, change.readers(config, keys))
    except ConfigFaultsError:
        services = ()  # others of its faults are still there: nothing runs with it
    number = change.put_in_place(path, text, why, time.time())
    lines = [words("config.set", key=dotted(key), now=_at(old, key, words), then=_at(text, key, words)) for key in keys]
    lines.append(words("config.kept", number=number))
    lines += _other_units(old, text, path, words)
    _told_restart(args, {"changed": [dotted(key) for key in keys], "kept": number}, lines, services, words)
    return 0


def _told_restart(args: argparse.Namespace, data: dict[str, Any], lines: list[str], services: Sequence[str], words: Words) -> None:
    """What was done, and the restart that it wants, done where that was asked for."""
    units = [f"callfloor@{name}" for name in services]
    if units and args.restart:
        Machine().run(("systemctl", "try-restart", "--no-block", *units))
        lines = [*lines, words("config.restarted", services=", ".join(services))]
    elif units:
        lines = [*lines, words("config.restart", command=f"sudo systemctl restart {' '.join(units)}")]
    _told(args, {**data, "restart": services}, lines)


def _other_units(old: str, new: str, path: Path, words: Words) -> list[str]:
    """The commands for services that the new text enables, or no longer does: to restart what runs is not enough then."""
    try:
        before, after = (set(registry.enabled(config_from_toml(text, path))) for text in (old, new))
    except ConfigFaultsError:
        return []
    lines = []
    for verb, names in (("enable", after - before), ("disable", before - after)):
        if names:
            lines.append(
                words("config.unit", command=f"sudo systemctl {verb} --now {' '.join(f'callfloor@{name}' for name in sorted(names))}")
            )
    return lines


def _up(config: Config, services: Sequence[str]) -> tuple[str, ...]:
    """Those that run, or of which it may not be seen; what does not run reads the new file when it starts."""
    folder = config.journal.run_dir
    if folder is None:
        return tuple(services)
    return tuple(name for name in services if runs(folder, _LOCKS.get(name, name)) is not False)


def _at(text: str, key: tuple[str, ...], words: Words) -> str:
    import tomllib  # noqa: PLC0415 - for people only

    value: Any = tomllib.loads(text)
    for name in key:
        value = value.get(name) if isinstance(value, dict) else None
    return words("config.unset") if value is None else _shown(value)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _told(args: argparse.Namespace, data: dict[str, Any], lines: Sequence[str]) -> None:
    if args.json:
        say_json({"file": str(Path(args.config).absolute()), **data}, pretty=True)
    else:
        for line in lines:
            say(line)


def _diff(path: Path, args: argparse.Namespace, words: Words) -> int:
    text = change.text_of(path)
    if args.running:
        return _diff_running(path, text, args, words)
    if args.number is not None:
        older = change.history_of(path).text(args.number)
        return _unified({str(args.number): older}, path.name, text, args, words)
    found = change.departures(text)
    if args.json:
        say_json({"file": str(path.absolute()), "differs": found}, pretty=True)
    for each in () if args.json else found:
        told = "" if each.default is None else coloured(f"   ({_shown(each.default)})", "dim")
        say(f"{each.key} = {_shown(each.value)}{told}")
    if not found and not args.json:
        say(words("config.same"))
    return 1 if found else 0


def _diff_running(path: Path, text: str, args: argparse.Namespace, words: Words) -> int:
    run_dir = load(path).journal.run_dir
    if run_dir is None:
        raise CallfloorError("nobody knows where services run: set [journal] run_dir")
    older = {}
    for file in sorted((run_dir / "running").glob("*.toml")):
        if runs(run_dir, _LOCKS.get(file.stem, file.stem)):
            older[f"callfloor@{file.stem}"] = change.text_of(file)
    return _unified(older, path.name, text, args, words)


def _unified(older: dict[str, str], name: str, text: str, args: argparse.Namespace, words: Words) -> int:
    differ = {key: change.differing(old, text) for key, old in older.items()}
    if args.json:
        say_json(
            {"file": str(Path(args.config).absolute()), "differs": {key: [dotted(k) for k in keys] for key, keys in differ.items()}},
            pretty=True,
        )
    else:
        for key, old in older.items():
            for line in _lines(old, text, key, name):
                say(line)
        if all(old == text for old in older.values()):
            say(words("config.same"))
    return 1 if any(old != text for old in older.values()) else 0


def _lines(old: str, new: str, before: str, after: str) -> Iterator[str]:
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="", n=2):
        colour = {"+": "green", "-": "red", "@": "dim"}.get(line[:1])
        yield coloured(line, colour) if colour else line


def _log(path: Path, words: Words, *, as_json: bool) -> int:
    kept = change.history_of(path).kept()
    if as_json:
        say_json([{"number": each.number, "at": rfc3339(round(each.at_s * 1e9)), "why": each.why} for each in kept], pretty=True)
        return 0
    for each in kept:
        say(f"{each.number:>4}  {rfc3339(round(each.at_s * 1e9))[:19].replace('T', ' ')}Z  {each.why}")
    if not kept:
        say(words("config.none"))
    return 0
