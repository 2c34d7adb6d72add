"""Composes the box's virtual environment for one architecture: what requirements.lock pins, as wheels, and the product itself.

A virtual environment is its interpreter's link, pyvenv.cfg and site-packages: none of these needs the target machine, so the one for
arm64 is made on amd64 too. What has no wheel comes from Debian (python3-spidev), by the system's own site-packages.
"""

from __future__ import annotations

import argparse
import compileall
import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

#: Debian's name of an architecture: the platforms whose wheels run there, the newest first (PEP 600; Debian 12 has glibc 2.36).
_GLIBC: Final = ("2_34", "2_31", "2_28", "2_17")
PLATFORMS: Final = {
    name: (*(f"manylinux_{version}_{machine}" for version in _GLIBC), f"manylinux2014_{machine}")
    for name, machine in (("amd64", "x86_64"), ("arm64", "aarch64"))
}
#: The packages without wheels, which control names as dependencies in Debian's own form.
FROM_DEBIAN: Final = frozenset({"spidev"})
PYTHON: Final = "3.11"
_HOME: Final = "/opt/callfloor"
_START: Final = re.compile(r"^([A-Za-z0-9._-]+)==")


def wanted(lock: str) -> str:
    """The lock without what comes from Debian; each requirement with its hashes is one block."""
    kept: list[str] = []
    skipping = False
    for line in lock.splitlines():
        if match := _START.match(line):
            skipping = match[1].lower() in FROM_DEBIAN
        if not skipping:
            kept.append(line)
    return "\n".join(kept) + "\n"


def compose(source: Path, architecture: str, into: Path) -> None:
    """Make `into` (as it will lie in /opt/callfloor). Raises CalledProcessError when pip cannot get a pinned wheel."""
    packages = into / "lib" / f"python{PYTHON}" / "site-packages"
    shutil.rmtree(into, ignore_errors=True)
    packages.mkdir(parents=True)
    (into / "bin").mkdir()
    (into / "bin" / "python3").symlink_to(f"/usr/bin/python{PYTHON}")
    (into / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {PYTHON}\n")
    pinned = into.parent / "requirements.txt"
    pinned.write_text(wanted((source / "images/package/requirements.lock").read_text()))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
        "--no-compile",
        "--no-deps",
        "--target",
        str(packages),
    ]
    platforms = [word for platform in PLATFORMS[architecture] for word in ("--platform", platform)]
    subprocess.run(
        [
            *pip,
            "--require-hashes",
            "--only-binary=:all:",
            "--python-version",
            PYTHON,
            "--implementation",
            "cp",
            *platforms,
            "-r",
            str(pinned),
        ],
        check=True,
    )
    subprocess.run([*pip, str(source)], check=True)
    _tidy(packages)
    start = into / "bin" / "callfloor"
    start.write_text(f"#!{_HOME}/bin/python3\nimport sys\nfrom appliance.cli.main import main\nsys.exit(main())\n")
    start.chmod(0o755)
    # By contents, not by time: the same bytes at every build, and never stale on a box whose clock is wrong (PEP 552).
    compileall.compile_dir(
        packages, quiet=2, stripdir=str(into), prependdir=_HOME, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, workers=0
    )


def _tidy(packages: Path) -> None:
    """What only the building machine needed: start scripts, notes of the installation with this machine's paths, packages' own tests."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for name in ("direct_url.json", "REQUESTED", "RECORD", "INSTALLER"):
        for note in packages.glob(f"*.dist-info/{name}"):
            note.unlink()
    for folder in (*packages.rglob("tests"), *packages.rglob("test")):
        if folder.is_dir() and folder.relative_to(packages).parts[0] not in {"appliance"}:
            shutil.rmtree(folder)
    for stray in packages.rglob(".DS_Store"):
        stray.unlink()


def main() -> int:
    """`venv.py ARCHITECTURE FOLDER`, from the project's folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("architecture", choices=sorted(PLATFORMS))
    parser.add_argument("folder", type=Path, help="becomes /opt/callfloor on the box")
    asked = parser.parse_args()
    compose(Path.cwd(), asked.architecture, asked.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
