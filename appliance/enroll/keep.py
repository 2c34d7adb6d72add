"""Decides where key and certificate lie and how they change places: both in one file, so that a power cut never leaves halves."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.errors import CorruptError
from appliance.provision import atomic

FOLDER: Final = Path("/var/lib/callfloor/tls")
#: A one-time code that the box's first start took from its site sheet; not among the services' credentials, which would all get it.
CODE: Final = Path("/var/lib/callfloor/firstboot/enrol.code")
_OWNER: Final = "callfloor"
_KEY_END: Final = b"-----END PRIVATE KEY-----\n"


class Enrolment(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the certificate came from, for its renewal. `ca` is the PEM text that vouches for that server; None: the system's."""

    url: str
    ca: str | None = None


class Place:
    """The folder: `box.pem` (certificate, chain, key), `previous.pem`, `pending.key`, `enrolment.json`, `ca.pem`."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.box, self.previous = folder / "box.pem", folder / "previous.pem"
        self.pending, self.ca, self._enrolment = folder / "pending.key", folder / "ca.pem", folder / "enrolment.json"

    def prepare(self) -> None:
        """Make the folder, for the services' user alone. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (owner := self._owner()) is not None:
            os.chown(self.folder, *owner)

    def current(self) -> tuple[bytes, bytes] | None:
        """Certificate chain and key, or None before the first. Raises CorruptError for a file that is neither."""
        try:
            whole = self.box.read_bytes()
        except FileNotFoundError:
            return None
        chain, found, rest = whole.partition(b"-----BEGIN PRIVATE KEY-----\n")
        if not found or not rest.endswith(_KEY_END):
            raise CorruptError(f"{self.box} holds no certificate with its key; enrol anew with: callfloor enroll")
        return chain, found + rest

    def put(self, chain: bytes, key: bytes) -> None:
        """In one step: the new pair is there, the old one beside it. Raises OSError."""
        self.prepare()
        if self.box.exists():
            atomic.write(self.previous, self.box.read_bytes(), 0o600, self._owner())
        atomic.write(self.box, chain + key, 0o600, self._owner())
        atomic.remove(self.pending)

    def put_pending(self, key: bytes) -> None:
        """A key whose certificate is still to come. Raises OSError."""
        self.prepare()
        atomic.write(self.pending, key, 0o600, self._owner())

    def pending_key(self) -> bytes | None:
        """The key of `put_pending`."""
        try:
            return self.pending.read_bytes()
        except FileNotFoundError:
            return None

    def put_ca(self, pem: bytes) -> None:
        """Whom the broker is vouched for by. Raises OSError."""
        self.prepare()
        atomic.write(self.ca, pem, 0o644, self._owner())

    def put_enrolment(self, enrolment: Enrolment) -> None:
        """Keep where it came from. Raises OSError."""
        self.prepare()
        atomic.write(self._enrolment, msgspec.json.encode(enrolment), 0o600, self._owner())

    def enrolment(self) -> Enrolment | None:
        """Where it came from; None for one that came by file. Raises CorruptError."""
        try:
            return msgspec.json.decode(self._enrolment.read_bytes(), type=Enrolment)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as fault:
            raise CorruptError(f"{self._enrolment}: {fault}; enrol anew with: callfloor enroll") from fault

    def _owner(self) -> tuple[int, int] | None:
        """The services' user, where root does this on a box that has one."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(_OWNER)
        except KeyError:
            return None
        return entry.pw_uid, entry.pw_gid
