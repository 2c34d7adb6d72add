"""Decides how a backup lies in a file: a tar with a manifest first, and, where it holds secrets, all of it under a passphrase.

The passphrase becomes a key by scrypt (RFC 7914; 32 MiB, a tenth of a second on a PC), the tar is sealed in pieces of 64 KiB by
ChaCha20-Poly1305 (RFC 8439), each piece's nonce its number and whether it is the last: nothing can be changed, cut off or put in another
order unnoticed. What is read is never unpacked to where it says: the caller gets names and contents, and judges both.
"""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError, UnsupportedError

VERSION: Final = 1
_MAGIC: Final = b"callfloor-backup-1 scrypt chacha20-poly1305\n"
_MANIFEST: Final = "manifest.json"
_PIECE: Final = 64 * 1024
_TAG: Final = 16
_SALT: Final = 16
#: 2^15 · 8 · 128 bytes = 32 MiB: what a box of 1 GB can spare for a moment.
_SCRYPT_N: Final = 2**15
#: A box's own files are some kilobytes, a year of summaries some megabytes.
MOST_BYTES: Final = 512 * 1024**2


class Saved(Struct, frozen=True, kw_only=True):
    """One file: where it belongs, its rights, its owner by name. `content` stands beside, in the tar."""

    path: str
    mode: int
    user: str
    group: str
    secret: bool = False


class Manifest(Struct, frozen=True, kw_only=True):
    """What the backup is of: whose identity, when (seconds since 1970), by which version, and the epoch that its journal had."""

    backup: int
    site: str
    box: str
    at_s: float
    callfloor: str
    epoch: str | None
    secrets: bool
    files: tuple[Saved, ...]


def packed(manifest: Manifest, contents: dict[str, bytes], phrase: str | None) -> bytes:
    """The file's bytes; sealed where there is a passphrase."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, content in ((_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2)), *contents.items()):
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(manifest.at_s)
            tar.addfile(entry, io.BytesIO(content))
    return plain.getvalue() if phrase is None else _sealed(plain.getvalue(), phrase)


def is_sealed(path: Path) -> bool:
    """Whether it wants a passphrase. Raises MisconfiguredError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as fault:
        raise MisconfiguredError(f"{path} cannot be read: {fault.strerror}; name the backup's file") from fault


def unpacked(path: Path, phrase: str | None) -> tuple[Manifest, dict[str, bytes]]:
    """Its manifest, and each file's content by its path on the box.

    Raises DeniedError for a wrong passphrase, CorruptError for a file that was changed or cut, UnsupportedError for a newer version's.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise MisconfiguredError(f"{path} cannot be read: {fault.strerror}; name the backup's file") from fault
    if len(raw) > MOST_BYTES:
        raise CorruptError(f"{path} is larger than 512 MiB: no backup of callfloor; name another file")
    plain = _opened(raw, phrase or "", path) if raw.startswith(_MAGIC) else raw
    contents = _members(plain, path)
    try:
        manifest = msgspec.json.decode(contents.pop(f"/{_MANIFEST}", b""), type=Manifest)
    except msgspec.DecodeError as fault:
        raise CorruptError(f"{path} is no backup of callfloor ({fault}); name another file") from fault
    if manifest.backup > VERSION:
        raise UnsupportedError(f"{path} was made by a newer callfloor ({manifest.callfloor}); install that one first")
    if {saved.path for saved in manifest.files} != set(contents):
        raise CorruptError(f"{path}: its files are not those of its manifest; take an older backup")
    return manifest, contents


def _members(plain: bytes, path: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:gz") as tar:
            total = 0
            for member in tar:
                total += member.size
                parts = PurePosixPath(member.name).parts
                if not member.isreg() or total > MOST_BYTES or ".." in parts or member.name.startswith("/"):
                    raise CorruptError(f"{path} holds {member.name!r}, which no backup holds; it was not made by callfloor backup")
                stream = tar.extractfile(member)
                contents[f"/{member.name}"] = stream.read() if stream is not None else b""
    except (tarfile.TarError, EOFError, OSError, ValueError) as fault:
        raise CorruptError(f"{path} is damaged, or no backup of callfloor ({fault}); take another") from fault
    return contents


def _key(phrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415 - only for secrets

    return Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(phrase.encode())


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _sealed(plain: bytes, phrase: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    salt = os.urandom(_SALT)
    cipher = ChaCha20Poly1305(_key(phrase, salt))
    pieces = [plain[at : at + _PIECE] for at in range(0, len(plain), _PIECE)] or [b""]
    sealed = [cipher.encrypt(_nonce(number, last=number == len(pieces) - 1), piece, _MAGIC) for number, piece in enumerate(pieces)]
    return b"".join((_MAGIC, salt, *sealed))


def _opened(raw: bytes, phrase: str, path: Path) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    begin = len(_MAGIC)
    salt, body = raw[begin : begin + _SALT], raw[begin + _SALT :]
    pieces = [body[at : at + _PIECE + _TAG] for at in range(0, len(body), _PIECE + _TAG)]
    if len(salt) < _SALT or not pieces:
        raise CorruptError(f"{path} is cut off; take another")
    cipher = ChaCha20Poly1305(_key(phrase, salt))
    plain = bytearray()
    for number, piece in enumerate(pieces):
        try:
            plain += cipher.decrypt(_nonce(number, last=number == len(pieces) - 1), piece, _MAGIC)
        except (InvalidTag, ValueError) as fault:
            if number == 0:
                raise DeniedError(f"{path} does not open: the passphrase is wrong, or the file was changed") from fault
            raise CorruptError(f"{path} was changed or cut off after {number * _PIECE} bytes; take another") from fault
    return bytes(plain)
