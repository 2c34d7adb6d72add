"""Decides what may not happen in this process whoever knocks: a few bytes taken for an endless array, a log full of what clients send.

An array of nulls takes no bytes, so that ten of them may promise two thousand million; anybody could fill the memory with it, unknown.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from asyncua import ua
from asyncua.ua import ua_binary

_log = logging.getLogger(__name__)

#: So many lines of asyncua's own, and of each text of ours, are passed on in one minute. What is left out is counted below extra/opcua.
_LINES_MOST: Final = 10
#: Whose lines strangers cause, as many as they like.
_SPARED: Final = ("gateway.opcua.channel", "gateway.opcua.door", "gateway.opcua.user")
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


class Sparing(logging.Filter):
    """So many lines of one text a minute: whoever knocks without end fills no card."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is passed on. Texts are constants, so they are few."""
        began_s, lines = self._seen.get(str(record.msg), (record.created, 0))
        if not 0 <= record.created - began_s <= _MINUTE_S:
            began_s, lines = record.created, 0
        self._seen[str(record.msg)] = (began_s, lines + 1)
        return lines < _LINES_MOST


def stand() -> None:
    """Put all of it in place; once or several times is the same."""
    ua_binary.unpack_uatype_array = _unpack
    for name in _SPARED:
        spared = logging.getLogger(name)
        if not any(isinstance(each, Sparing) for each in spared.filters):
            spared.addFilter(Sparing())
    logger = logging.getLogger("asyncua")
    if not any(isinstance(each, Quiet) for each in logger.handlers):
        logger.addHandler(Quiet())
    logger.propagate = False
    logger.setLevel(logging.WARNING)
