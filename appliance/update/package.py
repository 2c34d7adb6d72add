"""Decides how a stock Debian is updated: the package that runs is kept first, so that there is always one to go back to.

Where apt no longer has the old package it is made again from what dpkg knows to be installed, as dpkg-repack(1) does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from appliance.core.errors import DeniedError, TransientError, UnsupportedError
from appliance.update.candidate import Candidate
from appliance.update.place import Place, said
from appliance.update.state import Facts, State, flush_folder, load, save

UNIT = "callfloor-update-deb.service"
_PACK_S = 600.0


def prepared(candidate: Candidate, place: Place, before: Facts, source: str) -> State:
    """Both packages in their place, flushed; `systemctl start callfloor-update-deb` does the rest.

    Raises DeniedError while another is being put in, UnsupportedError when callfloor was not installed as a package.
    """
    folder = place.folder / "deb"
    if (folder / "new.deb").exists():
        raise DeniedError("another package is being put in; wait for its verdict: callfloor update status")
    folder.mkdir(parents=True, exist_ok=True)
    installed = _installed(place)
    old = folder / "old.deb"
    if not old.exists() or _version_of(old) != installed:
        repack(installed, old, place.root)
    part = folder / "new.part"
    shutil.copyfile(candidate.file, part)
    with part.open("rb") as copied:
        os.fsync(copied.fileno())
    (place.folder / "reason").unlink(missing_ok=True)
    (folder / "tried").unlink(missing_ok=True)
    state = State(
        phase="trying", kind="deb", version=candidate.version, was=installed, sha256=candidate.sha256, source=source, activate=True,
        before=before, past=load(place.folder).past,
    )  # fmt: skip
    save(place.folder, state)
    part.replace(folder / "new.deb")
    flush_folder(folder)
    return state


def _installed(place: Place) -> str:
    try:
        return said("dpkg-query", f"--admindir={place.root / 'var/lib/dpkg'}", "-W", "-f=${Version}", "callfloor").strip()
    except TransientError as fault:
        raise UnsupportedError("callfloor is not installed here as a package; install the .deb by hand: sudo apt install ./FILE") from fault


def _version_of(deb: Path) -> str:
    try:
        return said("dpkg-deb", "-f", deb, "Version").strip()
    except TransientError:
        return ""  # torn by a cut: made again


def repack(version: str, into: Path, root: Path = Path("/")) -> None:
    """A package of what is installed, files and scripts. Raises TransientError when dpkg-deb fails."""
    database = root / "var/lib/dpkg"
    with tempfile.TemporaryDirectory(dir=into.parent) as made:
        tree = Path(made) / "tree"
        (tree / "DEBIAN").mkdir(parents=True, mode=0o755)
        tree.chmod(0o755)
        listed = (database / "info/callfloor.list").read_text(encoding="utf-8").splitlines()
        # On a merged /usr a folder of the package may be a link of the system's, as /lib is: what has something in it is a folder.
        above = {str(Path(line).parent) for line in listed}
        for line in listed:
            _copied(root / line.lstrip("/"), tree / line.lstrip("/"), is_folder=line in above)
        for name in ("preinst", "postinst", "prerm", "postrm", "conffiles", "triggers", "md5sums"):
            script = database / f"info/callfloor.{name}"
            if script.exists():
                shutil.copy2(script, tree / "DEBIAN" / name)
        control = said("dpkg-query", f"--admindir={database}", "-s", "callfloor").splitlines()
        kept = [line for line in control if not line.startswith(("Status:", "Conffiles:"))]
        (tree / "DEBIAN/control").write_text("\n".join(kept) + "\n", encoding="utf-8")
        new = Path(made) / "old.deb"
        said("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, new, timeout_s=_PACK_S)
        if _version_of(new) != version:
            raise TransientError(f"the package of {version} could not be made again from what is installed")
        new.replace(into)
    flush_folder(into.parent)


def _copied(source: Path, target: Path, *, is_folder: bool) -> None:
    if not is_folder and (source.is_symlink() or source.is_file()):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    elif source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copystat(source, target)
