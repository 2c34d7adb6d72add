"""Decides in which language provisioning speaks, and how a text gets its gaps filled. The texts: `words_table`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from appliance.provision.words_table import WORDS

Language = Literal["es", "en", "pt"]
LANGUAGES: Final[tuple[Language, ...]] = ("es", "en", "pt")


def language(asked: str | None = None, environ: Mapping[str, str] = os.environ) -> Language:
    """The language that was asked for, else the terminal's, else English.

    >>> language(None, {"LANG": "es_EC.UTF-8"}), language("pt", {}), language(None, {"LC_ALL": "C", "LANG": "es_ES"})
    ('es', 'pt', 'en')
    """
    text = asked or environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or "en"
    return cast("Language", text[:2]) if text[:2] in LANGUAGES else "en"


class Words:
    """The texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)

    def __call__(self, text: str, **gaps: Any) -> str:
        """A text with its gaps filled."""
        return WORDS[text][self._at].format(**gaps)

    def says_yes(self, answer: str) -> bool:
        """Whether somebody agreed, in this language or with the keyboard's y."""
        return answer.strip().casefold() in self("yes").split()
