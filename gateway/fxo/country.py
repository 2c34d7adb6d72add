"""Decides what a country's lines do unless the configuration says otherwise: the bell's cadence, the tones, how callers are told.

A table with sources: Asterisk's indications, DAHDI's zones and spandsp's tone tables, which agree unless said so; times in ms, tones in Hz.
Who sends a CPC or a reversal is nowhere stated for these countries and depends on the exchange: both are off until the line was watched.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from gateway.fxo.tone import Tone

CallerIdType = Literal["fsk_bell", "fsk_v23", "dtmf"]


class Country(Struct, frozen=True, kw_only=True):
    """`ring_ms` on and off in turns, None where no source states it; `hang_up` busy and congestion, `caller_id` None: not settled.

    `caller_id_reversal`: the exchange reverses the line before it tells the caller, which is no answer.
    """

    name: str
    ring_ms: tuple[int, ...] | None
    dial: Tone
    hang_up: tuple[Tone, ...]
    caller_id: CallerIdType | None = None
    caller_id_reversal: bool = False
    source: str = "Asterisk, DAHDI, spandsp"


def _tones(hertz: tuple[int, ...], *cadences: tuple[tuple[int, int], ...]) -> tuple[Tone, ...]:
    return tuple(Tone(hertz, cadence) for cadence in cadences)


_425: Final = (425,)
_SLOW_AND_FAST: Final = _tones(_425, ((500, 500),), ((250, 250),))

COUNTRIES: Final[dict[str, Country]] = {
    "us": Country(
        name="United States", ring_ms=(2000, 4000), dial=Tone((350, 440)), hang_up=_tones((480, 620), ((500, 500),), ((250, 250),)),
        caller_id="fsk_bell",
    ),
    "gb": Country(
        name="United Kingdom", ring_ms=(400, 200, 400, 2000), dial=Tone((350, 440)),
        hang_up=_tones((400,), ((375, 375),), ((400, 350), (225, 525)), ()), caller_id="fsk_v23", caller_id_reversal=True,
    ),
    "es": Country(
        name="Spain", ring_ms=(1500, 3000), dial=Tone(_425), hang_up=_tones(_425, ((200, 200),), ((200, 200), (200, 200), (200, 600))),
        caller_id="fsk_v23",
    ),
    "mx": Country(name="Mexico", ring_ms=(2000, 4000), dial=Tone(_425), hang_up=_tones(_425, ((250, 250),))),
    "ar": Country(
        name="Argentina", ring_ms=(1000, 4500), dial=Tone(_425),
        hang_up=_tones(_425, ((300, 300),), ((300, 200),), ((200, 300),), ((300, 400),)),
        source="DAHDI and spandsp, which disagree about the tones: all of them count",
    ),
    "ec": Country(name="Ecuador", ring_ms=None, dial=Tone(_425), hang_up=_tones(_425, ((333, 333),)), source="spandsp"),
    "co": Country(
        name="Colombia", ring_ms=(1000, 4000), dial=Tone(_425),
        hang_up=_tones(_425, ((250, 250),), ((100, 250), (350, 250), (650, 250))), source="one tone table of a PBX",
    ),
    "cl": Country(
        name="Chile", ring_ms=(1000, 3000), dial=Tone((400,)), hang_up=_tones((400,), ((500, 500),), ((200, 200),)),
        source="Asterisk, spandsp",
    ),
    "br": Country(
        name="Brazil", ring_ms=(1000, 4000), dial=Tone(_425), hang_up=_tones(_425, ((250, 250),), ((250, 250), (750, 250))),
        caller_id="dtmf", source="Asterisk; how callers are told, spandsp",
    ),
    "ve": Country(
        name="Venezuela", ring_ms=(1000, 4000), dial=Tone(_425), hang_up=_SLOW_AND_FAST, source="Asterisk",
    ),
    "uy": Country(name="Uruguay", ring_ms=None, dial=Tone(_425), hang_up=_SLOW_AND_FAST, caller_id="dtmf", source="spandsp"),
    "pt": Country(
        name="Portugal", ring_ms=(1000, 5000), dial=Tone(_425), hang_up=_tones(_425, ((500, 500),), ((200, 200),)), source="Asterisk",
    ),
    "it": Country(
        name="Italy", ring_ms=(1000, 4000), dial=Tone(_425), hang_up=_tones(_425, ((500, 500),), ((200, 200),)),
        caller_id="fsk_v23", source="Asterisk; how callers are told, spandsp",
    ),
    "fr": Country(
        name="France", ring_ms=(1500, 3500), dial=Tone((440,)), hang_up=_tones((440,), ((500, 500),), ((250, 250),)),
        caller_id="fsk_v23", source="Asterisk; how callers are told, spandsp",
    ),
}  # fmt: skip
#: Where no cadence is stated the longest of all is waited for: a call is rather ended late than twice.
_ANY_RING_MS: Final = (2000, 5000)


def ring_ms(country: str | None) -> tuple[int, ...]:
    """The bell's cadence in a country, or the slowest.

    >>> ring_ms("es"), ring_ms("ec"), ring_ms(None)
    ((1500, 3000), (2000, 5000), (2000, 5000))
    """
    known = COUNTRIES.get(country or "")
    return (known.ring_ms if known else None) or _ANY_RING_MS
