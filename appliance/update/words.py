"""What an update says to whoever stands at the terminal, in three languages. Errors stay in English, as everywhere on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["es", "en", "pt"]
LANGUAGES: Final[tuple[Language, ...]] = ("es", "en", "pt")

_TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    # key: es, en, pt
    "what": (
        "{version} para {fits}, firma válida; ahora funciona {running}",
        "{version} for {fits}, its signature holds; {running} runs now",
        "{version} para {fits}, assinatura válida; agora funciona {running}",
    ),
    "plan-image": (
        "1. escribirla en la ranura {slot}; mientras tanto la caja sigue trabajando\n"
        "2. reiniciar en {slot} una sola vez: sin tableros durante un minuto, más o menos\n"
        "3. {slot} se queda solo si:",
        "1. write it into slot {slot}; the box goes on working meanwhile\n"
        "2. restart into {slot} once: about a minute without boards\n"
        "3. {slot} stays only if:",
        "1. gravá-la na posição {slot}; enquanto isso a caixa continua trabalhando\n"
        "2. reiniciar em {slot} uma única vez: cerca de um minuto sem painéis\n"
        "3. {slot} só fica se:",
    ),
    "plan-deb": (
        "1. guardar el paquete {running} para poder volver\n"
        "2. instalar {version}: los servicios se reinician uno por uno\n"
        "3. {version} se queda solo si:",
        "1. keep the package {running}, to be able to go back\n"
        "2. install {version}: the services restart, one by one\n"
        "3. {version} stays only if:",
        "1. guardar o pacote {running} para poder voltar\n"
        "2. instalar {version}: os serviços reiniciam um a um\n"
        "3. {version} só fica se:",
    ),
    "up": ("{name} está en marcha", "{name} is up", "{name} está em funcionamento"),
    "answers": ("{name} responde, como ahora", "{name} answers, as it does now", "{name} responde, como agora"),
    "board": ("el tablero se dibuja", "the board is drawn", "o painel é desenhado"),
    "else": (
        "   si no, la caja vuelve sola a {running} y dice por qué",
        "   otherwise the box goes back to {running} by itself and says why",
        "   senão, a caixa volta sozinha para {running} e diz por quê",
    ),
    "journal": (
        "el diario y la configuración no se tocan",
        "journal and configuration are not touched",
        "o diário e a configuração não são tocados",
    ),
    "ask": ("¿Reiniciar ahora? [s/N] ", "Restart now? [y/N] ", "Reiniciar agora? [s/N] "),
    "fetching": ("descarga de {name}", "fetching {name}", "baixando {name}"),
    "checking": ("se comprueba la firma y el contenido", "checking signature and content", "verificando assinatura e conteúdo"),
    "writing": ("se escribe en la ranura {slot}", "writing slot {slot}", "gravando a posição {slot}"),
    "staged": (
        "{version} está preparada en la ranura {slot} y todavía no se probó; se prueba con: sudo callfloor update activate",
        "{version} is staged in slot {slot} and not tried yet; to try it: sudo callfloor update activate",
        "{version} está preparada na posição {slot} e ainda não foi testada; para testar: sudo callfloor update activate",
    ),
    "restarting": (
        "la caja se reinicia en {version}; en unos minutos: callfloor update status",
        "the box restarts into {version}; in a few minutes: callfloor update status",
        "a caixa reinicia em {version}; em alguns minutos: callfloor update status",
    ),
    "changing": (
        "se instala {version}; si no pasa la prueba, vuelve {running} (journalctl -fu callfloor-update-deb)",
        "installing {version}; if it does not pass, {running} comes back (journalctl -fu callfloor-update-deb)",
        "instalando {version}; se não passar no teste, {running} volta (journalctl -fu callfloor-update-deb)",
    ),
    "running": ("funciona {running}", "{running} runs", "{running} em funcionamento"),
    "slots": (
        "funciona {running} en la ranura {booted}; confirmada: {committed}",
        "{running} runs in slot {booted}; committed: {committed}",
        "{running} em funcionamento na posição {booted}; confirmada: {committed}",
    ),
    "trial": (
        "{running} está a prueba en la ranura {booted}; sin veredicto vuelve {committed}",
        "{running} is being tried in slot {booted}; without a verdict {committed} comes back",
        "{running} está em teste na posição {booted}; sem veredito volta {committed}",
    ),
    "trying": ("{version} se está probando", "{version} is being tried", "{version} está em teste"),
    "writing-now": (
        "{version} se está escribiendo en la otra ranura; la caja sigue trabajando",
        "{version} is being written into the other slot; the box goes on working",
        "{version} está sendo gravada na outra posição; a caixa continua trabalhando",
    ),
    "writing-left": (
        "la escritura de {version} fue interrumpida; la caja no está afectada; repita: sudo callfloor update {source}",
        "writing {version} was interrupted; the box is not affected; again: sudo callfloor update {source}",
        "a gravação de {version} foi interrompida; a caixa não foi afetada; repita: sudo callfloor update {source}",
    ),
    "good": ("{at}  {version}: aceptada", "{at}  {version}: accepted", "{at}  {version}: aceita"),
    "rolled-back": (
        "{at}  {version}: no pasó, se volvió a la anterior: {reason}",
        "{at}  {version}: did not pass, back to the one before: {reason}",
        "{at}  {version}: não passou, voltou à anterior: {reason}",
    ),
    "interrupted": (
        "{at}  {version}: interrumpida: {reason}",
        "{at}  {version}: interrupted: {reason}",
        "{at}  {version}: interrompida: {reason}",
    ),
    "never": ("nunca se actualizó", "never updated", "nunca foi atualizada"),
    "discarded": ("lo preparado se descartó", "what was staged is forgotten", "o que estava preparado foi descartado"),
    "nothing": ("no hay nada preparado", "nothing is staged", "não há nada preparado"),
}  # fmt: skip


def language_from(asked: str | None, environ: Mapping[str, str] = os.environ) -> Language:
    """The one asked for, else the terminal's, else English.

    >>> language_from(None, {"LANG": "pt_BR.UTF-8"}), language_from("es", {}), language_from(None, {"LC_ALL": "C"})
    ('pt', 'es', 'en')
    """
    name = asked or environ.get("LC_ALL") or environ.get("LC_MESSAGES") or environ.get("LANG") or ""
    return next((language for language in LANGUAGES if name[:2].lower() == language), "en")


def text(key: str, language: Language, **values: object) -> str:
    """One text with its values in place."""
    return _TEXTS[key][LANGUAGES.index(language)].format(**values)
