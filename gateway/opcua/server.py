"""Decides how asyncua's server is put together for a box: which doors are open, how much it takes at most, whom it believes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from struct import unpack_from
from typing import Any, Final

from asyncua import Server, ua
from asyncua.common.connection import TransportLimits
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.server.internal_server import InternalServer

from appliance.core.config import Config
from appliance.core.config_opcua import opcua_endpoint
from appliance.core.opcua_config import OpcuaConfig, OpcuaRole
from appliance.version import VERSION
from gateway.opcua.count import Counts
from gateway.opcua.door import CHUNK_MOST, Listener
from gateway.opcua.identity import Identity
from gateway.opcua.session import OPERATIONS_MOST, SUBSCRIPTIONS_MOST, Session
from gateway.opcua.space import URI, Space
from gateway.opcua.trust import Trust
from gateway.opcua.user import Users, Visitor

#: Whoever is called: by whom, and the request as it came; a CallMethodResult.
Method = Callable[[Visitor, Any], Awaitable[Any]]

#: What a client may send as one message; what it is sent may be larger.
_MESSAGE_MOST: Final = 1 << 20
_SESSION_MS: Final = (10_000, 300_000)
_LOGIN_S: Final = 15.0
_DECRYPT: Final = {
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep": uacrypto.decrypt_rsa_oaep,
    "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256": uacrypto.decrypt_rsa_oaep_sha256,
}
_SECURE: Final = (ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt, ua.SecurityPolicyType.Basic256Sha256_Sign)
_LIMITS: Final = (
    *("MaxNodesPerRead", "MaxNodesPerWrite", "MaxNodesPerMethodCall", "MaxNodesPerBrowse", "MaxNodesPerRegisterNodes"),
    *("MaxNodesPerTranslateBrowsePathsToNodeIds", "MaxMonitoredItemsPerCall"),
)


class Insides(InternalServer):
    """asyncua's server behind the wire, with sessions of ours."""

    def __init__(self, users: Users, trust: Trust, counts: Counts, opcua: OpcuaConfig) -> None:
        super().__init__(user_manager=users)
        self.trust, self.counts, self.insecure = trust, counts, opcua.insecure
        #: Who answers a method, by its node's id.
        self.methods: dict[Any, Method] = {}
        #: Paths that only the role rig sees, with all below them.
        self.rig_only: tuple[str, ...] = ("extra/rig",)
        self.index = 0
        self.allow_remote_admin = False
        self.match_discovery_source_ip = False
        self.max_connections = opcua.max_sessions * 2 + 10
        self.max_subscriptions = opcua.max_sessions * SUBSCRIPTIONS_MOST
        self.min_session_timeout_ms, self.max_session_timeout_ms = _SESSION_MS
        self.max_pending_activation_seconds = _LOGIN_S
        self.max_pending_messages_per_connection = 64
        self.max_unacked_messages_per_subscription = 100
        self.max_monitored_item_queue_size = 1000
        self._sessions_most = opcua.max_sessions

    def create_session(self, name: Any, user: Any = None, external: bool = False) -> Session:
        """A new session, while there is room. Raises ServiceError."""
        if len(self._external_sessions) >= self._sessions_most:
            self.counts.connections_refused += 1
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        return Session(self, self.aspace, self.subscription_service, name, external=external)

    @property
    def session_count(self) -> int:
        """How many clients have a session."""
        return len(self._external_sessions)

    def lookup_external_session(self, auth_token: Any) -> None:
        """None, ever: its token is a number that anybody can count up to."""
        return

    def hides(self, node_id: Any, role: OpcuaRole) -> bool:
        """Whether a node is not for this role."""
        if role == "rig" or node_id.NamespaceIndex != self.index or not isinstance(node_id.Identifier, str):
            return False
        return any(node_id.Identifier == path or node_id.Identifier.startswith(f"{path}/") for path in self.rig_only)

    def decrypt_user_token(self, isession: Any, token: Any) -> tuple[str, str]:
        """Name and password. One that anybody on the way could read or say again is not taken. Raises ServiceError."""
        name, secret = token.UserName or "", token.Password or b""
        if not token.EncryptionAlgorithm:
            if isession.mode == ua.MessageSecurityMode.Sign:
                raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
            return name, secret.decode()
        decrypt = _DECRYPT.get(token.EncryptionAlgorithm)
        if decrypt is None:
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        plain = decrypt(self.private_key, secret)
        nonce = isession.nonce or b""
        end = 4 + unpack_from("<I", plain)[0]
        if not nonce or plain[end - len(nonce) : end] != nonce:  # OPC 10000-4, 7.41.2.2: the server's last nonce stands behind it
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        return name, plain[4 : end - len(nonce)].decode()


class BoxServer(Server):
    """asyncua's server with our door."""

    iserver: Insides

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        await self._setup_server_nodes()
        await self.iserver.start()
        try:
            host, port = self._get_bind_socket_info()
            self.bserver = Listener(self.iserver, host, port, self.limits)
            self.bserver.set_policies(self._policies)
            await self.bserver.start()
        except BaseException:
            await self.iserver.stop()
            raise


async def server_of(config: Config, opcua: OpcuaConfig, shown: Identity, insides: Insides) -> tuple[BoxServer, Space]:
    """A server that does not listen yet, and its nodes. Seconds of a small board's processor."""
    server = BoxServer(iserver=insides)
    endpoint = opcua_endpoint(opcua.listen)
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host or "0.0.0.0"  # noqa: S104 - as it was configured
    server.set_endpoint(f"opc.tcp://{host}:{endpoint.port}")
    server.socket_address = (endpoint.host or None, endpoint.port)
    server.name = server.manufacturer_name = "Callfloor"
    server.product_uri = "urn:callfloor"
    server._application_uri = shown.uri
    server.application_type = ua.ApplicationType.Server
    server.limits = TransportLimits(CHUNK_MOST, CHUNK_MOST, _MESSAGE_MOST // CHUNK_MOST + 1, _MESSAGE_MOST)
    await server.init()
    await server.set_build_info(server.product_uri, "Callfloor", "Callfloor", VERSION, "0", datetime.now().astimezone())
    policies = [*_SECURE, *([ua.SecurityPolicyType.NoSecurity] if opcua.insecure else [])]
    server.set_security_policy(policies)
    # Without a token of his own a client is whom his channel's certificate shows.
    nameless = opcua.anonymous or any(user.certificate for user in opcua.users.values())
    tokens = [ua.UserNameIdentityToken, ua.X509IdentityToken, *([ua.AnonymousIdentityToken] if nameless else [])]
    server.set_identity_tokens(tokens)
    await server.load_certificate(shown.certificate, "pem")
    await server.load_private_key(shown.key, None, "pem")
    for name in _LIMITS:
        node = server.get_node(ua.NodeId(getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")))
        await node.write_value(ua.Variant(OPERATIONS_MOST, ua.VariantType.UInt32))
    insides.index = await server.register_namespace(URI)
    return server, Space(insides, insides.index, f"{config.site.name} {config.site.box}", opcua.max_nodes)
