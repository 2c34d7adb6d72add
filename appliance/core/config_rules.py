"""Decides what a well-shaped configuration may still not say: names, times, addresses, files, and what contradicts what.

Each rule yields findings and never stops at the first. Only the files that the configuration names are looked at.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Final, get_args

from msgspec import Struct

from appliance.core.callbacks_config import CallbacksConfig, SatisfactionConfig
from appliance.core.catalogue import KINDS, LeftReason
from appliance.core.channels_config import ChannelsConfig
from appliance.core.classification_config import Classification
from appliance.core.config import AlarmConfig, Config, Kpi, PbxConfig, Tv
from appliance.core.endpoint import endpoint_from_text
from appliance.core.hours_config import Hours
from appliance.core.line_config import LINES
from appliance.core.pbx_kind import BUILT_IN, installed, is_kind
from appliance.core.slug import is_key, slug

#: The command verbs of the contract.
VERBS: Final = (
    "announce", "withdraw", "acknowledge", "originate", "answer", "hangup", "hold", "resume", "transfer", "pause", "unpause",
    "queue_add", "queue_remove", "supervise", "callback", "headset_ring", "beacon", "kpi", "directory", "classify", "resend", "ping",
)  # fmt: skip
_ZONES: Final = Path("/usr/share/zoneinfo")
_MQTT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}


class Finding(Struct, frozen=True):
    """One thing wrong: the key's path in the document, what is wrong with it, and what to do."""

    path: tuple[str | int, ...]
    what: str
    mend: str


def findings(config: Config) -> list[Finding]:
    """Everything that the rules object to."""
    return [finding for rule in _RULES for finding in rule(config)]


def _site(config: Config) -> Iterator[Finding]:
    site = config.site
    yield from _key(("site", "name"), site.name)
    yield from _key(("site", "box"), site.box)
    yield from _timezone(site.timezone)
    if site.hours is not None:
        yield from hours_findings(("site", "hours"), site.hours)


def _timezone(name: str) -> Iterator[Finding]:
    try:
        # A look at the file instead of zoneinfo, which costs 4 ms before the box's first event.
        with _ZONES.joinpath(name).open("rb") as file:
            if ".." not in name and file.read(4) == b"TZif":
                return
    except (OSError, ValueError):
        pass  # A machine without the system's zones has them in a Python package.
    import difflib  # noqa: PLC0415 - for faults only
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones  # noqa: PLC0415

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = {zone.lower(): zone for zone in available_timezones()}
        near = difflib.get_close_matches(name.lower(), zones, 1)
        mend = (
            f'did you mean "{zones[near[0]]}"?' if near else 'write one like "America/Guayaquil"; `timedatectl list-timezones` lists them'
        )
        yield Finding(("site", "timezone"), f'there is no time zone "{name}"', mend)


def hours_findings(here: tuple[str | int, ...], hours: Hours) -> Iterator[Finding]:
    """What is wrong with hours of the week."""
    from datetime import date  # noqa: PLC0415

    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        empty = 'write "00:00-24:00" for the whole day, or leave the day out when it is closed'
        yield from _spans((*here, day), getattr(hours, day), empty)
    for index, holiday in enumerate(hours.holidays):
        try:
            if len(holiday) != 10:
                raise ValueError(holiday)
            date.fromisoformat(holiday)
        except ValueError:
            yield Finding((*here, "holidays", index), f'"{holiday}" is no date', 'write it as "2026-12-25"')


def _spans(here: tuple[str | int, ...], spans: tuple[str, ...], empty: str) -> Iterator[Finding]:
    for index, span in enumerate(spans):
        begin, dash, end = span.partition("-")
        if not dash or _minutes(begin, 1439) is None or _minutes(end, 1440) is None:
            yield Finding((*here, index), f'"{span}" is no span of hours', 'write it as "08:00-18:00"')
        elif _minutes(begin, 1439) == _minutes(end, 1440):
            yield Finding((*here, index), f'"{span}" is empty', empty)


