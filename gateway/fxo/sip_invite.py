"""Decides what is kept of one INVITE, and when its answers are sent again (RFC 3261, 17.2.1). Pure."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from appliance.core.clock import NS
from gateway.fxo.caller_id import CallerId
from gateway.fxo.sip_message import SipMessage

#: Table 4 of RFC 3261.
T1_NS: Final = NS // 2
T2_NS: Final = 4 * NS
T4_NS: Final = 5 * NS
#: Timer H: nobody acknowledged.
H_NS: Final = 64 * T1_NS
#: 13.3.1.1: a provisional answer every minute, so that nothing in between gives the call up.
AGAIN_NS: Final = 60 * NS

How = Literal["cancelled", "elsewhere", "given_up"]


class Peer(Struct, frozen=True):
    """Where a packet came from, or goes to. `conn`: the TCP connection; None: UDP."""

    host: str
    port: int
    conn: int | None = None


class SipCall(Struct, frozen=True, kw_only=True):
    """A call that rings: which account it is for, and who calls."""

    id: str
    user: str
    caller: CallerId | None = None


class Rang(Struct, frozen=True):
    """A call began to ring."""

    call: SipCall


class Ended(Struct, frozen=True):
    """It rings no more: `cancelled` by the gateway, taken `elsewhere` as it says, or `given_up` by us, since nobody told its end."""

    call: SipCall
    how: How


class Invite(Struct, kw_only=True):
    """One INVITE that was taken up. `last`: the answer of the moment; `due_ns`: when to send it again, `over_ns` when the stage is over."""

    request: SipMessage
    call: SipCall
    peer: Peer
    source: tuple[str, int]
    tag: str
    last: bytes
    due_ns: int | None
    over_ns: int
    stage: Literal["ringing", "ended", "acknowledged"] = "ringing"
    pause_ns: int = T1_NS

    @property
    def next_ns(self) -> int:
        """When something has to be done."""
        return self.over_ns if self.due_ns is None else min(self.due_ns, self.over_ns)

    def end(self, final: bytes, now_ns: int) -> bytes:
        """The final answer is given, and sent again over UDP until somebody acknowledges it (timers G and H)."""
        self.stage, self.last, self.over_ns = "ended", final, now_ns + H_NS
        self.pause_ns = T1_NS
        self.due_ns = now_ns + T1_NS if self.peer.conn is None else None
        return final

    def again(self, now_ns: int) -> bytes:
        """What is sent once more, and when the next time is."""
        if self.stage == "ringing":
            self.due_ns = now_ns + AGAIN_NS
        else:
            self.pause_ns = min(2 * self.pause_ns, T2_NS)
            self.due_ns = now_ns + self.pause_ns
        return self.last

    def acknowledge(self, now_ns: int) -> None:
        """An ACK came: late copies of it are still taken for a while (timer I)."""
        if self.stage == "ended":
            self.stage, self.due_ns, self.over_ns = "acknowledged", None, now_ns + (T4_NS if self.peer.conn is None else 0)
