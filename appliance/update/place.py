"""Decides where an update's files lie and which of the system's programs it calls. Tests hand in another root."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from msgspec import Struct

from appliance.core.errors import TransientError, UnsupportedError

#: Who may sign: a file that an administrator put there, else the image's own.
KEYRINGS: Final = ("etc/callfloor/update-keyring.pem", "etc/rauc/keyring.pem")
_TOOL_S: Final = 60.0


class Place(Struct, frozen=True):
    """A box's root. Programs are looked for on the PATH but for the slots' own."""

    root: Path = Path("/")

    @property
    def folder(self) -> Path:
        """State, downloads, kept packages: on the data partition, so that both slots see them."""
        return self.root / "var/lib/callfloor/update"

    @property
    def tryboot(self) -> Path:
        """The backend that knows the slots."""
        return self.root / "usr/lib/callfloor/tryboot"

    @property
    def has_slots(self) -> bool:
        """Whether this box was made from an image, with two systems; a stock Debian is updated by .deb."""
        return (self.root / "etc/rauc/system.conf").exists() and self.tryboot.exists()

    @property
    def compatible(self) -> str:
        """What a bundle must say to be for this box; empty on a stock Debian."""
        if not self.has_slots:
            return ""
        lines = (self.root / "etc/rauc/system.conf").read_text(encoding="utf-8").splitlines()
        return next((line.partition("=")[2].strip() for line in lines if line.startswith("compatible=")), "")

    def keyring(self) -> Path:
        """The certificates that are trusted. Raises UnsupportedError when there are none."""
        for name in KEYRINGS:
            if (self.root / name).exists():
                return self.root / name
        raise UnsupportedError(f"this box trusts nobody's updates: put the signer's CA certificate at /{KEYRINGS[0]}")


def said(*words: str | Path, timeout_s: float = _TOOL_S) -> str:
    """What a program says on stdout. Raises TransientError with its own last words when it fails, UnsupportedError when it is not there."""
    command = [str(word) for word in words]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL, errors="replace"
        )
    except FileNotFoundError as fault:
        raise UnsupportedError(f"{command[0]} cannot be started here: {fault.filename or command[0]} is missing") from fault
    except subprocess.TimeoutExpired as fault:
        raise TransientError(f"{' '.join(command[:3])} had not ended after {timeout_s:g} s") from fault
    if done.returncode:
        words_said = (done.stderr or done.stdout).strip().splitlines()
        raise TransientError(f"{' '.join(command[:2])}: {words_said[-1] if words_said else f'exit code {done.returncode}'}")
    return done.stdout
