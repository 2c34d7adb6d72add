"""Decides what a gateway's SIP is answered: 180 to a call, which is followed to its end and never taken; else as RFC 3261 says. Pure.

One `SipServer` is one gateway's. It is fed packets and monotonic ns; `take` gives what is to be sent and what became known.
A packet that cannot be read gets no answer: it may be anybody's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, Literal
from urllib.parse import quote

from appliance.core.clock import NS
from appliance.core.errors import CorruptError
from gateway.fxo.sip_caller import caller_from_invite, user_from_uri
from gateway.fxo.sip_invite import AGAIN_NS, Ended, Invite, Peer, Rang, SipCall
from gateway.fxo.sip_message import SipMessage, answer, message_from_bytes

#: Two dozen ports are the largest gateway; each has one call that rings and some whose end is being acknowledged.
MAX_INVITES: Final = 128
_COOKIE: Final = "z9hG4bK"
_ALLOW: Final = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n"
#: Methods that are known and not for us (405); others are not known (501).
_KNOWN: Final = frozenset({"REGISTER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "INFO", "PRACK", "UPDATE", "REFER", "PUBLISH"})
#: RFC 3326: answered by another phone.
_ELSEWHERE: Final = re.compile(r"SIP\s{0,4};\s{0,4}(?:[^,]{0,200};)?\s{0,4}cause\s{0,4}=\s{0,4}200\b", re.I)

News = Rang | Ended | Literal["pong"]


class SipServer:
    """One gateway's. `counts`: `malformed`, `stray`, `looped`, `unknown_user`, `extension`, `refused`, `too_many`."""

    def __init__(self, users: Iterable[str], *, token: Callable[[], str], ring_max_s: float = 180.0) -> None:
        """`users`: the accounts that calls are sent to; `token`: letters that nobody can guess."""
        self._users = frozenset(users)
        self._token = token
        self._ring_max_ns = int(ring_max_s * NS)
        self._invites: dict[tuple[str, ...], Invite] = {}
        self._pings: dict[str, int] = {}
        self._cseq = 0
        self._mark = token()
        self._out: list[tuple[bytes, Peer]] = []
        self._news: list[News] = []
        self.counts: Counter[str] = Counter()
        self.asked_for: str | None = None

    def take(self) -> tuple[list[tuple[bytes, Peer]], list[News]]:
        """What is to be sent, and what became known, since the last time."""
        out, self._out, news, self._news = self._out, [], self._news, []
        return out, news

    def feed(self, data: bytes, source: Peer, now_ns: int) -> bool:
        """One datagram, or one message of a stream; whether it could be read."""
        try:
            message = message_from_bytes(data, stream=source.conn is not None)
        except CorruptError:
            self.counts["malformed"] += 1
            return False
        if message.method is None:
            self._responded(message)
        elif message.call_id.startswith(self._mark):
            self.counts["looped"] += 1  # our own words, sent back to us
            self._answer(message, source, 482, "Loop Detected")
        else:
            self._asked(message.method, message, source, now_ns)
        return True

    # -- requests ----------------------------------------------------------------------------------------------

    def _asked(self, method: str, request: SipMessage, source: Peer, now_ns: int) -> None:
        match method:
            case "INVITE":
                self._invited(request, source, now_ns)
            case "ACK":
                invite = self._invites.get(_key(request))
                if invite is None:
                    self.counts["stray"] += 1
                else:
                    invite.acknowledge(now_ns)
            case "CANCEL":
                self._cancelled(request, source, now_ns)
            case "BYE":
                self._hung_up(request, source, now_ns)
            case "OPTIONS":
                self._answer(request, source, 200, "OK", _ALLOW + "Accept: application/sdp\r\n")
            case _:
                self.counts["refused"] += 1
                if method in _KNOWN:
                    self._answer(request, source, 405, "Method Not Allowed", _ALLOW)
                else:
                    self._answer(request, source, 501, "Not Implemented", _ALLOW)

    def _invited(self, request: SipMessage, source: Peer, now_ns: int) -> None:
        key = _key(request)
        known = self._invites.get(key)
        if known is not None:  # 17.2.1: it did not hear us
            if known.stage != "acknowledged":
                self._out.append((known.last, known.peer))
            return
        user = user_from_uri(request.uri)
        refusal = self._refusal(request, user)
        if refusal is not None:
            self._answer(request, source, *refusal)
            return
        assert user is not None
        for older in self._ringing():
            if older.call.user == user:  # a line rings once at a time: the end of that call was lost
                self._over(older, "given_up", 480, "Temporarily Unavailable", now_ns)
        call = SipCall(id=self._token(), user=user, caller=caller_from_invite(request, self._users))
        peer, tag = _back(request, source), self._token()
        from_ = (source.host, source.port)
        contact = f"Contact: <sip:{quote(user)}@{_contact(request.uri)}>\r\n"
        ringing = answer(request, 180, "Ringing", source=from_, to_tag=tag, more=contact)
        expires_s = request.number("expires")
        over_ns = now_ns + min(self._ring_max_ns, (expires_s or 1 << 32) * NS)
        self._invites[key] = Invite(
            request=request, call=call, peer=peer, source=from_, tag=tag, last=ringing, due_ns=now_ns + AGAIN_NS, over_ns=over_ns
        )
        self._out += [(answer(request, 100, "Trying", source=from_), peer), (ringing, peer)]
        self._news.append(Rang(call))

    def _refusal(self, request: SipMessage, user: str | None) -> tuple[int, str] | tuple[int, str, str] | None:
        """Why an INVITE is no call that rings; None where it is one."""
        same = (request.call_id, request.from_tag, request.cseq)
        needed = ", ".join(value for value in request.all("require") if value)
        refusal: tuple[int, str] | tuple[int, str, str] | None = None
        if request.to_tag is not None:
            refusal, why = (481, "Call/Transaction Does Not Exist"), "stray"
        elif any((held.request.call_id, held.request.from_tag, held.request.cseq) == same for held in self._invites.values()):
            refusal, why = (482, "Loop Detected"), "looped"  # 8.2.2.2: the same call by two ways
        elif request.first("max-forwards") is not None and request.number("max-forwards") is None:
            refusal, why = (400, "Bad Max-Forwards"), "refused"
        elif not request.uri.lower().startswith(("sip:", "sips:", "tel:")):
            refusal, why = (416, "Unsupported URI Scheme"), "refused"
        elif needed:
            refusal, why = (420, "Bad Extension", f"Unsupported: {needed}\r\n"), "extension"
        elif user not in self._users:
            refusal, why, self.asked_for = (404, "Not Found"), "unknown_user", user
        elif len(self._invites) >= MAX_INVITES:
            refusal, why = (503, "Service Unavailable", "Retry-After: 10\r\n"), "too_many"
        if refusal is not None:
            self.counts[why] += 1
        return refusal

    def _cancelled(self, request: SipMessage, source: Peer, now_ns: int) -> None:
        invite = self._invites.get(_key(request))
        if invite is None:
            self.counts["stray"] += 1
            self._answer(request, source, 481, "Call/Transaction Does Not Exist")
            return
        self._out.append((answer(request, 200, "OK", source=(source.host, source.port), to_tag=invite.tag), _back(request, source)))
        if source.conn is not None:
            invite.peer = source  # the connection that it rang by may be gone
        elsewhere = any(_ELSEWHERE.search(reason) for reason in request.all("reason"))
        self._over(invite, "elsewhere" if elsewhere else "cancelled", 487, "Request Terminated", now_ns)

    def _hung_up(self, request: SipMessage, source: Peer, now_ns: int) -> None:
        """15.1.2: an early dialog may be ended by BYE."""
        for invite in self._ringing():
            if (invite.request.call_id, invite.request.from_tag, invite.tag) == (request.call_id, request.from_tag, request.to_tag):
                self._answer(request, source, 200, "OK")
                self._over(invite, "cancelled", 487, "Request Terminated", now_ns)
                return
        self.counts["stray"] += 1
        self._answer(request, source, 481, "Call/Transaction Does Not Exist")

    def _over(self, invite: Invite, how: Literal["cancelled", "elsewhere", "given_up"], status: int, reason: str, now_ns: int) -> None:
        if invite.stage == "ringing":
            final = answer(invite.request, status, reason, source=invite.source, to_tag=invite.tag)
            self._out.append((invite.end(final, now_ns), invite.peer))
            self._news.append(Ended(invite.call, how))

    def _answer(self, request: SipMessage, source: Peer, status: int, reason: str, more: str = "") -> None:
        said = answer(request, status, reason, source=(source.host, source.port), to_tag=self._mark, more=more)
        self._out.append((said, _back(request, source)))

    def _ringing(self) -> list[Invite]:
        return [invite for invite in self._invites.values() if invite.stage == "ringing"]

    # -- whether it is there -----------------------------------------------------------------------------------

    def ping(self, at: Peer, here: tuple[str, int]) -> None:
        """Ask the gateway whether it is there; any answer says so. `here`: where it answers to."""
        self._cseq += 1
        branch = f"{_COOKIE}{self._token()}"
        self._pings = {each: number for each, number in self._pings.items() if number > self._cseq - 8}
        self._pings[branch] = self._cseq
        host = f"[{here[0]}]" if ":" in here[0] else here[0]
        there = f"[{at.host}]" if ":" in at.host else at.host
        lines = (
            f"OPTIONS sip:{there}:{at.port} SIP/2.0",
            f"Via: SIP/2.0/UDP {host}:{here[1]};branch={branch};rport",
            "Max-Forwards: 1",
            f"From: <sip:callfloor@{host}>;tag={self._mark}",
            f"To: <sip:{there}:{at.port}>",
            f"Call-ID: {self._mark}-{self._cseq}@callfloor",
            f"CSeq: {self._cseq} OPTIONS",
            f"Contact: <sip:callfloor@{host}:{here[1]}>",
            "Accept: application/sdp",
            "Content-Length: 0",
        )
        self._out.append(("\r\n".join((*lines, "", "")).encode(), at))

    def _responded(self, message: SipMessage) -> None:
        if self._pings.pop(message.via.branch or "", None) == message.cseq and message.cseq_method == "OPTIONS":
            self._news.append("pong")
        else:
            self.counts["stray"] += 1

    # -- time --------------------------------------------------------------------------------------------------

    @property
    def due_ns(self) -> int | None:
        """When `tick` has something to do."""
        return min((invite.next_ns for invite in self._invites.values()), default=None)

    def tick(self, now_ns: int) -> None:
        """What time alone does: answers are sent again, calls without an end are given up, transactions forgotten."""
        for key, invite in list(self._invites.items()):
            if invite.over_ns <= now_ns:
                if invite.stage == "ringing":
                    self._over(invite, "given_up", 487, "Request Terminated", now_ns)
                else:
                    del self._invites[key]
            elif invite.due_ns is not None and invite.due_ns <= now_ns:
                self._out.append((invite.again(now_ns), invite.peer))


def _key(request: SipMessage) -> tuple[str, ...]:
    """17.2.3: which transaction a request is of; ACK and CANCEL are of their INVITE's."""
    via = request.via
    if via.branch is not None and via.branch.startswith(_COOKIE):
        return via.branch, via.host.lower(), str(via.port or 5060)
    return request.call_id, request.from_tag or "", str(request.cseq), via.host.lower()


def _back(request: SipMessage, source: Peer) -> Peer:
    """18.2.2: over TCP by the same connection; over UDP to where it came from, at its Via's port unless it asks for the real one."""
    if source.conn is not None or request.via.rport:
        return source
    return Peer(source.host, request.via.port or 5060)


def _contact(uri: str) -> str:
    """Where we are, as the gateway named us."""
    host = uri.partition("@")[2].partition(";")[0].partition("?")[0]
    return host if re.fullmatch(r"[A-Za-z0-9.:\[\]_-]{1,255}", host) else "callfloor.invalid"
