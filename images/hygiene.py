"""Decides what of the builder must not be in a box's root file system: found in a list of its files, and cleaned from an unpacked one.

mmdebstrap bakes in silently: SSH host keys (from openssh-server's own set-up), the builder's /etc/hostname and /etc/resolv.conf, the
mirror it loaded from, a machine-id, logs and caches. A key or an identity that two boxes share is a fault of every box sold.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: What sources.list says in the image: no box loads packages by itself, and a technician who does finds Debian's own address.
SOURCES: Final = """\
deb http://deb.debian.org/debian bookworm main non-free-firmware
deb http://deb.debian.org/debian bookworm-updates main non-free-firmware
deb http://deb.debian.org/debian-security bookworm-security main non-free-firmware
"""
#: The name before the first boot gives one.
HOSTNAME: Final = "callfloor\n"
_STUB: Final = "../run/systemd/resolve/stub-resolv.conf"
_MAX_TEXT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file, by its path without a leading slash. `content` None: not read (large, or no plain file); `target` of a link."""

    path: str
    size: int
    kind: str
    content: bytes | None = None
    target: str = ""
    mode: int = 0


@dataclass(frozen=True, slots=True)
class Stain:
    """What must not be there, and why."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"/{self.path}: {self.why}"


_MUST_BE_EMPTY: Final = {
    "var/lib/dbus/machine-id": "the builder's machine-id",
    "var/lib/systemd/random-seed": "every box would start with the same randomness",
    "var/log/btmp": "the builder's log", "var/log/wtmp": "the builder's log", "var/log/lastlog": "the builder's log",
    "var/log/faillog": "the builder's log",
}  # fmt: skip
_MUST_NOT_BE: Final = (
    (re.compile(r"etc/ssh/ssh_host_.*_key(\.pub)?"), "a host key that every box would share"),
    (re.compile(r"(root|home/[^/]+)/\.ssh/.+"), "a key of the builder's"),
    (re.compile(r"(root|home/[^/]+)/\.(bash_history|python_history|viminfo|wget-hsts)"), "the builder's history"),
    (
        re.compile(r"var/lib/apt/lists/.*_(Packages|Sources|InRelease|Release|Translation-.*)(\.\w+)?"),
        "a package list that is stale tomorrow",
    ),
    (re.compile(r"var/cache/(apt/(archives/.*\.deb|.*\.bin)|debconf/.*-old|ldconfig/.+|man/.+)"), "a cache"),
    (re.compile(r"var/lib/dpkg/[a-z]+-old|etc/[a-z]+-|var/log/(apt/.+|.*\.log(\..*)?|journal/.+)"), "left over from building"),
    (re.compile(r"etc/apt/(auth\.conf(\.d/.+)?|apt\.conf\.d/99mmdebstrap|.*proxy.*)"), "how the builder reaches its mirror"),
    (re.compile(r"(tmp|var/tmp|run|dev|proc|sys)/.+"), "a place that is empty on a box that is off"),
    (
        re.compile(r"var/lib/callfloor/.+|etc/callfloor/(callfloor\.toml|credentials/.+|tls/.+)"),
        "configuration, keys or a journal of another box",
    ),
)


def stains(files: Iterable[Found], builder: tuple[str, ...] = ()) -> Iterator[Stain]:
    """What must not be there. `builder`: words that only the builder knows (its host name, its folder), looked for in text and bytecode."""
    words = tuple(word.encode() for word in builder if len(word) > 3)
    for file in files:
        if file.kind == "directory":
            continue
        yield from (Stain(file.path, why) for pattern, why in _MUST_NOT_BE if pattern.fullmatch(file.path) and file.kind != "device")
        if (why := _MUST_BE_EMPTY.get(file.path)) is not None and file.size and file.kind == "file":
            yield Stain(file.path, why)
        if (why := _identity(file)) is not None:
            yield Stain(file.path, why)
        if file.mode & 0o6000 and file.path.startswith("opt/"):
            yield Stain(file.path, "runs with another's rights")
        for word in words:
            if file.content is not None and word in file.content:
                yield Stain(file.path, f'names the builder: "{word.decode()}"')


def _identity(file: Found) -> str | None:
    """What is wrong with a file that says who the machine is, who may log in, or where it loads from."""
    text = (file.content or b"").decode(errors="replace")
    if file.path == "etc/hostname" and text != HOSTNAME:
        return f"the builder's name {text.strip()!r}"
    if file.path == "etc/machine-id" and text:
        return "the builder's machine-id; the first boot makes the box's own"
    if file.path == "etc/resolv.conf" and file.target != _STUB:
        return "the builder's name servers"
    if file.path == "etc/apt/sources.list" and text != SOURCES:
        return "the builder's mirror"
    if file.path == "etc/shadow":
        open_ones = [line.split(":")[0] for line in text.splitlines() if line.split(":")[1][:1] not in {"*", "!"}]
        return f"a password, or none needed, for {', '.join(open_ones)}" if open_ones else None
    return None


def in_tar(path: Path) -> Iterator[Found]:
    """The files of a tar."""
    with tarfile.open(path) as tar:
        for member in tar:
            content = None
            if member.isfile() and member.size <= _MAX_TEXT and (read := tar.extractfile(member)) is not None:
                content = read.read()
            kind = (
                "file" if member.isfile() else "link" if member.issym() or member.islnk() else "directory" if member.isdir() else "device"
            )
            yield Found(member.name.removeprefix("./").rstrip("/"), member.size, kind, content, member.linkname, member.mode)


def in_folder(root: Path) -> Iterator[Found]:
    """The files of an unpacked file system."""
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        name = str(path.relative_to(root))
        if path.is_symlink():
            yield Found(name, 0, "link", target=str(path.readlink()))
        elif path.is_dir():
            yield Found(name, 0, "directory")
        elif path.is_file():
            yield Found(name, stat.st_size, "file", path.read_bytes() if stat.st_size <= _MAX_TEXT else None, mode=stat.st_mode)
        else:
            yield Found(name, 0, "device")


def scrub(root: Path) -> None:
    """Clean an unpacked file system of everything `stains` would find but words of the builder's, which only its maker can leave out."""
    for file in list(in_folder(root)):
        path = root / file.path
        if any(pattern.fullmatch(file.path) for pattern, _ in _MUST_NOT_BE) and file.kind != "directory":
            path.unlink()
        elif file.path in _MUST_BE_EMPTY and file.kind == "file":
            path.write_bytes(b"")
    for folder in ("tmp", "var/tmp", "run", "dev"):
        for path in (root / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (root / "etc/hostname").write_text(HOSTNAME)
    (root / "etc/hostname").chmod(0o644)
    (root / "etc/apt/sources.list").write_text(SOURCES)
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").symlink_to(_STUB)
    (root / "etc/machine-id").write_bytes(b"")
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    (root / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
