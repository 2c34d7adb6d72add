"""`python -m gateway.smdr.page docs/smdr.md`: write the table of profiles again, from the profiles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from gateway.smdr.shelf import profiles

BEGIN: Final = "<!-- Written by `make docs` from gateway/smdr/profiles. Change those. -->"
END: Final = "<!-- End of what is written. -->"
_KNOWN: Final = {"verbatim": "real lines", "spacing lost": "real lines, blanks lost", "manuals": "*from manuals*", "site": "a site's own"}


def table() -> str:
    """The makes that are known, in the order in which they are tried."""
    rows = ["| profile | make | known from | time printed | date, where it does not tell |", "| --- | --- | --- | --- | --- |"]
    for each in profiles():
        spec = each.spec
        order = "month/day" if spec.order == "mdy" else "day/month"
        rows.append(f"| `{spec.name}` | {spec.title} | {_KNOWN[spec.known]} | {spec.time} | {order} |")
    return "\n".join(rows)


def written(text: str) -> str:
    """The page with its table as it must be. Raises ValueError where it has no place for one."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("no place for the table")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
