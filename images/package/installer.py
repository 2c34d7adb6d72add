"""Makes the one file that installs without a network: the package, every Debian package that it stands on, and a shell program in front.

The file is `installer.sh` with its blanks filled in, a tar, and a last line with the SHA-256 of all before it. The tar holds a small apt
repository: on the box apt itself decides what is lacking there, and nothing else is touched.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import build

_SUITE: Final = "bookworm"
#: Beside what the package depends on: what it recommends, but a time service, of which a box has one already.
_BESIDE: Final = ("fonts-liberation", "libudev1", "libusb-1.0-0", "python3-spidev")
_TEMPLATE: Final = Path(__file__).with_name("installer.sh")


def main() -> int:
    """`installer.py [--arch arm64] [--deb FILE] [--include cage]…`; prints where the file lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=("amd64", "arm64"), help="default: this machine's")
    parser.add_argument("--deb", type=Path, help="this package instead of building one")
    parser.add_argument("--include", action="append", default=[], metavar="PACKAGE", help="of Debian's, beside; repeat for more")
    parser.add_argument("--into", type=Path, default=Path("build/deb"))
    asked = parser.parse_args()
    architecture = asked.arch or build.output("dpkg", "--print-architecture").strip()
    asked.into.mkdir(parents=True, exist_ok=True)
    deb = asked.deb or build.build(architecture, None, asked.into.resolve())
    print(make(deb.resolve(), architecture, tuple(sorted({*_BESIDE, *asked.include})), asked.into.resolve()))
    return 0


def make(deb: Path, architecture: str, beside: tuple[str, ...], into: Path) -> Path:
    """The file for a package. Raises SystemExit with what apt said when it finds no way to have all of `beside`."""
    version = build.output("dpkg-deb", "-f", str(deb), "Version").strip()
    debs = [deb, *_closure(deb, architecture, beside, into / f"apt-{architecture}")]
    payload = _payload(debs, build.stamp())
    blanks = {"VERSION": version, "ARCHITECTURE": architecture, "BESIDE": " ".join(beside), "COUNT": str(len(debs))}
    blanks["NEEDS_KB"] = str(sum(_installed_kb(each) for each in debs) + len(payload) // 512)
    program = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in blanks.items():
        program = program.replace(f"@{name}@", value)
    # The program names its own length, in as many places as the blank has: writing it changes nothing.
    program = program.replace("@LENGTH@", f"{len(program.encode()):<{len('@LENGTH@')}d}")
    whole = program.encode() + payload
    file = into / f"callfloor-{version}-{architecture}.run"
    file.write_bytes(whole + f"{hashlib.sha256(whole).hexdigest()}\n".encode())
    file.chmod(0o755)
    return file


def _closure(deb: Path, architecture: str, beside: tuple[str, ...], folder: Path) -> list[Path]:
    """All that a box without anything would need, by apt in a world of its own in which nothing is installed; fetched once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # others may be at it too
        return _fetched(deb, architecture, beside, folder)


def _fetched(deb: Path, architecture: str, beside: tuple[str, ...], folder: Path) -> list[Path]:
    for name in ("lists/partial", "cache/archives/partial", "none/partial", "etc"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    (folder / "etc/sources.list").write_text("\n".join(_sources()) + "\n")
    words = ["apt-get", "-q", "-y", "--no-install-recommends"]
    for option in (
        f"APT::Architecture={architecture}", f"APT::Architectures={architecture}", "APT::Sandbox::User=root", "Debug::NoLocking=1",
        f"Dir::State::lists={folder}/lists", f"Dir::State::status={folder}/status", f"Dir::Cache={folder}/cache",
        f"Dir::Etc::sourcelist={folder}/etc/sources.list", "Dir::Etc::sourceparts=/dev/null", "Acquire::Languages=none",
    ):  # fmt: skip
        words += ["-o", option]
    _said(*words, "update")
    wanted = ("install", str(deb), *beside)
    # With an empty cache: what was fetched before is named too.
    listed = _said(*words, "-o", f"Dir::Cache::archives={folder}/none", "--print-uris", *wanted)
    _said(*words, "--download-only", *wanted)
    # 'http://…' NAME SIZE SHA256:…
    names = {line.split()[1] for line in listed.splitlines() if line.startswith("'")} - {deb.name}
    return sorted(folder / "cache/archives" / name for name in names)


def _sources() -> list[str]:
    """Debian's own sources of this machine, without those of others."""
    form = "$(ORIGIN)|$(CODENAME)|$(REPO_URI) $(RELEASE) $(COMPONENT)"
    found = set()
    for line in build.output("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines():
        origin, codename, source = line.split("|", 2)
        if origin == "Debian" and codename.startswith(_SUITE):
            found.add(f"deb {source}")
    if not found:
        raise SystemExit(f"this machine's apt knows no Debian {_SUITE}: add it to /etc/apt/sources.list and run apt-get update")
    return sorted(found)


def _payload(debs: list[Path], stamp: int) -> bytes:
    """The repository as a tar: the same packages give the same bytes."""
    files = {each.name: each.read_bytes() for each in debs}
    index = []
    for each in debs:
        fields = build.output("dpkg-deb", "-f", str(each)).rstrip("\n")
        digest = hashlib.sha256(files[each.name]).hexdigest()
        index.append(f"{fields}\nFilename: ./{each.name}\nSize: {len(files[each.name])}\nSHA256: {digest}\n")
    files["Packages"] = "\n".join(index).encode()
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(f"repository/{name}")
            entry.size, entry.mtime, entry.mode = len(files[name]), stamp, 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    return whole.getvalue()


def _installed_kb(deb: Path) -> int:
    return int(build.output("dpkg-deb", "-f", str(deb), "Installed-Size").strip() or 0)


def _said(*words: str) -> str:
    """What apt said; SystemExit with its error where it fails."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode:
        raise SystemExit(f"apt finds no way:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    if shutil.which("apt-get") is None:
        raise SystemExit("apt-get is not here: the packages beside ours come from a Debian machine")
    sys.exit(main())
