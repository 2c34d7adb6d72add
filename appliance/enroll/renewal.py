"""Decides when a certificate is to be renewed: at two thirds of its life, each box at its own moment."""

from __future__ import annotations

import hashlib
from typing import Final

#: Of its life; what is left is for a CRM that is away for long.
_SHARE: Final = 2 / 3
#: And up to so much of its life earlier, by the box's name, so that boxes made on one day do not come on one day.
_SPREAD: Final = 1 / 10


def due_s(name: str, not_before_s: float, not_after_s: float) -> float:
    """The moment, in seconds of Unix, from which `callfloor enroll --renew` asks for the next certificate.

    >>> due_s("a/1", 0.0, 90 * 86400.0) <= 60 * 86400.0
    True
    """
    life_s = max(0.0, not_after_s - not_before_s)
    part = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    return not_before_s + life_s * (_SHARE - _SPREAD * part)
