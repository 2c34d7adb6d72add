"""Decides how browsers and scripts are served: routes, headers, refusals. Read-only; one process, one port.

Contract, "HTTP, towards the boards". This is the only module that imports aiohttp's server; it is imported when a TV listener is
configured.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec
from aiohttp import web

from appliance.core.clock import NS, Clock
from appliance.core.config import Config, Tv
from appliance.core.errors import FullError, MisconfiguredError, TransientError
from wallboard.board_set import BoardSet
from wallboard.history.run import HistoryRun
from wallboard.history.trend import WINDOWS
from wallboard.led.chain import Chain
from wallboard.stream.feed import Feed
from wallboard.stream.hub import Client, Hub
from wallboard.web.access import door_from, listen_from, own_names
from wallboard.web.certificate import HANDSHAKE_S, certificate_of
from wallboard.web.fault_page import faults_of
from wallboard.web.gate import Gate, asked
from wallboard.web.guard import HEADERS, Guard, Handler, is_at_the_box
from wallboard.web.pages import LedSize, Pages, language_of, listed

_STREAM_HEADERS: Final = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
#: A listener whose machine vanished is noticed by the kernel after this long without an acknowledgement.
_USER_TIMEOUT_MS: Final = 20_000
#: A browser asks for a page's files in one go; its connections need not be kept for longer.
_KEEP_ALIVE_S: Final = 30.0
#: Fifty TVs knock at once when the box is back.
_BACKLOG: Final = 256
#: The loop has stopped turning when nothing was folded or awaited for this long.
_HUNG_NS: Final = 15 * NS


class Server:
    """The handlers, over the feed and the LED chains of this box."""

    def __init__(
        self,
        config: Config,
        tv: Tv,
        feed: Feed,
        boards: BoardSet,
        clock: Clock,
        chains: Mapping[str, Chain],
        history: HistoryRun | None = None,
    ) -> None:
        self._history = history
        self._config, self._tv, self._feed, self._clock, self._chains = config, tv, feed, clock, chains
        self._boards = boards
        self.guard = Guard(door_from(tv), own_names(), clock)
        self.certificate = certificate_of(tv)
        sizes = {name: LedSize(chain.width, chain.height, chain.simulated) for name, chain in chains.items()}
        self._sizes = sizes
        self._pages = Pages(config, boards, sizes)
        feed.revision = self._pages.revision
        self.turned_mono_ns = clock.mono_ns()
        self.gate: Gate | None = None
        #: What answers /metrics: the body and its type, for a scraper's Accept.
        self.scrape: Callable[[str], Awaitable[tuple[bytes, str]]] | None = None

    def application(self) -> web.Application:
        """The routes behind the guard."""
        app = web.Application(middlewares=[_asked, self.guard.middleware], client_max_size=1024)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/board/{name}", self._board),
                web.get("/tv/{name}", self._asset),
                web.get("/api/floor", self._floor),
                web.get("/api/stream", self._stream, allow_head=False),
                web.get("/api/trend", self._trend),
                web.get("/api/led/{name}", self._led),
                web.get("/api/led/{name}/stream", self._led_stream, allow_head=False),
                web.get("/healthz", self._health),
                web.get("/metrics", self._metrics),
            ]
        )
        return app

    def hang_up(self) -> None:
        """Let every listener go, so that the port is free at once."""
        for hub in (self._feed.hub, *(chain.hub for chain in self._chains.values())):
            hub.close()

    async def _index(self, request: web.Request) -> web.Response:
        language = language_of(request.query.get("lang"), self._config)
        return _page(self._pages.index(listed(self._boards, self._feed.snapshot(), self._sizes), language))

    async def _board(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        language = self._pages.language(name, request.query.get("lang"))
        title = listed(self._boards, self._feed.snapshot(), self._sizes).get(name)
        if title is None:
            # A queue shows up with its first event: its board may be asked for before, and waits.
            kind, _, key = name.partition(".")
            if kind not in {"queue", "group"} or not key:
                # A board whose file is broken is a board all the same: its faults stand in its place until they are mended.
                status = 200 if faults_of(self._boards, name) else 404
                return _page(self._pages.fault(name, language), status)
            title = key
        return _page(self._pages.board(name, title, language))

    async def _asset(self, request: web.Request) -> web.Response:
        asset = self._pages.assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {"ETag": asset.etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == asset.etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, content_type=asset.media_type, charset="utf-8", headers=headers)

    async def _floor(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._feed.document(), content_type="application/json", headers={"Cache-Control": "no-store"})

    async def _trend(self, request: web.Request) -> web.Response:
        if self._history is None:
            raise web.HTTPNotFound
        window, names = request.query.get("window", "today"), ("scope", "figure")
        if window not in WINDOWS:
            raise web.HTTPBadRequest
        scopes, figures = (frozenset(filter(None, ",".join(request.query.getall(name, [])).split(","))) for name in names)
        body, etag = self._history.answer(window, scopes, figures)
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        try:
            client = self._feed.join(_abort(request))
        except FullError as full:
            return _too_many(full)
        return await _pour(request, self._feed.hub, client)

    async def _led(self, request: web.Request) -> web.Response:
        chain = self._chain(request)
        headers = {"Cache-Control": "no-store"}
        if request.query.get("format") == "png":
            return web.Response(body=chain.png(), content_type="image/png", headers=headers)
        return web.Response(body=msgspec.json.encode(chain.picture()), content_type="application/json", headers=headers)

    async def _led_stream(self, request: web.Request) -> web.StreamResponse:
        chain = self._chain(request)
        try:
            client = chain.hub.join(_abort(request), chain.event())
        except FullError as full:
            return _too_many(full)
        return await _pour(request, chain.hub, client)

    def _chain(self, request: web.Request) -> Chain:
        chain = self._chains.get(request.match_info["name"])
        if chain is None:
            raise web.HTTPNotFound
        return chain

    async def _health(self, _request: web.Request) -> web.Response:
        snapshot = self._feed.snapshot()
        hung = self._clock.mono_ns() - self.turned_mono_ns > _HUNG_NS
        said = {"status": "hung" if hung else "ok", "seq": snapshot.seq, "time": snapshot.time, "boards": len(self._feed.hub)}
        return web.json_response(said, status=503 if hung else 200, headers={"Cache-Control": "no-store"})

    async def _metrics(self, request: web.Request) -> web.Response:
        if not (self._tv.metrics or is_at_the_box(request)):
            raise web.HTTPForbidden
        if self.scrape is None:
            raise web.HTTPNotFound
        body, kind = await self.scrape(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": "no-store"})


@asynccontextmanager
async def open_server(server: Server, tv: Tv) -> AsyncIterator[tuple[str, int]]:
    """Listen until left; yields the address bound (port 0: the one the system chose).

    Raises TransientError when the port is taken, MisconfiguredError when the address is not this box's or needs more rights.
    """
    host, port = listen_from(tv.listen)
    runner = web.AppRunner(
        server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=1.0, keepalive_timeout=_KEEP_ALIVE_S
    )
    await runner.setup()
    assert runner.server is not None
    server.gate = gate = Gate(runner.server)
    tls: dict[str, Any] = {}
    if server.certificate is not None:
        tls = {"ssl": server.certificate.context, "ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": 2.0}
    try:
        try:
            listener = await asyncio.get_running_loop().create_server(gate, host, port, backlog=_BACKLOG, **tls)
        except OSError as error:
            raise _listen_error(tv.listen, error) from error
        try:
            address = listener.sockets[0].getsockname()
            yield str(address[0]), int(address[1])
        finally:
            listener.close()
    finally:
        server.hang_up()
        await runner.cleanup()


def _listen_error(listen: str, error: OSError) -> TransientError | MisconfiguredError:
    if error.errno == errno.EADDRINUSE:
        text = (
            f"boards cannot listen on {listen}: the port is in use by another program "
            '("ss -ltnp" names it); stop it, or change [wallboard.tv] listen'
        )
        return TransientError(text)
    if error.errno == errno.EACCES:
        return MisconfiguredError(f'[wallboard.tv] listen = "{listen}": no right to this port; choose one from 1024 up')
    if error.errno == errno.EADDRNOTAVAIL:
        return MisconfiguredError(f'[wallboard.tv] listen = "{listen}": no such address here; use one of this box, or 0.0.0.0 with allow')
    return TransientError(f"boards cannot listen on {listen}: {error.strerror or error}")


@web.middleware
async def _asked(request: web.Request, handler: Handler) -> web.StreamResponse:
    asked(request.transport)
    return await handler(request)


def _page(body: bytes, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-store"})


def _too_many(full: FullError) -> web.Response:
    return web.Response(status=503, text=f"{full}\n", headers={"Retry-After": "10"})


def _abort(request: web.Request) -> Callable[[], None]:
    transport = request.transport

    def abort() -> None:
        if transport is not None:
            transport.abort()

    return abort


async def _pour(request: web.Request, hub: Hub, client: Client) -> web.StreamResponse:
    """Write what the hub hands this client until either side leaves."""
    response = web.StreamResponse(headers={**HEADERS, **_STREAM_HEADERS})
    try:
        sock = None if request.transport is None else request.transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        await response.prepare(request)
        while chunk := await client.take():
            await response.write(chunk)
    except (ConnectionError, asyncio.CancelledError):
        if not client.dropped and request.transport is not None and not request.transport.is_closing():
            raise
    finally:
        hub.leave(client)
    return response
