"""Decides what `callfloor test` says, in English, Spanish and Portuguese, to somebody who reads it on a small screen with one hand."""

from __future__ import annotations

from typing import Final

from appliance.provision.words import Language

_AT: Final[dict[Language, int]] = {"en": 0, "es": 1, "pt": 2}

#: Key → English, Spanish, Portuguese.
# ruff: noqa: E501 - a text and its forms stand together
# fmt: off
_WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "ask": ("seen? [Enter = yes, n = no, s = cannot see]", "¿se vio? [Enter = sí, n = no, s = no lo veo]", "viu? [Enter = sim, n = não, s = não vejo]"),
    "ask.yes": ("y yes", "s. si sí y", "sim y"),
    "ask.no": ("n no", "n no", "n nao não"),
    "ask.skip": ("s skip", "s saltar", "s pular"),
    # The sign.
    "sign.address": ("sign {name}: {url}, address {address}", "letrero {name}: {url}, dirección {address}", "letreiro {name}: {url}, endereço {address}"),
    "sign.answers": ("it answers: firmware {firmware}, {free} of {pool} bytes free", "responde: firmware {firmware}, {free} de {pool} bytes libres", "responde: firmware {firmware}, {free} de {pool} bytes livres"),
    "sign.silent": ("it does not answer: its transmit wire may not be connected, which is no fault", "no responde: quizá su hilo de transmisión no está conectado, lo que no es una falla", "não responde: talvez seu fio de transmissão não esteja ligado, o que não é falha"),
    "sign.name": ("the sign should say: {text}", "el letrero debe decir: {text}", "o letreiro deve dizer: {text}"),
    "sign.letters": ("letters with their accents, rolling: {text}", "letras con sus acentos, corriendo: {text}", "letras com seus acentos, correndo: {text}"),
    "sign.colour": ("the word should be {colour}", "la palabra debe verse en {colour}", "a palavra deve estar em {colour}"),
    "sign.flash": ("it should flash", "debe parpadear", "deve piscar"),
    "sign.tone": ("three beeps, where it has a loudspeaker", "tres pitidos, si tiene altavoz", "três bipes, se tiver alto-falante"),
    "sign.dark": ("it is dark again; the service writes it anew when it starts", "queda a oscuras; el servicio lo vuelve a escribir al arrancar", "fica escuro; o serviço o escreve de novo ao iniciar"),
    "red": ("red", "rojo", "vermelho"), "green": ("green", "verde", "verde"), "amber": ("amber", "ámbar", "âmbar"),
    # The LED chain: what `wallboard.led.trial` says is the key.
    "every LED is lit": ("every LED is lit", "todos los LED encendidos", "todos os LED acesos"),
    "one row after the other, from the top": ("one row after the other, from the top", "una fila tras otra, desde arriba", "uma linha após a outra, de cima para baixo"),
    "one column after the other, from the left": ("one column after the other, from the left", "una columna tras otra, desde la izquierda", "uma coluna após a outra, da esquerda"),
    "each module shows its number upright, 1 at the top left, counted along the rows; a dot marks its top left corner":
        ("each module shows its number upright, 1 at the top left, counted along the rows; a dot marks its top left corner",
         "cada módulo muestra su número derecho, el 1 arriba a la izquierda, contando por filas; un punto marca su esquina superior izquierda",
         "cada módulo mostra seu número em pé, o 1 no alto à esquerda, contando pelas linhas; um ponto marca seu canto superior esquerdo"),
    "letters with their accents, rolling to the left": ("letters with their accents, rolling to the left", "letras con sus acentos, corriendo hacia la izquierda", "letras com seus acentos, correndo para a esquerda"),
    "led.colour": ("all of it in {colour}", "todo en {colour}", "tudo em {colour}"),
    "led.brightness": ("brightness {percent} %", "brillo {percent} %", "brilho {percent} %"),
    "led.dark": ("the chain is dark again", "la cadena queda a oscuras", "a fita fica apagada de novo"),
    "led.find": ("look for numbers that stand upright, 1 at the top left, in order; then write that url",
                 "busque los números derechos, el 1 arriba a la izquierda, en orden; luego escriba esa url",
                 "procure os números em pé, o 1 no alto à esquerda, em ordem; depois escreva essa url"),
    "white": ("white", "blanco", "branco"), "blue": ("blue", "azul", "azul"), "dim blue": ("dim blue", "azul tenue", "azul fraco"),
    # The stack light.
    "beacon.alone": ("{lamp} (GPIO {pin}): alone", "{lamp} (GPIO {pin}): sola", "{lamp} (GPIO {pin}): sozinha"),
    "beacon.all": ("all lamps: steady", "todas las luces: fijas", "todas as luzes: fixas"),
    "beacon.flash": ("{lamp}: flash, as for what is new", "{lamp}: destello, como ante algo nuevo", "{lamp}: piscadas, como diante de algo novo"),
    "beacon.single": ("{lamp}: single, as for the link to the CRM", "{lamp}: uno, como ante el enlace con el CRM", "{lamp}: uma, como diante do link com o CRM"),
    "beacon.double": ("{lamp}: double, as for the PBX", "{lamp}: dos, como ante la planta telefónica", "{lamp}: duas, como diante da central telefônica"),
    "beacon.triple": ("{lamp}: triple, as for the box", "{lamp}: tres, como ante el equipo", "{lamp}: três, como diante da máquina"),
    "beacon.buzzer": ("buzzer (GPIO {pin}): three beeps", "zumbador (GPIO {pin}): tres pitidos", "buzina (GPIO {pin}): três bipes"),
    "beacon.unpressed": ("button: none to press on simulated pins", "botón: en pines simulados no hay cuál pulsar", "botão: em pinos simulados não há qual apertar"),
    "beacon.press": ("button (GPIO {pin}): press it within {seconds:g} s", "botón (GPIO {pin}): púlselo antes de {seconds:g} s", "botão (GPIO {pin}): aperte-o em até {seconds:g} s"),
    "beacon.no_press": ("button: no press was seen; it must close GPIO {pin} to ground", "botón: no se vio ninguna pulsación; debe cerrar GPIO {pin} a tierra", "botão: nenhum aperto foi visto; ele deve fechar o GPIO {pin} ao terra"),
    "beacon.pressed": ("button: pressed", "botón: pulsado", "botão: apertado"),
    "beacon.dark": ("every lamp is off", "todas las luces apagadas", "todas as luzes apagadas"),
    "beacon.resting": ("; {lamp}, on a resting contact, is lit", "; {lamp}, en contacto de reposo, encendida", "; {lamp}, em contato de repouso, acesa"),
    # The line.
    "line.call": ("call {lines} now, from a mobile whose number is shown; do not take the call yet", "llame ahora a {lines} desde un celular que muestre su número; todavía no conteste", "ligue agora para {lines} de um celular que mostre o número; ainda não atenda"),
    "line.service": ("the service gateway runs and holds the line: what follows are its events", "el servicio gateway está en marcha y tiene la línea: siguen sus eventos", "o serviço gateway está rodando e tem a linha: seguem seus eventos"),
    "line.open": ("{where} is open", "{where} está abierto", "{where} está aberto"),
    "line.away": ("not there: {fault}", "no está: {fault}", "não está lá: {fault}"),
    "line.ringing": ("{line}: it rings", "{line}: suena", "{line}: toca"),
    "line.caller": ("{line}: caller ID {number}", "{line}: identificador {number}", "{line}: identificador {number}"),
    "line.digits": ("of {count} digits, ending in {end}", "de {count} cifras, termina en {end}", "de {count} dígitos, termina em {end}"),
    "line.absent": ("withheld or not told", "oculto o no informado", "oculto ou não informado"),
    "line.take": ("now let somebody take the call on a phone of this line, speak a moment, and hang up", "ahora que alguien conteste en un teléfono de esta línea, hable un momento y cuelgue", "agora que alguém atenda num telefone desta linha, fale um momento e desligue"),
    "line.seized": ("{line}: off hook", "{line}: descolgada", "{line}: fora do gancho"),
    "line.released": ("{line}: free again; the call was {outcome}", "{line}: libre otra vez; la llamada quedó {outcome}", "{line}: livre de novo; a chamada ficou {outcome}"),
    "answered": ("answered", "atendida", "atendida"), "abandoned": ("abandoned", "abandonada", "abandonada"), "unknown": ("unknown", "desconocida", "desconhecida"),
    "line.fault": ("{line}: {fault}", "{line}: {fault}", "{line}: {fault}"),
    "line.unsensed": ("nothing senses that a call was taken: hang up at the mobile", "nada percibe que se conteste: cuelgue en el celular", "nada percebe o atendimento: desligue no celular"),
    "line.nothing": ("nothing was sensed within {seconds:g} s: look at cable, profile and power", "no se percibió nada en {seconds:g} s: mire cable, perfil y alimentación", "nada foi percebido em {seconds:g} s: olhe cabo, perfil e alimentação"),
    # The headset.
    "headset.own": ("reading along at {where}; nothing is written to it", "leyendo en {where}; no se le escribe nada", "lendo junto em {where}; nada é escrito nele"),
    "headset.service": ("the service headsets holds it: what follows are its events", "el servicio headsets la tiene: siguen sus eventos", "o serviço headsets o tem: seguem seus eventos"),
    "headset.hook_off": ("press the hook button (or lift the headset): off hook", "pulse el botón de colgar (o levante la diadema): descolgada", "aperte o botão de gancho (ou levante o headset): fora do gancho"),
    "headset.hook_on": ("press it again (or put it down): on hook", "púlselo otra vez (o déjela): colgada", "aperte de novo (ou pouse-o): no gancho"),
    "headset.mute_on": ("press mute: muted", "pulse silencio: silenciada", "aperte mudo: mudo"),
    "headset.mute_off": ("press mute again: live", "pulse silencio otra vez: con voz", "aperte mudo de novo: ao vivo"),
    "headset.unplug": ("pull its plug", "desenchúfela", "tire da tomada USB"),
    "headset.plug": ("plug it in again, at the same port", "enchúfela otra vez, en el mismo puerto", "plugue de novo, na mesma porta"),
    "headset.ring": ("its ring lamp should light, or it should ring, for {seconds:g} s", "su luz de llamada debe encenderse, o debe sonar, por {seconds:g} s", "sua luz de chamada deve acender, ou deve tocar, por {seconds:g} s"),
    "headset.ring_refused": ("the service did not ring it: {reason}", "el servicio no la hizo sonar: {reason}", "o serviço não o fez tocar: {reason}"),
    "headset.no_ring": ("lamps are not tried: only the running service lights them; systemctl start callfloor@headsets", "las luces no se prueban: solo las enciende el servicio en marcha; systemctl start callfloor@headsets", "as luzes não são testadas: só o serviço em execução as acende; systemctl start callfloor@headsets"),
    "headset.heard": ("  heard: {text}", "  oído: {text}", "  ouvido: {text}"),
    "headset.late": ("  nothing within {seconds:g} s", "  nada en {seconds:g} s", "  nada em {seconds:g} s"),
    "headset.unanswered": ("  some models tell this only while the service answers them: systemctl start callfloor@headsets, and try again", "  algunos modelos solo lo dicen mientras el servicio les contesta: systemctl start callfloor@headsets, y pruebe otra vez", "  alguns modelos só dizem isso enquanto o serviço lhes responde: systemctl start callfloor@headsets, e teste de novo"),
    # All.
    "all.well": ("all that could be told is well", "todo lo que se pudo decir está bien", "tudo o que se pôde dizer está bem"),
    "all.failed": ("not well: {steps}", "no está bien: {steps}", "não está bem: {steps}"),
}
# fmt: on


def led_words(text: str, tongue: Language) -> str:
    """A step of the LED chain's trial in a language.

    >>> led_words("all of it in red", "es"), led_words("brightness 7 %", "pt")
    ('todo en rojo', 'brilho 7 %')
    """
    if text.startswith("all of it in "):
        return words("led.colour", tongue, colour=words(text.removeprefix("all of it in "), tongue))
    if text.startswith("brightness "):
        return words("led.brightness", tongue, percent=text.split()[1])
    return words(text, tongue)


def words(key: str, tongue: Language, /, **gaps: object) -> str:
    """A text in a language, its gaps filled. A text that is none of these stands for itself."""
    forms = _WORDS.get(key)
    return key if forms is None else forms[_AT[tongue]].format(**gaps)
