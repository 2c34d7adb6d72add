"""Decides what a certificate and its key may not be: one without the other, of different pairs, locked, or for everybody to read."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from appliance.core.config_rules import Finding
from appliance.core.errors import MisconfiguredError


def findings_of_tls(here: tuple[str | int, ...], cert_file: Path | None, key_file: Path | None) -> Iterator[Finding]:
    """What is wrong with a listener's pair of files, both of which can be read."""
    if cert_file is None or key_file is None:
        given, other = ("cert_file", "key_file") if key_file is None else ("key_file", "cert_file")
        yield Finding((*here, given), f"{given} without {other} makes no HTTPS", f'write {other} = "…" too, or take {given} out')
        return
    if stat.S_IMODE(key_file.stat().st_mode) & stat.S_IROTH:
        mend = f"chmod 640 {key_file}; whoever read it can pass for this box: better a new pair"
        yield Finding((*here, "key_file"), f"everybody on this box may read {key_file}", mend)
    try:
        pair_from_files(cert_file, key_file)
    except MisconfiguredError as fault:
        what, _, mend = str(fault).partition("; ")
        yield Finding((*here, "cert_file"), what, mend)


def pair_from_files(cert_file: Path, key_file: Path) -> None:
    """Raises MisconfiguredError, as `what; mend`, when the two are not a certificate and its key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert_file, key_file, password=lambda: "")
    except (ssl.SSLError, OSError) as fault:
        raise MisconfiguredError("; ".join(_words(fault, cert_file, key_file))) from fault


def _words(fault: Exception, cert_file: Path, key_file: Path) -> tuple[str, str]:
    reason = str(getattr(fault, "reason", None) or fault)
    if "MISMATCH" in reason:
        return f"{key_file} is not the key of {cert_file}", "name the key that the certificate was asked for with"
    if "ENCRYPTED" in key_file.read_text(errors="replace")[:4096]:
        return f"{key_file} is locked with a passphrase", f"openssl pkey -in {key_file} -out unlocked.key"
    what = f"{cert_file} and {key_file} make no pair: {reason}"
    return what, "both as PEM: the certificate with its chain, its own certificate first"
