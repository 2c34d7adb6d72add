"""Decides what asyncua's own parts may not do in this process: take a few bytes for an endless array, and write down what clients send.

An array of nulls takes no bytes, so that ten of them may promise two thousand million; anybody could fill the memory with it, unknown.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from asyncua import ua
from asyncua.ua import ua_binary

_log = logging.getLogger(__name__)

#: So many lines of asyncua's own are passed on in one minute of its log.
_LINES_MOST: Final = 10
_MINUTE_S: Final = 60.0
_unpack_array: Final = ua_binary.unpack_uatype_array


def _unpack(vtype: Any, data: Any) -> Any:
    """As asyncua does it, but for nulls: no client of ours has any to send."""
    if vtype == ua.VariantType.Null:
        raise ua.UaStatusCodeError(ua.StatusCodes.BadDecodingError)
    return _unpack_array(vtype, data)


class Quiet(logging.Handler):
    """Passes on that something happened in asyncua, and not what: its lines repeat what clients send, callers' numbers among it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._began_s, self._lines = 0.0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """One line without its arguments; so many a minute."""
        if record.created - self._began_s > _MINUTE_S:
            self._began_s, self._lines = record.created, 0
        self._lines += 1
        if self._lines <= _LINES_MOST:
            _log.warning("%s: %s", record.name, str(record.msg)[:200])


def stand() -> None:
    """Put both in place; once or several times is the same."""
    ua_binary.unpack_uatype_array = _unpack
    logger = logging.getLogger("asyncua")
    if not any(isinstance(each, Quiet) for each in logger.handlers):
        logger.addHandler(Quiet())
    logger.propagate = False
    logger.setLevel(logging.WARNING)
