"""Decides what the description of call-record ports may not say: urls that are none, two on one port, a listener open to all."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from appliance.core.config import Config
from appliance.core.config_rules import Finding, _file, _secret
from appliance.core.endpoint import endpoint_from_text
from appliance.core.slug import is_key, slug
from appliance.core.smdr_config import SmdrConfig

_SCHEMES: Final = ("serial", "tcp", "rfc2217", "loop", "listen")
_FORM: Final = 'write "serial:///dev/ttyUSB0?baud=9600", "tcp://192.168.1.10:2300" or "listen://0.0.0.0:10300"'


def findings_of_smdr(config: Config) -> Iterator[Finding]:
    """Everything wrong with the ports."""
    taken: dict[str, str] = {}
    for name, port in config.smdr.items():
        here = ("smdr", name)
        if not is_key(name):
            what = f'"{name}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
            yield Finding(here, what, f"write [smdr.{slug(name, 'x')}]")
        if name in config.pbx:
            mend = f"give the port a name of its own, such as [smdr.{name}-smdr]"
            yield Finding(here, f"[pbx.{name}] has the same name, and events are told by it", mend)
        yield from _url(here, port)
        if (other := taken.setdefault(port.url.partition("?")[0], name)) != name:
            yield Finding((*here, "url"), f"[smdr.{other}] has this port already", "leave it with one of the two")
        if port.profile is not None and port.profile_file is not None:
            yield Finding((*here, "profile"), "profile and profile_file are two answers to one question", "leave one of them out")
        yield from _file((*here, "profile_file"), port.profile_file)
        yield from _secret((*here, "login_file"), port.login_file)


def _url(here: tuple[str, str], port: SmdrConfig) -> Iterator[Finding]:
    path = (*here, "url")
    parts = urlsplit(port.url)
    if parts.scheme not in _SCHEMES or "://" not in port.url:
        yield Finding(path, f'"{port.url}" is no call-record port', _FORM)
    elif parts.scheme == "listen":
        yield from _listen(here, port, parts.netloc)
    elif port.allow:
        yield Finding((*here, "allow"), "allow is for listen:// alone: here the box calls", "take it out")
    for index, network in enumerate(port.allow):
        try:
            ip_network(network)
        except ValueError as fault:
            mend = 'write it as "192.168.1.10" for the PBX alone, or "192.168.1.0/24"'
            yield Finding((*here, "allow", index), f'"{network}" is no network: {fault}', mend)


def _listen(here: tuple[str, str], port: SmdrConfig, place: str) -> Iterator[Finding]:
    try:
        endpoint = endpoint_from_text(place)
    except ValueError as fault:
        yield Finding((*here, "url"), f'"{port.url}": {fault}', _FORM)
        return
    if not endpoint.port:
        yield Finding((*here, "url"), f'"{port.url}": the port is missing', _FORM)
    if not endpoint.loopback and not port.allow:
        mend = 'write allow = ["192.168.1.10"] with the address of the PBX'
        yield Finding((*here, "url"), "everybody on the network could write calls into the record", mend)
