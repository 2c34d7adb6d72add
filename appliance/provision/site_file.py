"""Decides how a site sheet is read: every fault at once, each with file, line, key and mend, and by callfloor.toml's own rules.

Nothing but the sheet, and the files beside it that it names, is looked at, so that it can be checked on any laptop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.core.config import Config
from appliance.core.config_file import MAX_BYTES, ConfigFaultsError, Fault, line_of, parsed
from appliance.core.config_rules import Finding, findings
from appliance.core.config_shape import dotted, misfits
from appliance.core.endpoint import endpoint_from_text
from appliance.core.toml_lines import lines_from_toml
from appliance.provision.site import VERSION, SiteSheet

#: Tables that are written as in callfloor.toml.
AS_CONFIGURED: Final = ("queues", "agents", "wallboard", "headsets")
#: Keys whose values never leave the sheet for a screen, a log or a copy that stays on the box.
SECRET_KEYS: Final = frozenset({"secret", "password", "code"})
#: What of [crm] and [pbx.NAME] goes into files of its own.
_APART: Final = ("ca", "ca_file", "password", "password_file", "secret", "secret_file")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_SSH_KEY: Final = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,3}( [^\n]*)?")
_INTERFACE: Final = re.compile(r"[a-zA-Z0-9._-]{1,15}")
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


def load_site(path: Path) -> SiteSheet:
    """Read and check a sheet. Raises ConfigFaultsError (a MisconfiguredError) with every fault."""
    return site_from_toml(text_of(path), path)


def text_of(path: Path) -> str:
    """A sheet's text. Raises ConfigFaultsError."""
    mend = "name the site sheet: callfloor provision SITE.toml"
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigFaultsError([Fault(str(path), None, "", "there is no such file", mend)]) from None
    except OSError as fault:
        raise ConfigFaultsError([Fault(str(path), None, "", f"it cannot be read: {fault.strerror}", mend)]) from fault
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        raise ConfigFaultsError([Fault(str(path), line, "", "this is not UTF-8", "save the file as UTF-8")]) from fault
    if len(raw) > MAX_BYTES:
        raise ConfigFaultsError([Fault(str(path), None, "", "larger than 4 MiB", mend)])
    return text


def site_from_toml(text: str, path: Path) -> SiteSheet:
    """As `load_site`, from the text of a sheet that stands, or would stand, at `path`."""
    path = path.absolute()
    data, broken, sound = parsed(text.replace("\r\n", "\n"))
    lines = lines_from_toml(sound)
    faults = [Fault(str(path), line, "", what, mend) for line, what, mend in broken]
    found = list(_version(data)) if not broken else []
    sheet = None
    if not found:
        # Of a text whose syntax is broken, what is missing may stand in the broken part.
        found += [_veiled(find) for find in misfits(data, SiteSheet, _no_hook) if find.path or not broken]
        try:
            sheet = msgspec.convert(data, SiteSheet)
        except msgspec.ValidationError:  # what is missing was found above
            sheet = None
    if sheet is not None:
        found += [*_rules(sheet, path.parent), *_configured(sheet, path.parent)]
    for find in found:
        at, key = _place(find.path, lines)
        faults.append(Fault(str(path), at, key, find.what, find.mend))
    if faults or sheet is None:
        raise ConfigFaultsError(sorted(dict.fromkeys(faults), key=lambda fault: fault.line or 0))
    return sheet


def document(sheet: SiteSheet, folder: Path) -> dict[str, Any]:
    """What callfloor.toml must say of what the sheet says. Secrets and authorities are named as the files that `files` tells of.

    Raises ConfigFaultsError when `callfloor_file` cannot be used.
    """
    data = deepcopy(sheet.callfloor)
    if sheet.callfloor_file is not None:
        base = _base(folder / sheet.callfloor_file)
        data = over(base, data)
    told: dict[str, Any] = {"site": _plain(sheet.site)}
    if sheet.crm is not None:
        told["crm"] = _plain(sheet.crm, without=_APART)
    if sheet.pbx:
        told["pbx"] = {name: _plain(pbx, without=_APART) for name, pbx in sheet.pbx.items()}
    for (*tables, key), file in named_files(sheet).items():
        table = told
        for name in tables:
            table = table[name]
        table[key] = file
    for name in AS_CONFIGURED:
        table = getattr(sheet, name)
        if table or (name == "headsets" and table is not None):
            told[name] = deepcopy(table)
    both = over(data, told)
    return {name: both[name] for name in dict.fromkeys((*told, *both))}


