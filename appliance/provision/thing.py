"""Decides what a step may change: files, links and folders, each compared with what is there, put in place in one step, and put back."""

from __future__ import annotations

import base64
import os
import stat
from contextlib import suppress
from typing import Final, Literal

from msgspec import Struct

from appliance.core.errors import CorruptError
from appliance.provision.atomic import link, remove, settle, write
from appliance.provision.machine import Machine

#: Whatever is larger is none of ours, and is not read into memory.
_MOST_BYTES: Final = 16 * 1024**2


class File(Struct, frozen=True, kw_only=True, tag="file"):
    """A file as it shall be; `content` None: it shall not be there. Of one that is `secret` nothing is ever shown."""

    path: str
    content: bytes | None
    mode: int = 0o644
    user: str = "root"
    group: str = "root"
    secret: bool = False


class Link(Struct, frozen=True, kw_only=True, tag="link"):
    """A symbolic link as it shall be; `target` None: it shall not be there."""

    path: str
    target: str | None


class Folder(Struct, frozen=True, kw_only=True, tag="folder"):
    """A folder that shall be there, and whose it is."""

    path: str
    mode: int = 0o755
    user: str = "root"
    group: str = "root"


Thing = File | Link | Folder


class Was(Struct, frozen=True, kw_only=True):
    """What stood at a path: enough to put it back. `content` is base64, so that a state is one readable file."""

    path: str
    kind: Literal["absent", "file", "link", "folder"]
    content: str | None = None
    target: str | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0

    @property
    def data(self) -> bytes:
        """A file's content."""
        return base64.b64decode(self.content or "")


def was(machine: Machine, place: str) -> Was:
    """Look at a path, without following a link. Raises CorruptError for a device or a giant in its place."""
    path = machine.path(place)
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Was(path=place, kind="absent")
    mode, uid, gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
    if stat.S_ISLNK(status.st_mode):
        return Was(path=place, kind="link", target=os.readlink(path))  # noqa: PTH115 - the link's own words, also where it leads nowhere
    if stat.S_ISDIR(status.st_mode):
        return Was(path=place, kind="folder", mode=mode, uid=uid, gid=gid)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
        raise CorruptError(f"{path} is no ordinary file; move it away")
    return Was(path=place, kind="file", content=base64.b64encode(path.read_bytes()).decode(), mode=mode, uid=uid, gid=gid)


def differs(machine: Machine, thing: Thing) -> bool:
    """Whether something is to be done."""
    now = was(machine, thing.path)
    if isinstance(thing, Link):
        return now.kind != "absent" if thing.target is None else now.target != thing.target
    if isinstance(thing, File) and thing.content is None:
        return now.kind != "absent"
    kind = "folder" if isinstance(thing, Folder) else "file"
    if now.kind != kind or now.mode != thing.mode:
        return True
    owner = machine.owner(thing.user, thing.group) if machine.as_root() else None
    if machine.as_root() and (owner is None or owner != (now.uid, now.gid)):
        return True
    return isinstance(thing, File) and now.data != thing.content


def put(machine: Machine, thing: Thing) -> None:
    """Make it so, whatever stood there. Raises OSError, CorruptError for an owner that the box does not know."""
    path = machine.path(thing.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(thing, Link):
        remove(path) if thing.target is None else link(path, thing.target)
        return
    if isinstance(thing, File) and thing.content is None:
        remove(path)
        return
    owner = machine.owner(thing.user, thing.group)
    if owner is None and machine.as_root():
        raise CorruptError(f"{machine.root} has no user {thing.user} or no group {thing.group}; install the package first")
    if isinstance(thing, File):
        write(path, thing.content or b"", thing.mode, owner)
        return
    path.mkdir(exist_ok=True)
    if owner is not None and machine.as_root():
        os.chown(path, *owner, follow_symlinks=False)
    path.chmod(thing.mode)
    settle(path.parent)


def put_back(machine: Machine, old: Was) -> None:
    """As it was. A folder that was not there goes if it is empty. Raises OSError."""
    path = machine.path(old.path)
    if old.kind == "file":
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, old.data, old.mode, (old.uid, old.gid))
    elif old.kind == "link":
        path.parent.mkdir(parents=True, exist_ok=True)
        link(path, old.target or "")
    elif old.kind == "folder":
        path.mkdir(parents=True, exist_ok=True)
        if machine.as_root():
            os.chown(path, old.uid, old.gid, follow_symlinks=False)
        path.chmod(old.mode)
    elif path.is_dir() and not path.is_symlink():
        with suppress(OSError):  # something lies in it that is not ours
            path.rmdir()
    else:
        remove(path)
