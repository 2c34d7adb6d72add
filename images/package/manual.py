"""Reads off the verbs' own arguments what the package carries beside them: a manual page of each, and what shells complete."""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path
from typing import Any, Final

import shtab
from argparse_manpage.manpage import Manpage

from appliance.cli.main import VERBS, _Help
from appliance.version import VERSION

_FILES: Final = re.compile(r"FILE|\.TOML|TEMPLATE|^SITE$")


def parser_of(name: str) -> argparse.ArgumentParser:
    """A verb's parser, as the command line makes it."""
    verb: Any = importlib.import_module(f"appliance.cli.{name}")
    parser = argparse.ArgumentParser(
        prog=f"callfloor {name}",
        description=(verb.__doc__ or "").strip(),
        epilog="examples:\n" + verb.EXAMPLES.strip("\n"),
        formatter_class=_Help,
    )
    verb.add_arguments(parser)
    return parser


def whole() -> argparse.ArgumentParser:
    """One parser with every verb as a subcommand, for those who complete."""
    parser = argparse.ArgumentParser(prog="callfloor")
    verbs = parser.add_subparsers()
    for name, what in VERBS.items():
        own = parser_of(name)
        _complete_files(own)
        verbs._name_parser_map[name] = own
        verbs._choices_actions.append(verbs._ChoicesPseudoAction(name, (), what))  # type: ignore[attr-defined]
    return parser


def _complete_files(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                _complete_files(own)
        elif isinstance(action.metavar, str) and _FILES.search(action.metavar):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar in ("DIR", "FOLDER"):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]


def page(name: str | None, date: str) -> str:
    """The manual page of a verb, or of the command itself, in groff's man macros."""
    if name is None:
        parser = argparse.ArgumentParser(
            prog="callfloor",
            usage="callfloor VERB ...",
            description="The software of a call-centre floor's box: wallboards, USB headsets, and the bridge from PBX to CRM.",
            epilog="\n".join(f"callfloor-{verb}(1)  {what}" for verb, what in VERBS.items()),
            formatter_class=_Help,
            add_help=False,
        )
        what = "the software of a call-centre floor's box"
    else:
        parser, what = parser_of(name), VERBS[name]
    shown = Manpage(
        parser,
        {
            "prog": parser.prog, "description": what, "long_description": parser.description or "", "project_name": "callfloor",
            "version": VERSION, "date": date, "url": "", "manual_section": 1, "manual_title": "Callfloor",
        },
    )  # fmt: skip
    # A page is found by one word, and examples are to be typed as they stand.
    dashed = parser.prog.replace(" ", "\\-")
    text = str(shown).replace(f"\n{parser.prog} \\- ", f"\n{dashed} \\- ", 1)
    text = re.sub(r'^\.TH .*? "1"', lambda _: f".TH {dashed.upper()} 1", text, count=1)
    head, comments, examples = text.partition("\n.SH COMMENTS\n")
    if not comments:
        return text
    title = "VERBS" if name is None else "EXAMPLES"
    return f"{head}\n.SH {title}\n.nf\n{examples.removeprefix('examples:').strip(chr(10))}\n.fi\n"


def main() -> int:
    """`manual.py FOLDER DATE`: callfloor.1, callfloor-VERB.1, callfloor.bash, _callfloor."""
    folder, date = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    for name in (None, *VERBS):
        (folder / (f"callfloor-{name}.1" if name else "callfloor.1")).write_text(page(name, date))
    (folder / "callfloor.bash").write_text(shtab.complete(whole(), "bash"))
    (folder / "_callfloor").write_text(shtab.complete(whole(), "zsh"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
