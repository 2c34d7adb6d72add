"""What the rest of the uplink sees of a connection: what the broker said, what came in, how it ended, and who is told."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from appliance.core.errors import TransientError

#: `renewed`: we left in order, to come back at once.
EndReason = Literal["unreachable", "denied", "renewed"]
#: Another client of our name took the connection (MQTT 5.0 section 4.13, DISCONNECT).
TAKEN_OVER = 0x8E


class SentAwayError(TransientError):
    """The broker is not the one to use (0x9C, 0x9D); `reference` holds the ones that it names, between blanks."""

    def __init__(self, text: str, reference: str) -> None:
        super().__init__(text)
        self.reference = reference


class Greeting(Struct, frozen=True):
    """What the broker said at the door: how many messages it takes at once and how large one may be (None: no limit), how many topics
    it remembers by number, and the keep-alive that counts from now on (None: the one we asked for).
    """

    receive_max: int
    packet_max: int | None
    session_present: bool
    alias_max: int = 0
    keepalive_s: int | None = None


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
    """Why a connection ended; `code` is the broker's reason code if it gave one, `reference` the servers that it named instead.

    `closed`: the other side closed the connection and gave no reason.
    """

    reason: EndReason
    text: str
    code: int | None = None
    reference: str = ""
    closed: bool = False


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
