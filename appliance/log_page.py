"""Decides how the catalogue of log events is told: docs/log-events.md for people, systemd/callfloor.catalog for `journalctl -x`.

python -m appliance.log_page [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from appliance.log_events import EVENTS, message_id

ROOT: Final = Path(__file__).parents[1]
_HEAD: Final = """# Events of the log

Under systemd every warning and every error goes to journald with fields of its own, beside the text for people:
`CALLFLOOR_EVENT` (the name below), `MESSAGE_ID` (the same as 128 bits), `CALLFLOOR_SERVICE` (the process), `PRIORITY`,
`CODE_FILE`, `CODE_LINE`, `CALLFLOOR_LOGGER`. On a terminal it is one line of text. Names and ids never change; texts may.
Callers' numbers stand in neither. What is counted stands in [/metrics](metrics.md); what happened at the floor is in the
box's own journal, not here.

    journalctl CALLFLOOR_EVENT=pbx.out_of_sight
    journalctl MESSAGE_ID=%s -o json
    journalctl -u 'callfloor@*' -p warning -x

`-x` writes the rows below beside each line, from the catalogue that the package installs.

| event | what follows | what to do |
| --- | --- | --- |
"""


def page() -> str:
    """docs/log-events.md."""
    rows = [
        f"| **{name}**<br>{event.subject}<br>`{message_id(name)}` | {event.means} | {event.do} |" for name, event in sorted(EVENTS.items())
    ]
    return _HEAD % message_id("pbx.out_of_sight") + "\n".join(rows) + "\n"


def catalog() -> str:
    """The file for /usr/lib/systemd/catalog (systemd.io, CATALOG)."""
    out = ["# Made from appliance/log_events.py by python -m appliance.log_page."]
    for name, event in sorted(EVENTS.items()):
        out.append(
            f"\n-- {message_id(name)}\nSubject: {event.subject} (@CALLFLOOR_SERVICE@)\nDefined-By: callfloor\n"
            f"Documentation: file:///usr/share/doc/callfloor\n\n{event.means}\n\n{event.do}"
        )
    return "\n".join(out) + "\n"


def main() -> int:
    """Write both files, or say which is out of date."""
    wrong = []
    for path, text in ((ROOT / "docs/log-events.md", page()), (ROOT / "systemd/callfloor.catalog", catalog())):
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            wrong.append(str(path))
    for name in wrong:
        sys.stderr.write(f"{name} is out of date: make docs\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
