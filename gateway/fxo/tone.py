"""Decides what a description of a call-progress tone means: `f1=480@-24,f2=620@-24,c=500/500;`, as gateways' pages have it. Pure."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from appliance.core.errors import MisconfiguredError

_FREQUENCY: Final = re.compile(r"f[12]=([0-9]{2,4})(?:@(-?[0-9]{1,3}))?")
_CADENCE: Final = re.compile(r"c=((?:[0-9]{1,5}/[0-9]{1,5})(?:-[0-9]{1,5}/[0-9]{1,5}){0,2})")
_FORM: Final = 'write it as "f1=425@-24,c=250/250;": one or two frequencies in Hz, up to three pairs of on/off in ms with a - between'


class Tone(Struct, frozen=True):
    """One or two frequencies, and how long they sound and are silent; no cadence: without a break."""

    hertz: tuple[int, ...]
    cadences_ms: tuple[tuple[int, int], ...] = ()
    level_db: int | None = None


def tone_from_text(text: str) -> Tone:
    """Read a description. Raises MisconfiguredError.

    >>> tone_from_text("f1=425,c=333/333;").cadences_ms
    ((333, 333),)
    """
    hertz: list[int] = []
    levels: list[int] = []
    cadences: tuple[tuple[int, int], ...] = ()
    for part in text.strip().rstrip(";").split(","):
        frequency, cadence = _FREQUENCY.fullmatch(part.strip()), _CADENCE.fullmatch(part.strip())
        if frequency is not None and len(hertz) < 2:
            hertz.append(int(frequency[1]))
            levels += [int(frequency[2])] if frequency[2] else []
        elif cadence is not None and not cadences:
            pairs = [pair.split("/") for pair in cadence[1].split("-")]
            cadences = tuple((int(on), int(off)) for on, off in pairs)
        else:
            raise MisconfiguredError(f'tone "{text[:60]}": {part[:20]!r} is not understood; {_FORM}')
    if not hertz:
        raise MisconfiguredError(f'tone "{text[:60]}" has no frequency; {_FORM}')
    return Tone(tuple(hertz), cadences, levels[0] if levels else None)


def text_from_tone(tone: Tone) -> str:
    """Write a description, as a gateway's page takes it.

    >>> text_from_tone(Tone((425,), ((200, 300),)))
    'f1=425@-24,c=200/300;'
    """
    level = -24 if tone.level_db is None else tone.level_db
    parts = [f"f{at}={hertz}@{level}" for at, hertz in enumerate(tone.hertz, 1)]
    pairs = "-".join(f"{on}/{off}" for on, off in tone.cadences_ms)
    return ",".join(parts + ([f"c={pairs}"] if pairs else [])) + ";"
