"""Decides which seats the journal believes to have a headset, so that those which went while nobody looked are told as pulled."""

from __future__ import annotations

from typing import Final

import msgspec

from appliance.core.catalogue import HeadsetAttached, HeadsetDetached, HeadsetHook, HeadsetMute, event_from_stored
from appliance.core.event import stored_from_body
from appliance.core.journal import PAGE, Journal

#: Hours of a busy floor, read in a fraction of a second.
_ROWS_BACK: Final = 100_000
_KINDS: Final = ("headset.attached", "headset.detached", "headset.hook", "headset.mute")


def attached_seats(journal: Journal, service: str, rows: int = _ROWS_BACK) -> frozenset[str]:
    """The seats of this box's own service that have a headset by the newest rows. Blocks; run it in a thread."""
    head = journal.head().seq
    after = max(0, head - rows, journal.first_seq() - 1)
    attached: set[str] = set()
    while page := journal.read(after, PAGE):
        for entry in page:
            try:
                stored = stored_from_body(entry.body)
                if stored.kind not in _KINDS or not stored.source.startswith(f"{service}/") or stored.origin is not None:
                    continue
                event = event_from_stored(stored)
            except msgspec.DecodeError:  # whoever folds the journal tells of it
                continue
            if event is None:
                continue
            if isinstance(event.data, HeadsetDetached):
                attached.discard(event.data.seat)
            elif isinstance(event.data, HeadsetAttached | HeadsetHook | HeadsetMute):
                attached.add(event.data.seat)
        after = page[-1].seq
    return frozenset(attached)
