"""One connection to one broker: paho's protocol on our own loop, with the event lane's frames written and answered in bulk.

The only module that imports paho. paho does CONNECT, will, SUBSCRIBE, what comes in, the live lane and DISCONNECT; pings are ours;
a new client is made for every connection, so that nothing stale is sent from its memory. Two of its doors that have no
public name are used, `_create_socket` and `_mid_generate`; a test holds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from appliance.core.config import Crm
from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError, TransientError, UnsupportedError
from gateway.uplink.endpoint import Endpoint
from gateway.uplink.frame import Framer
from gateway.uplink.link import TAKEN_OVER, End, Greeting, Handler, Message, SentAwayError, Will
from gateway.uplink.packet import LANE_MIDS, MAX_INBOUND, PINGREQ
from gateway.uplink.pulse import Pulse
from gateway.uplink.tls import Lease, refusal_of
from gateway.uplink.websocket import WebSocket
from gateway.uplink.wire import Wire

_log = logging.getLogger(__name__)

_CONNECT_S: Final = 5.0
#: All of it, name, TLS and websocket: who answers byte by byte would keep each step of it waiting for ever.
_DIAL_S: Final = 20.0
#: Header, identifier and properties of a message of the live lane, at most.
_OVERHEAD: Final = 256
_CONNACK_S: Final = 10.0
#: How long a session, and with it commands sent meanwhile, outlives the connection.
_SESSION_S: Final = 7 * 86400
#: Commands that the broker may have under way towards us.
COMMANDS_UNDER_WAY: Final = 20
#: The kernel gives a connection up when sent bytes stay unacknowledged this long.
_UNACKED_MS: Final = 15_000
_DENIED: Final = frozenset({0x85, 0x86, 0x87, 0x8A, 0x8C, TAKEN_OVER})
_NO_SUCH_VERSION: Final = 0x84
_SENT_AWAY: Final = frozenset({0x9C, 0x9D})
_PAHO_FAULTS: Final = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error, MQTTException,
)  # fmt: skip


class _Client(paho.Client):
    """paho with our wire under it, and with identifiers that leave the lower half to the event lane."""

    wire: Wire | None = None
    endpoint: Endpoint
    lease: Lease | None = None
    #: The connection that is being made, for who no longer wants it.
    half: socket.socket | None = None

    def _create_socket(self) -> Any:
        """The wire to the broker: TCP, TLS, websocket, as the endpoint has them. paho's own way leaves sockets open that failed."""
        at = self.endpoint
        made: Any = socket.create_connection((at.host, at.port), _CONNECT_S)
        self.half = half = made.dup()
        try:
            for option, value in ((socket.TCP_NODELAY, 1), (getattr(socket, "TCP_USER_TIMEOUT", 18), _UNACKED_MS)):
                with contextlib.suppress(OSError):
                    made.setsockopt(socket.IPPROTO_TCP, option, value)
            if self.lease is not None:
                made = self.lease.context.wrap_socket(made, server_hostname=at.host)
                self.lease.check(made.getpeercert(binary_form=True))
            if at.path is not None:
                made = WebSocket(made, at.host, at.port, at.path, tls=at.tls)
        except BaseException:
            made.close()
            raise
        finally:
            half.close()
        self.wire = Wire(made)
        return self.wire

    def _mid_generate(self) -> int:
        return int(super()._mid_generate()) | (LANE_MIDS + 1)

    def abandoned(self, dialling: asyncio.Future[None]) -> None:
        """Nobody wants the connection any more that a thread was still dialling."""
        dialling.exception()
        self.abandon()

    def abandon(self) -> None:
        """Close without a word."""
        if self.wire is not None:
            self.wire.close()

    def give_up(self, dialling: asyncio.Future[None]) -> None:
        """Wait no longer for the thread that dials, and make it end."""
        dialling.add_done_callback(self.abandoned)
        if self.half is not None:
            with contextlib.suppress(OSError):  # it is done by now
                self.half.shutdown(socket.SHUT_RDWR)