def _minutes(text: str, most: int) -> int | None:
    """Minutes since midnight of `HH:MM`, None when it is none or later than `most`.

    >>> _minutes("18:30", 1440), _minutes("8:00", 1440), _minutes("24:00", 1440), _minutes("24:01", 1440)
    (1110, None, 1440, None)
    """
    hour, _, minute = text.partition(":")
    if len(text) != 5 or not (hour.isascii() and minute.isascii() and hour.isdigit() and minute.isdigit() and len(hour) == 2):
        return None
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total <= most else None


def _journal(config: Config) -> Iterator[Finding]:
    path = config.journal.path
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where the folder may not be looked into
        yield Finding(("journal", "path"), f"{path} is a folder", 'name a file in it: path = "journal.db"')


def _pbx(config: Config) -> Iterator[Finding]:
    for name, pbx in config.pbx.items():
        here = ("pbx", name)
        yield from _key(here, name, mend="write [pbx.{}]")
        if not is_kind(pbx.kind):
            yield Finding((*here, "kind"), f'there is no kind of PBX "{pbx.kind}" here', _nearest(pbx.kind, (*BUILT_IN, *installed())))
        if not pbx.host.strip():
            yield Finding((*here, "host"), "the host is empty", 'write the address of the PBX, such as host = "192.168.1.10"')
        if not pbx.username:
            yield Finding(
                (*here, "username"), "the user's name is empty", "write the manager user's name; `callfloor pbx template` makes one"
            )
        if pbx.secret_file is None and pbx.kind in BUILT_IN:  # what a package's own kind needs is its own affair
            mend = f'put the manager user\'s secret into a file and write secret_file = "{name}.secret"'
            yield Finding(here, "the key secret_file is missing", mend)
        elif pbx.secret_file is not None:
            yield from _secret((*here, "secret_file"), pbx.secret_file)
        yield from _file((*here, "ca_file"), pbx.ca_file)
        if pbx.ca_file is not None and not pbx.tls:
            yield Finding((*here, "ca_file"), "ca_file without tls = true has no effect", "write tls = true, or take ca_file out")
        if pbx.silent_s <= pbx.ping_s:
            what = f"silent_s {pbx.silent_s:g} is not longer than ping_s {pbx.ping_s:g}"
            yield Finding((*here, "silent_s"), what, "a PBX counts as silent only after a ping went unanswered: write a larger silent_s")
        yield from _queue_result(here, pbx)


def _queue_result(here: tuple[str, str], pbx: PbxConfig) -> Iterator[Finding]:
    known = (*get_args(LeftReason), "refused")
    for word, reason in pbx.queue_result.reasons.items() if pbx.queue_result else ():
        if reason not in known:
            mend = _nearest(reason, known)
            yield Finding((*here, "queue_result", "reasons", word), f'"{reason}" is no reason', mend)


def _crm(config: Config) -> Iterator[Finding]:
    crm = config.crm
    if crm is None:
        return
    many = not isinstance(crm.url, str)
    for index, url in enumerate(crm.url if not isinstance(crm.url, str) else (crm.url,)):
        yield from _broker(("crm", "url", index) if many else ("crm", "url"), url, insecure=crm.insecure)
    if crm.protocol == "3.1.1" and crm.require_consumer:
        mend = 'write protocol = "auto", or take require_consumer out'
        yield Finding(("crm", "require_consumer"), "MQTT 3.1.1 does not tell whether anybody listens", mend)
    for name in ("ca_file", "cert_file"):
        yield from _file(("crm", name), getattr(crm, name))
    yield from _secret(("crm", "key_file"), crm.key_file)
    yield from _secret(("crm", "password_file"), crm.password_file)
    if (crm.cert_file is None) != (crm.key_file is None):
        given, other = ("cert_file", "key_file") if crm.key_file is None else ("key_file", "cert_file")
        yield Finding(("crm", given), f"{given} without {other} proves nothing to the broker", f'write {other} = "…" too')
    if crm.password_file is not None and crm.username is None:
        yield Finding(("crm", "password_file"), "password_file without username", 'write username = "…" too')
    groups = {kind.partition(".")[0] for kind in KINDS}
    for index, wanted in enumerate(crm.events or ()):
        if wanted not in groups and wanted not in KINDS:
            mend = _nearest(wanted, sorted(groups), KINDS)
            yield Finding(("crm", "events", index), f'there are no events "{wanted}"', mend)


