"""Decides which column of a table is what of a customer's card, by its heading, in Spanish, English and Portuguese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

from appliance.core.errors import MisconfiguredError

Member = Literal["customer", "numbers", "name", "surname", "segment", "language", "last_case", "do_not_call"]

#: Without accents, signs and case; a number behind a heading (`telefono 2`) makes it one more of the same.
_WORDS: Final[dict[Member, str]] = {
    "customer": "customer customerid customernumber client clientid account accountid accountnumber id cliente idcliente clienteid codigo "
    "codigocliente codcliente cuenta conta idconta numerocliente numerodecliente cedula ruc cpf cnpj nif",
    "numbers": "number numbers phone phonenumber phones telephone tel mobile mobilephone cell cellphone landline homephone "
    "workphone whatsapp "
    "numero numeros numerotelefono numerodetelefono telefono telefonos telf fono celular celulares movil moviles fijo "
    "telefone telefones numerotelefone numerodetelefone telemovel fone fixo",
    "name": "name fullname customername firstname nombre nombres nombrecompleto nombrecliente razonsocial "
    "nome nomecompleto nomecliente razaosocial",
    "surname": "surname lastname familyname apellido apellidos sobrenome apelido",
    "segment": "segment segmento category categoria tier level nivel class clase classe tipo tipocliente tipodecliente",
    "language": "language lang idioma lengua lingua",
    "last_case": "lastcase case caseid ticket lastticket ultimocaso caso ultimoticket reclamo chamado ultimochamado protocolo",
    "do_not_call": "donotcall dnc dontcall nollamar nocontactar naoligar naochamar naocontatar",
}
_MEMBER: Final[dict[str, Member]] = {word: member for member, words in _WORDS.items() for word in words.split()}
_YES: Final = frozenset({"1", "true", "yes", "y", "x", "t", "v", "si", "s", "verdadero", "sim", "verdadeiro"})
_NO: Final = frozenset({"", "0", "false", "no", "n", "f", "falso", "nao"})
_SHOWN: Final = 12


def member_of(heading: str) -> Member | None:
    """What a column holds; None: nothing that a card has.

    >>> member_of("Teléfono 2"), member_of("Número do Cliente"), member_of("No llamar"), member_of("Peso")
    ('numbers', 'customer', 'do_not_call', None)
    """
    word = plain(heading)
    word = re.sub(r"(?<=[a-z])\d+$", "", word)
    return _MEMBER.get(word) or _MEMBER.get(word.replace("numerodo", "numerode").replace("numeroda", "numerode"))


def members_of(headings: Sequence[str]) -> list[Member | None]:
    """What each column holds. Raises MisconfiguredError where none holds numbers, or two what there is one of."""
    members = [member_of(heading) for heading in headings]
    if "numbers" not in members:
        shown = ", ".join(repr(heading[:30]) for heading in headings[:_SHOWN])
        raise MisconfiguredError(
            f"no column is called phone, telefono, telefone or the like (the first line has {shown}); "
            "rename one, or map it as --column numbers=HEADING"
        )
    for member in ("customer", "name", "surname", "segment", "language", "last_case", "do_not_call"):
        twice = [heading for heading, found in zip(headings, members, strict=True) if found == member]
        if len(twice) > 1:
            raise MisconfiguredError(
                f"two columns would be {member}: {twice[0]!r} and {twice[1]!r}; rename one, or say which as --column {member}=HEADING"
            )
    return members


def is_yes(text: str) -> bool:
    """Whether a cell says yes. Raises ValueError for what says neither.

    >>> is_yes("Sí"), is_yes("não"), is_yes("")
    (True, False, False)
    """
    word = plain(text)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("bad_card: do_not_call is neither yes nor no")


def plain(text: str) -> str:
    """Letters and digits alone, without accents and case."""
    bare = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^a-z0-9]", "", bare.casefold())
