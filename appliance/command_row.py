"""Decides which rows of the journal are commands of an owner's verbs, and which are the end of a command. What cannot be read is none."""

from __future__ import annotations

import logging
from collections.abc import Container
from typing import Final

import msgspec

from appliance.core.catalogue import CommandFinished, CommandReceived
from appliance.core.event import Entry, Stored, stored_from_body

_log = logging.getLogger(__name__)

#: What a row of either kind begins with.
COMMAND: Final = b'{"k":"command.'
_RECEIVED: Final = msgspec.json.Decoder(CommandReceived)
_FINISHED: Final = msgspec.json.Decoder(CommandFinished)


def received_in(entry: Entry, verbs: Container[str]) -> tuple[Stored, CommandReceived] | None:
    """The command that a row holds, if it is one of these verbs."""
    if not entry.body.startswith(COMMAND + b"received"):
        return None
    try:
        row = stored_from_body(entry.body)
        command = _RECEIVED.decode(row.data)
    except msgspec.DecodeError as fault:
        _log.warning("row %d cannot be read and is passed over: %s", entry.seq, fault)
        return None
    return (row, command) if command.verb in verbs else None


def end_in(entry: Entry) -> CommandFinished | None:
    """The end that a row holds, if it holds one."""
    if not entry.body.startswith(COMMAND + b"finished"):
        return None
    try:
        return _FINISHED.decode(stored_from_body(entry.body).data)
    except msgspec.DecodeError:
        return None
