"""Decides who may reach a rig: a pair of certificates and a password of this rig's own making, in one file for whoever runs the tests.

They are valid for longer than any time that the rig's clock is told: a rig at a seeded Monday of the past lets its client in too.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509

from appliance.core.endpoint import Endpoint
from appliance.core.password import line_from_password
from appliance.rig.crm import BOX, SITE
from gateway.opcua.rig_keys import Keys
from gateway.opcua.self_signed import self_signed

USER: Final = "rig"
FILE: Final = "rig.json"
_FROM, _TO = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def made(folder: Path, listen: Endpoint) -> tuple[Keys, str]:
    """Make them in `folder`: what a client needs (also written to `folder`/rig.json), and the tables of the box's configuration."""
    place = folder / "opcua"
    (place / "trusted").mkdir(parents=True, exist_ok=True)
    server, server_key = _pair(f"urn:callfloor:{SITE}:{BOX}", _names(listen))
    client, client_key = _pair("urn:callfloor:rig-client", [])
    password = secrets.token_urlsafe(18)
    _write(place / "server.pem", server)
    _write(place / "server.key", server_key)
    _write(place / "trusted" / "client.pem", client)
    _write(place / "rig.password", line_from_password(password) + "\n")
    host = f"[{listen.host}]" if ":" in listen.host else "127.0.0.1" if listen.host in ("", "0.0.0.0") else listen.host  # noqa: S104 - nowhere bound
    keys = Keys(url=f"opc.tcp://{host}:{listen.port}", user=USER, password=password, certificate=client, key=client_key, server=server)
    _write(folder / FILE, msgspec.json.format(msgspec.json.encode(keys)).decode())
    return (
        keys,
        f"""[opcua]
listen = "{listen}"
cert_file = "opcua/server.pem"
key_file = "opcua/server.key"
trusted = "opcua/trusted"

[opcua.users.{USER}]
role = "rig"
password_file = "opcua/rig.password"
""",
    )


def _pair(uri: str, names: list[x509.GeneralName]) -> tuple[str, str]:
    """Certificate and key, PEM."""
    certificate, key = self_signed(uri, names, _FROM, _TO)
    return certificate.decode(), key.decode()


def _names(listen: Endpoint) -> list[x509.GeneralName]:
    """By what names the rig may be called."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dict.fromkeys((socket.gethostname(), "localhost")) if name.isascii()]
    addresses = {"127.0.0.1"}
    try:
        if not ipaddress.ip_address(listen.host).is_unspecified:
            addresses.add(listen.host)
    except ValueError:
        pass  # a name, or no host: any address
    return names + [x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(addresses)]


def _write(file: Path, text: str) -> None:
    """For the rig's user alone, from the first byte."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
