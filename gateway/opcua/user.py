"""Decides who may log in, with which role, and how often somebody may try.

A user shows his password, or a certificate: as his token, or as the one that secures the channel (only where it does secure it).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final

from asyncua.crypto.permission_rules import User, UserRole

from appliance.core.config_opcua import thumbprint
from appliance.core.opcua_config import OpcuaConfig, OpcuaRole
from appliance.core.password import fits
from gateway.opcua.count import Counts

_log = logging.getLogger(__name__)

#: So many wrong tries of one name are looked at within the time below; further ones are refused unlooked at, which costs nothing.
TRIES: Final = 10
TRIES_S: Final = 60.0


class Visitor(User):
    """Somebody who is logged in. `name` None: nobody has said who he is."""

    def __init__(self, name: str | None, role: OpcuaRole) -> None:
        super().__init__(role=UserRole.User, name=name)
        self.may: OpcuaRole = role

    @property
    def who(self) -> str:
        """As the journal names him."""
        return f"opcua:{self.name or 'anonymous'}"


class Users:
    """The users of the configuration. Passwords' files are read at each login, so that a new one holds at once."""

    def __init__(self, config: OpcuaConfig, counts: Counts, mono_s: Callable[[], float]) -> None:
        self._config, self._counts, self._mono_s = config, counts, mono_s
        self._by_certificate = {thumbprint(user.certificate): name for name, user in config.users.items() if user.certificate}
        self._wrong: dict[str, list[float]] = {}

    def get_user(
        self, _server: Any, username: str | None = None, password: str | None = None, certificate: bytes | None = None
    ) -> User | None:
        """Who this is; None: nobody we know. `certificate` (DER) is one whose key was shown. asyncua asks it of a user manager."""
        found = self._by_password(username, password or "") if username else self._by_key(certificate)
        if isinstance(found, Visitor):
            return found
        self._counts.logins_refused += 1
        _log.warning("a login was refused: %s", found)
        return None

    def _by_password(self, name: str, password: str) -> Visitor | str:
        """Who it is, or why he is refused: for the log, which names users that there are and nothing else that was typed."""
        user = self._config.users.get(name)
        if user is None or user.password_file is None:
            return "no user of this name has a password"
        if not self._may_try(name):
            return f"{name}: too many wrong passwords"
        try:
            line = user.password_file.read_text(encoding="utf-8")
        except OSError as fault:
            _log.error("%s cannot log in, his password cannot be read: %s", name, fault)
            return f"{name}: his password cannot be read"
        if fits(password, line):
            self._wrong.pop(name, None)
            return Visitor(name, user.role)
        wrong = self._wrong.setdefault(name, [])
        wrong.append(self._mono_s())
        if len(wrong) == TRIES:
            _log.warning("no password of %s is looked at for up to a minute: %d wrong ones", name, TRIES)
        return f"{name}: wrong password"

    def _may_try(self, name: str) -> bool:
        """Wrong tries count for a minute. Only names that there are have any, so they are bounded."""
        now = self._mono_s()
        recent = [at for at in self._wrong.get(name, ()) if now - at < TRIES_S]
        if recent:
            self._wrong[name] = recent
        else:
            self._wrong.pop(name, None)
        return len(recent) < TRIES

    def _by_key(self, certificate: bytes | None) -> Visitor | str:
        name = self._by_certificate.get(hashlib.sha256(certificate).hexdigest()) if certificate else None
        if name is not None:
            return Visitor(name, self._config.users[name].role)
        return Visitor(None, "read") if self._config.anonymous else "no user has this certificate"
