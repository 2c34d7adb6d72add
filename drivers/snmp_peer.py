"""Decides how another box is asked over SNMP (2c and 3, by pysnmp): a few objects at once, with a limit of time; and what a fault means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from appliance.core.errors import DeniedError, MisconfiguredError, TransientError, UnsupportedError

#: A request of more objects may not fit into one packet of an old box.
MOST: Final = 16
_TEXT: Final = 255
_AUTH: Final = {"md5": "MD5", "sha": "SHA", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}
_PRIV: Final = {"aes": "AES128", "aes128": "AES128", "aes256": "AES256", "des": "DES"}
_FORM: Final = "write the community alone on a line, or lines `user NAME`, `auth SHA256 PASSPHRASE`, `priv AES128 PASSPHRASE`"


class Secret(Struct, frozen=True, kw_only=True):
    """How we show who we are: a community (2c), or a user (3), with or without a pass-phrase to sign and one to encrypt."""

    community: str | None = None
    user: str | None = None
    auth: tuple[str, str] | None = None
    priv: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return "Secret(…)"


def secret_from_file(path: Path) -> Secret:
    """Read one. Raises MisconfiguredError, without the words of the file."""
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as fault:
        raise MisconfiguredError(f"{path}: cannot be read ({fault}); {_FORM}") from fault
    if len(lines) == 1 and not lines[0].lower().startswith("user "):
        return Secret(community=lines[0])
    user: str | None = None
    keys: dict[str, tuple[str, str]] = {}
    for line in lines:
        what, _, rest = line.partition(" ")
        kind, _, phrase = rest.strip().partition(" ")
        known = {"auth": _AUTH, "priv": _PRIV}.get(what.lower(), {})
        if what.lower() == "user" and user is None:
            user = rest.strip()
        elif kind.lower().replace("-", "") in known and len(phrase.strip()) >= 8:
            keys[what.lower()] = known[kind.lower().replace("-", "")], phrase.strip()
        else:
            raise MisconfiguredError(f"{path}: a line is not understood (a pass-phrase has eight letters at least); {_FORM}")
    if not user or ("priv" in keys and "auth" not in keys):
        raise MisconfiguredError(f"{path}: no user, or `priv` without `auth`; {_FORM}")
    return Secret(user=user, auth=keys.get("auth"), priv=keys.get("priv"))


class SnmpPeer:
    """A box that is asked."""

    def __init__(self, where: str, request: Any, timeout_s: float, faults: tuple[type[Exception], ...]) -> None:
        self._where, self._request, self._timeout_s, self._faults = where, request, timeout_s, faults

    async def get(self, oids: Sequence[str]) -> dict[str, int | str | None]:
        """The values, `None` for an object that is not there; texts are cut at 255 letters.

        Raises TransientError when it does not answer in time or cannot, DeniedError when it does not know us.
        """
        out: dict[str, int | str | None] = {}
        for at in range(0, len(oids), MOST):
            some = list(oids[at : at + MOST])
            try:
                async with asyncio.timeout(self._timeout_s + 1.0):  # should the library not keep its own limit
                    fault, status, _, found = await self._request(some)
            except TimeoutError as error:
                raise self._silent() from error
            except self._faults as error:
                raise TransientError(f"{self._where}: {error}") from error
            if fault is not None:
                raise self._silent() if "Timed" in type(fault).__name__ else self._refused(fault)
            if int(status):
                raise TransientError(f"{self._where}: answers with the fault {status.prettyPrint()}")
            if len(found) != len(some):
                raise TransientError(f"{self._where}: answers {len(found)} objects where {len(some)} were asked for")
            out |= {oid: _value(value) for oid, (_, value) in zip(some, found, strict=True)}
        return out

    def _silent(self) -> TransientError:
        return TransientError(
            f"{self._where}: no answer in {self._timeout_s:g} s; is SNMP on there, for this box, with this community or user?"
        )

    def _refused(self, fault: object) -> DeniedError:
        return DeniedError(f"{self._where}: refuses ({fault}); set the user and its pass-phrases as the gateway has them")


@asynccontextmanager
async def open_snmp(host: str, port: int, secret: Secret, *, timeout_s: float = 1.0) -> AsyncIterator[SnmpPeer]:
    """Get ready to ask a box; nothing is sent yet. `host` is an address.

    Raises UnsupportedError without the library, MisconfiguredError for what it does not take.
    """
    snmp, engine, pysnmp_error = await asyncio.to_thread(_engine)  # its tables take a tenth of a second, on a small box half a one
    try:
        kind = snmp.Udp6TransportTarget if ":" in host else snmp.UdpTransportTarget
        try:
            target = await kind.create((host, port), timeout=timeout_s, retries=0)
            who = _who(snmp, secret)
        except (ValueError, OSError, pysnmp_error) as fault:
            raise MisconfiguredError(f"snmp {host}: {fault}") from fault

        async def request(oids: list[str]) -> Any:
            asked = [snmp.ObjectType(snmp.ObjectIdentity(oid)) for oid in oids]
            return await snmp.get_cmd(engine, who, target, snmp.ContextData(), *asked, lookupMib=False)

        yield SnmpPeer(f"snmp {host}:{port}", request, timeout_s, (OSError, pysnmp_error))
    finally:
        engine.close_dispatcher()


def _engine() -> tuple[Any, Any, type[Exception]]:
    try:
        from pysnmp.error import PySnmpError  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415 - only where a box is polled
        from pysnmp.hlapi.v3arch import asyncio as snmp  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415
    except ImportError as fault:
        raise UnsupportedError("polling over SNMP needs pysnmp: pip install 'callfloor[snmp]'") from fault
    logging.getLogger("pysnmp").setLevel(logging.WARNING)
    return snmp, snmp.SnmpEngine(), PySnmpError


def _who(snmp: Any, secret: Secret) -> Any:
    if secret.user is None:
        return snmp.CommunityData(secret.community, mpModel=1)
    auth = {"MD5": "USM_AUTH_HMAC96_MD5", "SHA": "USM_AUTH_HMAC96_SHA", "SHA256": "USM_AUTH_HMAC192_SHA256"}
    auth |= {"SHA384": "USM_AUTH_HMAC256_SHA384", "SHA512": "USM_AUTH_HMAC384_SHA512"}
    priv = {"AES128": "USM_PRIV_CFB128_AES", "AES256": "USM_PRIV_CFB256_AES", "DES": "USM_PRIV_CBC56_DES"}
    more: dict[str, Any] = {}
    if secret.auth is not None:
        more |= {"authKey": secret.auth[1], "authProtocol": getattr(snmp, auth[secret.auth[0]])}
    if secret.priv is not None:
        more |= {"privKey": secret.priv[1], "privProtocol": getattr(snmp, priv[secret.priv[0]])}
    return snmp.UsmUserData(secret.user, **more)


def _value(value: Any) -> int | str | None:
    """An INTEGER is a number, an OCTET STRING a text, noSuchObject and its kin are nothing."""
    name = type(value).__name__
    if name in ("NoSuchObject", "NoSuchInstance", "EndOfMibView", "Null"):
        return None
    if name in ("OctetString", "Opaque", "Bits"):
        return bytes(value)[:_TEXT].decode("utf-8", "replace").strip("\0 ")
    try:
        return int(value)
    except (TypeError, ValueError):
        return str(value.prettyPrint())[:_TEXT]
