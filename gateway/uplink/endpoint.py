"""Which brokers there are: the URLs of `[crm]` checked."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from appliance.core.config import Crm
from appliance.core.errors import MisconfiguredError

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
#: Where MQTT lies behind a websocket when the URL does not say (the brokers' own habit).
_PATH: Final = "/mqtt"


class Endpoint(Struct, frozen=True):
    """One broker. `tls`: the wire is encrypted; `local`: it ends on this machine; `path` is a websocket's, else None."""

    url: str
    host: str
    port: int
    tls: bool
    local: bool
    path: str | None = None


def endpoints_from_config(crm: Crm) -> tuple[Endpoint, ...]:
    """The brokers in the order in which they are tried.

    Raises MisconfiguredError for a URL that is none, and for `mqtt://` beyond loopback without `insecure`.
    """
    urls = (crm.url,) if isinstance(crm.url, str) else crm.url
    return tuple(_endpoint(url, crm.insecure) for url in urls if url)


def _endpoint(url: str, insecure: bool) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise MisconfiguredError(
            f"[crm] url: {url!r} must begin with mqtts://, wss://, mqtt:// or ws://, as in mqtts://crm.example.org:8883"
        )
    if parts.password is not None:
        raise MisconfiguredError("[crm] url must not hold a password; name a file in [crm] password_file")
    try:
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError as fault:
        raise MisconfiguredError(f"[crm] url: {url!r} has no valid port") from fault
    if not host:
        raise MisconfiguredError(f"[crm] url: {url!r} names no host")
    path = None
    if parts.scheme in ("ws", "wss"):
        path = (parts.path or _PATH) + (f"?{parts.query}" if parts.query else "")
        if not path.isascii() or not path.isprintable() or " " in path:
            raise MisconfiguredError(f"[crm] url: the path of {url!r} holds letters that no path may hold; write them as %XX")
    tls, local = parts.scheme in ("mqtts", "wss"), _is_loopback(host)
    if not tls and not local and not insecure:
        safe = "wss" if path else "mqtts"
        raise MisconfiguredError(f"[crm] url: {url!r} would send callers' numbers in clear; use {safe}://, or set insecure = true")
    return Endpoint(url, host, port, tls, local, path)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def takes_commands(endpoint: Endpoint, crm: Crm) -> bool:
    """May commands be taken from this broker? Over TLS with a client certificate, or on loopback."""
    return endpoint.local or (endpoint.tls and crm.cert_file is not None)


def requires_consumer(crm: Crm) -> bool:
    """Does 0x10 (no matching subscribers) hold the lane? By default wherever MQTT 5 is spoken; 3.1.1 never says 0x10.

    Raises MisconfiguredError when it is asked for with 3.1.1, which cannot tell.
    """
    if crm.protocol == "3.1.1":
        if crm.require_consumer:
            raise MisconfiguredError("[crm] require_consumer = true needs MQTT 5: 3.1.1 does not tell whether anybody listens")
        return False
    return crm.require_consumer is not False
