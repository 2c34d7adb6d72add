"""Decides how a log line reaches journald with what a machine can search by: its own protocol, one datagram a line, without a library.

Protocol: `KEY=value\\n`, or for a value with line breaks `KEY\\n`, its length as 64 bits little-endian, the value, `\\n`
(systemd.io, JOURNAL_NATIVE_PROTOCOL). What the socket does not take goes to stderr, where journald reads it as before.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from appliance.log_events import message_id
from appliance.log_lines import LINES

SOCKET: Final = "/run/systemd/journal/socket"
#: A datagram has room for some hundred kilobytes; what is longer is no log line.
_LONGEST: Final = 16_384


def is_read_by_journald(environ: Mapping[str, str] = os.environ, descriptor: int = 2) -> bool:
    """Whether journald reads that descriptor: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    try:
        device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
        stat = os.fstat(descriptor)
        return (int(device), int(inode)) == (stat.st_dev, stat.st_ino)
    except (OSError, ValueError):
        return False


def fields_of(record: logging.LogRecord, text: str, priority: int, service: str) -> dict[str, str]:
    """What journald is told of one line. `text` is the whole line without its priority."""
    fields = {
        "MESSAGE": text[:_LONGEST], "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "callfloor", "CALLFLOOR_SERVICE": service,
        "CALLFLOOR_LOGGER": record.name, "CODE_FILE": record.pathname, "CODE_LINE": str(record.lineno), "CODE_FUNC": record.funcName or "",
    }  # fmt: skip
    event = event_of(record)
    if event is not None:
        fields |= {"CALLFLOOR_EVENT": event, "MESSAGE_ID": message_id(event)}
    return fields


def event_of(record: logging.LogRecord) -> str | None:
    """The event's name; None for what is no warning, and for lines of other people's packages."""
    return LINES.get(record.name, {}).get(str(record.msg)) if record.levelno >= logging.WARNING else None


def datagram(fields: Mapping[str, str]) -> bytes:
    r"""The fields as journald reads them.

    >>> datagram({"MESSAGE": "a", "X": "b\nc"})
    b'MESSAGE=a\nX\n\x03\x00\x00\x00\x00\x00\x00\x00b\nc\n'
    """
    parts = []
    for key, value in fields.items():
        data = value.encode("utf-8", "replace")
        parts.append(key.encode() + (b"\n" + struct.pack("<Q", len(data)) if b"\n" in data else b"=") + data + b"\n")
    return b"".join(parts)


class JournaldHandler(logging.Handler):
    """Sends each line to journald; `beside` takes what it does not."""

    def __init__(
        self, service: str, beside: logging.Handler, text: logging.Formatter, priorities: Mapping[int, int], path: str = SOCKET
    ) -> None:
        """`text` formats the line itself; `priorities`: syslog's of a level."""
        super().__init__()
        self._service, self._beside, self._priorities, self._path = service, beside, priorities, path
        self.setFormatter(text)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields = fields_of(record, self.format(record), self._priorities.get(record.levelno, 6), self._service)
            self._socket.sendto(datagram(fields), self._path)
        except OSError:
            self._beside.handle(record)  # journald is being started anew, or has no room
        except Exception:  # noqa: BLE001, RUF100 - as every handler: a line that cannot be told must not end what it tells of
            self.handleError(record)

    def close(self) -> None:
        self._socket.close()
        super().close()


def is_there(path: str = SOCKET) -> bool:
    """Whether this machine has a journald."""
    return Path(path).is_socket()
