"""Decides whether a demo kept its promise: what was recorded against what arrived, and the boards against the simulation's own truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from appliance.core.journal import Account
from appliance.demo_view import Received
from appliance.floor.snapshot import Snapshot, Window


class Figure(Struct, frozen=True):
    """One figure twice: as the boards show it and as it was."""

    name: str
    board: int
    truth: int


def figures(today: Window, truth: dict[str, Any]) -> list[Figure]:
    """The floor's counts of the day against the simulated PBX's ledger.

    The ledger books those whom a restart hung up as abandoned, as the PBX's own log does; the boards book them as left.
    """
    totals, restart = truth["totals"], truth["ended_by_pbx_restart"]
    left = totals["timeout"] + totals["exitkey"] + totals["exitempty"] + totals["withdrawn"] + restart["abandoned"]
    return [
        Figure("offered", today.offered, totals["offered"]),
        Figure("answered", today.answered, totals["answered"]),
        Figure("abandoned", today.abandoned, totals["abandoned"] - restart["abandoned"]),
        Figure("left", today.left, left),
        Figure("waiting", today.waiting, totals["waiting"]),
        Figure("unknown", today.unknown, totals["lost"]),
    ]


def same(found: list[Figure]) -> bool:
    """Whether the boards are right in all of them."""
    return all(figure.board == figure.truth for figure in found)


def summary(
    snapshot: Snapshot,
    truth: dict[str, Any],
    account: Account,
    received: Received | None,
    records: tuple[int, int] | None = None,
    office: Sequence[str] = (),
) -> str:
    """The lines at a demo's end. `records`: call records in the journal, and those that were printed; `office`: what the CRM did."""
    found = figures(snapshot.floor.today, truth)
    lines = ["", *office] if office else []
    lines += ["", "              " + "".join(f"{figure.name:>10}" for figure in found)]
    lines.append("  boards      " + "".join(f"{figure.board:>10}" for figure in found))
    lines.append("  in truth    " + "".join(f"{figure.truth:>10}" for figure in found))
    blind = truth["blind"]
    if not same(found):
        why = "; what a fault hid from the box counts as unknown, never as abandoned" if blind else "; calls were under way"
        lines.append(f"  (the two differ{why})")
    if records is not None:
        lines.append(f"  call records           {records[1]} printed, {records[0]} recorded")
    books = f"{account.delivered} delivered + {account.waiting} held + {account.shed} shed + {account.skipped} skipped"
    lines += ["", f"  events due to the CRM  {account.recorded} recorded = {books}"]
    if received is not None:
        lines.append(f"  the CRM has            {received.events} events, {received.doubles} doubles (same id), {received.missing} missing")
        kept = received.missing == 0 and received.events >= account.delivered
        lines.append(
            "  nothing was lost"
            if kept and not account.waiting
            else "  held events are in the journal"
            if kept
            else "  SOMETHING IS MISSING"
        )
    return "\n".join(lines)
