"""Builds the Debian package from the files that git knows: staged below build/deb, the same commit gives the same bytes."""

from __future__ import annotations

import argparse
import email.utils
import os
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path("images/package")
_MAINTAINER: Final = "Callfloor <callfloor@localhost>"


def main() -> int:
    """`build.py [--arch amd64]…`; prints where the package lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", choices=("amd64", "arm64"), action="append", help="default: this machine's; repeat for more")
    parser.add_argument("--version", help="another version than pyproject.toml's, to try an upgrade")
    parser.add_argument("--into", type=Path, default=Path("build/deb"))
    asked = parser.parse_args()
    here = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    for architecture in asked.arch or [here]:
        print(build(architecture, asked.version, asked.into.resolve()))
    return 0


def build(architecture: str, version: str | None, into: Path) -> Path:
    """The .deb for an architecture. Raises CalledProcessError when a tool fails; what it said is on stderr."""
    version = version or str(tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"])
    source = into / f"callfloor-{version}-{architecture}"
    shutil.rmtree(source, ignore_errors=True)
    _stage(source)
    time_s = stamp()
    (source / "debian/changelog").write_text(
        f"callfloor ({version}) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- {_MAINTAINER}  {email.utils.formatdate(time_s)}\n"
    )
    _write_manual(source / "manual", time_s)
    log = into / f"{architecture}.log"
    with log.open("w") as written:
        done = subprocess.run(
            ["dpkg-buildpackage", "-b", "-us", "-uc", "-d", f"-a{architecture}"],
            check=False,
            cwd=source,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(time_s), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
    if done.returncode:
        sys.stderr.write("".join(log.read_text().splitlines(keepends=True)[-30:]))
        raise SystemExit(f"the package was not built; all that was said is in {log}")
    return into / f"callfloor_{version}_{architecture}.deb"


def _stage(source: Path) -> None:
    """Copy what git knows, as it lies in the work tree, with debian/ where dpkg looks for it."""
    for name in output("git", "ls-files", "-z").split("\0"):
        file = Path(name)
        if name and file.is_file() and file.parts[0] not in {"tests", ".ci"}:
            target = source / (Path(*file.parts[2:]) if file.parts[:3] == (*_PACKAGE.parts, "debian") else file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)


def _write_manual(folder: Path, stamp: int) -> None:
    """The manual pages and completions, by the project's own environment: they are read off the verbs."""
    date = datetime.fromtimestamp(stamp, UTC).date().isoformat()
    words = [".venv/bin/python", str(_PACKAGE / "manual.py"), str(folder), date]
    subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": "."})


def stamp() -> int:
    """The time of everything in what is built, in s: that of the commit, unless SOURCE_DATE_EPOCH says another."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct"))


def output(*words: str) -> str:
    """What a program printed; CalledProcessError when it fails."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
