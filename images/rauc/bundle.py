"""Signs what a box takes: a RAUC verity bundle of system and boot partition, or a .deb with a detached signature beside it.

The key is a file that the caller names; none is in the project. `--test-keys FOLDER` makes throw-away ones (keys.py).
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent))

import keys

_HERE: Final = Path(__file__).resolve().parent
_LARGEST: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Signer:
    """Where key, certificate and the keyring lie that a box of the same make trusts."""

    key: Path
    certificate: Path
    keyring: Path


def manifest(compatible: str, version: str, build: str, system: str) -> str:
    """The bundle's manifest; the boot slot's hook names the slot in a Pi's cmdline.txt."""
    return (
        f"[update]\ncompatible={compatible}\nversion={version}\nbuild={build}\n\n[bundle]\nformat=verity\n\n[hooks]\nfilename=hook\n\n"
        f"[image.system]\nfilename={system}\n\n[image.boot]\nfilename=boot.vfat\nhooks=post-install\n"
    )


def bundle(system: Path, boot: Path, compatible: str, version: str, signer: Signer, into: Path) -> Path:
    """Make and sign the bundle. `system`: squashfs; `boot`: the FAT of one slot, whichever. Raises CalledProcessError when rauc fails."""
    into.parent.mkdir(parents=True, exist_ok=True)
    into.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as made:
        folder = Path(made) / "content"
        folder.mkdir()
        name = f"system{system.suffix if system.suffix != '.squashfs' else ''}.img"
        _share(system, folder / name)
        _share(boot, folder / "boot.vfat")
        shutil.copy2(_HERE / "hook", folder / "hook")
        with system.open("rb") as read:
            build = hashlib.file_digest(read, "sha256").hexdigest()[:12]
        (folder / "manifest.raucm").write_text(manifest(compatible, version, build, name))
        words = ["rauc", "--cert", signer.certificate, "--key", signer.key, "--keyring", signer.keyring]
        # The system is compressed already.
        words += ["--mksquashfs-args=-comp zstd -Xcompression-level 1", "bundle", folder, into]
        subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)
    return into


def sign_deb(deb: Path, signer: Signer) -> Path:
    """`X.deb.sig`: a detached CMS signature (RFC 5652) over the whole file, by the same key as bundles."""
    if deb.stat().st_size > _LARGEST:
        raise SystemExit(f"{deb} is over 1 GiB: no package of ours")
    signature = deb.with_name(deb.name + ".sig")
    words = ["openssl", "cms", "-sign", "-binary", "-in", deb, "-signer", signer.certificate, "-inkey", signer.key]
    subprocess.run([str(word) for word in [*words, "-outform", "DER", "-out", signature]], check=True, capture_output=True)
    return signature


def _share(file: Path, target: Path) -> None:
    """A hard link where possible: a system is hundreds of megabytes."""
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copy2(file, target)


def main() -> int:
    """`bundle.py [keys] deb FILE` or `bundle.py [keys] image --system F --boot F --compatible C --version V --into F`."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("key", "certificate", "keyring"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--test-keys", type=Path, metavar="FOLDER", help="throw-away keys, made there unless they are")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("deb").add_argument("file", type=Path)
    image = kinds.add_parser("image")
    for name in ("system", "boot", "into"):
        image.add_argument(f"--{name}", type=Path, required=True)
    for name in ("compatible", "version"):
        image.add_argument(f"--{name}", required=True)
    asked = parser.parse_args()
    if asked.test_keys:
        keys.make(asked.test_keys)
        signer = Signer(asked.test_keys / "sign.key", asked.test_keys / "sign.pem", asked.test_keys / "ca.pem")
    elif asked.key and asked.certificate and asked.keyring:
        signer = Signer(asked.key, asked.certificate, asked.keyring)
    else:
        parser.error("name --key, --certificate and --keyring, or --test-keys for throw-away ones")
    try:
        if asked.kind == "deb":
            print(sign_deb(asked.file, signer))
        else:
            print(bundle(asked.system, asked.boot, asked.compatible, asked.version, signer, asked.into))
    except subprocess.CalledProcessError as fault:
        raise SystemExit(f"{fault.cmd[0]} failed: {fault.stderr}") from fault
    return 0


if __name__ == "__main__":
    sys.exit(main())