class Link:
    """One connection, from `open` until `Handler.ended`."""

    def __init__(self, client: _Client, wire: Wire, handler: Handler, name: str, *, v5: bool, keepalive_s: int) -> None:
        self._client, self._wire, self._handler = client, wire, handler
        self._loop = asyncio.get_running_loop()
        self._greeted: asyncio.Future[Greeting] = self._loop.create_future()
        self._descriptor = wire.fileno()
        self._watched = self._writing = False
        self._open = True
        self._asked: dict[int, tuple[str, ...]] = {}
        self.v5, self._name, self._keepalive_s = v5, name, keepalive_s
        self.greeting = Greeting(0xFFFF, None, False)
        self._pulse = Pulse(keepalive_s, self._loop.time())
        self._framer = Framer(v5, 0, None)
        self.unreadable = 0
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_close = self._on_socket_close

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        crm: Crm,
        client_id: str,
        will: Will | None,
        handler: Handler,
        lease: Lease | None = None,
        *,
        receive_max: int = COMMANDS_UNDER_WAY,
        v5: bool | None = None,
    ) -> Link:
        """Connect and be greeted. `lease`: where the endpoint is one of TLS. `v5` None: as the configuration says.

        Raises TransientError when nobody answers or the broker is not ready, SentAwayError when it names another one, DeniedError
        when it refuses us, UnsupportedError when it does not know this version of MQTT, MisconfiguredError when a file of the
        configuration cannot be read.
        """
        v5 = crm.protocol != "3.1.1" if v5 is None else v5
        client = _client(crm, client_id, will, v5=v5)
        client.endpoint = endpoint
        client.lease = lease
        loop = asyncio.get_running_loop()
        dialling = loop.run_in_executor(None, _dial, client, endpoint, crm, receive_max, v5)
        try:
            async with asyncio.timeout(_DIAL_S):
                await asyncio.shield(dialling)
        except asyncio.CancelledError:
            client.give_up(dialling)
            raise
        except ssl.SSLCertVerificationError as fault:
            raise DeniedError(
                f"{endpoint.url}: the broker's certificate is not trusted: {fault.verify_message}; see [crm] ca_file"
            ) from fault
        except DeniedError as fault:
            raise DeniedError(f"{endpoint.url}: {fault}") from fault
        except OSError as fault:
            if not dialling.done():
                client.give_up(dialling)
                raise TransientError(f"{endpoint.url}: no connection was made within {_DIAL_S:.0f} s") from fault
            client.abandon()
            if refusal := refusal_of(fault):
                raise DeniedError(f"{endpoint.url}: {refusal}") from fault
            raise TransientError(f"{endpoint.url}: {fault}") from fault
        wire = client.wire
        if wire is None or wire.closed:
            raise TransientError(f"{endpoint.url}: closed at once")
        link = cls(client, wire, handler, client_id, v5=v5, keepalive_s=crm.keepalive_s)
        await link._greet(endpoint)
        return link

    async def _greet(self, endpoint: Endpoint) -> None:
        self._watched = True
        self._loop.add_reader(self._descriptor, self._readable)
        self._flush()
        stands = False
        try:
            async with asyncio.timeout(_CONNACK_S):  # not wait_for: see herald
                self.greeting = await asyncio.shield(self._greeted)
            stands = True
            greeting = self.greeting
            self._framer = Framer(self.v5, greeting.alias_max, greeting.packet_max)
            self._pulse = Pulse(self._keepalive_s if greeting.keepalive_s is None else greeting.keepalive_s, self._loop.time())
        except TimeoutError as fault:
            raise TransientError(f"{endpoint.url}: connected, but no CONNACK within {_CONNACK_S:.0f} s. Is it an MQTT broker?") from fault
        except SentAwayError as fault:
            raise SentAwayError(f"{endpoint.url}: {fault}", fault.reference) from fault
        except (TransientError, DeniedError, UnsupportedError) as fault:
            raise type(fault)(f"{endpoint.url}: {fault}") from fault
        finally:
            if not stands:
                self._open = False
                self._drop()

    def _drop(self) -> None:
        self._open = False
        if not self._wire.closed:
            self._on_socket_close()
            self._wire.close()
        self._greeted.cancel()

    @property
    def is_open(self) -> bool:
        """Can anything be sent?"""
        return self._open

    @property
    def waiting_out(self) -> int:
        """Bytes queued that the socket did not take yet."""
        return self._wire.waiting_out

    def frame(self, topic: bytes, mid: int, payload: bytes, late: bool = False) -> bytes:
        """One event as a frame of this connection alone: see `Framer.frame`."""
        return self._framer.frame(topic, mid, payload, late)

    def send(self, frames: list[bytes]) -> None:
        """Send frames of the event lane."""
        if self._open:
            self._wire.put(frames)
            self._flush()

    def fits(self, topic: str, payload: bytes) -> bool:
        """Is a message of the live lane small enough for the broker? A larger one would cost the connection."""
        most = self.greeting.packet_max
        return most is None or len(topic.encode()) + len(payload) + _OVERHEAD <= most

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None, correlation: bytes | None = None
    ) -> int | None:
        """Publish on the live lane, QoS 1; its identifier for `Handler.settled`, None when it could not be queued."""
        if not self._open:
            return None
        properties: Properties | None = None
        if self.v5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = "application/json"
            properties.UserProperty = ("v", "1")
            if expiry_s is not None:
                properties.MessageExpiryInterval = expiry_s
            if correlation is not None:
                properties.CorrelationData = correlation
        info = self._client.publish(topic, payload, 1, retain, properties)
        self._turn()
        return info.mid if info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN) and self._open else None

    def subscribe(self, *topic_filters: str, qos: int = 1, own: bool = True) -> None:
        """Ask for messages; the broker sends what is retained in the order of the filters. `Handler.subscribed` hears the answers.

        `own` false: what this client says itself need not come back (MQTT 5 alone can tell the broker so).
        """
        if self._open and topic_filters:
            if self.v5:
                mid = self._client.subscribe([(each, SubscribeOptions(qos, noLocal=not own)) for each in topic_filters])[1]
            else:
                mid = self._client.subscribe([(each, qos) for each in topic_filters])[1]
            if mid is not None:
                self._asked[mid] = topic_filters
            self._turn()

    def unsubscribe(self, topic_filter: str) -> None:
        """No longer ask for these: the broker remembers what a session asked for before its configuration changed."""
        if self._open:
            self._client.unsubscribe(topic_filter)
            self._turn()

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that a message is in safe hands."""
        if self._open and message.qos:
            self._client.ack(message.mid, message.qos)
            self._turn()

    def tick(self) -> None:
        """Call every second: sends pings and finds a connection that is only half there, within 20 s."""
        if self._open:
            self._readable()  # what came while this process stood still counts
        if not self._open:
            return
        now_s = self._loop.time()
        match self._pulse.due(now_s):
            case "ping":
                self.send([PINGREQ])
            case "dead":
                silent_s = self._pulse.silent_s(now_s)
                self._end(End("unreachable", f"nothing came from the broker for {silent_s:.0f} s, not even to a ping: half a connection"))
            case None:
                pass

    def close(self) -> None:
        """Say goodbye: the broker keeps the will to itself. `Handler.ended` is not called."""
        if self._open:
            self._open = False
            self._client.disconnect()
            self._client.loop_write()
            self._drop()

    def give_up(self, text: str) -> None:
        """Break the connection off because it does not do its work; the broker will publish the will."""
        self._end(End("unreachable", text))

    def _readable(self) -> None:
        try:
            inbound = self._wire.take(MAX_INBOUND)
        except CorruptError as fault:
            self._end(End("unreachable", str(fault)))
            return
        if self._wire.heard:
            self._wire.heard = False
            self._pulse.heard(self._loop.time())
        if inbound.acked:
            self._handler.acked(inbound.acked)
        if inbound.told and self._open:
            self._handler.told(inbound.told)
        self._feed()
        if self._wire.more and self._open:
            self._loop.call_soon(self._again)
        self._turn()

    def _again(self) -> None:
        if self._open:
            self._readable()

    def _feed(self) -> None:
        """Let paho read what is its own."""
        while self._wire.for_paho and not self._wire.closed:
            try:
                self._client.loop_read()
            except _PAHO_FAULTS as fault:
                _log.warning("the broker sent what cannot be read: %s: %s", type(fault).__name__, fault)
                self._end(End("unreachable", "the broker sent a packet that cannot be read"))
                return

    def _turn(self) -> None:
        if not self._wire.closed:
            if self._client.want_write():
                self._client.loop_write()
            self._flush()

    def _flush(self) -> None:
        if self._wire.closed:
            return
        try:
            done = self._wire.flush()
        except OSError as fault:
            self._wire.break_off(fault)
            self._loop.call_soon(self._hear_out)
            done = True
        if done == self._writing and self._watched:
            self._writing = not done
            if done:
                self._loop.remove_writer(self._descriptor)
            else:
                self._loop.add_writer(self._descriptor, self._flush)

    def _hear_out(self) -> None:
        """Nothing can be sent any more; what the broker said before it closed tells why."""
        if not self._wire.closed:
            self._readable()
        self._wire.end()
        self._feed()

    def _end(self, end: End) -> None:
        if not self._greeted.done():
            self._greeted.set_exception(_fault_from(end))
            self._open = False
            return
        if not self._open:
            return
        self._drop()
        self._handler.ended(end)

    def _on_socket_close(self, *_: object) -> None:
        """Stop watching before the descriptor is gone: its number may be another connection's a moment later."""
        watched, self._watched = self._watched, False
        if watched:
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)

    def _on_connect(self, _client: object, _data: object, flags: Any, code: ReasonCode, properties: Any) -> None:
        if self._greeted.done():
            return
        if code.is_failure:
            text = f"the broker refuses us: {code}{_told_by(properties)}"
            self._end(End("denied" if code.value in _DENIED else "unreachable", text, code.value, _reference_of(properties)))
            return
        self._greeted.set_result(
            Greeting(
                max(int(getattr(properties, "ReceiveMaximum", 0xFFFF)), 1),
                getattr(properties, "MaximumPacketSize", None),
                bool(flags.session_present),
                int(getattr(properties, "TopicAliasMaximum", 0)),
                getattr(properties, "ServerKeepAlive", None),
            )
        )

    def _on_disconnect(self, _client: object, _data: object, flags: Any, code: ReasonCode, properties: object) -> None:
        if not flags.is_disconnect_packet_from_server:
            refusal = refusal_of(self._wire.fault)
            fault = self._wire.fault
            text = refusal or (f"the connection was lost: {fault}" if fault else "the broker closed the connection without a word")
            self._end(End("denied" if refusal else "unreachable", text, closed=not refusal))
            return
        text = f"the broker closed the connection: {code}{_told_by(properties)}"
        if code.value == TAKEN_OVER:
            text = f"another client took the connection with this box's name, {self._name}: do two boxes have one [site] name and box?"
        self._end(End("denied" if code.value in _DENIED else "unreachable", text, code.value, _reference_of(properties)))

    def _on_publish(self, _client: object, _data: object, mid: int, code: ReasonCode, _properties: object) -> None:
        if self._open:
            self._handler.settled(mid, code.value)

    def _on_subscribe(self, _client: object, _data: object, mid: int, codes: list[ReasonCode], _properties: object) -> None:
        for topic_filter, code in zip(self._asked.pop(mid, ()), codes, strict=False):
            if self._open:
                self._handler.subscribed(topic_filter, code.value)

    def _on_message(self, _client: object, _data: object, raw: paho.MQTTMessage) -> None:
        try:
            topic = raw.topic
        except UnicodeDecodeError:
            self.unreadable += 1
            self._client.ack(raw.mid, raw.qos)
            return
        properties = raw.properties
        response = getattr(properties, "ResponseTopic", None)
        correlation = getattr(properties, "CorrelationData", None)
        self._handler.message(Message(topic, bytes(raw.payload), raw.mid, raw.qos, bool(raw.retain), response, correlation))


