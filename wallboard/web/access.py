"""Decides who may look at the boards: loopback always; others by network or by token (contract: "Beyond loopback")."""

from __future__ import annotations

import hmac
import ipaddress
import socket
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.config import Tv
from appliance.core.errors import MisconfiguredError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOCAL_SUFFIXES: Final = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
_MIN_TOKEN: Final = 16


class Door(Struct, frozen=True):
    """The networks and the token that let a client in; either is enough."""

    networks: tuple[Network, ...] = ()
    token: str | None = None

    def admits(self, peer: str | None, token: str | None = None) -> bool:
        """Whether a client at this address, showing this token, may look."""
        return (token is not None and self.knows(token)) or self.trusts(peer)

    def knows(self, token: str) -> bool:
        """Whether this is the token."""
        return self.token is not None and hmac.compare_digest(self.token.encode(), token.encode(errors="surrogatepass"))

    def trusts(self, peer: str | None, *, passed_on: bool = False) -> bool:
        """Whether this address needs no token; a request that a proxy on this box passed on does not come from this box."""
        return (is_loopback(peer) and not passed_on) or _within(peer, self.networks)


def listen_from(text: str) -> tuple[str, int]:
    """Host and port of `[wallboard.tv] listen`. Raises MisconfiguredError.

    >>> listen_from("127.0.0.1:8080")
    ('127.0.0.1', 8080)
    >>> listen_from("[::1]:80")
    ('::1', 80)
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        fault = f'[wallboard.tv] listen = "{text}": no port; write it as "127.0.0.1:8080" or "[::1]:8080"'
        raise MisconfiguredError(fault)
    return host.strip("[]"), int(port)


def door_from(tv: Tv) -> Door:
    """The door that a configuration describes. Raises MisconfiguredError when a listener beyond loopback has none."""
    try:
        networks = tuple(ipaddress.ip_network(text) for text in tv.allow)
    except ValueError as error:
        fault = f'[wallboard.tv] allow: {error}; write networks as "192.168.10.0/24"'
        raise MisconfiguredError(fault) from error
    token = None if tv.token_file is None else _token(tv.token_file)
    host, _ = listen_from(tv.listen)
    if not is_loopback(host) and not networks and token is None:
        fault = (
            f'[wallboard.tv] listen = "{tv.listen}" is open to the network: add allow = ["192.168.10.0/24"] (your boards\' network) '
            'or token_file = "tv.token", or listen on 127.0.0.1'
        )
        raise MisconfiguredError(fault)
    return Door(networks, token)


def is_loopback(host: str | None) -> bool:
    """Whether an address (or the word localhost) is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::ffff:127.0.0.1"), is_loopback("0.0.0.0"), is_loopback(None)
    (True, True, False, False)
    """
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_own_host(header: str, own_names: frozenset[str]) -> bool:
    """Whether a Host header names this box: an address, a local name, or one of its own names.

    A page elsewhere on the Internet can point its own name at 127.0.0.1 (DNS rebinding) and read what loopback may
    read; it cannot do so under an address or under a name that only this network knows.

    >>> is_own_host("192.168.1.5:8080", frozenset()), is_own_host("callfloor.local", frozenset()), is_own_host("evil.example", frozenset())
    (True, True, False)
    """
    name = header.rsplit(":", 1)[0] if not header.endswith("]") and ":" in header else header
    name = name.strip("[]").rstrip(".").lower()
    return _address(name) is not None or "." not in name or name.endswith(_LOCAL_SUFFIXES) or name in own_names


def own_names() -> frozenset[str]:
    """The names this box has for itself."""
    return frozenset({socket.gethostname().lower(), socket.getfqdn().lower()})


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        fault = f"[wallboard.tv] token_file {path}: {error.strerror or error}; create it with a long random word, readable by this service"
        raise MisconfiguredError(fault) from error
    if len(token) < _MIN_TOKEN:
        fault = f"[wallboard.tv] token_file {path}: {len(token)} characters are too few; use at least {_MIN_TOKEN}, from a random source"
        raise MisconfiguredError(fault)
    return token


def _address(host: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address((host or "").split("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _within(host: str | None, networks: tuple[Network, ...]) -> bool:
    address = _address(host)
    return address is not None and any(address in network for network in networks)
