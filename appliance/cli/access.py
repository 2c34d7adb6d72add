"""How verbs reach the journal of a box: read-only, and never as root, so that nothing of root's is left beside it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.cli.main import add_config
from appliance.core.config import Config
from appliance.core.config_file import load
from appliance.core.errors import DeniedError, TransientError
from appliance.core.journal_readonly import ReadonlyJournal


def add_journal(parser: argparse.ArgumentParser) -> None:
    """`-c FILE`, or `--journal FILE` for one that no configuration names (a copy, a set-aside one)."""
    add_config(parser)
    parser.add_argument("--journal", metavar="FILE", type=Path, help="this journal instead of the configuration's")


def journal_path(args: argparse.Namespace) -> Path:
    """The journal that the arguments mean. Raises what loading the configuration raises."""
    return args.journal.absolute() if args.journal is not None else load(Path(args.config)).journal.path


def open_readonly(path: Path, run_dir: Path | None = None) -> ReadonlyJournal:
    """Open a journal to read. Raises TransientError when it is not there, CorruptError when it is none."""
    become_owner(path)
    return ReadonlyJournal(path, run_dir)


def become_owner(path: Path) -> None:
    """As root, go on as the file's owner: SQLite makes files beside a journal, and they must be its services' own."""
    if os.geteuid() != 0:
        return
    try:
        owner = path.stat()
    except OSError as fault:
        raise TransientError(
            f"no journal at {path}: {fault.strerror}; is the box's service running, and is [journal] path right?"
        ) from fault
    if owner.st_uid == 0:
        return
    try:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    except OSError as fault:
        raise DeniedError(f"cannot become the owner of {path} ({owner.st_uid}): {fault.strerror}; run this as that user") from fault


@contextmanager
def as_owner(path: Path) -> Iterator[None]:
    """As root, do this as the file's owner and be root again: for a verb that needs its rights elsewhere. Raises DeniedError."""
    try:
        owner = path.stat() if os.geteuid() == 0 else None
    except OSError:
        owner = None  # opening it will say why
    if owner is None or owner.st_uid == 0:
        yield
        return
    group = os.getegid()
    try:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    except OSError as fault:
        os.setegid(group)
        raise DeniedError(f"cannot become the owner of {path} ({owner.st_uid}): {fault.strerror}; run this as that user") from fault
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def configured(args: argparse.Namespace) -> Config:
    """The configuration that `-c` names. Raises ConfigFaultsError."""
    return load(Path(args.config))
