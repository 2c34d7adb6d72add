"""Decides how a box without televisions is scraped: a listener for /metrics alone, in one process of the box, and as small as that.

Who reads is the socket's word: this box, the networks of `[metrics] allow`, or whoever shows the token. One answer a connection.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from ipaddress import ip_address, ip_network
from typing import Final

from appliance.core.config import Config
from appliance.core.endpoint import endpoint_from_text
from appliance.metrics.gather import Gatherer

_log = logging.getLogger("callfloor.metrics")
RETRY_S: Final = 3.0
#: From the connection to the whole question, and from there to the answer's end.
_ASK_S, _ANSWER_S = 5.0, 10.0
_HEAD_BYTES: Final = 8192
_MOST: Final = 8


class MetricsListener:
    """The listener of `[metrics] listen`."""

    def __init__(self, config: Config, gatherer: Gatherer) -> None:
        """Needs `listen`; the configuration's rules have seen to the rest."""
        self._metrics, self._gatherer = config.metrics, gatherer
        self._allow = [ip_network(text) for text in config.metrics.allow]
        self._open = 0
        self.port: int | None = None

    async def run(self) -> None:
        """Listen until cancelled; an address that is taken, or not here yet, is tried again."""
        at = endpoint_from_text(self._metrics.listen or "")
        told = ""
        while True:
            try:
                server = await asyncio.start_server(self._one, at.host or "0.0.0.0", at.port, limit=_HEAD_BYTES)  # noqa: S104 - as configured
            except OSError as fault:
                if str(fault) != told:
                    told = str(fault)
                    _log.warning("metrics cannot listen on %s: %s; trying again every %.0f s", self._metrics.listen, fault, RETRY_S)
                await asyncio.sleep(RETRY_S)
                continue
            self.port = server.sockets[0].getsockname()[1]
            _log.info("metrics on http://%s/metrics", self._metrics.listen)
            async with server:
                await asyncio.Event().wait()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        if self._open >= _MOST:
            writer.transport.abort()
            return
        self._open += 1
        try:
            async with asyncio.timeout(_ASK_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            async with asyncio.timeout(_ANSWER_S):
                writer.write(await self._answer(head, peer))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it said nothing that is a question, or is gone
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, head: str, peer: str) -> bytes:
        """One whole HTTP/1.1 answer."""
        request, *lines = head.split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        method, _, rest = request.partition(" ")
        if not self._may(peer, fields.get("authorization", "")):
            return _said("403 Forbidden", b"Not open to you: see [metrics] allow.\n")
        if rest.split(" ")[0].partition("?")[0] != "/metrics":
            return _said("404 Not Found", b"There is /metrics.\n")
        if method not in {"GET", "HEAD"}:
            return _said("405 Method Not Allowed", b"GET it.\n", extra="Allow: GET, HEAD\r\n")
        body, kind = await self._gatherer.scrape(fields.get("accept", ""))
        return _said("200 OK", body, kind, only_head=method == "HEAD")

    def _may(self, peer: str, authorization: str) -> bool:
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback or any(address in network for network in self._allow):
            return True
        scheme, _, word = authorization.partition(" ")
        token = self._token()
        return scheme.lower() == "bearer" and token is not None and hmac.compare_digest(word.strip().encode("latin-1"), token)

    def _token(self) -> bytes | None:
        if self._metrics.token_file is None:
            return None
        try:
            return self._metrics.token_file.read_bytes().strip() or None
        except OSError as fault:
            _log.warning("the token of [metrics] cannot be read: %s", fault)
            return None


def _said(status: str, body: bytes, kind: str = "text/plain; charset=utf-8", *, extra: str = "", only_head: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n"
        f"X-Content-Type-Options: nosniff\r\nConnection: close\r\n{extra}\r\n"
    )
    return head.encode("latin-1") + (b"" if only_head else body)
