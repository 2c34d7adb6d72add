"""Decides what `callfloor top` calls things in Spanish and Portuguese: short, as eighty signs have to do. English is in the code."""

from __future__ import annotations

from typing import Final

from appliance.provision.words import Language

_AT: Final[dict[Language, int]] = {"es": 0, "pt": 1}

#: English → Spanish, Portuguese; `{}` stands for a figure.
WORDS: Final[dict[str, tuple[str, str]]] = {
    "closed": ("cerrado", "fechado"),
    "clock {}": ("reloj {}", "relógio {}"),
    "unset": ("sin hora", "sem hora"),
    "holdover": ("sin servidor", "sem servidor"),
    "up": ("bien", "bem"),
    "DOWN": ("CAÍDO", "PARADO"),
    "pbx {}": ("central {}", "central {}"),
    "crm": ("crm", "crm"),
    "down": ("caída", "fora"),
    "denied": ("rechazada", "recusada"),
    "no_consumer": ("nadie escucha", "ninguém escuta"),
    "resyncing": ("poniéndose al día", "atualizando"),
    "draining": ("enviando", "enviando"),
    "off": ("no hay", "não há"),
    "unreachable": ("no llega", "inalcançável"),
    "lost": ("perdida", "perdida"),
    "silent": ("muda", "muda"),
    "stopped": ("detenida", "parada"),
    "service_stopped": ("servicio detenido", "serviço parado"),
    "shutdown": ("apagada", "desligada"),
    "held {}  delivered {} of {}": ("retenidos {}  entregados {} de {}", "retidos {}  entregues {} de {}"),
    "shed {}": ("descartados {}", "descartados {}"),
    "skipped {}": ("omitidos {}", "omitidos {}"),
    "empty in {}": ("vacío en {}", "vazio em {}"),
    "room for {}": ("cabe {}", "cabe {}"),
    "journal {}": ("registro {}", "registro {}"),
    "{} ms a commit": ("{} ms por grabación", "{} ms por gravação"),
    "callbacks {}": ("por devolver {}", "para retornar {}"),
    "{} taken": ("{} tomadas", "{} assumidas"),
    "waiting by channel:": ("en espera por canal:", "em espera por canal:"),
    "dialled {}, reached {}": ("marcadas {}, contactos {}", "discadas {}, contatos {}"),
    "! journal: {}": ("! registro: {}", "! registro: {}"),
    "! alarm {}": ("! alarma {}", "! alarme {}"),
    "queue": ("cola", "fila"),
    "wait": ("esp.", "esp."),
    "longest": ("mayor", "maior"),
    "avail": ("disp.", "disp."),
    "busy": ("ocup.", "ocup."),
    "answ": ("aten.", "aten."),
    "aband": ("aban.", "aban."),
    "in time": ("a tiempo", "no prazo"),
    "all": ("todas", "todas"),
    "more": ("más", "mais"),
    "more queues": ("colas más", "filas a mais"),
    "more rows of headsets": ("filas más de diademas", "linhas a mais de headsets"),
    "headsets {}: {} off hook, {} muted, {} unplugged": (
        "diademas {}: {} descolgadas, {} en silencio, {} sin enchufar",
        "headsets {}: {} fora do gancho, {} mudos, {} desplugados",
    ),
    "unplugged": ("sin ench.", "desplug."),
    "stale": ("viejo", "velho"),
    "unknown": ("?", "?"),
    "off hook": ("desc.", "fora"),
    "on hook": ("colg.", "gancho"),
    " mute": (" sil.", " mudo"),
}


def said(text: str, tongue: Language, *gaps: object) -> str:
    """A text in a language, its gaps filled; one that is none of these stands for itself.

    >>> said("held {}  delivered {} of {}", "es", 3, 4, 7)
    'retenidos 3  entregados 4 de 7'
    """
    return (text if tongue == "en" or text not in WORDS else WORDS[text][_AT[tongue]]).format(*gaps)
