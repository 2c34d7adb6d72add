"""Decides how the box hears gateways' SIP: one port for all, over UDP and TCP, for the addresses of configured gateways only.

Packets of anybody else are dropped without an answer, and counted; a gateway that floods is heard at `RATE_S` packets a second.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from appliance.core.clock import NS, Clock
from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.errors import CorruptError, MisconfiguredError, TransientError
from gateway.fxo.sip_invite import Peer
from gateway.fxo.sip_stream import SipStream

PORT: Final = 5060
#: A call is half a dozen packets; two dozen ports that all ring at once are far below.
RATE_S: Final = 100
BURST: Final = 200
_CONNECTIONS: Final = 32
_CHUNK: Final = 16_384
_IDLE_S: Final = 3600.0
_WRITE_AHEAD: Final = 262_144

Hear = Callable[[bytes, Peer], None]


class Guest:
    """One gateway that is listened to. `held` counts the packets beyond what one may send."""

    def __init__(self, hear: Hear, clock: Clock) -> None:
        self.hear = hear
        self.held = 0
        self.connections: dict[int, asyncio.StreamWriter] = {}
        self._clock = clock
        self._left, self._at_ns = float(BURST), clock.mono_ns()

    def may(self) -> bool:
        """Whether one more packet is heard now."""
        now_ns = self._clock.mono_ns()
        self._left = min(BURST, self._left + (now_ns - self._at_ns) * RATE_S / NS)
        self._at_ns = now_ns
        if self._left < 1:
            self.held += 1
            return False
        self._left -= 1
        return True


class SipEar:
    """The port. Open while anybody listens. `strangers` counts packets and calls of addresses that are nobody's; `port` is the real one."""

    def __init__(self, listen: str, clock: Clock, *, tcp: bool = True) -> None:
        """Raises MisconfiguredError for an address that is none."""
        try:
            self.at: Endpoint = endpoint_from_text(listen, PORT)
        except ValueError as fault:
            raise MisconfiguredError(f'SIP listener "{listen}": {fault}; write it as 0.0.0.0:{PORT}') from fault
        self._clock, self._tcp = clock, tcp
        self._guests: dict[str, Guest] = {}
        self._opened: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._conns = 0
        self._lock = asyncio.Lock()
        self.strangers = self.broken = 0
        self.last_stranger: str | None = None
        self.port: int | None = None

    @asynccontextmanager
    async def joined(self, address: str, hear: Hear) -> AsyncIterator[Guest]:
        """Listen to one address. Raises TransientError where the port cannot be had, MisconfiguredError where somebody has the address."""
        key = plain(address)
        async with self._lock:
            if key in self._guests:
                raise MisconfiguredError(f"two gateways at {address}: one address is one gateway with all its lines")
            if not self._guests:
                await self._open()
            guest = self._guests[key] = Guest(hear, self._clock)
        try:
            yield guest
        finally:
            del self._guests[key]
            for writer in guest.connections.values():
                writer.transport.abort()
            if not self._guests:
                await self._close()

    def send(self, data: bytes, peer: Peer) -> None:
        """Send, as far as it can be sent: over UDP nobody is promised anything, and a connection that is gone has no ears."""
        if peer.conn is None:
            if self._opened is not None and peer.port:
                self._opened.sendto(data, (peer.host, peer.port))
            return
        guest = self._guests.get(plain(peer.host))
        writer = guest.connections.get(peer.conn) if guest is not None else None
        if writer is not None and not writer.transport.is_closing():
            if writer.transport.get_write_buffer_size() > _WRITE_AHEAD:
                writer.transport.abort()
            else:
                writer.write(data)

    def here(self, peer: str) -> str:
        """Our address as that gateway sees it."""
        import socket  # noqa: PLC0415 - asked once a ping

        if self.at.host not in ("", "0.0.0.0", "::"):  # noqa: S104
            return self.at.host
        with socket.socket(socket.AF_INET6 if ":" in peer else socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.connect((peer, 9))  # nothing is sent: the kernel says by which way it would go
            return str(probe.getsockname()[0])
        return "127.0.0.1"

    # -- the sockets -------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        host = self.at.host or "0.0.0.0"  # noqa: S104 - gateways are elsewhere; only theirs is heard
        try:
            loop = asyncio.get_running_loop()
            self._opened, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._datagram), (host, self.at.port))
            self.port = int(self._opened.get_extra_info("sockname")[1])
            if self._tcp:
                self._server = await asyncio.start_server(self._called, host, self.port, limit=_CHUNK)
        except OSError as fault:
            await self._close()
            mend = "end the other program, or name another port"
            raise TransientError(f"SIP listener {self.at}: cannot listen there ({fault}); {mend}") from fault

    async def _close(self) -> None:
        opened, self._opened, server, self._server, self.port = self._opened, None, self._server, None, None
        if opened is not None:
            opened.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if server is not None:
            server.close()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    def _datagram(self, data: bytes, address: Any) -> None:
        guest = self._guests.get(plain(str(address[0])))
        if guest is None:
            self._strange(str(address[0]))
        elif data.strip(b"\r\n\0") and guest.may():  # empty packets keep a router's door open
            guest.hear(data, Peer(str(address[0]), int(address[1])))

    def _strange(self, address: str) -> None:
        self.strangers += 1
        self.last_stranger = address

    def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = (writer.get_extra_info("peername") or ("0.0.0.0", 0))[:2]  # noqa: S104 - it hung up already: nobody's address
        guest = self._guests.get(plain(str(host)))
        if guest is None or len(guest.connections) >= _CONNECTIONS:
            if guest is None:
                self._strange(str(host))
            writer.transport.abort()
            return
        self._conns += 1
        guest.connections[self._conns] = writer
        task = asyncio.create_task(self._life(guest, reader, writer, Peer(str(host), int(port), self._conns)), name="sip connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _life(self, guest: Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        stream = SipStream()
        try:
            while True:
                async with asyncio.timeout(_IDLE_S):
                    data = await reader.read(_CHUNK)
                if not data:
                    return
                alive = stream.alive
                for message in stream.feed(data):
                    if guest.may():
                        guest.hear(message, peer)
                if stream.alive > alive:
                    if writer.transport.get_write_buffer_size() > _WRITE_AHEAD:
                        return  # it asks and does not listen
                    writer.write(b"\r\n")
        except CorruptError:
            self.broken += 1
        except OSError:  # it hung up, or was silent for too long: it calls again
            return
        finally:
            guest.connections.pop(peer.conn or 0, None)
            writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    """Hands each packet on. That nobody is there (ICMP) is seen by the silence."""

    def __init__(self, heard: Callable[[bytes, Any], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._heard(data, addr)


def plain(address: str) -> str:
    """An address as the kernel writes it, an IPv4 one that came over IPv6 as IPv4. Raises MisconfiguredError for a name.

    >>> plain("::ffff:10.0.0.9"), plain("2001:DB8:0::1")
    ('10.0.0.9', '2001:db8::1')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError as fault:
        raise MisconfiguredError(f'"{address}" is no address of a gateway: give it a fixed one, and write that (192.168.1.20)') from fault
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
