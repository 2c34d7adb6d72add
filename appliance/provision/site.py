"""Decides what a site sheet is: the one TOML file that says what a box becomes. `callfloor provision` and the image's first boot read it.

`[site]`, `[queues]`, `[agents]`, `[wallboard]` and `[headsets]` are written as in callfloor.toml; `[callfloor]` holds whatever else
belongs there. Secrets may stand in the sheet (it is kept like a key, and first boot wipes them) or in files beside it.
Rules and reading: `site_file`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from appliance.core.hours_config import Hours
from appliance.core.quantity import Port

#: The version of the format: the sheet's first key. Keys are only added while it stays the same.
VERSION: Final = 1


class SiteTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the box is: as [site] of callfloor.toml, but name, box and time zone must be given."""

    name: str
    box: str
    timezone: str
    language: Literal["es", "en", "pt"] = "es"
    role: Literal["floor", "seat"] = "floor"
    hours: Hours | None = None


class Network(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The box's address. `address` is CIDR (`192.168.1.40/24`), None: by DHCP. `interface` None: all wired ones; no radio is set up."""

    interface: str | None = None
    address: str | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()


class TimeTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Time servers by name or address; none: those that DHCP names, else Debian's."""

    ntp: tuple[str, ...] = ()


class Ssh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may log in: public keys, one line each, added to those that are there. `user` None: the box's administrator."""

    keys: tuple[str, ...] = ()
    user: str | None = None


class CrmTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker. `ca` is PEM text, `ca_file` a file beside the sheet; at most one of them, and of `password` and `password_file`."""

    url: str | tuple[str, ...]
    ca: str | None = None
    ca_file: str | None = None
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    insecure: bool = False


class Enrol(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this box asks for its certificate, and the one-time code that proves that it may. `ca` vouches for that server."""

    url: str
    code: str | None = None
    code_file: str | None = None
    ca: str | None = None
    ca_file: str | None = None


class PbxTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One PBX: its manager or event socket. What else it needs stands in [callfloor.pbx.NAME]."""

    kind: str = "asterisk"
    host: str
    port: Port | None = None
    username: str = "callfloor"
    secret: str | None = None
    secret_file: str | None = None
    tls: bool = False


class SiteSheet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole sheet. `callfloor_file` is a whole configuration beside the sheet; the sheet's own tables are set over it.
    `boards` is a folder of board files beside it.

    `queues` to `headsets` and `callfloor` are kept as written: what may stand there, callfloor.toml's own rules say.
    `hostname` None: `callfloor-{site}-{box}`.
    """

    site_sheet: Annotated[int, Meta(ge=1, le=VERSION)]
    hostname: str | None = None
    site: SiteTable
    network: Network | None = None
    time: TimeTable = field(default_factory=TimeTable)
    ssh: Ssh = field(default_factory=Ssh)
    crm: CrmTable | None = None
    enrol: Enrol | None = None
    pbx: dict[str, PbxTable] = field(default_factory=dict)
    queues: dict[str, Any] = field(default_factory=dict)
    agents: dict[str, Any] = field(default_factory=dict)
    wallboard: dict[str, Any] = field(default_factory=dict)
    headsets: dict[str, Any] | None = None
    callfloor: dict[str, Any] = field(default_factory=dict)
    callfloor_file: str | None = None
    boards: str | None = None

    @property
    def host(self) -> str:
        """The host name that the box gets: at most 63 letters, digits and hyphens."""
        if self.hostname is not None:
            return self.hostname
        text = "".join(c if c.isalnum() else "-" for c in f"callfloor-{self.site.name}-{self.site.box}")
        return text[:63].strip("-")
