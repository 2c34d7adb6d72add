"""The reference CRM's enrolment server: an authority that gives a box its certificate for a one-time code (RFC 7030), on a real port."""

from __future__ import annotations

import base64
import binascii
import hmac
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.enroll.est import WELL_KNOWN

_REQUEST_MOST: Final = 16 * 1024
#: A box may boot with a clock that is some hours behind: certificates begin before they are made.
_BACKDATED: Final = timedelta(days=1)


class Authority:
    """A root that issues: `ca.pem` and `ca.key` in a folder, made when they are not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file, key_file = folder / "ca.pem", folder / "ca.key"
        if self.file.exists():
            self.root = x509.load_pem_x509_certificate(self.file.read_bytes())
            key = load_pem_private_key(key_file.read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self._key = key
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Callfloor simulated CRM")])
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = self._builder(name, self._key.public_key(), timedelta(days=3650))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True).add_extension(usage, critical=True)
        self.root = builder.issuer_name(name).sign(self._key, hashes.SHA256())
        key_file.touch(mode=0o600)
        key_file.write_bytes(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.file.write_bytes(self.root.public_bytes(Encoding.PEM))

    def issue(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta, server: str | None = None) -> x509.Certificate:
        """A client's certificate, or a server's for a host name."""
        builder = self._builder(subject, key, life).issuer_name(self.root.subject)
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if server:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(server)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + life)
        )


class EnrolmentServer:
    """Listens from its making until `close`. `codes`: box (SITE/BOX) → one-time code; `confirm`: boxes that a person has to confirm."""

    def __init__(self, folder: Path, address: tuple[str, int], codes: dict[str, str], life: timedelta = timedelta(days=90)) -> None:
        self.authority = Authority(folder)
        self.codes, self.life = dict(codes), life
        self.confirm: set[str] = set()
        #: Codes that were used, and for which key: who asks again with both lost the answer, and gets another.
        self._used: dict[tuple[str, str], bytes] = {}
        #: What was issued to whom, in order.
        self.issued: list[str] = []
        self._lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            server_of = owner

        self._http = ThreadingHTTPServer(address, Handler)
        self._http.daemon_threads = True
        self._http.socket = self._context(folder).wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def may(self, box: str, code: str, key: bytes) -> bool | None:
        """Is the code the box's? None: it is, and somebody still has to confirm. A code that was used is gone, but for the same key."""
        with self._lock:
            if (used := self._used.get((box, code))) is not None:
                return hmac.compare_digest(used, key)
            expected = self.codes.get(box)
            if expected is None or not hmac.compare_digest(expected.encode(), code.encode()):
                return False
            if box in self.confirm:
                return None
            del self.codes[box]
            self._used[box, code] = key
            return True

    def certificate(self, csr: x509.CertificateSigningRequest) -> x509.Certificate:
        """What a request gets."""
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self.issued.append(_name_of(csr.subject))
        return self.authority.issue(csr.subject, key, self.life)

    def _context(self, folder: Path) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        own = self.authority.issue(subject, key.public_key(), timedelta(days=365), server="localhost")
        file = folder / "server.pem"
        file.touch(mode=0o600)
        file.write_bytes(own.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(file)
        context.load_verify_locations(self.authority.file)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context


class _Handler(BaseHTTPRequestHandler):
    server_of: EnrolmentServer
    timeout = 10

    def do_GET(self) -> None:
        """/cacerts."""
        if self.path != f"{WELL_KNOWN}/cacerts":
            return self._answer(404, b"there is nothing here")
        return self._give([self.server_of.authority.root])

    def do_POST(self) -> None:
        """/simpleenroll and /simplereenroll."""
        csr = self._request()
        if csr is None:
            return self._answer(400, b"this is no request (PKCS #10, in base64, signed with an elliptic key)")
        box = _name_of(csr.subject)
        allowed: bool | None = False
        if self.path == f"{WELL_KNOWN}/simpleenroll":
            user, code = self._credentials()
            key = csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            allowed = self.server_of.may(box, code, key) if user == box else False
        elif self.path == f"{WELL_KNOWN}/simplereenroll":
            allowed = self._shown() == box
        if allowed is None:
            return self._answer(202, b"", {"Retry-After": "1"})
        if not allowed:
            return self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="enrolment"'})
        return self._give([self.server_of.certificate(csr)])

    def _request(self) -> x509.CertificateSigningRequest | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _REQUEST_MOST:
            return None
        try:
            csr = x509.load_der_x509_csr(base64.b64decode(self.rfile.read(int(length))))
        except (ValueError, binascii.Error):
            return None
        return csr if csr.is_signature_valid and isinstance(csr.public_key(), ec.EllipticCurvePublicKey) else None

    def _credentials(self) -> tuple[str, str]:
        kind, _, said = self.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return "", ""
        try:
            user, _, code = base64.b64decode(said).decode().partition(":")
        except (ValueError, binascii.Error):
            return "", ""
        return user, code

    def _shown(self) -> str | None:
        """Whom the client's certificate names, if it showed one."""
        connection = self.connection
        der = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
        return _name_of(x509.load_der_x509_certificate(der).subject) if der else None

    def _give(self, certificates: list[x509.Certificate]) -> None:
        body = base64.encodebytes(pkcs7.serialize_certificates(certificates, Encoding.DER))
        self._answer(200, body, {"Content-Type": "application/pkcs7-mime; smime-type=certs-only", "Content-Transfer-Encoding": "base64"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: a request line may be anything."""


def _name_of(subject: x509.Name) -> str:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
