"""Decides what may be believed of one analog line: which senses it has, and how long its exchange takes over things."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from gateway.fxo.country import COUNTRIES, CallerIdType, ring_ms

MS: Final = 1_000_000


class LineSettings(Struct, frozen=True, kw_only=True):
    """One line. `hook_sense`: something tells when any phone on the line is taken up (a contact, loop current, a modem's DLE H, a monitor).

    `caller_id`: how callers are told; None: as in the country, and where that is not settled whatever is heard counts.
    `answer_reversal`, `release_reversal`: the exchange turns the line round when a call is answered, when the far end hangs up.
    `cpc_ms`: how long its break of current at a hang-up lasts, least and most; None: it sends none. A shorter break than `flash_ms` is a
    person's hook flash. So long beyond the longest silence of the bell (`grace_ms`) the caller is gone. Who speaks for `stuck_s` has not
    hung up properly.
    """

    line: str
    trunk: str | None = None
    pbx: str | None = None
    country: str | None = None
    ring_ms: tuple[int, ...] | None = None
    hook_sense: bool = False
    answer_reversal: bool = False
    release_reversal: bool = False
    caller_id: CallerIdType | None = None
    caller_id_reversal: bool | None = None
    cpc_ms: tuple[int, int] | None = None
    flash_ms: int = 700
    grace_ms: int = 2_000
    stuck_s: float = 4 * 3600.0

    @property
    def senses_answer(self) -> bool:
        """Whether anything tells that a call was taken."""
        return self.hook_sense or self.answer_reversal

    @property
    def limits(self) -> tuple[str, ...]:
        """What can never be known of this line, and what would mend it."""
        if self.senses_answer:
            return ()
        return (
            f"line {self.line}: nothing tells that a call was taken, so that each call that stops ringing is unknown; "
            "sense its loop current, let a modem that can tell the hook, or its reversal where the exchange turns the line round",
        )

    @property
    def told_by_dtmf(self) -> bool:
        """Whether digits that are heard before an answer may tell the caller."""
        known = COUNTRIES.get(self.country or "")
        return (self.caller_id or (known.caller_id if known else None)) in (None, "dtmf")

    @property
    def cadence_ms(self) -> tuple[int, ...]:
        """The bell: on and off in turns."""
        return self.ring_ms or ring_ms(self.country)

    @property
    def silence_ns(self) -> int:
        """After the end of a burst: so long without another, and the caller is gone."""
        return (max(self.cadence_ms[1::2]) + self.grace_ms) * MS

    @property
    def period_ns(self) -> int:
        """The same after a ring of which only one moment is told."""
        return (sum(self.cadence_ms) + self.grace_ms) * MS

    @property
    def reverses_for_caller_id(self) -> bool:
        """Whether the first reversal of an incoming call announces the caller."""
        if self.caller_id_reversal is not None:
            return self.caller_id_reversal
        known = COUNTRIES.get(self.country or "")
        return known is not None and known.caller_id_reversal
