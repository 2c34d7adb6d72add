"""Channels as the simulated PBX keeps them: their snapshot in events, their numbering, and the legs that make one call."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.sim.pbx_text import STATES, UNKNOWN


@dataclass(eq=False, slots=True)
class Channel:
    """One channel. `lines` is the snapshot that nearly every event carries."""

    name: str
    uniqueid: str
    linkedid: str
    since_s: float
    state: int = 0
    caller: str = UNKNOWN
    caller_name: str = UNKNOWN
    connected: str = UNKNOWN
    connected_name: str = UNKNOWN
    account: str = ""
    context: str = "internal"
    exten: str = "s"
    priority: int = 1
    dnis: str = ""
    application: str = "AppQueue"
    data: str = "(Outgoing Line)"
    bridge: str = ""

    def lines(self, prefix: str = "") -> str:
        """The snapshot, every header with the prefix (`Dest`, `Transferer`, …)."""
        p = prefix
        return (
            f"{p}Channel: {self.name}\r\n{p}ChannelState: {self.state}\r\n{p}ChannelStateDesc: {STATES[self.state]}\r\n"
            f"{p}CallerIDNum: {self.caller}\r\n{p}CallerIDName: {self.caller_name}\r\n"
            f"{p}ConnectedLineNum: {self.connected}\r\n{p}ConnectedLineName: {self.connected_name}\r\n"
            f"{p}Language: en\r\n{p}AccountCode: {self.account}\r\n{p}Context: {self.context}\r\n{p}Exten: {self.exten}\r\n"
            f"{p}Priority: {self.priority}\r\n{p}Uniqueid: {self.uniqueid}\r\n{p}Linkedid: {self.linkedid}\r\n"
            f"{p}ChanVariable: DNIS={self.dnis}\r\n"
        )

    def at(self, context: str, exten: str, priority: int) -> None:
        """Move on in the dialplan."""
        self.context, self.exten, self.priority = context, exten, priority

    def connect(self, number: str, name: str) -> None:
        self.connected, self.connected_name = number, name


@dataclass(eq=False, slots=True)
class Bridge:
    """A mixing bridge of two channels; `count` is what is in it."""

    uniqueid: str
    count: int = 0

    def lines(self) -> str:
        return (
            f"BridgeUniqueid: {self.uniqueid}\r\nBridgeType: basic\r\nBridgeTechnology: simple_bridge\r\nBridgeCreator: <unknown>\r\n"
            f"BridgeName: <unknown>\r\nBridgeNumChannels: {self.count}\r\nBridgeVideoSourceMode: none\r\n"
        )


@dataclass(eq=False, slots=True)
class Legs:
    """The channels of one call; once answered, since when and after how long (whole seconds).

    `dest` is what the queue dialled (`Local/…;1` for a wrapped member), `half` its other half, `phone` what rings on the desk.
    """

    caller: Channel
    dest: Channel | None = None
    half: Channel | None = None
    phone: Channel | None = None
    bridges: list[tuple[Bridge, Channel, Channel]] = field(default_factory=list)
    answered_s: float = 0.0
    hold_s: int = 0

    def channels(self) -> list[Channel]:
        found = [self.half, self.dest, None if self.phone is self.dest else self.phone, self.caller]
        return [c for c in found if c is not None]


class Numbering:
    """Names and ids of channels; all start anew with the PBX."""

    def __init__(self) -> None:
        self._uniqueid = 0
        self._suffix = 0
        self._local = 0

    def uniqueid(self, wall_s: float) -> str:
        self._uniqueid += 1
        return f"{int(wall_s)}.{self._uniqueid - 1}"

    def name(self, device: str) -> str:
        """The next channel on a device."""
        self._suffix += 1
        return f"{device}-{self._suffix - 1:08x}"

    def local(self, extension: str) -> str:
        """The next Local channel, without its half (`;1` or `;2`)."""
        self._local += 1
        return f"Local/{extension}@agents-{self._local - 1:08x}"
