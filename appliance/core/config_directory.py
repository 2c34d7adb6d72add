"""Decides what [directory] may not say: a country whose numbers nobody knows, a VIP segment that is none."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.config import Config
from appliance.core.config_rules import Finding
from appliance.core.directory_card import TEXT_MOST
from appliance.core.e164 import is_region


def findings_of_directory(config: Config) -> Iterator[Finding]:
    """Everything wrong with it. The library of numbers is only asked where a country is named."""
    directory = config.directory
    if directory.country is not None and not is_region(directory.country):
        mend = 'write the two letters of ISO 3166 in capitals, as country = "EC"; without it [commands] country or the timezone tells'
        yield Finding(("directory", "country"), f'how "{directory.country}" dials is not known', mend)
    for index, segment in enumerate(directory.vip):
        if not segment.strip() or len(segment) > TEXT_MOST:
            mend = 'write it as the CRM has it in `segment`, as vip = ["gold"]; an empty list: nobody is a VIP'
            yield Finding(("directory", "vip", index), "no segment is called so", mend)
