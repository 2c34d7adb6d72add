"""Decides as whom the services run, and whether that user may use a device file."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Final

from msgspec import Struct

USER: Final = "callfloor"


class Who(Struct, frozen=True):
    """A user and all of its groups."""

    name: str
    uid: int
    gids: frozenset[int]


class Node(Struct, frozen=True):
    """A device file as it is: whose it is (`root:plugdev 0660`), and whether that user may open it; `there`: whether it is."""

    path: str
    there: bool = False
    owner: str = ""
    may: bool = False

    def __str__(self) -> str:
        return f"{self.path} ({self.owner})" if self.there else f"no {self.path}"


def service_user() -> Who:
    """The user of the packaged units when root asks and there is one; else whoever asks: it then runs the services itself."""
    if os.geteuid() == 0:
        try:
            entry = pwd.getpwnam(USER)
        except KeyError:
            pass  # no unit is installed here: root runs the services by hand
        else:
            return Who(entry.pw_name, entry.pw_uid, frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid)))
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    return Who(name, os.geteuid(), frozenset((os.getegid(), *os.getgroups())))


def node_of(path: str, who: Who, *, write: bool = True) -> Node:
    """Look at a device file. Raises nothing."""
    try:
        status = Path(path).stat()
    except OSError:
        return Node(path)
    owner = f"{_named(pwd.getpwuid, status.st_uid)}:{_named(grp.getgrgid, status.st_gid)} {status.st_mode & 0o777:04o}"
    if who.uid == os.geteuid():  # the kernel's own word, which knows of access lists too
        may = os.access(path, os.R_OK | (os.W_OK if write else 0))
    else:
        may = may_by_mode(status.st_mode, status.st_uid, status.st_gid, who, write=write)
    return Node(path, True, owner, may)


def may_by_mode(mode: int, uid: int, gid: int, who: Who, *, write: bool) -> bool:
    """What the permission bits say: the owner's for the owner, the group's for its members, else the others'.

    >>> may_by_mode(0o660, 0, 20, Who("callfloor", 990, frozenset({990, 20})), write=True)
    True
    >>> may_by_mode(0o664, 0, 20, Who("callfloor", 990, frozenset({990})), write=True)
    False
    """
    if who.uid == 0:
        return True
    shift = 6 if who.uid == uid else 3 if gid in who.gids else 0
    wanted = stat.S_IROTH | (stat.S_IWOTH if write else 0)
    return mode >> shift & wanted == wanted


def _named(look: object, number: int) -> str:
    try:
        entry = look(number)  # type: ignore[operator]
    except KeyError:
        return str(number)
    return str(entry[0])
