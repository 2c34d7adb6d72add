"""Decides what [opcua] may not say: a door without a lock, a user who cannot log in, a certificate that is none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.core.config import Config
from appliance.core.config_rules import Finding, _file, _key, _secret
from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.opcua_config import OpcuaConfig, OpcuaUser

_SCHEME = "opc.tcp://"
_THUMBPRINT = re.compile(r"[0-9a-f]{64}")


def opcua_endpoint(listen: str) -> Endpoint:
    """Where the server listens. Raises ValueError with the fault in words.

    >>> opcua_endpoint("opc.tcp://127.0.0.1:4840") == opcua_endpoint("127.0.0.1")
    True
    """
    return endpoint_from_text(listen.removeprefix(_SCHEME).rstrip("/"), 4840)


def thumbprint(text: str) -> str:
    """A certificate's SHA-256 thumbprint as it is compared: 64 hex digits, without the colons that openssl prints.

    >>> thumbprint("AB:CD")
    'abcd'
    """
    return text.replace(":", "").replace(" ", "").lower()


def findings_of_opcua(config: Config) -> Iterator[Finding]:
    """Everything wrong with [opcua]."""
    opcua = config.opcua
    if opcua is None:
        return
    yield from _listen(opcua)
    yield from _certificate(opcua)
    if opcua.trusted is not None and not opcua.trusted.is_dir():
        yield Finding(("opcua", "trusted"), f"there is no folder {opcua.trusted}", f"mkdir {opcua.trusted}, or take trusted out")
    if not opcua.users and not opcua.anonymous:
        mend = 'write [opcua.users.ana] with role = "read" and a password_file, or anonymous = true'
        yield Finding(("opcua",), "nobody may log in: there is no user", mend)
    for name, user in opcua.users.items():
        yield from _user(name, user)


def _listen(opcua: OpcuaConfig) -> Iterator[Finding]:
    here = ("opcua", "listen")
    try:
        endpoint = opcua_endpoint(opcua.listen)
    except ValueError as fault:
        yield Finding(here, f'"{opcua.listen}": {fault}', 'write it as "127.0.0.1:4840", or "0.0.0.0:4840" for the whole network')
        return
    if opcua.insecure and not endpoint.loopback:
        mend = "take insecure out: beyond this box every connection is signed or encrypted"
        yield Finding(
            ("opcua", "insecure"), f'insecure = true with listen = "{opcua.listen}" lets everybody on the network listen in', mend
        )


def _certificate(opcua: OpcuaConfig) -> Iterator[Finding]:
    here = ("opcua",)
    unread = [*_file((*here, "cert_file"), opcua.cert_file), *_secret((*here, "key_file"), opcua.key_file)]
    yield from unread
    if not unread and (opcua.cert_file or opcua.key_file):
        from appliance.core.config_tls import findings_of_tls  # noqa: PLC0415 - a box with a certificate of its own making starts without it

        yield from findings_of_tls(here, opcua.cert_file, opcua.key_file)


def _user(name: str, user: OpcuaUser) -> Iterator[Finding]:
    here = ("opcua", "users", name)
    yield from _key(here, name)
    if user.password_file is None and user.certificate is None:
        mend = f'callfloor opcua password {name} writes one; or certificate = "…" with the SHA-256 thumbprint of his certificate'
        yield Finding(here, f'user "{name}" can neither show a password nor a certificate', mend)
    wrong = list(_secret((*here, "password_file"), user.password_file))
    yield from wrong
    if user.password_file is not None and not wrong:
        from appliance.core.password import is_line  # noqa: PLC0415 - hashlib, for boxes with users

        if not is_line(user.password_file.read_text(encoding="utf-8", errors="replace")):
            mend = f"callfloor opcua password {name} -o {user.password_file}"
            yield Finding((*here, "password_file"), f"{user.password_file} holds no hash of a password", mend)
    if user.certificate is not None and not _THUMBPRINT.fullmatch(thumbprint(user.certificate)):
        mend = "openssl x509 -in client.pem -noout -fingerprint -sha256"
        yield Finding((*here, "certificate"), f'"{user.certificate}" is no SHA-256 thumbprint: 64 hex digits', mend)
