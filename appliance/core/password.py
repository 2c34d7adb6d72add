"""Decides how a password is kept: as one line `scrypt$N$r$p$salt$hash`, never as itself; and what a try costs.

scrypt (RFC 7914) with N = 2^14, r = 8, p = 1: 16 MiB and some 50 ms a try on a small board.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from typing import Final

_N, _R, _P, _BYTES = 1 << 14, 8, 1, 32
#: A line that somebody wrote must not ask for more memory than a login may cost.
_N_MOST: Final = 1 << 16
_MEMORY: Final = 128 << 20
#: No password is longer; a longer try is none.
LONGEST: Final = 1024


def line_from_password(password: str, salt: bytes | None = None) -> str:
    """What is written into a password's file.

    >>> line_from_password("secreto", b"0123456789abcdef").split("$")[:4]
    ['scrypt', '16384', '8', '1']
    """
    salt = os.urandom(16) if salt is None else salt
    made = _derive(password, salt, _N, _R, _P)
    return "$".join(("scrypt", str(_N), str(_R), str(_P), base64.b64encode(salt).decode(), base64.b64encode(made).decode()))


def is_line(text: str) -> bool:
    """Whether a text is such a line.

    >>> is_line(line_from_password("x")), is_line("hunter2"), is_line("scrypt$999999999$8$1$AA==$AA==")
    (True, False, False)
    """
    return _parsed(text) is not None


def fits(password: str, line: str) -> bool:
    """Whether a password is the one of the line; False also where the line is none.

    >>> fits("secreto", line_from_password("secreto")), fits("otro", line_from_password("secreto")), fits("hunter2", "hunter2")
    (True, False, False)
    """
    parsed = _parsed(line)
    if parsed is None or len(password) > LONGEST:
        return False
    n, r, p, salt, kept = parsed
    return hmac.compare_digest(_derive(password, salt, n, r, p, len(kept)), kept)


def _derive(password: str, salt: bytes, n: int, r: int, p: int, length: int = _BYTES) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, dklen=length, maxmem=_MEMORY)


def _parsed(line: str) -> tuple[int, int, int, bytes, bytes] | None:
    parts = line.strip().split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return None
    try:
        n, r, p = (int(part) for part in parts[1:4])
        salt, kept = (base64.b64decode(part, validate=True) for part in parts[4:])
    except (ValueError, binascii.Error):
        return None
    sane = 2 <= n <= _N_MOST and n & (n - 1) == 0 and 1 <= r <= 8 and 1 <= p <= 4 and len(salt) >= 8 and 16 <= len(kept) <= 64
    return (n, r, p, salt, kept) if sane else None
