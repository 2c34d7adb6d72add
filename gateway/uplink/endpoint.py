"""Which broker to speak to and how: the URLs of `[crm]` checked, and the TLS that the configuration asks for."""

from __future__ import annotations

import ipaddress
import ssl
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from appliance.core.config import Crm
from appliance.core.errors import MisconfiguredError

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class Endpoint(Struct, frozen=True):
    """One broker. `tls` tells whether the wire is encrypted; `local` whether it ends on this machine."""

    url: str
    host: str
    port: int
    tls: bool
    local: bool


def endpoints_from_config(crm: Crm) -> tuple[Endpoint, ...]:
    """The brokers in the order in which they are tried.

    Raises MisconfiguredError for a URL that is none, and for `mqtt://` beyond loopback without `insecure`.
    """
    urls = (crm.url,) if isinstance(crm.url, str) else crm.url
    return tuple(_endpoint(url, crm.insecure) for url in urls if url)


def _endpoint(url: str, insecure: bool) -> Endpoint:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise MisconfiguredError(f"[crm] url: {url!r} must begin with mqtts:// or mqtt://, as in mqtts://crm.example.org:8883")
    if parts.password is not None:
        raise MisconfiguredError("[crm] url must not hold a password; name a file in [crm] password_file")
    try:
        host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError as fault:
        raise MisconfiguredError(f"[crm] url: {url!r} has no valid port") from fault
    if not host:
        raise MisconfiguredError(f"[crm] url: {url!r} names no host")
    tls, local = parts.scheme == "mqtts", _is_loopback(host)
    if not tls and not local and not insecure:
        raise MisconfiguredError(f"[crm] url: {url!r} would send callers' numbers in clear; use mqtts://, or set insecure = true")
    return Endpoint(url, host, port, tls, local)


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
    """Does 0x10 (no matching subscribers) hold the lane? By default with MQTT 5.

    Raises MisconfiguredError when it is asked for with 3.1.1, which cannot tell.
    """
    if crm.protocol == "3.1.1":
        if crm.require_consumer:
            raise MisconfiguredError('[crm] require_consumer = true needs protocol = "5": MQTT 3.1.1 does not tell whether anybody listens')
        return False
    return crm.require_consumer is not False


def tls_context(crm: Crm) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's name checked, with our certificate if there is one.

    Raises MisconfiguredError when a file is missing or is not what its key says.
    """
    try:
        context = ssl.create_default_context(cafile=str(crm.ca_file) if crm.ca_file else None)
    except (OSError, ssl.SSLError) as fault:
        raise MisconfiguredError(f"[crm] ca_file {crm.ca_file}: {fault}") from fault
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if crm.cert_file is not None:
        try:
            context.load_cert_chain(str(crm.cert_file), str(crm.key_file) if crm.key_file else None)
        except (OSError, ssl.SSLError) as fault:
            raise MisconfiguredError(f"[crm] cert_file {crm.cert_file}, key_file {crm.key_file}: {fault}") from fault
    return context
