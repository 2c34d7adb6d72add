"""Which verbs there are and where each lives; imports only the one that is called.

Exit codes: 0 done, 1 a fault that the message explains, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

from appliance.cli import quick_start  # noqa: F401 - first, before anything imports msgspec
from appliance.core.errors import CallfloorError

DEFAULT_CONFIG: Final = "/etc/callfloor/callfloor.toml"

VERBS: Final[dict[str, str]] = {
    "run": "run services until SIGTERM",
    "demo": "the whole floor with simulated hardware, no configuration needed",
    "provision": "make a box what its site sheet says: plan, change, verify, go back",
    "enroll": "this box's certificate for the CRM: by a one-time code, by file, renewed by itself",
    "config": "the configuration: diff, set, log, rollback",
    "backup": "save what makes this box this box into one file",
    "restore": "make a new box the one that was saved",
    "recovery": "the key that opens this box's encrypted data without its TPM",
    "check": "validate the configuration",
    "doctor": "look at what the configuration names: what is wrong, what shows it, what mends it",
    "status": "one screen of the floor",
    "top": "the same, following",
    "board": "boards without their hardware: list, preview",
    "kiosk": "a board on this box's own screen",
    "explain": "the calls behind a figure and why each counted",
    "report": "the figures of a day: half-hours, queues, agents, outcomes; CSV",
    "replay": "fold a recording offline and print the floor",
    "capture": "record what a source sends, exactly",
    "decode": "say what recorded bytes mean",
    "journal": "look into the durable log: stats, tail, export, verify",
    "devices": "what is plugged in: headsets, serial ports, LED chains, GPIO chips",
    "headset": "headsets one by one: watch, record",
    "smdr": "call records of a PBX: learn a make that is not known, list those that are",
    "sim": "one simulated piece of the floor: a PBX, a CRM, a sign, headsets",
    "rig": "a hardware-in-the-loop target over OPC UA: every simulator at hand, every output in sight",
    "opcua": "who may come by OPC UA: passwords, clients' certificates",
    "ack": "say that somebody has seen an alarm; without one, list those that stand",
    "alarms": "what was raised, when, for how long, and who has seen it",
    "send": "issue a command as the CRM would",
    "commands": "what the box was told to do: by whom, when, and how it ended",
    "route": "where a call would be routed and why: test, list",
    "pop": "screen pops: one call's step by step, and how long they take",
    "callbacks": "who is to be called back: list, show, claim, close",
    "pbx": "what the PBX needs: template",
    "directory": "the customers that the box holds by number: import, show, stats, verify, export; and whom nobody may call",
    "privacy": "what is kept of people, where, how long; forget: one caller's number",
    "test": "try the box's hardware: led, sign, beacon, line, headset",
    "schema": "the contract's machine-readable forms",
    "update": "put a new version on this box: tried once, kept only if the floor works with it",
    "version": "the version of callfloor and of what it stands on",
}


class Verb(Protocol):
    """A verb's module: its docstring is the help, `EXAMPLES` the epilog."""

    EXAMPLES: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments."""
        ...

    def main(self, args: argparse.Namespace) -> int:
        """Do it; return the exit code."""
        ...


class _Help(argparse.RawDescriptionHelpFormatter):
    """Of a fixed width: asking the terminal for its own would import 3 ms of archive modules on the way to the first event."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; usage faults raise SystemExit(2) as argparse does."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--version"]:
        words = ["version"]
    if not words or words[0] not in VERBS:
        return _no_verb(words)
    name = words[0]
    verb = cast("Verb", importlib.import_module(f"appliance.cli.{name}"))
    parser = argparse.ArgumentParser(
        prog=f"callfloor {name}",
        description=(verb.__doc__ or "").strip(),
        epilog="examples:\n" + verb.EXAMPLES.strip("\n"),
        formatter_class=_Help,
    )
    verb.add_arguments(parser)
    _give_examples(parser, verb.EXAMPLES)
    args = parser.parse_args(words[1:])
    try:
        code = verb.main(args)
        sys.stdout.flush()
    except CallfloorError as fault:
        sys.stderr.write(f"callfloor {name}: {fault}\n")
        return 1
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep the interpreter from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _give_examples(parser: argparse.ArgumentParser, examples: str) -> None:
    """Each sub-verb's help shows the examples that are its own."""
    words = [line.partition("callfloor ")[2].split() for line in examples.splitlines()]
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for name, sub in action.choices.items():
            own = [line for line, typed in zip(examples.splitlines(), words, strict=True) if typed[1:2] == [name]]
            if own and "callfloor " not in f"{sub.description} {sub.epilog}".replace(f"`{sub.prog}`", ""):
                sub.epilog = "\n\n".join(filter(None, [sub.epilog, "examples:\n" + "\n".join(own)]))
                sub.formatter_class = _Help


def add_config(parser: argparse.ArgumentParser) -> None:
    """The `-c FILE` that most verbs take; CALLFLOOR_CONFIG changes its default."""
    default = os.environ.get("CALLFLOOR_CONFIG", DEFAULT_CONFIG)
    parser.add_argument("-c", "--config", metavar="FILE", default=default, help=f"the configuration (default {default})")


def _no_verb(words: Sequence[str]) -> int:
    wide = max(map(len, VERBS))
    lines = ["usage: callfloor VERB …", "", *(f"  {name:<{wide}}  {what}" for name, what in VERBS.items())]
    lines += ["", "callfloor VERB --help says more. Exit codes: 0 done, 1 a fault that the message explains, 2 wrong usage."]
    if words and words[0] in ("-h", "--help", "help"):
        sys.stdout.write("\n".join(lines) + "\n")
        return 0
    if words:
        import difflib  # noqa: PLC0415

        near = difflib.get_close_matches(words[0], VERBS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        lines.insert(0, f"callfloor: there is no verb {words[0]!r}{hint}")
    sys.stderr.write("\n".join(lines) + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
