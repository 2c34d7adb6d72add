"""What the box's tests stand on: a Debian root file system made once, the package built from this tree, and roots to spoil."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # the modules of this folder that are no tests

from nspawn_box import overlay  # noqa: E402

#: Of Debian, whatever other Python a virtual environment puts first.
PYTHON = "/usr/bin/python3"


def _lacking() -> str | None:
    if os.geteuid() != 0:
        return "the box's tests mount and change root: run them as root"
    for tool in ("mmdebstrap", "systemd-nspawn", "dpkg-buildpackage"):
        if shutil.which(tool) is None:
            return f"no {tool} here: make test-box installs it"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the tools they are skipped, with the reason; where a machine must have everything they fail instead."""
    reason = _lacking()
    for item in items:
        if reason and not os.environ.get("CALLFLOOR_NO_SKIPS") and item.get_closest_marker("box"):
            item.add_marker(pytest.mark.skip(reason=reason))


def printed(*words: str | Path, env: dict[str, str] | None = None) -> str:
    """The output of a command run in the project's folder; its error is the failure's text."""
    done = subprocess.run(list(map(str, words)), cwd=PROJECT, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def unpacked(*words: str) -> Path:
    """The root file system of images/rootfs.py, made and unpacked once."""
    tar = PROJECT / printed(PYTHON, "images/rootfs.py", *words).splitlines()[-1]
    folder = tar.with_suffix("")
    if not (folder / "etc" / "debian_version").exists():
        folder.mkdir(parents=True, exist_ok=True)
        printed("tar", "-xf", tar, "-C", folder, "--exclude=./dev/*")
    return folder


@pytest.fixture(scope="session")
def rootfs() -> Path:
    """An unpacked Debian of what every box has (images/rootfs.py); never to be changed: `roots` gives copies."""
    return unpacked()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The package of this tree (or the file of CALLFLOOR_DEB) under a version: built once a session, packed anew for any other."""
    into = tmp_path_factory.mktemp("deb")
    built: dict[str, Path] = {}

    def package(version: str = "1.0") -> Path:
        if not built:
            named = os.environ.get("CALLFLOOR_DEB")
            made = named or printed(PYTHON, "images/package/build.py", "--version", "1.0", "--into", into).splitlines()[-1]
            built[printed("dpkg-deb", "-f", made, "Version")] = Path(made)
        if version not in built:
            tree = into / version
            printed("dpkg-deb", "-R", next(iter(built.values())), tree)
            control = tree / "DEBIAN/control"
            control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.MULTILINE))
            built[version] = into / f"callfloor_{version}_amd64.deb"
            printed("dpkg-deb", "-Zgzip", "-z1", "-b", tree, built[version])
            shutil.rmtree(tree)
        return built[version]

    return package


@contextlib.contextmanager
def spoilable(lower: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Give roots that may be spoilt: `lower` under an overlay, with /proc and what programs want of /dev, no service started by packages."""
    with contextlib.ExitStack() as stack:

        def root() -> Path:
            merged = stack.enter_context(overlay(lower, Path(tempfile.mkdtemp(dir=tmp_path))))
            policy = merged / "usr/sbin/policy-rc.d"
            policy.write_text("#!/bin/sh\nexit 101\n")
            policy.chmod(0o755)
            printed("mount", "-t", "proc", "proc", merged / "proc")
            stack.callback(subprocess.run, ["umount", "--lazy", merged / "proc"], check=True)
            if not (merged / "dev/fd").exists():
                (merged / "dev/fd").symlink_to("/proc/self/fd")
            for name in ("null", "urandom", "zero"):
                device = merged / "dev" / name
                device.unlink(missing_ok=True)
                device.touch()
                printed("mount", "--bind", f"/dev/{name}", device)
                stack.callback(subprocess.run, ["umount", "--lazy", device], check=True)
            return merged

        yield root


@pytest.fixture
def roots(rootfs: Path, tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Roots of what every box has."""
    with spoilable(rootfs, tmp_path) as root:
        yield root


@pytest.fixture
def bare_roots(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Roots of a Debian that nobody prepared: without python3, without systemd."""
    with spoilable(unpacked("--bare"), tmp_path) as root:
        yield root