def _broker(path: tuple[str | int, ...], url: str, *, insecure: bool) -> Iterator[Finding]:
    scheme, mark, rest = url.partition("://")
    form = 'write it as "mqtts://crm.example.com:8883"'
    if not mark or scheme not in _MQTT_PORTS:
        yield Finding(path, "this is no broker's address" if "@" in url else f'"{url}" is no broker\'s address', form)
        return
    if "@" in rest:
        mend = "write username and password_file as keys of their own, and only host and port here"
        yield Finding(path, "a user or a password never stands in a url", mend)
        return
    if scheme in ("ws", "wss"):
        rest = rest.partition("?")[0].partition("/")[0]
    try:
        endpoint = endpoint_from_text(rest.rstrip("/"), _MQTT_PORTS[scheme])
    except ValueError as fault:
        yield Finding(path, f'"{url}": {fault}', form)
        return
    if not endpoint.host or not endpoint.port:
        yield Finding(path, f'"{url}": the host or the port is missing', form)
    elif scheme in ("mqtt", "ws") and not endpoint.loopback and not insecure:
        safe = "mqtts" if scheme == "mqtt" else "wss"
        mend = f'write "{safe}://{endpoint.host}" with ca_file, cert_file and key_file, or insecure = true on a network that you trust'
        yield Finding(path, f"{scheme}:// sends callers' data unencrypted beyond this box", mend)


def _commands(config: Config) -> Iterator[Finding]:
    for index, verb in enumerate(config.commands.allow):
        if verb not in VERBS:
            yield Finding(("commands", "allow", index), f'there is no command "{verb}"', _nearest(verb, VERBS))
    from appliance.core.config_commands import findings_of_commands  # noqa: PLC0415 - it knows this module's Finding

    yield from findings_of_commands(config)
    from appliance.core.config_outbound import findings_of_outbound  # noqa: PLC0415 - likewise

    yield from findings_of_outbound(config)
    from appliance.core.config_directory import findings_of_directory  # noqa: PLC0415 - likewise

    yield from findings_of_directory(config)


def _callbacks(config: Config) -> Iterator[Finding]:
    if config.callbacks != CallbacksConfig() or config.satisfaction != SatisfactionConfig():
        from appliance.core.config_callbacks import findings_of_callbacks  # noqa: PLC0415 - as it is, nothing is wrong with it

        yield from findings_of_callbacks(config)


def _wallboard(config: Config) -> Iterator[Finding]:
    if config.wallboard.tv is not None:
        yield from _tv(config.wallboard.tv)
    for name in config.wallboard.led:
        yield from _key(("wallboard", "led", name), name, mend="write [wallboard.led.{}]")
    if config.wallboard.led:
        from appliance.core.config_led import findings_of_leds  # noqa: PLC0415 - a box without a chain starts without it

        yield from findings_of_leds(config)


def _sign(config: Config) -> Iterator[Finding]:
    if config.wallboard.sign:
        from appliance.core.config_sign import findings_of_signs  # noqa: PLC0415 - a box without a sign starts without it

        yield from findings_of_signs(config)


def _beacon(config: Config) -> Iterator[Finding]:
    if config.wallboard.beacon:
        from appliance.core.config_beacon import findings_of_beacons  # noqa: PLC0415 - a box without lamps starts without it

        yield from findings_of_beacons(config)


def _tv(tv: Tv) -> Iterator[Finding]:
    here = ("wallboard", "tv")
    try:
        endpoint = endpoint_from_text(tv.listen)
        if not endpoint.loopback and not tv.allow and tv.token_file is None:
            mend = 'write allow = ["192.168.1.0/24"] with the networks of your boards, or token_file = "…"'
            yield Finding((*here, "listen"), f'"{tv.listen}" lets everybody on the network read the boards', mend)
    except ValueError as fault:
        mend = 'write it as "127.0.0.1:8080", or "0.0.0.0:8080" for the whole network'
        yield Finding((*here, "listen"), f'"{tv.listen}": {fault}', mend)
    for index, network in enumerate(tv.allow):
        try:
            ip_network(network)
        except ValueError as fault:
            mend = 'write it as "192.168.1.0/24", or "192.168.1.20" for one screen'
            yield Finding((*here, "allow", index), f'"{network}" is no network: {fault}', mend)
    yield from _secret((*here, "token_file"), tv.token_file)
    unread = [*_file((*here, "cert_file"), tv.cert_file), *_secret((*here, "key_file"), tv.key_file)]
    yield from unread
    if not unread and (tv.cert_file or tv.key_file):
        from appliance.core.config_tls import findings_of_tls  # noqa: PLC0415 - a box with plain HTTP starts without it

        yield from findings_of_tls(here, tv.cert_file, tv.key_file)