def _fault_from(end: End) -> Exception:
    """What `Link.open` raises for a connection that ended at the door."""
    if end.code == _NO_SUCH_VERSION:
        return UnsupportedError(end.text)
    if end.code in _SENT_AWAY:
        return SentAwayError(end.text, end.reference)
    return DeniedError(end.text) if end.reason == "denied" else TransientError(end.text)


def _told_by(properties: object) -> str:
    """What the broker adds in its own words, made safe for a line."""
    words = str(getattr(properties, "ReasonString", ""))[:200]
    return f" ({''.join(letter if letter.isprintable() else ' ' for letter in words)})" if words else ""


def _reference_of(properties: object) -> str:
    return str(getattr(properties, "ServerReference", ""))[:1000]


def _client(crm: Crm, client_id: str, will: Will | None, *, v5: bool) -> _Client:
    client = _Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if v5 else False,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    client.max_inflight_messages = 0
    client.connect_timeout = _CONNECT_S
    if will is not None:
        client.will_set(will.topic, will.payload, 1, retain=True)
    if crm.username is not None:
        try:
            secret = crm.password_file.read_text().strip() if crm.password_file else None
        except OSError as fault:
            raise MisconfiguredError(f"[crm] password_file {crm.password_file}: {fault.strerror}") from fault
        client.username_pw_set(crm.username, secret)
    return client


def _dial(client: _Client, endpoint: Endpoint, crm: Crm, receive_max: int, v5: bool) -> None:
    """Connect; blocks, so it runs in a thread."""
    if not v5:
        client.connect(endpoint.host, endpoint.port, crm.keepalive_s)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = _SESSION_S
    properties.ReceiveMaximum = receive_max
    properties.MaximumPacketSize = MAX_INBOUND
    client.connect(endpoint.host, endpoint.port, crm.keepalive_s, clean_start=False, properties=properties)
