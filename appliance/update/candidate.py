"""Decides whether a file is an update for this box: whose it is, for what it is, and which version beside the one that runs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from appliance.core.errors import CorruptError, DeniedError, MisconfiguredError, TransientError, UnsupportedError
from appliance.update import verity
from appliance.update.fetch import digest
from appliance.update.place import Place, said
from appliance.version import VERSION


class Candidate(Struct, frozen=True):
    """A file whose signature holds. `fits`: RAUC's `compatible`, or the package's architecture."""

    kind: Literal["image", "deb"]
    file: Path
    version: str
    fits: str
    sha256: str
    bytes: int


class _Info(Struct):
    compatible: str
    version: str


def running_version(place: Place) -> str:
    """What an image calls itself, else the package's own version."""
    if place.has_slots:
        for line in (place.root / "usr/lib/os-release").read_text(encoding="utf-8").splitlines():
            if line.startswith("IMAGE_VERSION="):
                return line.partition("=")[2].strip().strip('"')
    return VERSION


def looked_at(file: Path, place: Place, sha256: str | None = None) -> Candidate:
    """Read all of it and check who signed it.

    Raises DeniedError for a signature that the keyring does not know or that is missing, CorruptError for damage or another digest than
    asked for, UnsupportedError for a kind of file that this box does not take.
    """
    if not file.is_file():
        raise MisconfiguredError(f"there is no file {file}")
    if file.suffix not in (".raucb", ".deb"):
        raise MisconfiguredError(f"{file} is neither a bundle (.raucb) nor a package (.deb)")
    found = digest(file)
    if sha256 is not None and found != sha256.lower():
        raise CorruptError(f"{file} has the SHA-256 {found}, not {sha256.lower()}; fetch it again, or ask who gave you the digest")
    if file.suffix == ".raucb":
        if not place.has_slots:
            raise UnsupportedError(f"{file.name} is for a box made from an image, and this is a Debian of its own: take the .deb")
        return _bundle(file, place, found)
    if place.has_slots:
        raise UnsupportedError(f"{file.name}: this box was made from an image, whose system is read-only: take the .raucb")
    return _package(file, place, found)


def _bundle(file: Path, place: Place, sha256: str) -> Candidate:
    keyring = place.keyring()
    verity.check(file, keyring)
    try:
        text = said("rauc", "info", f"--keyring={keyring}", "--output-format=json", file)
        info = msgspec.json.decode(text[text.index("{") :], type=_Info)
    except TransientError as fault:
        raise DeniedError(f"{file}: {fault}") from fault
    except (ValueError, msgspec.DecodeError) as fault:
        raise CorruptError(f"{file}: what rauc says of it cannot be read: {fault}") from fault
    return Candidate("image", file, info.version, info.compatible, sha256, file.stat().st_size)


def _package(file: Path, place: Place, sha256: str) -> Candidate:
    signature = file.with_name(file.name + ".sig")
    keyring = place.keyring()
    if not signature.exists():
        raise DeniedError(f"{signature} is missing: a package is taken only with its signature beside it")
    # Without the time, as for bundles: a box may not know it.
    words = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", file, "-CAfile", keyring]
    command = [str(word) for word in [*words, "-no_check_time", "-out", "/dev/null"]]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1].rpartition(":")[2].strip()
        raise DeniedError(f"{file} is not what {signature.name} signs, or nobody that {keyring} names signed it: {last}")
    try:
        fields = dict(line.partition(": ")[::2] for line in said("dpkg-deb", "-f", file, "Package", "Version", "Architecture").splitlines())
    except TransientError as fault:
        raise CorruptError(f"{file} is no package: {fault}") from fault
    if fields.get("Package") != "callfloor":
        raise MisconfiguredError(f"{file} is the package {fields.get('Package', 'without a name')}, not callfloor")
    return Candidate("deb", file, fields.get("Version", ""), fields.get("Architecture", ""), sha256, file.stat().st_size)


def refuse_unfit(candidate: Candidate, wanted: str, running: str, *, allow_downgrade: bool) -> None:
    """Raises UnsupportedError for another kind of box, DeniedError for a version that is older, or the same."""
    if candidate.fits != wanted:
        raise UnsupportedError(
            f"{candidate.file.name} is for {candidate.fits}, and this box is {wanted}: take the file that is made for it"
        )
    if allow_downgrade:
        return
    if older(candidate.version, running):
        raise DeniedError(
            f"{candidate.file.name} has version {candidate.version}, older than {running} that runs; --allow-downgrade takes it"
        )
    if candidate.version == running:
        raise DeniedError(f"{running} runs already; --allow-downgrade writes it once more")


def older(one: str, other: str) -> bool:
    """By Debian's rules (deb-version(7)), in which 1.0~rc1 is older than 1.0. Raises UnsupportedError without dpkg."""
    try:
        return (
            subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False, capture_output=True, timeout=30).returncode == 0
        )
    except FileNotFoundError as fault:
        raise UnsupportedError("versions cannot be compared: dpkg is not installed here") from fault


def wanted_by(place: Place) -> str:
    """What this box is: RAUC's `compatible`, or dpkg's architecture."""
    return place.compatible if place.has_slots else said("dpkg", "--print-architecture").strip()
