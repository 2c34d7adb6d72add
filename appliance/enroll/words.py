"""What enrolment tells a technician, in Spanish, English and Portuguese."""

from __future__ import annotations

from typing import Final

from appliance.provision.words import LANGUAGES, language

_TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "code": ("Código de un solo uso (no se ve): ", "One-time code (not shown): ", "Código de uso único (não aparece): "),
    "have": (
        "certificado de {subject}, emitido por {issuer}, válido hasta el {until}",
        "certificate of {subject}, issued by {issuer}, valid until {until}",
        "certificado de {subject}, emitido por {issuer}, válido até {until}",
    ),
    "where": (
        "en {file}; la configuración lo nombra así:",
        "in {file}; the configuration names it so:",
        "em {file}; a configuração o nomeia assim:",
    ),
    "named": (
        "la configuración ya lo nombra; el enlace lo toma sin reiniciar",
        "the configuration names it already; the link takes it up without a restart",
        "a configuração já o nomeia; o enlace o adota sem reiniciar",
    ),
    "not due": ("todavía no: se renueva desde el {due}", "not due yet: it is renewed from {due}", "ainda não: renova-se a partir de {due}"),
    "renewed": ("renovado", "renewed", "renovado"),
    "none": (
        "este equipo no tiene certificado: callfloor enroll https://…",
        "this box has no certificate: callfloor enroll https://…",
        "este equipamento não tem certificado: callfloor enroll https://…",
    ),
    "waiting": (
        "el CRM tiene la solicitud y alguien debe confirmarla; se pregunta cada {after} s (Ctrl-C: seguir después con la misma orden)",
        "the CRM has the request and somebody has to confirm it; asking again every {after} s (Ctrl-C: go on later with the same command)",
        "o CRM tem o pedido e alguém deve confirmá-lo; pergunta-se de novo a cada {after} s (Ctrl-C: continuar depois com o mesmo comando)",
    ),
    "request": (
        "solicitud escrita en {file}; la clave no sale del equipo. Con la respuesta: callfloor enroll --install CERTIFICADO.pem",
        "request written to {file}; the key stays on the box. With the answer: callfloor enroll --install CERTIFICATE.pem",
        "pedido escrito em {file}; a chave não sai do equipamento. Com a resposta: callfloor enroll --install CERTIFICADO.pem",
    ),
}  # fmt: skip


def text(key: str, lang: str | None = None, **gaps: object) -> str:
    """A text in the language asked for, else the terminal's."""
    return _TEXTS[key][LANGUAGES.index(language(lang))].format(**gaps)
