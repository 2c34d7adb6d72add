"""Decides which call a channel belongs to: `call` is ours, given at first sight and kept whatever the PBX renames.

Uniqueid is per channel and Linkedid per call, but Linkedid may change in mid-life and Uniqueid may be any string
that a dialler chose, so both serve only to find a call at a channel's first sight.
"""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec import Struct

_MAX_IDS: Final = 16_384
_MAX_CHANNELS: Final = 32_768
UNKNOWN: Final = "<unknown>"


class Channel(Struct, kw_only=True):
    """One live channel of the PBX. `state` is Asterisk's ChannelState (0 down, 4 ring, 5 ringing, 6 up)."""

    uniqueid: str
    name: str
    call: str = ""
    state: int = 0
    caller: str | None = None
    dialled: str | None = None
    asked_hangup: bool = False
    session: int = 0


class Call(Struct, kw_only=True):
    """What outlives the channels of a call: how many visits it has had."""

    call: str
    visits: int = 0


class CallBook:
    """Live channels, and the calls they belong to; bounded."""

    def __init__(self, pbx: str) -> None:
        self._pbx = pbx
        self.started: str | None = None
        self.channels: dict[str, Channel] = {}
        self._ids: dict[str, Call] = {}
        self._used: dict[str, None] = {}

    def call_of(self, uniqueid: str, linkedid: str = "") -> Call:
        """The call of a channel: known by its Uniqueid, else by its Linkedid, else new."""
        found = self._ids.get(uniqueid) or (self._ids.get(linkedid) if linkedid else None)
        if found is None:
            found = Call(call=self._new_id(linkedid or uniqueid))
            if linkedid:
                self._remember(linkedid, found)
        if uniqueid not in self._ids:
            self._remember(uniqueid, found)
        return found

    def restore(self, uniqueid: str, call: str, visits: int) -> None:
        """Take up a call that the journal holds."""
        found = self._ids.get(uniqueid)
        if found is None or found.call != call:
            self._used[call] = None
            found = Call(call=call)
        found.visits = max(found.visits, visits)
        self._remember(uniqueid, found)

    def next_visit(self, call: Call) -> str:
        """The id of the call's next stay in a queue."""
        call.visits += 1
        return f"{call.call}.{call.visits}"

    def open(self, channel: Channel, linkedid: str = "") -> Channel:
        """A channel came to be; its `call` is filled in. One that leads its own call begins a new one."""
        if linkedid == channel.uniqueid:
            self._ids.pop(channel.uniqueid, None)
        return self.adopt(channel, linkedid)

    def adopt(self, channel: Channel, linkedid: str) -> Channel:
        """A channel that was there before we looked: it keeps the call that is known for it."""
        channel.call = self.call_of(channel.uniqueid, linkedid).call
        if len(self.channels) >= _MAX_CHANNELS:
            self.channels.pop(next(iter(self.channels)))
        self.channels[channel.uniqueid] = channel
        return channel

    def uniqueid_of(self, name: str) -> str:
        """The live channel of a name, newest first; empty when there is none (old versions name channels where new ones give ids)."""
        return next((uniqueid for uniqueid, channel in reversed(self.channels.items()) if channel.name == name), "")

    def closed(self, uniqueid: str) -> Channel | None:
        """A channel hung up. Its Uniqueid leads to its call for a while yet, since late events name it."""
        return self.channels.pop(uniqueid, None)

    def _remember(self, uniqueid: str, call: Call) -> None:
        while len(self._ids) >= _MAX_IDS:
            self._ids.pop(next(iter(self._ids)))
        self._ids[uniqueid] = call

    def _new_id(self, uniqueid: str) -> str:
        base = hashlib.blake2b(f"{self._pbx}\0{self.started}\0{uniqueid}".encode(), digest_size=8).hexdigest()
        call, number = base, 1
        while call in self._used:
            number += 1
            call = f"{base}-{number}"
        while len(self._used) >= _MAX_IDS:
            self._used.pop(next(iter(self._used)))
        self._used[call] = None
        return call


def told(text: str) -> str | None:
    """A caller field as Asterisk sends it; `<unknown>` and empty are not known.

    >>> told("<unknown>"), told("612000101")
    (None, '612000101')
    """
    return None if text in ("", UNKNOWN) else text
