"""What a log line looks like: one line, to journald with its event and place, elsewhere on stderr, and never a control character.

Log texts say only what the journal does not hold, and hold no secrets and no callers' numbers.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Final

_PRIORITY: Final = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class OneLine(logging.Formatter):
    """`<4>name: text` where journald reads stderr, `12:03:44 warning name: text` elsewhere; an exception adds its type and place.

    With `verbose` the whole traceback follows, its lines joined by ` | `. `bare`: without the head, for who has it in fields of its own.
    """

    def __init__(self, *, journald: bool = False, verbose: bool = False, bare: bool = False) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._journald, self._verbose, self._bare = journald, verbose, bare

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {self._fault(record.exc_info[1])}"
        if self._bare:
            head = ""
        elif self._journald:
            head = f"<{_PRIORITY.get(record.levelno, 6)}>"
        else:
            head = f"{self.formatTime(record, self.datefmt)} {record.levelname.lower()} "
        return head + f"{record.name}: {printable(text)}"

    def _fault(self, fault: BaseException) -> str:
        if self._verbose:
            return " | ".join(line.rstrip() for line in traceback.format_exception(fault))
        frames = traceback.extract_tb(fault.__traceback__)
        place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        return f"{type(fault).__name__}: {fault}{place}"


def printable(text: str) -> str:
    r"""Text as one line: control characters are written as escapes, so that no peer can forge a log line.

    >>> printable("a\nb")
    'a\\nb'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def set_up(service: str = "", *, verbose: bool = False) -> None:
    """Send every log line of this process to journald where that reads stderr, else there. Call once, before services run.

    `service` names the process: the services that it runs.
    """
    journald = "JOURNAL_STREAM" in os.environ
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    _send_to(handler, journald=journald, verbose=verbose)
    if journald:
        from appliance.log_journald import JournaldHandler, is_read_by_journald, is_there  # noqa: PLC0415 - under systemd alone

        if is_read_by_journald() and is_there():
            handler = JournaldHandler(service, handler, OneLine(verbose=verbose, bare=True), _PRIORITY)
            logging.getLogger().handlers[:] = [handler]


def to_file(path: Path) -> None:
    """Send every log line of this process to a file instead: where a live view holds the terminal."""
    _send_to(logging.FileHandler(path, encoding="utf-8"), journald=False, verbose=True)


def _send_to(handler: logging.Handler, *, journald: bool, verbose: bool) -> None:
    handler.setFormatter(OneLine(journald=journald, verbose=verbose))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for noisy in ("aiohttp.access", "asyncio", "PIL", "amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