def named_files(sheet: SiteSheet) -> dict[tuple[str, ...], str]:
    """The keys of callfloor.toml that name files which the sheet holds or names, each with the file's place below /etc/callfloor."""
    named: dict[tuple[str, ...], str] = {}
    for name, pbx in sheet.pbx.items():
        if pbx.secret is not None or pbx.secret_file is not None:
            named["pbx", name, "secret_file"] = f"credentials/pbx.{name}.secret"
    if sheet.crm is not None:
        if sheet.crm.password is not None or sheet.crm.password_file is not None:
            named["crm", "password_file"] = "credentials/crm.password"
        if sheet.crm.ca is not None or sheet.crm.ca_file is not None:
            named["crm", "ca_file"] = "tls/ca.crt"
    return named


def over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Two documents as one; where both say something, `top` does.

    >>> over({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    both = dict(base)
    for key, value in top.items():
        known = both.get(key)
        both[key] = over(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return both


def _plain(table: msgspec.Struct, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a table says beyond silence; a default that was not written is callfloor.toml's own default too."""
    said = {name: getattr(table, name) for name in table.__struct_fields__ if name not in without}
    defaults = {info.encode_name: info.default for info in msgspec.structs.fields(type(table))}
    # `language` is said always: whoever reads the file sees at once in which language the boards are.
    return {
        name: msgspec.to_builtins(value)
        for name, value in said.items()
        if value is not None and (name == "language" or value != defaults[name])
    }


def _base(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        mend = "name it relative to the sheet's folder"
        raise ConfigFaultsError([Fault(str(path), None, "", f"it cannot be read: {fault}", mend)]) from fault
    data, broken, _ = parsed(text)
    if broken:
        raise ConfigFaultsError([Fault(str(path), line, "", what, mend) for line, what, mend in broken])
    return data


def _no_hook(kind: type, value: Any) -> Any:
    raise NotImplementedError(kind, value)


def _hook(kind: type, value: Any) -> Any:
    if kind is not Path or not isinstance(value, str):
        raise NotImplementedError(kind)
    return Path(value)


def _version(data: Mapping[str, Any]) -> Iterator[Finding]:
    said = data.get("site_sheet")
    if said is None:
        yield Finding((), "this is no site sheet: site_sheet is missing", f"begin it with site_sheet = {VERSION}")
    elif isinstance(said, int) and said > VERSION:
        mend = "install a newer callfloor on the box first, or write the sheet for this one"
        yield Finding(("site_sheet",), f"the sheet is of version {said}, this callfloor reads up to {VERSION}", mend)


def _veiled(find: Finding) -> Finding:
    """A misfit of a secret does not repeat it."""
    if find.path and find.path[-1] in SECRET_KEYS and "not allowed" in find.what:
        return Finding(find.path, "this value is not allowed", "write text in quotes")
    return find


def _place(path: tuple[str | int, ...], lines: Mapping[tuple[str | int, ...], int]) -> tuple[int | None, str]:
    """A key's line; what callfloor.toml's rules say of `kpi` may stand in the sheet as `callfloor.kpi`."""
    inner = ("callfloor", *path)
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]], dotted(path)
        if inner[: end + 1] in lines:
            return lines[inner[: end + 1]], dotted(inner)
    return line_of(lines, path), dotted(path)


def _configured(sheet: SiteSheet, folder: Path) -> Iterator[Finding]:
    """What callfloor.toml's own rules say of it. Files of the box may be missing here."""
    data = document(sheet, folder) if sheet.callfloor_file is None or (folder / sheet.callfloor_file).is_file() else {}
    yield from misfits(data, Config, _hook)
    config = msgspec.convert(data, Config, dec_hook=_hook)
    for find in findings(config):
        last = find.path[-1] if find.path else ""
        of_file = isinstance(last, str) and (last.endswith("_file") or last in {"boards", "profile", "path"})
        if not of_file and not (sheet.enrol is not None and find.path[:1] == ("crm",) and "cert_file" in find.path):
            yield find


def _rules(sheet: SiteSheet, folder: Path) -> Iterator[Finding]:
    if _LABEL.fullmatch(sheet.host) is None:
        yield Finding(("hostname",), f'"{sheet.host}" is no host name', "letters, digits and hyphens, at most 63 (RFC 1123, section 2.1)")
    yield from _network(sheet)
    for index, server in enumerate(sheet.time.ntp):
        if not _is_host(server):
            yield Finding(("time", "ntp", index), f'"{server}" is no host', 'write it as "192.168.1.1" or "pool.ntp.org"')
    for index, key in enumerate(sheet.ssh.keys):
        if _SSH_KEY.fullmatch(key.strip()) is None:
            private = "PRIVATE KEY" in key
            what = "this is a private key" if private else "this is no public key"
            yield Finding(("ssh", "keys", index), what, "write the one line of the file id_ed25519.pub")
    if sheet.ssh.user is not None and _USER.fullmatch(sheet.ssh.user) is None:
        yield Finding(("ssh", "user"), f'"{sheet.ssh.user}" is no user name', "lower-case letters, digits, - and _")
    if sheet.enrol is not None and not sheet.enrol.url.startswith("https://"):
        yield Finding(("enrol", "url"), f'"{sheet.enrol.url}" is no https:// address', 'write it as "https://crm.example.com/enrol"')
    yield from _secrets(sheet, folder)


def _network(sheet: SiteSheet) -> Iterator[Finding]:
    network = sheet.network
    if network is None:
        return
    if network.interface is not None and _INTERFACE.fullmatch(network.interface) is None:
        yield Finding(("network", "interface"), f'"{network.interface}" is no interface', 'write it as "eth0"')
    if network.address is None:
        if network.gateway is not None:
            yield Finding(
                ("network", "gateway"), "a gateway without an address", 'write address = "192.168.1.40/24" too, or take it out: DHCP'
            )
    else:
        try:
            if "/" not in network.address:
                raise ValueError("its /prefix is missing")
            here = ip_interface(network.address)
            if network.gateway is not None and ip_address(network.gateway) not in here.network:
                yield Finding(("network", "gateway"), f"{network.gateway} is not in {here.network}", "correct one of them")
        except ValueError as fault:
            yield Finding(("network",), f"address or gateway cannot be read: {fault}", 'write address = "192.168.1.40/24"')
    for index, server in enumerate(network.dns):
        try:
            ip_address(server)
        except ValueError:
            yield Finding(("network", "dns", index), f'"{server}" is no address', 'write it as "192.168.1.1"')


def _secrets(sheet: SiteSheet, folder: Path) -> Iterator[Finding]:
    tables: list[tuple[tuple[str, ...], Any]] = [((table,), getattr(sheet, table)) for table in ("crm", "enrol")]
    tables += [(("pbx", name), pbx) for name, pbx in sheet.pbx.items()]
    for path, table in tables:
        for name in ("ca", *SECRET_KEYS):
            if table is None or not hasattr(table, name):
                continue
            inline, file = getattr(table, name), getattr(table, f"{name}_file")
            if inline is not None and file is not None:
                yield Finding((*path, f"{name}_file"), f"{name} and {name}_file say the same", "take one of them out")
            if inline is not None and not inline.strip():
                yield Finding((*path, name), "it is empty", "write it, or take the key out")
            if inline is not None and name in SECRET_KEYS and ("\n" in inline or "\0" in inline):
                yield Finding((*path, name), "it has more than one line", "write it on one line")
            if file is not None and not (folder / file).is_file():
                yield Finding((*path, f"{name}_file"), f"there is no file {folder / file}", "name it relative to the sheet's folder")
            if name == "ca" and inline is not None and "-----BEGIN CERTIFICATE-----" not in inline:
                yield Finding(
                    (*path, name), "this is no certificate", 'paste the PEM text between """ and """, or name its file as ca_file'
                )
    if sheet.callfloor_file is not None and not (folder / sheet.callfloor_file).is_file():
        yield Finding(("callfloor_file",), f"there is no file {folder / sheet.callfloor_file}", "name it relative to the sheet's folder")
    if sheet.boards is not None and not (folder / sheet.boards).is_dir():
        yield Finding(("boards",), f"there is no folder {folder / sheet.boards}", "name it relative to the sheet's folder")
    if sheet.enrol is not None and sheet.crm is None:
        yield Finding(("enrol",), "a certificate without a broker", 'write [crm] with url = "mqtts://…" too')


def _is_host(text: str) -> bool:
    try:
        return bool(endpoint_from_text(text, 123).host)
    except ValueError:
        return ":" in text and _is_v6(text)


def _is_v6(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
