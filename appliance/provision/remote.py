"""Decides how a box is provisioned from a laptop: the system's own ssh and scp carry the package and the sheet there, and run it there.

One connection serves all (ssh_config(5), ControlMaster), so that a passphrase or a password is asked for once. The sheet travels on
standard input into a folder that only its user reads, and goes with it; secrets are in no argument and in no log.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import MisconfiguredError, TransientError, UnpluggedError
from appliance.provision.site import SiteSheet
from appliance.provision.site_file import site_from_toml
from appliance.provision.words import language

_TARGET: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:-]*")
_WAIT_S: Final = 15
#: What ssh itself says when it does not get there.
_NOT_THERE: Final = 255


def provision_over_ssh(args: argparse.Namespace, text: str, path: Path) -> int:
    """Do it, and return the exit code of the run over there. Raises CallfloorError."""
    sheet = site_from_toml(text, path)
    if _TARGET.fullmatch(args.host) is None:
        raise MisconfiguredError(f'"{args.host}" is no USER@BOX; write it as pi@192.168.1.40')
    if args.deb is not None and not args.deb.is_file():
        raise MisconfiguredError(f"there is no file {args.deb}; make deb builds a package, make installer one file with all that it needs")
    with tempfile.TemporaryDirectory(prefix="callfloor-ssh-") as folder:
        line = _Line(args, Path(folder) / "line")
        try:
            return _there(line, args, _bundle(sheet, text, path))
        finally:
            line.close()


def _there(line: _Line, args: argparse.Namespace, bundle: bytes) -> int:
    place = line.answer("umask 077 && mktemp -d /tmp/callfloor.XXXXXX").strip()
    if not place.startswith("/tmp/callfloor.") or shlex.quote(place) != place:  # noqa: S108 - made there by mktemp
        raise TransientError(f"{args.host} made no folder to work in: it said {place[:80]!r}")
    try:
        line.answer(f"tar -xf - -C {place}", bundle)
        if args.deb is not None:
            line.copy(args.deb, f"{place}/callfloor{args.deb.suffix}")
            line.answer(_installing(f"{place}/callfloor{args.deb.suffix}", _language(args)))
        words = ["callfloor", "provision", f"{place}/site.toml", *_options(args)]
        return line.run(f"{_SUDO} {shlex.join(words)}")
    finally:
        line.answer(f"rm -rf {place}")


#: Root, or whoever may become it.
_SUDO: Final = '$([ "$(id -u)" = 0 ] || echo sudo)'


def _installing(file: str, language: str) -> str:
    """The command that installs there: one file brings what a bare Debian lacks; a package alone finds it there, or by apt."""
    if file.endswith(".run"):
        return f"{_SUDO} sh {file} --allow-downgrade --lang {language} >&2"
    # apt's own user may not look into a folder that is ours alone.
    apt = "env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends --allow-downgrades -o APT::Sandbox::User=root"
    return f"{_SUDO} {apt} {file} >&2"


def _options(args: argparse.Namespace) -> list[str]:
    flags = [f"--{name}" for name in ("plan", "yes", "keep", "fresh", "json") if getattr(args, name)]
    return [*flags, "--lang", _language(args)]


def _language(args: argparse.Namespace) -> str:
    return language(args.lang)


def _bundle(sheet: SiteSheet, text: str, path: Path) -> bytes:
    """The sheet and whatever beside it that it names, as one tar."""
    folder = path.absolute().parent
    named: list[Any] = [sheet.callfloor_file]
    for table in (sheet.crm, sheet.enrol, *sheet.pbx.values()):
        named += [getattr(table, name, None) for name in ("ca_file", "password_file", "secret_file", "code_file")]
    if sheet.boards is not None:
        named += [str(board.relative_to(folder)) for board in sorted((folder / sheet.boards).glob("*.toml"))]
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        _add(tar, "site.toml", text.encode())
        for name in dict.fromkeys(each for each in named if each is not None):
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise MisconfiguredError(f"{name} lies elsewhere than beside the sheet; over SSH only what lies there comes along")
            _add(tar, name, (folder / name).read_bytes())
    return packed.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, BytesIO(content))


class _Line:
    """One SSH connection, shared by all that is done."""

    def __init__(self, args: argparse.Namespace, socket: Path) -> None:
        self._host = args.host
        self._options = [
            "-o",
            "ControlMaster=auto",
            "-o",
            f"ControlPath={socket}",
            "-o",
            "ControlPersist=60",
            "-o",
            f"ConnectTimeout={_WAIT_S}",
        ]
        self._options += ["-i", str(args.identity)] if args.identity else []
        self._port = args.port

    def answer(self, command: str, given: bytes | None = None) -> str:
        """Run a command there and return what it said. Raises TransientError, UnpluggedError when the box is not reached."""
        words = ["ssh", *self._options, *(["-p", str(self._port)] if self._port else []), self._host, command]
        try:
            # What ssh asks, it asks at the terminal; its complaints go to a person.
            feed: dict[str, Any] = {"input": given} if given is not None else {"stdin": subprocess.DEVNULL}
            done = subprocess.run(words, stdout=subprocess.PIPE, check=False, **feed)
        except OSError as fault:
            raise TransientError(f"ssh: {fault}; install openssh-client") from fault
        if done.returncode == _NOT_THERE:
            raise UnpluggedError(f"{self._host} is not reached by ssh; what it said stands above")
        if done.returncode:
            raise TransientError(f"{self._host}: {command.split(maxsplit=1)[0]} … ended with {done.returncode}; what it said stands above")
        return str(done.stdout, "utf-8", "replace")

    def run(self, command: str) -> int:
        """Run a command there as if one sat there; with a terminal where there is one, for its question."""
        sys.stdout.flush()
        terminal = ["-t"] if sys.stdin.isatty() and sys.stdout.isatty() else []
        words = ["ssh", *terminal, *self._options, *(["-p", str(self._port)] if self._port else []), self._host, command]
        return int(subprocess.run(words, check=False).returncode)

    def copy(self, file: Path, place: str) -> None:
        """Raises TransientError."""
        words = ["scp", "-q", *self._options, *(["-P", str(self._port)] if self._port else []), str(file), f"{self._host}:{place}"]
        if subprocess.run(words, check=False).returncode:
            raise TransientError(f"{file} could not be copied to {self._host}; what scp said stands above")

    def close(self) -> None:
        """Let go of the connection."""
        subprocess.run(["ssh", *self._options, "-O", "exit", self._host], check=False, stderr=subprocess.DEVNULL)
