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
    "locked": (
        "La partición de datos está cifrada y no se abre ({why}). No se borra nada, y esta caja no guarda nada mientras tanto. "
        "Ponga la clave de recuperación en CONFIG como {file} y vuelva a arrancar; o ponga el disco en su máquina.",
        "The data partition is encrypted and does not open ({why}). Nothing is erased, and this box keeps nothing meanwhile. "
        "Put the recovery key on CONFIG as {file} and start again; or put the disk into its own machine.",
        "A partição de dados está criptografada e não abre ({why}). Nada é apagado, e esta caixa não guarda nada enquanto isso. "
        "Ponha a chave de recuperação em CONFIG como {file} e reinicie; ou ponha o disco na sua máquina.",
    ),
    "key_taken": (
        "Los datos se abrieron; su clave quedó sellada en el TPM de esta máquina. {file} se retiró de CONFIG.",
        "The data is open; its key is sealed to this machine's TPM now. {file} was taken off CONFIG.",
        "Os dados foram abertos; sua chave ficou selada no TPM desta máquina. {file} foi retirado de CONFIG.",
    ),
    "key_stays": (
        "Los datos se abrieron con {file}, que queda en CONFIG porque nada más los abre ({why}). Quien se lleve el disco tiene ambos.",
        "The data was opened with {file}, which stays on CONFIG as nothing else opens it ({why}). Whoever takes the disk has both.",
        "Os dados foram abertos com {file}, que fica em CONFIG porque sem ele não abrem ({why}). Quem levar o disco tem as duas coisas.",
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
