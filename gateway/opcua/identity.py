"""Decides which certificate the server shows: the one that the configuration names, else one of its own making, kept beside the journal.

Made once, for ten years, with the names by which a client may call the box (OPC 10000-6, 6.2.2: the application's URI among them).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct

from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.core.config_opcua import opcua_endpoint
from appliance.core.errors import MisconfiguredError
from appliance.core.opcua_config import OpcuaConfig
from gateway.opcua.self_signed import self_signed

_YEARS: Final = 10


class Folder(Struct, frozen=True):
    """Where the server keeps what is its own: `path`/certificate.pem, key.pem, trusted/, rejected/."""

    path: Path

    @property
    def certificate(self) -> Path:
        """Its own certificate."""
        return self.path / "certificate.pem"

    @property
    def key(self) -> Path:
        """The key of it."""
        return self.path / "key.pem"

    @property
    def rejected(self) -> Path:
        """Clients' certificates that were turned away."""
        return self.path / "rejected"

    def trusted(self, opcua: OpcuaConfig) -> Path:
        """Clients' certificates that are trusted."""
        return opcua.trusted or self.path / "trusted"


def folder_of(config: Config) -> Folder:
    """Beside the journal."""
    return Folder(config.journal.path.parent / "opcua")


class Identity(Struct, frozen=True):
    """What the server shows: certificate and key, both PEM, and the application URI that the certificate names."""

    certificate: bytes
    key: bytes
    uri: str


def identity(config: Config, opcua: OpcuaConfig, wall_ns: int) -> Identity:
    """Read it, and make it where there is none and none is named. Raises MisconfiguredError and OSError."""
    uri = f"urn:callfloor:{config.site.name}:{config.site.box}"
    folder = folder_of(config)
    certificate_file, key_file = opcua.cert_file or folder.certificate, opcua.key_file or folder.key
    if opcua.cert_file is None and not (certificate_file.exists() and key_file.exists()):
        _make(folder, uri, _names(opcua), wall_ns)
    certificate, key = certificate_file.read_bytes(), key_file.read_bytes()
    try:
        parsed = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as fault:
        raise MisconfiguredError(f"{certificate_file} and {key_file}: not a certificate and its key in PEM: {fault}") from fault
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < 2048:
        raise MisconfiguredError(
            f"{key_file}: OPC UA's Basic256Sha256 needs an RSA key of 2048 bits or more; make one with openssl genrsa 2048"
        )
    if private.public_key() != parsed.public_key():
        raise MisconfiguredError(f"{key_file} is not the key of {certificate_file}; name the pair that belongs together")
    return Identity(certificate, key, _uri_of(parsed) or uri)


def expires(certificate: bytes) -> datetime:
    """Until when a certificate (PEM) is valid. Raises ValueError."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _uri_of(certificate: x509.Certificate) -> str | None:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    return uris[0] if uris else None


def _names(opcua: OpcuaConfig) -> list[x509.GeneralName]:
    """By what names the box may be called: its host name, loopback, and the address it listens on where it is one."""
    host = socket.gethostname()
    names: dict[str, x509.GeneralName] = {name: x509.DNSName(name) for name in (host, "localhost") if name.isascii() and name}
    for text in ("127.0.0.1", "::1", opcua_endpoint(opcua.listen).host):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not address.is_unspecified:
            names[text] = x509.IPAddress(address)
    return list(names.values())


def _make(folder: Folder, uri: str, names: list[x509.GeneralName], wall_ns: int) -> None:
    # A box whose clock is not set yet must not make a certificate that begins in the future, nor one that has ended already.
    now = max(datetime.fromtimestamp(wall_ns / NS, UTC), datetime(2025, 1, 1, tzinfo=UTC))
    certificate, secret = self_signed(uri, names, now - timedelta(days=1), now + timedelta(days=365 * _YEARS))
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / "trusted").mkdir(exist_ok=True)
    _write(folder.key, secret, 0o600)
    _write(folder.certificate, certificate, 0o644)


def _write(file: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and with its rights from the first byte."""
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    part.replace(file)
