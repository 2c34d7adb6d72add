"""Decides whether the box's own logins are taken, by logging in as the services do and leaving again at once. Only when asked (`--deep`).

At the PBX with the configured user and secret; at the broker under a client id of its own (`…-doctor`), for one id has one connection and
the running uplink must not be cut off. Where a broker's rules go by client id it may refuse this one and take the uplink's.
"""

from __future__ import annotations

import asyncio
from typing import Final

from appliance.core.clock import SystemClock
from appliance.core.config import Config, Crm, PbxConfig
from appliance.core.errors import CallfloorError, DeniedError, MisconfiguredError, UnsupportedError
from appliance.doctor.finding import Finding, Scene
from appliance.doctor.links import refused
from gateway.pbx.dialect import dialect
from gateway.pbx.stream import secret_of
from gateway.uplink.endpoint import Endpoint, endpoints_from_config
from gateway.uplink.link import End, Message
from gateway.uplink.mqtt import Link
from gateway.uplink.tls import Tls

LIMIT_S: Final = 30.0
_LOGIN_S: Final = 10.0
_BLIND: Final = "the floor's figures stand still and say so; calls meanwhile are missing"
_HELD: Final = "events are held on this box until it answers"


def wanted(config: Config) -> bool:
    """Never by itself: `--deep`, or named."""
    return False


def findings(scene: Scene) -> tuple[Finding, ...]:
    """Log in everywhere, one after the other."""
    return logins(scene.config, frozenset())


def logins(config: Config, away: frozenset[str]) -> tuple[Finding, ...]:
    """Log in wherever a look (of the probes `pbx` and `broker`) has not found that nobody answers: `away` are their items."""
    return asyncio.run(_all(config, away))


async def _all(config: Config, away: frozenset[str]) -> tuple[Finding, ...]:
    found = [await pbx_login(name, pbx) for name, pbx in config.pbx.items() if f"pbx {name}" not in away]
    if config.crm is not None and config.crm.url:
        name = f"callfloor-{config.site.name}-{config.site.box}-doctor"
        endpoints = [endpoint for endpoint in endpoints_from_config(config.crm) if f"broker {endpoint.url}" not in away]
        found += [await broker_login(endpoint, config.crm, name) for endpoint in endpoints]
    return tuple(found)


async def pbx_login(name: str, pbx: PbxConfig) -> Finding:
    """Log in at one PBX, and off again."""
    item, mend = f"login pbx {name}", refused(name, pbx.kind)
    try:
        async with asyncio.timeout(_LOGIN_S):
            wire = await dialect(pbx.kind).open(pbx)
            try:
                await wire.login(pbx, secret_of(pbx))
                await wire.logoff()
            finally:
                wire.close()
    except DeniedError as fault:
        return Finding(item, "red", "the PBX refuses this box's user", str(fault), _BLIND, mend)
    except MisconfiguredError as fault:
        return Finding(item, "red", "the login cannot be used as configured", str(fault), _BLIND, mend)
    except (CallfloorError, OSError, TimeoutError) as fault:
        evidence = str(fault) or f"no answer within {_LOGIN_S:g} s"
        return Finding(item, "red", "the login was not answered", evidence, _BLIND, "callfloor doctor pbx")
    return Finding(item, "ok", "the PBX takes this box's user", f"{pbx.username} at {pbx.host}")


async def broker_login(endpoint: Endpoint, crm: Crm, name: str) -> Finding:
    """Connect to one broker, be greeted, say goodbye."""
    item, mend = f"login {endpoint.url}", "compare [crm] with the broker's users and access rules (docs/broker.md)"
    link: Link | None = None
    try:
        async with asyncio.timeout(_LOGIN_S):
            lease = await asyncio.to_thread(Tls(crm, SystemClock(), lambda: 0).lease) if endpoint.tls else None
            try:
                link = await Link.open(endpoint, crm, name, None, _Nobody(), lease)
            except UnsupportedError:
                link = await Link.open(endpoint, crm, name, None, _Nobody(), lease, v5=False)
    except DeniedError as fault:
        return Finding(item, "red", "the broker refuses this box", f"{fault} (asked as {name})", _HELD, mend)
    except MisconfiguredError as fault:
        return Finding(item, "red", "the login cannot be used as configured", str(fault), _HELD, mend)
    except (CallfloorError, OSError, TimeoutError) as fault:
        evidence = str(fault) or f"no answer within {_LOGIN_S:g} s"
        return Finding(item, "red", "the login was not answered", evidence, _HELD, "callfloor doctor broker")
    finally:
        if link is not None:
            link.close()
    version = "5" if link.v5 else "3.1.1"
    return Finding(item, "ok", "the broker takes this box", f"as {name}, with MQTT {version}")


class _Nobody:
    """Is told of what happens on the connection, and asks for nothing."""

    def acked(self, mids: list[int]) -> None:
        """Nothing was sent."""

    def told(self, answers: list[tuple[int, int]]) -> None:
        """Nothing was sent."""

    def settled(self, mid: int, code: int) -> None:
        """Nothing was sent."""

    def message(self, message: Message) -> None:
        """Nothing is subscribed."""

    def subscribed(self, topic_filter: str, code: int) -> None:
        """Nothing is subscribed."""

    def ended(self, end: End) -> None:
        """It is about to be left anyway."""