def _floor(config: Config) -> Iterator[Finding]:
    for name, group in config.groups.items():
        if not group.queues:
            yield Finding(("groups", name, "queues"), "the group has no queues", 'write queues = ["ventas", "soporte"]')
    for name, trunk in config.trunks.items():
        here = ("trunks", name)
        yield from _key(here, name, mend="write [trunks.{}]")
        analog = name in _analog_trunks(config)
        if not any(trunk.channels) and not analog:
            yield Finding((*here, "channels"), "the trunk has no channels", 'write how their names begin: channels = ["PJSIP/trunk-"]')
        if trunk.pbx is not None and trunk.pbx not in config.pbx and not (analog and trunk.pbx == LINES):
            mend = _nearest(trunk.pbx, list(config.pbx)) if config.pbx else "write a [pbx.NAME] first"
            yield Finding((*here, "pbx"), f"there is no [pbx.{trunk.pbx}]", mend)
        if trunk.pbx is None and len(config.pbx) > 1 and not analog:
            yield Finding(here, "with more than one PBX it must be said whose lines they are", f'write pbx = "{next(iter(config.pbx))}"')
    for table, letter in (("queues", "q"), ("groups", "g"), ("agents", "a")):
        first: dict[str, str] = {}
        for name in getattr(config, table):
            known = first.setdefault(slug(name, letter), name)
            if known != name:
                mend = "put both together under one name"
                yield Finding((table, name), f'"{name}" and "{known}" are the same key, {slug(name, letter)}', mend)
    owner: dict[str, str] = {}
    for name, agent in config.agents.items():
        for index, interface in enumerate(agent.interfaces):
            known = owner.setdefault(interface, name)
            if known != name:
                mend = "leave it with one of the two"
                yield Finding(("agents", name, "interfaces", index), f'"{interface}" belongs to agent "{known}" already', mend)


def _analog_trunks(config: Config) -> set[str | None]:
    """The groups that analog lines name."""
    return {one.trunk for lines in config.lines.values() for one in (lines, *lines.line.values())}


def _sites(config: Config) -> Iterator[Finding]:
    if config.sites:
        from appliance.core.config_sites import findings_of_sites  # noqa: PLC0415 - a box that shows no other site starts without it

        yield from findings_of_sites(config)


def _headsets(config: Config) -> Iterator[Finding]:
    if config.headsets is not None:
        from appliance.core.config_headsets import findings_of_headsets  # noqa: PLC0415 - a box without headsets starts without it

        yield from findings_of_headsets(config)


def _privacy(config: Config) -> Iterator[Finding]:
    if config.privacy.callers_days is not None:
        from appliance.core.config_privacy import findings_of_privacy  # noqa: PLC0415 - a box that keeps them starts without it

        yield from findings_of_privacy(config)


def _smdr(config: Config) -> Iterator[Finding]:
    if config.smdr:
        from appliance.core.config_smdr import findings_of_smdr  # noqa: PLC0415 - a box without a call-record port starts without it

        yield from findings_of_smdr(config)


def _lines(config: Config) -> Iterator[Finding]:
    if config.lines:
        from appliance.core.config_lines import findings_of_lines  # noqa: PLC0415 - a box without an analog line starts without it

        yield from findings_of_lines(config)


def _ivr(config: Config) -> Iterator[Finding]:
    if any(pbx.ivr is not None for pbx in config.pbx.values()):
        from appliance.core.config_ivr import findings_of_ivr  # noqa: PLC0415 - a box that is told of no menu starts without it

        yield from findings_of_ivr(config)


def _classification(config: Config) -> Iterator[Finding]:
    told = (config.classification, config.channels, config.kpi) != (Classification(), ChannelsConfig(), Kpi())
    if told or config.agents or config.privacy.callers_days is not None:
        from appliance.core.config_classification import findings_of_classification  # noqa: PLC0415 - likewise, with the customary ones

        yield from findings_of_classification(config)


