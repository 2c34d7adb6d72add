"""Decides which profiles there are: ours, in the order in which they are tried, and a site's own from a file."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Final

from appliance.core.errors import MisconfiguredError
from gateway.smdr.profile import ReadyProfile, profile_from_file

_FOLDER: Final = Path(__file__).parent / "profiles"
#: Where lines fit two profiles equally well the first counts: the narrower stand before the wider.
ORDER: Final = (
    "avaya-ipoffice", "asterisk", "esi", "cisco-cme", "whozz", "toshiba-ctx", "nortel", "nortel-bcm", "panasonic", "panasonic-ta",
    "hipath", "nec", "lg", "samsung", "transtel", "intertel", "toshiba-dk", "panasonic-dbs", "mitel", "avaya-cm",
)  # fmt: skip


@cache
def profile(name: str) -> ReadyProfile:
    """One of ours. Raises MisconfiguredError for a name that there is not."""
    if name not in ORDER:
        near = difflib.get_close_matches(name, ORDER, 1)
        mend = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(ORDER)}; or name a file, ….toml"
        raise MisconfiguredError(f'there is no SMDR profile "{name}"; {mend}')
    return profile_from_file(_FOLDER / f"{name}.toml")


def profiles() -> tuple[ReadyProfile, ...]:
    """All of ours, in their order."""
    return tuple(profile(name) for name in ORDER)


def named(name: str) -> tuple[ReadyProfile, ...]:
    """What a person means: one of ours by its name, all whose make has that word (`toshiba`), or a file (`….toml`).

    Raises MisconfiguredError.
    """
    if name.endswith(".toml"):
        return (profile_from_file(Path(name)),)
    word = name.lower()
    meant = (
        ()
        if name in ORDER or not word.isalnum()
        else tuple(each for each in profiles() if word in f"{each.name} {each.spec.title}".lower())
    )
    return meant or (profile(name),)
