"""Decides where one SIP message ends and the next begins in a stream (RFC 3261, 18.3). Pure."""

from __future__ import annotations

import re
from typing import Final

from appliance.core.errors import CorruptError
from gateway.fxo.sip_message import MAX_BODY, MAX_HEAD

_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,6})[ \t]*(?=\r\n)", re.I)


class SipStream:
    """One connection. `alive` counts the empty lines that keep it open (RFC 5626)."""

    def __init__(self) -> None:
        self._held = b""
        self._bare = 0
        self.alive = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises CorruptError where the stream cannot be followed any more: it has to be closed."""
        self._held += data
        out: list[bytes] = []
        while True:
            bare = len(self._held) - len(self._held.lstrip(b"\r\n"))
            if bare:
                self.alive, self._bare = self.alive + (self._bare + bare) // 4, (self._bare + bare) % 4
                self._held = self._held[bare:]
            end = self._held.find(_END)
            if end < 0:
                if len(self._held) > MAX_HEAD:
                    raise CorruptError("no end of the headers")
                return out
            found = _LENGTH.search(self._held, 0, end + 2)
            if found is None:
                raise CorruptError("no Content-Length")  # 18.3: over a stream it must stand there
            whole = end + len(_END) + int(found[1])
            if end > MAX_HEAD or int(found[1]) > MAX_BODY:
                raise CorruptError("too long a message")
            if len(self._held) < whole:
                return out
            out.append(self._held[:whole])
            self._held = self._held[whole:]
