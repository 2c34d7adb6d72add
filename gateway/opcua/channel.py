"""Decides what a secure channel lets through: which services there are, with what security, and for whose session.

asyncua answers requests on a channel that was never opened, takes up a session of another client's by its (countable) token, and looks
at a client's certificate only where the client itself sends it along with a session: all that is refused here.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import SessionState
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import uatcp_to_binary

if TYPE_CHECKING:
    from gateway.opcua.server import Insides

_log = logging.getLogger(__name__)


def _requests(*names: str) -> frozenset[Any]:
    return frozenset(ua.NodeId(getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary")) for name in names)


#: What is answered before anybody is logged in, also on a channel without security: a client asks so how to connect.
_DISCOVERY: Final = _requests("GetEndpoints", "FindServers", "CloseSecureChannel")
_CREATE, _CALL = (ua.NodeId(getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary")) for name in ("CreateSession", "Call"))
_SERVICES: Final = (
    _DISCOVERY
    | {_CREATE, _CALL}
    | _requests(
        *("ActivateSession", "CloseSession"),
        *("Read", "Write", "Browse", "BrowseNext", "TranslateBrowsePathsToNodeIds", "RegisterNodes", "UnregisterNodes"),
        *("CreateSubscription", "ModifySubscription", "DeleteSubscriptions", "SetPublishingMode", "TransferSubscriptions"),
        *("CreateMonitoredItems", "ModifyMonitoredItems", "DeleteMonitoredItems", "SetMonitoringMode", "Publish", "Republish"),
    )
)
#: Calls that one client may have under way: each may wait for a command's end.
_CALLS_MOST: Final = 16


class Channel(UaProcessor):
    """One client's channel and its one session."""

    iserver: Insides

    def __init__(self, iserver: Insides, transport: Any, limits: Any) -> None:
        super().__init__(iserver, transport, limits)
        self._calls: set[asyncio.Task[None]] = set()

    async def process(self, header: Any, body: Any) -> bool:
        """One frame. Whatever is wrong with the channel itself ends it, as OPC 10000-6, 6.7.4 has it."""
        try:
            if header.MessageType not in (ua.MessageType.Hello, ua.MessageType.SecureOpen) and not self._connection.is_open():
                raise ServiceError(ua.StatusCodes.BadSecureChannelIdInvalid)
            return bool(await super().process(header, body))
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            self.iserver.counts.faults += 1
            code = int(getattr(fault, "code", 0) or ua.StatusCodes.BadSecurityChecksFailed)
            _log.warning(
                "the channel of %s ends: %s", self.name, type(fault).__name__ if not isinstance(fault, ServiceError) else f"{code:#x}"
            )
            self._transport.write(uatcp_to_binary(ua.MessageType.Error, ua.ErrorMessage(ua.StatusCode(code), "")))
            return False

    def open_secure_channel(self, algohdr: Any, seqhdr: Any, body: Any) -> None:
        """Open or renew it, for a client whose certificate is trusted."""
        if algohdr.SecurityPolicyURI != _NONE and not self._connection.is_open():
            refusal = self.iserver.trust.refusal(algohdr.SenderCertificate)
            if refusal is not None:
                _log.warning("a client at %s is turned away: %s", self.name, refusal)
                raise ServiceError(ua.StatusCodes.BadSecurityChecksFailed)
        super().open_secure_channel(algohdr, seqhdr, body)

    async def process_message(self, seqhdr: Any, body: Any) -> bool:
        """One request; its answer is a fault where it cannot be read."""
        return bool(await super().process_message(seqhdr, body))

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> bool:
        try:
            self._check(typeid, requesthdr)
            if typeid == _CALL:
                self._begin_call(typeid, requesthdr, seqhdr, body)
                return True
            answered = await super()._process_message(typeid, requesthdr, seqhdr, body)
        except Exception as fault:
            if not isinstance(fault, ServiceError | ua.UaStatusCodeError):
                self.iserver.counts.faults += 1
            raise
        if typeid == _CREATE and self.session is not None:
            self.session.mode = self._connection.security_policy.Mode
        return bool(answered)

    def _check(self, typeid: Any, requesthdr: Any) -> None:
        """Raises ServiceError for what is not to be answered."""
        if typeid not in _SERVICES:
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        if typeid in _DISCOVERY:
            return
        if self._connection.security_policy.Mode == ua.MessageSecurityMode.None_ and not self.iserver.insecure:
            raise ServiceError(ua.StatusCodes.BadSecurityPolicyRejected)
        has_session = self.session is not None and self.session.state is not SessionState.Closed
        if typeid == _CREATE:
            if has_session:
                raise ServiceError(ua.StatusCodes.BadTooManySessions)
            return
        if not has_session or requesthdr.AuthenticationToken != self.session.auth_token:
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)

    def _begin_call(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> None:
        """Answer a call when it is done, and others meanwhile: it may wait seconds for the end of its command."""
        if len(self._calls) >= _CALLS_MOST:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        task = asyncio.create_task(self._call(typeid, requesthdr, seqhdr, body))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> None:
        try:
            await super()._process_message(typeid, requesthdr, seqhdr, body)
        except Exception as fault:
            if not isinstance(fault, ServiceError | ua.UaStatusCodeError):
                self.iserver.counts.faults += 1
                _log.warning("a call of %s could not be answered: %s", self.name, type(fault).__name__)
            response = ua.ServiceFault()
            response.ResponseHeader.ServiceResult = ua.StatusCode(int(getattr(fault, "code", 0) or ua.StatusCodes.BadInternalError))
            self.send_response(requesthdr.RequestHandle, seqhdr, response)

    async def close(self) -> None:
        """The client is gone, or was silent for too long: so are its session and its subscriptions."""
        for task in list(self._calls):
            task.cancel()
        await super().close()
        self._transport.close()

    def _should_close_session_on_transport_loss(self) -> bool:
        """Always: a session is not taken up again on another channel, which nobody could tell from another client's."""
        return self.session is not None


_NONE: Final = "http://opcfoundation.org/UA/SecurityPolicy#None"
