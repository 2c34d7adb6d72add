"""Decides what `host:port` means, and whether it stays on this box. Pure."""

from __future__ import annotations

from ipaddress import ip_address

from msgspec import Struct


class Endpoint(Struct, frozen=True):
    """A host (empty: every address of the box) and a port (0: any free one)."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this box can reach it. A name other than localhost is not asked of any resolver, and counts as beyond."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoint_from_text(text: str, port: int | None = None) -> Endpoint:
    """Read `host:port`, `[ipv6]:port`, `:port`; without a port the given one. Raises ValueError with the fault in words.

    >>> endpoint_from_text("[::1]:8080"), endpoint_from_text("crm.example.com", 1883)
    (Endpoint(host='::1', port=8080), Endpoint(host='crm.example.com', port=1883))
    >>> endpoint_from_text("127.0.0.1:http")
    Traceback (most recent call last):
    ValueError: the port "http" is no number from 0 to 65535
    """
    host, digits = _bracketed(text) if text.startswith("[") else _plain(text)
    if not digits:
        if port is None:
            raise ValueError("the port is missing")
        return Endpoint(host, port)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and int(digits) <= 65535):
        raise ValueError(f'the port "{digits}" is no number from 0 to 65535')
    return Endpoint(host, int(digits))


def _bracketed(text: str) -> tuple[str, str]:
    host, bracket, rest = text[1:].partition("]")
    if not bracket or rest[:1] not in ("", ":"):
        raise ValueError("an IPv6 address stands in brackets, then a colon and the port")
    if not _is_address(host):
        raise ValueError(f'"{host}" is no IPv6 address')
    return host, rest[1:]


def _plain(text: str) -> tuple[str, str]:
    host, _, digits = text.rpartition(":") if ":" in text else (text, "", "")
    if ":" in host:
        raise ValueError("an IPv6 address stands in brackets, then a colon and the port")
    if not host.isprintable() or any(c in host for c in "/ @?#") or (host and not host.strip("0123456789.") and not _is_address(host)):
        raise ValueError(f'"{host}" is no host')
    return host, digits


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
