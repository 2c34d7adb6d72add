"""Decides what callfloor.toml may say of kinds of calls: the centre's types, what the dialplan calls them, which are extraordinary."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from appliance.core.quantity import Span

#: More types than this are no classes but a list of topics, and no board has room for them.
TYPES_MOST: Final = 32


class Titles(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What boards call a type, by language; what is None is as that of a standard type, else as in another language, else its key."""

    es: str | None = None
    en: str | None = None
    pt: str | None = None


class CallType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type of call. An extraordinary one raises the supervisor's alarm; None: as the standard type of this name, else it does not."""

    title: Titles = field(default_factory=Titles)
    extraordinary: bool | None = None


#: The customer's own four.
STANDARD: Final[dict[str, CallType]] = {
    "perfect": CallType(title=Titles(es="Perfectas", en="Perfect", pt="Perfeitas")),
    "imperfect": CallType(title=Titles(es="Imperfectas", en="Imperfect", pt="Imperfeitas")),
    "improper": CallType(title=Titles(es="Impropias", en="Improper", pt="Impróprias")),
    "extraordinary": CallType(title=Titles(es="Extraordinarias", en="Extraordinary", pt="Extraordinárias"), extraordinary=True),
}


class Classification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How calls are classified. `types` are added to the standard four, or say other things of them.

    `words`: the dialplan's word → type; a type's own key needs none. `digits`: `menu:digits` → type, for whoever presses keys.
    `alarm_s`: so long after an extraordinary call has ended its alarm goes by itself.
    """

    types: Annotated[dict[str, CallType], Meta(max_length=TYPES_MOST)] = field(default_factory=dict)
    words: Annotated[dict[str, str], Meta(max_length=256)] = field(default_factory=dict)
    digits: Annotated[dict[str, str], Meta(max_length=256)] = field(default_factory=dict)
    alarm_s: Span = 600.0

    @property
    def known(self) -> dict[str, CallType]:
        """Every type there is, the standard ones first."""
        return STANDARD | {name: _on_top(own, STANDARD.get(name)) for name, own in self.types.items()}

    def is_extraordinary(self, name: str | None) -> bool:
        """Whether calls of this type raise an alarm."""
        found = self.known.get(name or "")
        return found is not None and bool(found.extraordinary)

    def type_of_word(self, word: str) -> str | None:
        """The type that a word of the dialplan means; None for a word that means none.

        >>> own = Classification(words={"9": "extraordinary"})
        >>> own.type_of_word("9"), own.type_of_word("Perfect"), own.type_of_word("good")
        ('extraordinary', 'perfect', None)
        """
        name = self.words.get(word) or word.lower()
        return name if name in self.known else None

    def title_of(self, name: str, language: str) -> str:
        """What a board in this language calls a type.

        >>> Classification().title_of("perfect", "pt"), Classification().title_of("odd", "es")
        ('Perfeitas', 'odd')
        """
        found = self.known.get(name)
        titles = found.title if found is not None else Titles()
        own = getattr(titles, language, None)
        return own or titles.es or titles.en or titles.pt or name


def _on_top(own: CallType, standard: CallType | None) -> CallType:
    """What the configuration says of a type, and where it says nothing what the standard one of its name is."""
    if standard is None:
        return own
    title = Titles(es=own.title.es or standard.title.es, en=own.title.en or standard.title.en, pt=own.title.pt or standard.title.pt)
    return CallType(title=title, extraordinary=standard.extraordinary if own.extraordinary is None else own.extraordinary)
