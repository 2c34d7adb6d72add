"""Calls that a command makes the simulated PBX set up: a phone is rung, and from it a number is dialled or a call listened to.

The order of the events is that of the recorded Asterisk 22 (`tests/captures/S6_trunk`): of a phone that is busy DialEnd, Hangup,
OriginateResponse; of one that rang out the OriginateResponse first; of one that cannot be reached nothing but that.

What becomes of a number is told by its last two digits where they are a cause of Q.850: 17 busy, 19 no answer, 21 rejected, 34 congested,
01 unallocated. All others are answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from appliance.sim.floor_model_state import Agent
from appliance.sim.pbx_channel import Channel
from appliance.sim.pbx_text import CAUSES, UNKNOWN, fields

if TYPE_CHECKING:
    from appliance.sim.pbx import SimPbx
    from appliance.sim.pbx_session import Request

_FATES: Final = {"17": ("BUSY", 17), "19": ("NOANSWER", 19), "21": ("CHANUNAVAIL", 21), "34": ("CONGESTION", 34), "01": ("CHANUNAVAIL", 1)}
CAUSES.update({1: "Unallocated (unassigned) number", 21: "Call Rejected", 34: "Circuit/channel congestion"})


class OutboundCall:
    """One call that was originated, from the ringing of the phone to its end."""

    def __init__(self, book: Outbound, request: Request, agent: Agent | None) -> None:
        pbx, now_s = book.pbx, book.pbx.wall_s()
        self.book, self.request, self.agent, self.switch = book, request, agent, pbx.switch
        uniqueid = request.get("channelid") or pbx.switch.numbering.uniqueid(now_s)
        device = request["channel"]
        name = pbx.switch.numbering.name(device.removesuffix("/n")) if agent is not None else device
        self.phone = Channel(
            name, uniqueid, uniqueid, now_s, context=request.get("context", "internal"), exten="s",
            application="AppDial2", data="(Outgoing Line)",
        )  # fmt: skip
        self.far: Channel | None = None
        self.over = False

    def channels(self) -> list[Channel]:
        """Those that stand now."""
        return [] if self.over else [channel for channel in (self.phone, self.far) if channel is not None]

    def ring(self) -> None:
        """The phone begins to ring, or cannot."""
        if self.agent is None or self.agent.mode == "away":
            self._later(0.02, lambda: self._response("Failure", 0))
            return
        self._call("Newchannel", self.phone)
        self._say("DialBegin", self.phone.lines("Dest") + fields(DialString=self.phone.name))
        if self.agent.mode != "idle":
            self._later(0.03, self._phone_busy)
            return
        self.agent.mode = "ringing"
        self._state(self.phone, 5)
        self._say("DialState", self.phone.lines("Dest") + fields(DialStatus="RINGING"))
        self.switch.phone(self.agent, 6)
        timeout_s = float(self.request.get("timeout", "30000")) / 1000
        if self.book.pick_up_s >= timeout_s:
            self._later(timeout_s, self._phone_rang_out)
        else:
            self._later(self.book.pick_up_s, self._picked_up)

    def hang_up(self, cause: int = 16, *, by_person: bool = False) -> None:
        """Both ends are hung up."""
        if self.over:
            return
        channels = self.channels()
        self.over = True
        for channel in channels:
            self._call("HangupRequest" if by_person else "SoftHangupRequest", channel, Cause=cause)
        for channel in reversed(channels):
            self.switch.hangup(channel, cause)
        self._free()

    # -- the phone -----------------------------------------------------------------------------------------------

    def _phone_busy(self) -> None:
        self._call("HangupRequest", self.phone, Cause=17)
        self._say("DialEnd", self.phone.lines("Dest") + fields(DialStatus="BUSY"))
        self.switch.hangup(self.phone, 17)
        self._response("Failure", 0)

    def _phone_rang_out(self) -> None:
        self._response("Failure", 3)
        self.switch.hangup(self.phone, 19)
        self._free()

    def _picked_up(self) -> None:
        assert self.agent is not None
        self.agent.mode = "talking"
        self._response("Success", 4)
        self._state(self.phone, 6)
        self._say("DialEnd", self.phone.lines("Dest") + fields(DialStatus="ANSWER"))
        self.switch.phone(self.agent, 2)
        if "application" in self.request:
            self._later(self.book.talk_s, lambda: self.hang_up(by_person=True))
        else:
            self._later(0.01, self._dial)

    def _response(self, word: str, reason: int) -> None:
        told = fields(ActionID=self.request.get("actionid", ""), Response=word, Channel=self.phone.name)
        if "application" in self.request:
            told += fields(Application=self.request["application"], Data=self.request.get("data", ""))
        else:
            told += fields(Context=self.request.get("context", ""), Exten=self.request.get("exten", ""))
        told += fields(Reason=reason, Uniqueid=self.phone.uniqueid, CallerIDNum=UNKNOWN, CallerIDName=UNKNOWN)
        self._say("OriginateResponse", told)
        if word == "Failure":
            self.over = True

    # -- the number ----------------------------------------------------------------------------------------------

    def _dial(self) -> None:
        number, now_s = self.request.get("exten", ""), self.book.pbx.wall_s()
        self.phone.at(self.request.get("context", ""), number, 1)
        numbering = self.switch.numbering
        self.far = Channel(numbering.name("PJSIP/trunk-norte"), numbering.uniqueid(now_s), self.phone.uniqueid, now_s, context="from-trunk")
        self._call("Newchannel", self.far)
        self._say("DialBegin", self.phone.lines() + self.far.lines("Dest") + fields(DialString=f"{number}@trunk-norte"))
        self._state(self.far, 5)
        self._dial_event("DialState", "RINGING")
        status, cause = _FATES.get(number[-2:], ("ANSWER", 16))
        if status == "ANSWER":
            self._later(self.book.answer_s, self._answered)
        else:
            self._later(self.book.answer_s, lambda: self._not_answered(status, cause))

    def _answered(self) -> None:
        assert self.far is not None
        self._state(self.far, 6)
        self._dial_event("DialEnd", "ANSWER")
        self._later(self.book.talk_s, lambda: self.hang_up(by_person=True))

    def _not_answered(self, status: str, cause: int) -> None:
        far = self.far
        assert far is not None
        self._call("HangupRequest", far, Cause=cause)
        self._dial_event("DialEnd", status)
        self.switch.hangup(far, cause)
        self.far = None
        self._later(0.05, lambda: self.hang_up(cause))

    def _dial_event(self, name: str, status: str) -> None:
        assert self.far is not None
        self._say(name, self.phone.lines() + self.far.lines("Dest") + fields(DialStatus=status))

    # -- what all of it stands on --------------------------------------------------------------------------------

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        """Unless the call is over by then, or the PBX was started anew."""

        def act() -> None:
            if not self.over and self.book.pbx.switch is self.switch:
                action()

        self.book.pbx.later(seconds, act)

    def _state(self, channel: Channel, state: int) -> None:
        channel.state = state
        self._call("Newstate", channel)

    def _call(self, name: str, channel: Channel, **more: object) -> None:
        self.switch.call(name, channel, **more)

    def _say(self, name: str, body: str) -> None:
        self.switch.say(name, "call", body)

    def _free(self) -> None:
        self.over = True
        if self.agent is not None and self.agent.mode in ("ringing", "talking") and self.agent.visit is None:
            self.switch.phone(self.agent, 1)
            self.book.pbx.model.staff.rest(self.agent, 0.0)


class Outbound:
    """The originated calls of one PBX. Times are real seconds: until a phone is picked up, a number answers, a conversation ends."""

    def __init__(self, pbx: SimPbx) -> None:
        self.pbx = pbx
        self.pick_up_s, self.answer_s, self.talk_s = 0.3, 0.5, 3.0
        self.calls: list[OutboundCall] = []
        #: Those of another kind of PBX, by its own ids.
        self.by_uuid: dict[str, Any] = {}

    def originate(self, request: Request, agent: Agent | None) -> OutboundCall:
        """Begin one."""
        self.calls = [call for call in self.calls if not call.over and call.switch is self.pbx.switch]
        call = OutboundCall(self, request, agent)
        self.calls.append(call)
        call.ring()
        return call

    def channels(self) -> list[Channel]:
        """All that stand."""
        return [channel for call in self.calls if call.switch is self.pbx.switch for channel in call.channels()]

    def of(self, name: str) -> OutboundCall | None:
        """The call that a channel belongs to."""
        return next((call for call in self.calls if any(channel.name == name for channel in call.channels())), None)
