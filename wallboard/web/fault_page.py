"""Decides what a browser is given where there is no board to show: the faults of its file, or that nobody knows the name. Both heal.

A TV on a wall has no keyboard: whatever it was given instead of a board must look again by itself (`tv/fault.js`) until there is one.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.core.config_file import Fault
from wallboard.board_set import BoardSet
from wallboard.words import words_of

#: A file of rubbish may have as many faults as lines; nobody mends more than these at a time.
MAX_SHOWN: Final = 20
_MAX_CHARACTERS: Final = 400


def faults_of(boards: BoardSet, name: str) -> tuple[Fault, ...]:
    """The faults of the file of a board; empty where the file is sound, or there is none."""
    return tuple(fault for fault in boards.faults if Path(fault.file).name == f"{name}.toml")


def fault_list(faults: Sequence[Fault], language: str) -> str:
    """The faults as HTML: file, line and key, what is wrong, what mends it. The texts are those of `callfloor check`, in English."""
    words = words_of(language)
    items = []
    for fault in faults[:MAX_SHOWN]:
        line = "" if fault.line is None else f" · {words.text('fault.line', line=str(fault.line))}"
        key = f" · <code>{_short(fault.key)}</code>" if fault.key else ""
        place = f"<strong>{_short(Path(fault.file).name)}</strong>{html.escape(line)}{key}"
        items.append(f'<li>{place}<span lang="en">{_short(fault.fault)}</span><em lang="en">{_short(fault.mend)}</em></li>')
    more = len(faults) - MAX_SHOWN
    if more > 0:
        items.append(f"<li>+ {more}</li>")
    return f'<ul class="faults">{"".join(items)}</ul>'


def fault_section(faults: Sequence[Fault], language: str) -> str:
    """What the list of boards says of the files' faults; nothing where there are none."""
    if not faults:
        return ""
    return f"<section><h2>{html.escape(words_of(language).text('fault.files'))}</h2>{fault_list(faults, language)}</section>"


def fault_page(template: str, name: str, faults: Sequence[Fault], language: str, revision: str) -> bytes:
    """The page in a board's stead. The template's slots are LANG, REVISION, HEADING, TEXT, FAULTS, BOARDS."""
    words = words_of(language)
    heading, text = ("fault.board", "fault.heals") if faults else ("fault.unknown", "fault.waits")
    slots = {
        "LANG": html.escape(language),
        "REVISION": html.escape(revision),
        "HEADING": html.escape(words.text(heading, name=name[:_MAX_CHARACTERS])),
        "TEXT": html.escape(words.text(text, name=name[:_MAX_CHARACTERS])),
        "FAULTS": fault_list(faults, language) if faults else "",
        "BOARDS": html.escape(words.texts["boards"]),
    }
    parts = template.split("[[")
    out = [parts[0]]
    for part in parts[1:]:  # one pass, so that a name cannot fill another slot
        slot, _, rest = part.partition("]]")
        out += [slots[slot], rest]
    return "".join(out).encode()


def _short(text: str) -> str:
    return html.escape(text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…")
