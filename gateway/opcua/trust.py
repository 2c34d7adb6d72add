"""Decides whether a client's certificate is trusted: it lies in the trust folder, or one that lies there has signed it, and it is in force.

OPC 10000-4, 6.1.3. What was turned away is kept beside that folder, so that a person can look at it and move it over.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.core.clock import NS, Clock
from gateway.opcua.count import Counts

_log = logging.getLogger(__name__)

_SUFFIXES: Final = {".pem", ".der", ".crt", ".cer"}
#: Basic256Sha256 asks for no less (OPC 10000-7).
_BITS: Final = 2048
#: So many certificates are trusted, so large a file is read, and so many that were turned away are kept.
_MOST: Final = 500
_BYTES: Final = 64 * 1024
_KEPT: Final = 20


class Trust:
    """The trust folder; read again whenever something in it changed."""

    def __init__(self, folder: Path, rejected: Path, clock: Clock, counts: Counts) -> None:
        self.folder, self._rejected, self._clock, self._counts = folder, rejected, clock, counts
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._trusted: dict[str, x509.Certificate] = {}

    def refusal(self, der: bytes | None) -> str | None:
        """Why a client's certificate (DER, perhaps with its chain behind it) is not trusted; None: it is."""
        try:
            certificate = _first(der)
        except ValueError:
            return self._refused(None, "it shows no certificate")
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _BITS:
            return self._refused(certificate, f"its key is not RSA of {_BITS} bits or more")
        self._read()
        if thumbprint_of(certificate) not in self._trusted and not self._is_signed(certificate):
            return self._refused(certificate, "its certificate is not trusted")
        if not self._in_force(certificate):
            return self._refused(certificate, "its certificate is not in force: expired, or not yet valid")
        return None

    def _is_signed(self, certificate: x509.Certificate) -> bool:
        for authority in self._trusted.values():
            try:
                if authority.subject == certificate.issuer and is_authority(authority) and self._in_force(authority):
                    certificate.verify_directly_issued_by(authority)
                    return True
            except (ValueError, TypeError, InvalidSignature):
                continue
        return False

    def _in_force(self, certificate: x509.Certificate) -> bool:
        """By the box's clock; while that is not set, nobody can tell."""
        return self._clock.quality() == "unset" or _in_force(certificate, self._clock.wall_ns())

    def _refused(self, certificate: x509.Certificate | None, why: str) -> str:
        self._counts.untrusted += 1
        if certificate is None:
            return why
        mark = thumbprint_of(certificate)
        name = f"{mark[:16]}.pem"
        try:
            self._rejected.mkdir(parents=True, exist_ok=True)
            kept = sorted(self._rejected.glob("*.pem"), key=lambda file: file.stat().st_mtime)
            if name not in {file.name for file in kept}:
                for file in kept[: max(0, len(kept) - _KEPT + 1)]:
                    file.unlink(missing_ok=True)
                (self._rejected / name).write_bytes(certificate.public_bytes(Encoding.PEM))
        except OSError as fault:
            _log.warning("the certificate turned away cannot be kept: %s", fault)
        return f"{why} (SHA-256 {mark}); to trust it: callfloor opcua trust {mark[:16]}"

    def _read(self) -> None:
        files = _files(self.folder)
        stamp = tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)
        if stamp == self._stamp:
            return
        self._stamp, self._trusted = stamp, {}
        for file in files:
            try:
                for certificate in certificates_from(file):
                    self._trusted[thumbprint_of(certificate)] = certificate
            except (OSError, ValueError) as fault:
                _log.error("%s in the trust folder cannot be read and is passed over: %s", file.name, fault)


def certificates_from(file: Path) -> list[x509.Certificate]:
    """The certificates of a file, PEM or DER. Raises OSError, and ValueError where there is none."""
    with file.open("rb") as opened:
        data = opened.read(_BYTES + 1)
    if len(data) > _BYTES:
        raise ValueError("larger than 64 KiB")
    return x509.load_pem_x509_certificates(data) if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]


def thumbprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 over the certificate's DER, in hex."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())[:_MOST]
    except OSError:
        return []  # no folder: nobody is trusted


def _first(der: bytes | None) -> x509.Certificate:
    """The client's own certificate, which stands first. Raises ValueError."""
    if not der or len(der) > _BYTES:
        raise ValueError("no certificate")
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return x509.load_der_x509_certificate(der[: _der_length(der)])


def _der_length(der: bytes) -> int:
    """How long the first of several elements is (X.690, 8.1.3). Raises ValueError.

    >>> _der_length(bytes([0x30, 0x82, 0x01, 0x00]) + bytes(400))
    260
    """
    if len(der) < 4 or der[0] != 0x30:
        raise ValueError("no DER sequence")
    if der[1] < 0x80:
        return 2 + der[1]
    octets = der[1] & 0x7F
    if not 1 <= octets <= 3:
        raise ValueError("no certificate is so long")
    return 2 + octets + int.from_bytes(der[2 : 2 + octets], "big")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether what it signs is trusted with it (RFC 5280, 4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _in_force(certificate: x509.Certificate, wall_ns: int) -> bool:
    now = datetime.fromtimestamp(wall_ns / NS, UTC)
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
