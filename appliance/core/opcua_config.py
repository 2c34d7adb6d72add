"""Decides what callfloor.toml may say of the OPC UA server: `[opcua]` and its users, as types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

#: `read` sees the floor, `operate` may give commands too, `rig` also sees and drives what a rig offers.
OpcuaRole = Literal["read", "operate", "rig"]


class OpcuaUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may log in: by the password whose hash is in a file, by a certificate, or by either."""

    role: OpcuaRole = "read"
    password_file: Path | None = None
    certificate: str | None = None


class OpcuaConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The OPC UA server: where it listens, what it shows of itself, whom it trusts, and what it takes at most."""

    listen: str = "127.0.0.1:4840"
    cert_file: Path | None = None
    key_file: Path | None = None
    trusted: Path | None = None
    users: Annotated[dict[str, OpcuaUser], Meta(max_length=200)] = field(default_factory=dict)
    anonymous: bool = False
    insecure: bool = False
    max_sessions: Annotated[int, Meta(ge=1, le=500)] = 20
    max_nodes: Annotated[int, Meta(ge=1000, le=200_000)] = 20_000
