"""Save into one file what makes this box this box: configuration, boards, summaries, names; with --secrets also keys and passwords.

With secrets the file is sealed by a passphrase. The journal is not in it: a restored box begins a new one, and tells the CRM.
callfloor restore FILE makes a new box of it.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from pathlib import Path

from appliance.cli.terminal import say, say_json
from appliance.core.errors import DeniedError, MisconfiguredError
from appliance.provision.archive import packed
from appliance.provision.atomic import write
from appliance.provision.backup import saved
from appliance.provision.machine import Machine
from appliance.provision.words import LANGUAGES, Words, language

EXAMPLES = """
  sudo callfloor backup /media/usb/quito-piso-3.backup --secrets
  sudo callfloor backup box.backup --secrets --passphrase-file /root/phrase
"""
_LEAST = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE and how."""
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--secrets", action="store_true", help="passwords, keys and the salt of callers' marks too, sealed by a passphrase")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    add_common(parser)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What backup and restore share."""
    parser.add_argument("--passphrase-file", metavar="FILE", type=Path, help="its first line, instead of asking")
    parser.add_argument("--root", metavar="DIR", type=Path, default=Path("/"), help="a box's file system instead of this box")
    parser.add_argument("--lang", choices=LANGUAGES, help="language of the texts (default: LC_ALL, LANG, else en)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def main(args: argparse.Namespace) -> int:
    """Do it. Raises CallfloorError."""
    words = Words(language(args.lang))
    machine = Machine(args.root)
    if machine.root == Path("/") and os.geteuid() != 0:
        raise DeniedError("only root reads all that belongs to a box; run it with sudo")
    path = args.file.absolute()
    if path.exists() and not args.force:
        raise MisconfiguredError(f"{path} is there already; name a new file, or --force")
    phrase = phrase_from(args.passphrase_file, words, twice=True) if args.secrets else None
    box = saved(machine, time.time(), secrets=args.secrets)
    raw = packed(box.manifest, box.contents, phrase)
    try:
        write(path, raw, 0o600)
    except OSError as fault:
        raise MisconfiguredError(f"{path} cannot be written: {fault.strerror}; name another place") from fault
    if args.json:
        say_json({"file": str(path), "bytes": len(raw), "manifest": box.manifest}, pretty=True)
    else:
        say(words("backup.done", path=path, files=len(box.manifest.files), bytes=len(raw)))
        say(words("backup.locked" if phrase is not None else "backup.open"))
    return 0


def phrase_from(file: Path | None, words: Words, *, twice: bool) -> str:
    """A passphrase from a file's first line, else asked for. Raises MisconfiguredError for none, or one that is too short to help."""
    if file is not None:
        try:
            phrase = file.read_text(encoding="utf-8").splitlines()[0]
        except (OSError, UnicodeDecodeError, IndexError) as fault:
            raise MisconfiguredError(f"{file} holds no passphrase: {fault}; write it on its first line") from fault
    elif sys.stdin.isatty():
        phrase = getpass.getpass(words("backup.phrase"))
        if twice and getpass.getpass(words("backup.again")) != phrase:
            raise MisconfiguredError("the two are not the same; once more")
    else:
        raise MisconfiguredError("there is no terminal to ask for a passphrase; name --passphrase-file FILE")
    if twice and len(phrase) < _LEAST:
        raise MisconfiguredError(f"a passphrase of {len(phrase)} letters keeps nobody out; take {_LEAST} or more")
    return phrase
