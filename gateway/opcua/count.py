"""Decides what the OPC UA server tells of itself: who is there, and what was refused, left out or no OPC UA at all."""

from __future__ import annotations

from msgspec import Struct


class Counts(Struct):
    """Figures since the service started; shown below `extra/opcua/`.

    `logins_refused`: a wrong password or user; `untrusted`: a certificate that is not in the trust folder; `garbage`: bytes that are no
    OPC UA; `faults`: requests that could not be read or ended in an error of ours; `calls_refused`: without the role for it, or with
    arguments that do not fit; `left_out`: variables for which there was no room.
    """

    sessions: int = 0
    subscriptions: int = 0
    monitored_items: int = 0
    nodes: int = 0
    left_out: int = 0
    changes: int = 0
    connections_refused: int = 0
    logins_refused: int = 0
    untrusted: int = 0
    garbage: int = 0
    faults: int = 0
    calls: int = 0
    calls_refused: int = 0
