"""Decides which requests reach the boards at all, and what every answer carries. Nothing that a client writes is believed.

Who is at the other end is the socket's word; `X-Forwarded-For` and its kin are never read for who it is. They do say that
a proxy on this box passed the request on: whoever comes so is no longer at the box, and needs a network or the token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from appliance.core.clock import Clock
from wallboard.web.access import Door, is_loopback, is_own_host
from wallboard.web.guess import Guesses

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        # The second: the box's own screen says there that a frame was painted (wallboard/tv/beat.js).
        "connect-src 'self' http://127.0.0.1:8079; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Server": "callfloor",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_COOKIE: Final = "callfloor_token"
_YEAR_S: Final = 365 * 86400
_PASSED_ON: Final = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
#: A word longer than this is no token of ours, and not worth hashing.
_MAX_TOKEN: Final = 1024


class Guard:
    """The middleware before every handler."""

    def __init__(self, door: Door, own_names: frozenset[str], clock: Clock) -> None:
        self._door, self._own_names, self._clock = door, own_names, clock
        self.guesses = Guesses()

    @property
    def middleware(self) -> Middleware:
        """For `web.Application`."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = self._refusal(request) or await self._answer(request, handler)
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        return guard

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to whom does not get any further; None for whoever may."""
        token = _shown(request)
        wait_s = self.guesses.wait_s(request.remote, self._clock.mono_ns()) if token and self._door.token else 0
        knows = token is not None and not wait_s and self._door.knows(token)
        if token and not knows and not wait_s:
            self.guesses.was_wrong(request.remote, token, self._clock.mono_ns())
        if not knows and not self._door.trusts(request.remote, passed_on=was_passed_on(request)):
            if wait_s:
                text = f"Too many wrong tokens from your address; show the right one in {wait_s} s.\n"
                return web.Response(status=429, text=text, headers={hdrs.RETRY_AFTER: str(wait_s)})
            return web.Response(status=403, text="Not open to your address: see [wallboard.tv] allow.\n")
        # A certificate proves the name by itself: whoever points another name here meets the browser's own refusal.
        if not knows and not request.secure and not is_own_host(request.host, self._own_names):
            return web.Response(status=421, text="This box does not go by that name; use its address.\n")
        if "token" in request.query and (request.path == "/" or request.path.startswith("/board/")):
            return _remembered(request, token if knows else None)
        return None

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            allowed = {hdrs.ALLOW: refusal.headers[hdrs.ALLOW]} if hdrs.ALLOW in refusal.headers else {}
            return web.Response(status=refusal.status, text=f"{refusal.reason}\n", headers=allowed)


def is_at_the_box(request: web.Request) -> bool:
    """Whether a request was made on this box itself, and not by a proxy on it for somebody else."""
    return is_loopback(request.remote) and not was_passed_on(request)


def was_passed_on(request: web.Request) -> bool:
    """Whether a request says of itself that a proxy passed it on."""
    return any(name in request.headers for name in _PASSED_ON)


def _shown(request: web.Request) -> str | None:
    """The token that a client shows: in the address, in its cookie, or as a bearer's."""
    scheme, _, word = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    bearer = word.strip() if scheme.lower() == "bearer" else None
    token = request.query.get("token") or request.cookies.get(_COOKIE) or bearer
    return token[:_MAX_TOKEN] if token else None


def _remembered(request: web.Request, token: str | None) -> web.Response:
    """A TV is set up with ?token=… once; afterwards the word is in a cookie and not in the address bar. A wrong one only goes."""
    response = web.Response(status=303, headers={hdrs.LOCATION: str(request.rel_url.without_query_params("token"))})
    if token is not None:
        response.set_cookie(_COOKIE, token, max_age=_YEAR_S, httponly=True, samesite="Strict", secure=request.secure)
    return response
