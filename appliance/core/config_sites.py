"""Decides what a well-shaped [sites.KEY] may still not say: a name that is none, this box itself, one box twice, no broker to read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.core.config import Config, SiteConfig
from appliance.core.config_rules import Finding
from appliance.core.slug import is_key, slug

#: More sites than this no board shows, and each costs the link two subscriptions.
MAX_SITES: Final = 64


def place_of(key: str, site: SiteConfig) -> tuple[str, str]:
    """Site and box as they stand in that box's topics.

    >>> place_of("sur", SiteConfig(box="piso-1")), place_of("sur", SiteConfig(site="guayaquil-sur", box="piso-1"))
    (('sur', 'piso-1'), ('guayaquil-sur', 'piso-1'))
    """
    return site.site or key, site.box


def findings_of_sites(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with the other sites."""
    if config.crm is None or not config.crm.url:
        mend = 'write [crm] with url = "mqtts://…": the other sites\' boxes publish their floors there'
        yield Finding(("sites",), "other sites are read from the broker, and none is configured", mend)
    if len(config.sites) > MAX_SITES:
        yield Finding(("sites",), f"{len(config.sites)} sites; a box shows {MAX_SITES} at most", "leave some of them to another box")
    own, first = (config.site.name, config.site.box), dict[tuple[str, str], str]()
    for key, site in config.sites.items():
        here = ("sites", key)
        yield from _names(key, site)
        place = place_of(key, site)
        if place == own:
            yield Finding(here, "this is this very box", "take it out: the own floor always stands among the sites")
        elif key == config.site.name:
            mend = f'call it [sites.{slug(f"{key}-{site.box}")}] and write site = "{place[0]}"'
            yield Finding(here, f'"{key}" is the name of this site, by which boards call the own floor', mend)
        known = first.setdefault(place, key)
        if known != key:
            yield Finding(here, f"this is the same box as [sites.{known}]", "leave one of the two: it would be counted twice")


def _names(key: str, site: SiteConfig) -> Iterator[Finding]:
    for path, text in (((), key), (("site",), site.site), (("box",), site.box)):
        if text is not None and not is_key(text):
            what = f'"{text}" may hold only a-z, 0-9, ".", "_" and "-", at most 64 of them'
            mend = f'write "{slug(text, "x")}"' if path else f"write [sites.{slug(text, 'x')}]"
            yield Finding(("sites", key, *path), what, mend)
