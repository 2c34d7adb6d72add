"""Decides whether what the box keeps of people is unreadable to whoever carries its disk away, and what is to be done where it is not.

Looked at is the disk under the journal and the directory: a dm-crypt device anywhere under their file system counts (its `dm/uuid` begins
with CRYPT-, libcryptsetup's own mark), an encrypted root too. Of a box's image there is besides what its start told of the data partition
(images/overlay/usr/lib/callfloor/open-data: /run/callfloor-data).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.box.kernel_file import folders, text_of
from appliance.box.model import ROOT
from appliance.box.mounts import VOLATILE, mount_under, mounted_from
from appliance.core.config import Config
from appliance.doctor.finding import Finding, Scene

LIMIT_S: Final = 5.0
#: On a box's image: the key that opens the data partition without its TPM, and that somebody has seen it.
RECOVERY_KEY: Final = Path("data/recovery-key")
NOTED: Final = Path("data/recovery-key.noted")
_TOLD: Final = Path("run/callfloor-data")
_ITEM: Final = "data_encryption"
_DEEPEST: Final = 8
_SO: Final = "whoever takes the disk or card reads the journal and the directory: callers' numbers, customers' names, passwords of this box"


class Held(Struct, frozen=True):
    """`device`: what the file system is on; `crypt`: the dm-crypt under it, "" for none, None where it cannot be told; `tpm`: a TPM 2.0.

    `state`, `why`: what the image's start said (plain, sealed, resealed, by-key, locked); empty on any other installation.
    """

    place: Path
    device: str = ""
    crypt: str | None = None
    tpm: bool = False
    state: str = ""
    why: str = ""
    has_key: bool = False
    noted: bool = False
    #: A file system that the power takes with it.
    fleeting: bool = False


def wanted(config: Config) -> bool:
    """Always."""
    return True


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Look, and judge."""
    return judge(read(scene.config.journal.path.absolute().parent, scene.root))


def read(place: Path, root: Path = ROOT) -> Held:
    """A few small files; nothing needs root."""
    text = text_of(root / "proc/self/mountinfo") or ""
    mount = mount_under(place, mounted_from(text))
    crypt: str | None = None
    fleeting = mount is not None and mount.kind in VOLATILE - {"overlay"}
    if fleeting:
        crypt = ""
    elif mount is not None and (block := _block(text, mount.place, mount.device, root)) is not None:
        crypt = next(_crypts(block, _DEEPEST), "")
    state = text_of(root / _TOLD / "state") or ""
    why = text_of(root / _TOLD / "why") or (text_of(root / "data/encryption-failed") if state == "plain" else "") or ""
    return Held(
        place, mount.device if mount is not None else "", crypt, bool(folders(root / "sys/class/tpmrm", "tpmrm*")), state, why,
        (root / RECOVERY_KEY).exists(), (root / NOTED).exists(), fleeting,
    )  # fmt: skip


def judge(held: Held) -> tuple[Finding, ...]:
    """What follows."""
    evidence = f"{held.place} is on {held.device or '?'}"
    if held.state == "locked":
        so = "this box keeps nothing, and nothing that it kept can be read; events that had not been sent stand there still"
        mend = "put the recovery key on CONFIG as callfloor-recovery-key.txt and start again: docs/provisioning.md"
        return (Finding(_ITEM, "red", "the data partition is encrypted, and does not open", held.why or "?", so, mend),)
    if held.crypt is None:
        return (Finding(_ITEM, "ok", "whether its disk is encrypted cannot be told", evidence),)
    return (_crypt(held, f"{evidence} ({held.crypt})") if held.crypt else _clear(held, evidence),)


def _crypt(held: Held, evidence: str) -> Finding:
    if held.state == "by-key":
        so = "the recovery key lies on CONFIG, on the same disk: whoever takes the disk has both"
        mend = "a machine with a TPM 2.0: the key is sealed to it at its start, and taken off CONFIG"
        return Finding(_ITEM, "amber", "the data partition is encrypted, and its key lies beside it", held.why or evidence, so, mend)
    if held.state not in ("sealed", "resealed"):
        return Finding(_ITEM, "ok", "its disk is encrypted", evidence)
    if held.has_key and not held.noted:
        so = "where the TPM is cleared or fails, or the board is replaced, what had not been sent is lost"
        mend = "sudo callfloor recovery   # and keep it where the box is not"
        return Finding(_ITEM, "amber", "encrypted and sealed to the TPM, and nobody has noted the recovery key", evidence, so, mend)
    return Finding(_ITEM, "ok", "encrypted, and the key is sealed to the TPM", evidence)


def _clear(held: Held, evidence: str) -> Finding:
    if held.fleeting:
        return Finding(_ITEM, "ok", "it is kept in memory alone", evidence)
    if not held.tpm:
        mend = "lock the box away; a machine with a TPM 2.0 encrypts by itself when the image is written to it"
        return Finding(_ITEM, "amber", "not encrypted: this machine has no TPM", evidence, _SO, mend)
    if held.state:
        mend = "sudo callfloor backup FILE --secrets, write the image anew, callfloor restore FILE: docs/provisioning.md"
        return Finding(_ITEM, "amber", "not encrypted, though this machine has a TPM", held.why or evidence, _SO, mend)
    mend = "install Debian with an encrypted disk, or write the image to it: docs/provisioning.md"
    return Finding(_ITEM, "amber", "not encrypted, though this machine has a TPM", evidence, _SO, mend)


def _block(text: str, place: str, device: str, root: Path) -> Path | None:
    """The device's folder below /sys: by its number, else (btrfs has none of its own) by its name."""
    numbers = [words[2] for words in map(str.split, text.splitlines()) if len(words) > 4 and words[4] == place]
    by_number = root / "sys/dev/block" / numbers[-1] if numbers else None
    if by_number is not None and by_number.exists():
        return by_number.resolve()
    name = device.rpartition("/")[2]
    if device.startswith("/dev/mapper/"):
        return next((each for each in folders(root / "sys/block", "dm-*") if text_of(each / "dm/name") == name), None)
    found = root / "sys/class/block" / name
    return found.resolve() if device.startswith("/dev/") and name and found.exists() else None


def _crypts(block: Path, deep: int) -> Iterator[str]:
    """The dm-crypt devices at and under one: LVM, RAID and partitions stand on others."""
    found = re.match(r"CRYPT-[A-Z0-9]+", text_of(block / "dm/uuid") or "")
    if found:
        yield f"{text_of(block / 'dm/name') or block.name}, {found[0]}"
    if deep:
        under = folders(block / "slaves", "*") or ([block.parent] if (block / "partition").exists() else [])
        for each in under:
            yield from _crypts(each.resolve(), deep - 1)
