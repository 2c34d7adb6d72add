"""What the rest of the uplink sees of a connection: what the broker said, what came in, how it ended, and who is told."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

EndReason = Literal["unreachable", "denied"]


class Greeting(Struct, frozen=True):
    """What the broker said at the door: how many messages it takes at once and how large one may be (None: no limit)."""

    receive_max: int
    packet_max: int | None
    session_present: bool


class Message(Struct, frozen=True):
    """One message that came in. `mid` is for `Link.acknowledge`; nothing is acknowledged by itself."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    retain: bool
    response_topic: str | None = None
    correlation: bytes | None = None


class End(Struct, frozen=True):
    """Why a connection ended; `code` is the broker's reason code if it gave one."""

    reason: EndReason
    text: str
    code: int | None = None


class Handler(Protocol):
    """Who is told what happens on the connection; called on the event loop, one call at a time."""

    def acked(self, mids: list[int]) -> None:
        """The broker took these events."""
        ...

    def told(self, answers: list[tuple[int, int]]) -> None:
        """The broker answered events with other reason codes: identifiers and codes, in the order of arrival."""
        ...

    def settled(self, mid: int, code: int) -> None:
        """The broker answered a message of the live lane."""
        ...

    def message(self, message: Message) -> None:
        """A message came in."""
        ...

    def subscribed(self, topic_filter: str, code: int) -> None:
        """The broker answered a subscription; 0x80 and above: it refuses."""
        ...

    def ended(self, end: End) -> None:
        """The connection is gone. Nothing is called after this."""
        ...


class Will(Struct, frozen=True):
    """What the broker says for us when we vanish."""

    topic: str
    payload: bytes
