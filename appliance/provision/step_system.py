"""Decides what of Debian itself a site sheet changes: host name, time zone, time servers, network, who may log in. Pure but for reading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from appliance.core.errors import MisconfiguredError
from appliance.provision.machine import Account, Machine
from appliance.provision.site import Network, SiteSheet
from appliance.provision.step import Step
from appliance.provision.thing import File, Folder, Link, Thing

_ZONES: Final = "/usr/share/zoneinfo"
_HEAD: Final = "# Written by callfloor provision.\n"
_PACKAGE: Final = "install the package first: sudo apt install ./callfloor_*.deb"


def package(machine: Machine) -> Step:
    """Everything stands on the package: the program, its units, its user. Nothing is fetched from anywhere."""
    missing = [
        name
        for name, there in (
            ("/usr/bin/callfloor", machine.path("/usr/bin/callfloor").is_symlink() or machine.path("/usr/bin/callfloor").exists()),
            ("callfloor@.service", any(machine.path(f"{folder}/callfloor@.service").exists() for folder in UNITS)),
            ("user callfloor", machine.account("callfloor") is not None),
            ("group callfloor", machine.group("callfloor") is not None),
        )
        if not there
    ]
    cannot = f"{machine.root} lacks {', '.join(missing)}; {_PACKAGE}" if missing else None
    # No change of ours: the package made them. They are named here so that a folder that somebody took away comes back.
    things: tuple[Thing, ...] = (
        Folder(path="/etc/callfloor", mode=0o750, group="callfloor"),
        Folder(path="/etc/callfloor/credentials", mode=0o700),
        Folder(path="/var/lib/callfloor", mode=0o750, user="callfloor", group="callfloor"),
    )
    return Step(name="package", things=things, cannot=cannot)


#: Where units lie, the first that has one wins.
UNITS: Final = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")


def hostname(machine: Machine, sheet: SiteSheet) -> Step:
    """/etc/hostname, and the line of /etc/hosts by which the box finds itself (hosts(5); Debian's is 127.0.1.1)."""
    name = sheet.host
    text = _text(machine, "/etc/hosts") or "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
    own = re.compile(r"^127\.0\.1\.1[ \t].*$", re.MULTILINE)
    line = f"127.0.1.1\t{name}"
    hosts = own.sub(line, text, count=1) if own.search(text) else text.rstrip("\n") + f"\n{line}\n"
    if own.search(text) and name in (own.search(text) or [""])[0].split()[1:]:
        hosts = text
    things = (File(path="/etc/hostname", content=f"{name}\n".encode()), File(path="/etc/hosts", content=hosts.encode()))
    return Step(name="hostname", things=things, runs=(("hostname", name),), about={"name": name})


def clock(machine: Machine, sheet: SiteSheet) -> Step:
    """The time zone of the box's own logs; the boards' stands in callfloor.toml."""
    return zone(machine, sheet.site.timezone)


def zone(machine: Machine, name: str) -> Step:
    """The same, by the zone's name."""
    target = f"{_ZONES}/{name}"
    cannot = None if machine.path(target).is_file() else f"{machine.path(target)} is missing; install the package tzdata"
    things = (Link(path="/etc/localtime", target=target), File(path="/etc/timezone", content=f"{name}\n".encode()))
    return Step(name="clock", things=things, about={"zone": name}, cannot=cannot)


def ntp(sheet: SiteSheet) -> Step | None:
    """Time servers of timesyncd.conf(5). Without any, those that DHCP names serve, or Debian's."""
    if not sheet.time.ntp:
        return None
    text = f"{_HEAD}[Time]\nNTP={' '.join(sheet.time.ntp)}\n"
    thing = File(path="/etc/systemd/timesyncd.conf.d/50-callfloor.conf", content=text.encode())
    return Step(
        name="ntp", things=(thing,), runs=(("systemctl", "try-restart", "systemd-timesyncd"),), about={"servers": ", ".join(sheet.time.ntp)}
    )


def network(machine: Machine, sheet: SiteSheet) -> Step | None:
    """The address. It takes hold at the next start: whoever provisions over SSH must not saw off the branch."""
    if sheet.network is None or (sheet.network.address is None and not sheet.network.dns):
        return None
    about = {"address": sheet.network.address or "DHCP"}
    # A uuid of its own is not needed: NetworkManager makes one of the file's name (nm-settings-keyfile(5)).
    if machine.path("/usr/sbin/NetworkManager").exists():
        place = "/etc/NetworkManager/system-connections/callfloor.nmconnection"
        return Step(name="network", things=(File(path=place, content=_keyfile(sheet.network).encode(), mode=0o600),), about=about)
    if any(machine.path(f"{folder}/systemd-networkd.service").exists() for folder in UNITS):
        things = (
            File(path="/etc/systemd/network/10-callfloor.network", content=_networkd(sheet.network).encode()),
            Link(
                path="/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
                target="/lib/systemd/system/systemd-networkd.service",
            ),
        )
        return Step(name="network", things=things, about=about)
    cannot = "nothing here that sets addresses is known (systemd-networkd, NetworkManager); set it by hand and take [network] out"
    return Step(name="network", about=about, cannot=cannot)


def _networkd(network: Network) -> str:
    match = f"Name={network.interface}" if network.interface else "Type=ether"
    lines = [f"[Match]\n{match}\n\n[Network]"]
    lines.append(f"Address={network.address}" if network.address else "DHCP=yes")
    lines += [f"Gateway={network.gateway}"] if network.gateway else []
    lines += [f"DNS={server}" for server in network.dns]
    return _HEAD + "\n".join(lines) + "\n"


def _keyfile(network: Network) -> str:
    lines = ["[connection]", "id=callfloor", "type=ethernet"]
    lines += [f"interface-name={network.interface}"] if network.interface else []
    four, six = "method=auto", "method=auto"
    if network.address is not None:
        address = f"address1={network.address}" + (f",{network.gateway}" if network.gateway else "")
        if ":" in network.address:
            six = f"method=manual\n{address}"
        else:
            four = f"method=manual\n{address}"
    dns4 = [server for server in network.dns if ":" not in server]
    dns6 = [server for server in network.dns if ":" in server]
    lines += ["", "[ipv4]", four, *([f"dns={';'.join(dns4)};"] if dns4 else [])]
    lines += ["", "[ipv6]", six, *([f"dns={';'.join(dns6)};"] if dns6 else [])]
    return _HEAD + "\n".join(lines) + "\n"


def ssh(machine: Machine, sheet: SiteSheet, technician: str) -> Step | None:
    """The keys of whoever may log in, added to those that are there; `technician` is the user where the sheet names none."""
    if not sheet.ssh.keys:
        return None
    name = sheet.ssh.user or technician
    account = Account("root", 0, 0, "/root") if name == "root" else machine.account(name)
    if account is None:
        return Step(
            name="ssh", about={"user": name, "count": len(sheet.ssh.keys)}, cannot=f"there is no user {name}; name one as [ssh] user"
        )
    folder = f"{account.home.rstrip('/')}/.ssh"
    present = _text(machine, f"{folder}/authorized_keys")
    known = {_bare(line) for line in present.splitlines()}
    new = [key.strip() for key in sheet.ssh.keys if _bare(key) not in known]
    text = present + ("\n" if present and not present.endswith("\n") else "") + "".join(f"{key}\n" for key in new)
    group = _group_of(machine, account)
    things: tuple[Thing, ...] = (
        Folder(path=folder, mode=0o700, user=name, group=group),
        File(path=f"{folder}/authorized_keys", content=text.encode(), mode=0o600, user=name, group=group),
    )
    return Step(name="ssh", things=things, about={"user": name, "count": len(sheet.ssh.keys)})


def _bare(line: str) -> str:
    """A key without its options and its comment (sshd(8), AUTHORIZED_KEYS)."""
    match = re.search(r"(?:^|\s)((?:ssh|ecdsa|sk)-\S+\s+[A-Za-z0-9+/=]+)", line)
    return " ".join(match[1].split()) if match else line.strip()


def _group_of(machine: Machine, account: Account) -> str:
    for line in _text(machine, "/etc/group").splitlines():
        part = line.split(":")
        if len(part) >= 3 and part[2] == str(account.gid):
            return part[0]
    if account.gid == 0:
        return "root"
    raise MisconfiguredError(f"user {account.name} of {machine.root} has no group of its own; mend /etc/group")


def _text(machine: Machine, place: str) -> str:
    path: Path = machine.path(place)
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
