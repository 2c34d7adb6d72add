"""Decides how the PBX's own names become keys: slugs `[a-z0-9._-]{1,64}`, and what befalls clashes.

Rules (docs/contract): NFKD, combining marks dropped, lower-cased, each run of other characters one `-`, `-`
trimmed, cut to 64; when nothing is left, a letter and the first 8 hex digits of the text's SHA-256.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import Final

#: The longest key.
MAX_KEY: Final = 64
_OTHERS: Final = re.compile(r"[^a-z0-9._-]+")
_KEY: Final = re.compile(r"[a-z0-9._-]{1,64}")


def slug(text: str, kind: str = "q") -> str:
    """The key of a text; `kind` is the letter for texts of which nothing is left (`q` queue, `a` agent).

    >>> slug("atención_al_cliente")
    'atencion_al_cliente'
    >>> slug("Back Office #1: 50%")
    'back-office-1-50'
    >>> slug("Agente 101", "a")
    'agente-101'
    >>> slug("الدعم", "q")
    'q-cb3f8d93'
    >>> len(slug("x" * 200))
    64
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()
    key = _OTHERS.sub("-", plain).strip("-")[:MAX_KEY]
    if key:
        return key
    import hashlib  # noqa: PLC0415 - 4 ms that a box's start does not need

    return f"{kind}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def is_key(text: str) -> bool:
    """Whether a text may stand as a key.

    >>> is_key("piso-3"), is_key("Piso 3"), is_key("")
    (True, False, False)
    """
    return _KEY.fullmatch(text) is not None


def prefixed(prefix: str, key: str) -> str:
    """A key within one of several PBXs, cut so that the whole fits.

    >>> prefixed("central", "ventas")
    'central.ventas'
    >>> len(prefixed("central", "x" * 64))
    64
    """
    return f"{prefix}.{key}"[:MAX_KEY] if prefix else key


def unclashed(key: str, taken: Container[str]) -> str:
    """The key itself, or with `-2`, `-3`, … where it is taken, still within 64 characters.

    >>> unclashed("ventas", {"ventas", "ventas-2"})
    'ventas-3'
    """
    if key not in taken:
        return key
    number = 2
    while True:
        tail = f"-{number}"
        candidate = key[: MAX_KEY - len(tail)] + tail
        if candidate not in taken:
            return candidate
        number += 1
