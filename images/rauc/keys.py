"""Makes a signing authority and a signer for tests, in a folder of the caller's, never in the project.

Production keys are made elsewhere, once.

/usr/bin/python3 images/rauc/keys.py FOLDER      ca.pem (the keyring that a box trusts), ca.key, sign.pem, sign.key
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_YEARS = ("-days", "3650")


def make(folder: Path, name: str = "Callfloor TEST") -> None:
    """The four files, unless they are there. Raises CalledProcessError when openssl fails."""
    if (folder / "sign.pem").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _openssl(
        folder,
        "req",
        "-x509",
        "-newkey",
        "ed25519",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        *_YEARS,
        "-subj",
        f"/CN={name} authority",
    )
    _openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "sign.key", "-out", "sign.csr", "-subj", f"/CN={name} signer")
    _openssl(folder, "x509", "-req", "-in", "sign.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", *_YEARS, "-out", "sign.pem")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
