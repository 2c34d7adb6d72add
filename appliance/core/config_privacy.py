"""Decides what [privacy] may not say: more days than the journal keeps."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.core.config import Config
from appliance.core.config_rules import Finding


def findings_of_privacy(config: Config) -> Iterator[Finding]:
    """Everything wrong with [privacy]."""
    days, kept = config.privacy.callers_days, config.journal.keep_days
    if days is not None and days > kept:
        what = f"callers' numbers for {days:g} days, and the journal itself keeps {kept:g}"
        yield Finding(("privacy", "callers_days"), what, f"write callers_days = {max(kept, 2):g} or less, or more for [journal] keep_days")
