"""Decides how a recording of each kind is cleaned of numbers, names and secrets, so that it may leave the house."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import msgspec

from appliance.core.errors import CorruptError, UnsupportedError


def sanitized(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The recording's lines with everything that tells of people replaced. Raises CorruptError, UnsupportedError for an unknown kind."""
    from gateway.pbx.stand_in import StandIns, clean_rows  # noqa: PLC0415 - only where something is cleaned

    rest = iter(lines)
    first = next(rest, b"")
    if _kind(first) == "asterisk":
        from gateway.asterisk.sanitize import sanitize  # noqa: PLC0415

        return sanitize(chain((first,), rest))
    stand_ins = StandIns()
    return clean_rows(chain((first,), rest), partial(_cleaner, stand_ins))


def _kind(first: bytes) -> str | None:
    try:
        kind = msgspec.json.decode(first, type=dict[str, Any]).get("kind")
    except msgspec.DecodeError as fault:
        raise CorruptError(f"line 1: not a JSON object: {fault}; name a recording") from fault
    return kind if isinstance(kind, str) else None


def _cleaner(stand_ins: Any, head: dict[str, Any]) -> Callable[[str], str]:
    from gateway.freeswitch.sanitize import clean_socket  # noqa: PLC0415
    from gateway.fxo.sanitize import clean_line, clean_nothing  # noqa: PLC0415
    from gateway.smdr.sanitize import clean_printout  # noqa: PLC0415

    known: dict[str, Callable[[Any], Callable[[str], str]]] = {
        "freeswitch": clean_socket, "smdr": clean_printout, "modem": clean_line, "monitor": clean_line, "gateway": clean_line,
        "pins": clean_nothing, "hid": clean_nothing,
    }  # fmt: skip
    cleaner = known.get(str(head.get("kind")))
    if cleaner is None:
        raise UnsupportedError(f"a recording of kind {head.get('kind')!r} cannot be sanitised: keep it in the house")
    return cleaner(stand_ins)
