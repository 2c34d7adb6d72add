"""Decides what the first start tells, on CONFIG and on the screen, in the sheet's own language, else in all three."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("es", "en", "pt")
#: Each text in the order of LANGUAGES.
WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "done": (
        "Esta caja es ahora {host} (sitio {site}, caja {box}).",
        "This box is now {host} (site {site}, box {box}).",
        "Esta caixa é agora {host} (local {site}, caixa {box}).",
    ),
    "services": ("Servicios: {services}.", "Services: {services}.", "Serviços: {services}."),
    "no_keys": (
        "La hoja no trae claves SSH: nadie puede entrar por la red. Ponga [ssh] keys en otra hoja.",
        "The sheet has no SSH keys: nobody can log in over the network. Put [ssh] keys into another sheet.",
        "A ficha não traz chaves SSH: ninguém pode entrar pela rede. Ponha [ssh] keys em outra ficha.",
    ),
    "enrol": (
        "Falta el certificado: con la red conectada, sudo callfloor enroll {url}; el código está en {file} y se borra después.",
        "The certificate is still to come: with the network up, sudo callfloor enroll {url}; the code is in {file} and goes afterwards.",
        "Falta o certificado: com a rede ligada, sudo callfloor enroll {url}; o código está em {file} e é apagado depois.",
    ),
    "wiped": (
        "La hoja se retiró de CONFIG; una copia sin secretos queda en {file}.",
        "The sheet was taken off CONFIG; a copy without its secrets is kept in {file}.",
        "A ficha foi retirada de CONFIG; uma cópia sem segredos fica em {file}.",
    ),
    "failed": (
        "La hoja no se pudo aplicar. No se cambió nada, o lo cambiado se completa al reintentar. Corrija esto y vuelva a arrancar:",
        "The sheet could not be applied. Nothing was changed, or what was is completed by the next try. Mend this and start again:",
        "A ficha não pôde ser aplicada. Nada mudou, ou o que mudou completa-se na próxima tentativa. Corrija isto e reinicie:",
    ),
    "no_data": (
        "La partición de datos no se puede usar ({why}): la caja no guarda nada. Cambie la tarjeta o el disco.",
        "The data partition cannot be used ({why}): this box keeps nothing. Replace the card or the disk.",
        "A partição de dados não pode ser usada ({why}): a caixa não guarda nada. Troque o cartão ou o disco.",
    ),
}


def told(language: str | None, word: str, **gaps: str) -> str:
    """A text in one language; in all, one a line, where none is known.

    >>> told("en", "services", services="gateway")
    'Services: gateway.'
    """
    if language in LANGUAGES:
        return WORDS[word][LANGUAGES.index(language)].format(**gaps)
    return "\n".join(text.format(**gaps) for text in WORDS[word])
