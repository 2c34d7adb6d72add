"""A private certificate authority and two pairs, made with openssl's own command: for a broker and a box on loopback."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.bench.room import SkippedError

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")


def authority(folder: Path) -> None:
    """Write ca.crt, broker.crt, broker.key, box.crt and box.key into a folder. Raises SkippedError without openssl."""
    if shutil.which("openssl") is None:
        raise SkippedError("no openssl here")
    folder.mkdir(parents=True, exist_ok=True)
    _openssl(folder, "req", "-x509", *_CURVE, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=bench")
    for name in ("broker", "box"):
        _openssl(
            folder, "req", "-x509", *_CURVE, "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.crt",
            "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip


def listener(folder: Path, port: int) -> tuple[str, ...]:
    """Lines for a mosquitto: one more listener, with TLS that wants a client's certificate."""
    files = (f"cafile {folder}/ca.crt", f"certfile {folder}/broker.crt", f"keyfile {folder}/broker.key")
    return ("user root", f"listener {port} 127.0.0.1", *files, "require_certificate true")


def files_toml(folder: Path) -> str:
    """Lines of `[crm]` that name the box's files."""
    return f'ca_file = "{folder}/ca.crt"\ncert_file = "{folder}/box.crt"\nkey_file = "{folder}/box.key"\n'


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"openssl {arguments[0]}: {done.stderr.strip()[-200:]} (3.0 or later is needed)")
