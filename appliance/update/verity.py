"""Decides whether a bundle's payload is what its signature covers, before a byte of the other slot is written over.

A verity bundle (RAUC documentation, "Verity Format") is a payload, its dm-verity hash tree (Linux, admin-guide/device-mapper/verity,
version 1, SHA-256, blocks of 4096), a CMS-signed manifest that names the tree's root, and the manifest's length as 8 bytes. RAUC itself
finds damage only while it writes.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from appliance.core.errors import CorruptError, DeniedError

_BLOCK: Final = 4096
_DIGEST: Final = 32
_MANIFEST_MAX: Final = 1024 * 1024


class Tree(Struct, frozen=True):
    """What the manifest says of the payload: sizes in bytes."""

    root: bytes
    salt: bytes
    payload: int
    size: int


def check(file: Path, keyring: Path) -> None:
    """Read all of it. Raises CorruptError when it is damaged or no verity bundle, DeniedError when nobody in the keyring signed it."""
    with file.open("rb") as read:
        signed, payload = _signed(read, file)
        tree = tree_from(_manifest(signed, keyring, file), payload)
        if tree is None:
            raise CorruptError(f"{file} is no verity bundle; make it with images/rauc/bundle.py")
        levels = list(levels_of(_blocks(read, tree.payload), tree.salt))
        if levels[-1] != tree.root:
            raise CorruptError(f"{file} is damaged or was changed: its content is not what was signed; fetch it again")
        read.seek(tree.payload)
        if read.read(tree.size) != b"".join(level.ljust(-(-len(level) // _BLOCK) * _BLOCK, b"\0") for level in reversed(levels[:-1])):
            raise CorruptError(f"{file} is damaged or was changed: its hash tree is not what was signed; fetch it again")


def _signed(read: BinaryIO, file: Path) -> tuple[bytes, int]:
    size = read.seek(0, 2)
    read.seek(max(0, size - 8))
    length = int.from_bytes(read.read(8), "big")
    if not 0 < length <= min(_MANIFEST_MAX, size - 8):
        raise CorruptError(f"{file} is no bundle, or its end is missing ({size:,} bytes are here); fetch it again")
    read.seek(size - 8 - length)
    return read.read(length), size - 8 - length


def _manifest(signed: bytes, keyring: Path, file: Path) -> str:
    with tempfile.NamedTemporaryFile() as cms:
        cms.write(signed)
        cms.flush()
        # Without the time: a box without a battery does not know it; RAUC takes the moment of signing instead.
        words = ["openssl", "cms", "-verify", "-inform", "DER", "-in", cms.name, "-CAfile", str(keyring), "-binary", "-no_check_time"]
        done = subprocess.run(words, check=False, capture_output=True, timeout=30)
    if done.returncode:
        raise DeniedError(f"{file} is not signed by anybody that {keyring} names: {_last(done.stderr)}")
    return done.stdout.decode("utf-8", "replace")


def _last(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].rpartition(":")[2].strip() if lines else "no reason was given"


def tree_from(manifest: str, signed_part: int) -> Tree | None:
    """The tree that a manifest names; None when it names none. `signed_part`: bytes of payload and tree together."""
    found = dict(line.partition("=")[::2] for line in manifest.splitlines())
    try:
        size = int(found["verity-size"])
        return Tree(bytes.fromhex(found["verity-hash"]), bytes.fromhex(found["verity-salt"]), signed_part - size, size)
    except (KeyError, ValueError):
        return None


def levels_of(blocks: Iterator[bytes], salt: bytes) -> Iterator[bytes]:
    """The digests of the data, of the blocks that these fill, and so on; the last is the root's alone."""
    level = b"".join(hashlib.sha256(salt + block).digest() for block in blocks)
    yield level
    while len(level) > _DIGEST:
        level = b"".join(
            hashlib.sha256(salt + level[at : at + _BLOCK].ljust(_BLOCK, b"\0")).digest() for at in range(0, len(level), _BLOCK)
        )
        yield level


def _blocks(read: BinaryIO, payload: int) -> Iterator[bytes]:
    read.seek(0)
    left = payload
    while left > 0:
        piece = read.read(min(left, 256 * _BLOCK))
        if not piece:
            return
        left -= len(piece)
        for at in range(0, len(piece), _BLOCK):
            yield piece[at : at + _BLOCK]