def _opcua(config: Config) -> Iterator[Finding]:
    if config.opcua is not None:
        from appliance.core.config_opcua import findings_of_opcua  # noqa: PLC0415 - a box without a rig or a plant starts without it

        yield from findings_of_opcua(config)


def _alarm(config: Config) -> Iterator[Finding]:
    tables = (config.queues, config.groups, config.trunks)
    if config.alarm == AlarmConfig() and not any(each.alarm for table in tables for each in table.values()):
        return
    from appliance.core.config_alarm import alarm_faults  # noqa: PLC0415 - a box with the customary alarms starts without it

    yield from (Finding(*fault) for fault in alarm_faults(config))
    yield from _spans(("alarm", "quiet"), config.alarm.quiet, 'write "00:00-24:00" to be quiet always')


def _key(path: tuple[str | int, ...], text: str, mend: str = 'write "{}"') -> Iterator[Finding]:
    if not is_key(text):
        what = f'"{text}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
        yield Finding(path, what, mend.format(slug(text, "x")))


def _file(path: tuple[str | int, ...], file: Path | None) -> Iterator[Finding]:
    if file is None:
        return
    try:
        there = file.exists()
    except PermissionError:
        yield Finding(path, f"{file.parent} may not be looked into", "run this with sudo, or as a member of that folder's group")
        return
    if not there:
        yield Finding(path, f"there is no file {file}", "make it, or correct its name (relative to the configuration's folder)")
    elif not file.is_file():
        yield Finding(path, f"{file} is no file", "name a file")
    elif not os.access(file, os.R_OK):
        yield Finding(path, f"{file} may not be read", f"let the service's user read it: chgrp callfloor {file} && chmod 640 {file}")


def _secret(path: tuple[str | int, ...], file: Path | None) -> Iterator[Finding]:
    """As a file, and not an empty one."""
    wrong = list(_file(path, file))
    yield from wrong
    if file is not None and not wrong and file.stat().st_size == 0:
        yield Finding(path, f"{file} is empty", "write the secret into it, on one line")


def _nearest(word: str, options: Iterable[str], more: Iterable[str] = ()) -> str:
    import difflib  # noqa: PLC0415 - for faults only

    near = difflib.get_close_matches(word, [*options, *more], 1)
    return f'did you mean "{near[0]}"?' if near else f"write one of {', '.join(options)}"


def _metrics(config: Config) -> Iterator[Finding]:
    if config.metrics.listen or config.metrics.allow or config.metrics.token_file:
        from appliance.core.config_metrics import findings_of_metrics  # noqa: PLC0415 - a box that nobody scrapes starts without it

        yield from findings_of_metrics(config)
        yield from _secret(("metrics", "token_file"), config.metrics.token_file)


def _kiosk(config: Config) -> Iterator[Finding]:
    kiosk = config.kiosk
    if kiosk is None:
        return
    if kiosk.url is None and config.wallboard.tv is None:
        mend = 'write url = "http://floor-1:8080/board/floor", or [wallboard.tv] for boards of this box'
        yield Finding(("kiosk",), "there is no board to show", mend)
    if kiosk.url is not None and not kiosk.url.startswith(("http://", "https://")):
        yield Finding(("kiosk", "url"), f'"{kiosk.url}" is no address of a board', 'write it as "http://floor-1:8080/board/floor"')
    yield from _spans(("kiosk", "off"), kiosk.off, "a screen that is always dark is no screen: take [kiosk] out")


def _routing(config: Config) -> Iterator[Finding]:
    if config.routing is not None:
        from appliance.core.config_routing import findings_of_routing  # noqa: PLC0415 - a box that routes nothing starts without it

        yield from findings_of_routing(config)


_RULES: Final[tuple[Callable[[Config], Iterator[Finding]], ...]] = (
    _site,
    _journal,
    _pbx,
    _crm,
    _commands,
    _callbacks,
    _wallboard,
    _beacon,
    _sign,
    _floor,
    _sites,
    _headsets,
    _privacy,
    _smdr,
    _lines,
    _ivr,
    _classification,
    _opcua,
    _alarm,
    _metrics,
    _kiosk,
    _routing,
)
