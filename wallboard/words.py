"""Decides how the floor's words, numbers and times are written, in Spanish, English and Portuguese.

The terms are the customer's own; a board never invents another where a term stands here. `short.*` are for LED chains.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

LANGUAGES: Final = {"es": "Español", "en": "English", "pt": "Português"}
#: Shown for a figure that is not known, in every language.
DASH: Final = "–"
_NBSP: Final = "\u00a0"

_TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "waiting": ("En cola", "Waiting", "Na fila"),
    "longest_wait": ("Espera más larga", "Longest wait", "Maior espera"),
    "agents": ("Agentes", "Agents", "Agentes"),
    "logged_in": ("Agentes conectados", "Agents logged in", "Agentes conectados"),
    "available": ("Disponibles", "Available", "Disponíveis"),
    "one.available": ("Disponible", "Available", "Disponível"),
    "busy": ("Ocupados", "Busy", "Ocupados"),
    "talking": ("Hablando", "Talking", "Falando"),
    "holding": ("En espera", "On hold", "Em espera"),
    "ringing": ("Timbrando", "Ringing", "Tocando"),
    "wrap_up": ("Cierre", "Wrap-up", "Pós-atendimento"),
    "paused": ("En pausa", "Paused", "Em pausa"),
    "agents.unknown": ("Sin dato", "No data", "Sem dado"),
    "vip_wait": ("VIP esperando", "VIP waiting", "VIP esperando"),
    "vip.waiting": ("VIP en cola: {n}", "VIPs waiting: {n}", "VIP na fila: {n}"),
    "callbacks": ("Por devolver", "Callbacks due", "Para retornar"),
    "callbacks_claimed": ("Tomadas", "Taken", "Assumidas"),
    "callbacks_oldest": ("La más antigua", "Oldest", "A mais antiga"),
    "attempts": ("Marcaciones", "Attempts", "Discagens"),
    "contacts": ("Contactos", "Contacts", "Contatos"),
    "contact_rate": ("Contactabilidad", "Contact rate", "Taxa de contato"),
    "attempt_count": ("Marcaciones", "Attempts", "Discagens"),
    "attempt_share": ("Parte", "Share", "Parte"),
    "class_count": ("Llamadas", "Calls", "Chamadas"),
    "class_share": ("Parte", "Share", "Parte"),
    "level_of": ("A tiempo", "In time", "No prazo"),
    "as_of": ("Dato de hace", "Data age", "Dado de há"),
    "call.extraordinary": ("Llamada extraordinaria", "Extraordinary call", "Chamada extraordinária"),
    "seat": ("puesto {n}", "seat {n}", "posto {n}"),
    "attempt.answered": ("Contestadas", "Answered", "Atendidas"),
    "attempt.queued": ("En cola", "Queued", "Na fila"),
    "attempt.no_answer": ("No contestan", "No answer", "Não atendem"),
    "attempt.busy": ("Ocupado", "Busy", "Ocupado"),
    "attempt.rejected": ("Rechazadas", "Rejected", "Rejeitadas"),
    "attempt.congested": ("Red congestionada", "Congested", "Rede congestionada"),
    "attempt.unallocated": ("Número inexistente", "Unallocated", "Número inexistente"),
    "attempt.unreachable": ("Fuera de alcance", "Unreachable", "Fora de alcance"),
    "attempt.cancelled": ("Canceladas", "Cancelled", "Canceladas"),
    "attempt.failed": ("Fallidas", "Failed", "Com falha"),
    "attempt.not_told": ("Sin desenlace conocido", "Not told", "Sem desfecho conhecido"),
    "attempt.agent_no_answer": ("El agente no contestó", "Agent did not answer", "O agente não atendeu"),
    "attempt.agent_busy": ("Agente ocupado", "Agent busy", "Agente ocupado"),
    "attempt.agent_unreachable": ("Agente fuera de alcance", "Agent unreachable", "Agente fora de alcance"),
    "attempt.agent_failed": ("Falla con el agente", "Agent failed", "Falha com o agente"),
    "attempt.unknown": ("Sin dato", "No data", "Sem dado"),
    "channel.voice": ("Voz", "Voice", "Voz"),
    "channel.email": ("Correo", "E-mail", "E-mail"),
    "channel.chat": ("Chat", "Chat", "Chat"),
    "channel.web": ("Web", "Web", "Web"),
    "channel.fax": ("Fax", "Fax", "Fax"),
    "channel.social": ("Redes sociales", "Social media", "Redes sociais"),
    "service_level": ("Nivel de servicio", "Service level", "Nível de serviço"),
    "abandon_rate": ("Abandono", "Abandoned", "Abandono"),
    "abandoned": ("Abandonadas", "Abandoned", "Abandonadas"),
    "asa": ("Tiempo promedio de espera", "Average speed of answer", "Tempo médio de espera"),
    "talk_avg": ("Tiempo promedio hablando", "Average talk time", "Tempo médio de conversa"),
    "aht": ("Tiempo promedio por llamada", "Average handle time", "Tempo médio de atendimento"),
    "offered": ("Ofrecidas", "Offered", "Oferecidas"),
    "answered": ("Atendidas", "Answered", "Atendidas"),
    "left": ("Desviadas", "Left queue", "Desviadas"),
    "trunks": ("Troncales ocupadas", "Trunks busy", "Troncos ocupados"),
    "all_busy": ("Todas ocupadas", "All trunks busy", "Todos ocupados"),
    "blocked": ("Sin línea libre", "Found all busy", "Sem linha livre"),
    "line_faults": ("Líneas con falla: {n}", "Lines at fault: {n}", "Linhas com falha: {n}"),
    "self_service_share": ("Autoservicio", "Self-service", "Autoatendimento"),
    "board": ("Tablero", "Wallboard", "Painel"),
    "boards": ("Tableros", "Wallboards", "Painéis"),
    "board.floor": ("Piso", "Floor", "Operação"),
    "board.queue": ("Cola", "Queue", "Fila"),
    "board.group": ("Grupo", "Group", "Grupo"),
    "board.file": ("Tablero", "Wallboard", "Painel"),
    "board.led": ("Panel LED", "LED panel", "Painel LED"),
    "queues": ("Colas", "Queues", "Filas"),
    "total": ("Total", "Total", "Total"),
    "page.floor": ("Piso", "Floor", "Operação"),
    "page.queues": ("Colas", "Queues", "Filas"),
    "page.totals": ("Totales", "Totals", "Totais"),
    "page.sites": ("Todas las sedes", "All sites", "Todas as unidades"),
    "page.callbacks": ("Por devolver", "Callbacks due", "Para retornar"),
    "page.channels": ("Canales", "Channels", "Canais"),
    "page.classes": ("Tipos de llamada", "Types of call", "Tipos de chamada"),
    "page.outbound": ("Llamadas salientes", "Outbound calls", "Chamadas realizadas"),
    "site.silent": ("sin noticias", "silent", "sem notícias"),
    "site.down": ("desconectada", "offline", "desconectada"),
    "page.agents": ("Agentes", "Agents", "Agentes"),
    "page.trunks": ("Troncales", "Trunks", "Troncos"),
    "page.records": ("Registro de llamadas", "Call records", "Registro de chamadas"),
    "records.note": (
        "llamadas terminadas; la cola no se conoce por el registro", "calls that are over; queue depth is not known from call records",
        "chamadas encerradas; a fila não é conhecida pelo registro",
    ),
    "records.not_told": ("Sin desenlace conocido", "Ended, not told", "Sem desfecho conhecido"),
    "records.ring": ("Timbre promedio", "Average ring", "Toque médio"),
    "records.talk": ("Conversación promedio", "Average talk", "Conversa média"),
    "page.headsets": ("Diademas", "Headsets", "Headsets"),
    "page.link": ("Enlace con la central", "Link to the CRM", "Ligação à central"),
    "page.announcements": ("Avisos", "Announcements", "Avisos"),
    "window.today": ("Hoy", "Today", "Hoje"),
    "window.interval": ("Media hora en curso", "Current half-hour", "Meia hora atual"),
    "window.rolling": ("Últimos 30 minutos", "Last 30 minutes", "Últimos 30 minutos"),
    "window.completion": ("Por llamadas terminadas", "By calls completed", "Por chamadas concluídas"),
    "satisfaction": ("Satisfacción", "Satisfaction", "Satisfação"),
    "not_told": ("{n} sin desenlace conocido", "{n} ended, not told", "{n} sem desfecho conhecido"),
    "answers": ("{n} respuestas", "{n} answers", "{n} respostas"),
    "repeat_call_share": ("Rellamadas", "Repeat calls", "Rechamadas"),
    "fcr": ("Resolución al primer contacto", "First-contact resolution", "Resolução no primeiro contato"),
    "ab_allocation": ("Eficiencia en asignación", "Allocation efficiency", "Eficiência de alocação"),
    "bc_on_phone": ("Ocupación", "On-phone share", "Ocupação"),
    "cd_availability": ("Disponibilidad", "Availability", "Disponibilidade"),
    "bd_utilisation": ("Utilización", "Utilisation", "Utilização"),
    "recorded": ("Registrados", "Recorded", "Registrados"),
    "shed": ("Descartados", "Shed", "Descartados"),
    "skipped": ("Omitidos", "Skipped", "Omitidos"),
    "full_in": ("Lleno en", "Full in", "Cheio em"),
    "fills_in": ("Lleno en {t}", "Full in {t}", "Cheio em {t}"),
    "to_go_in": ("Falta", "To go", "Falta"),
    "headset.unplugged": ("Diadema desconectada", "Headset unplugged", "Headset desconectado"),
    "headset.muted": ("En silencio", "Muted", "Mudo"),
    "headset.off_hook": ("Descolgada", "Off-hook", "Fora do gancho"),
    "headset.on_hook": ("Colgada", "On-hook", "No gancho"),
    "finding.call_on_hook": ("En llamada y colgada", "In a call, on-hook", "Em chamada e no gancho"),
    "finding.off_hook_no_call": ("Descolgada sin llamada", "Off-hook, no call", "Fora do gancho sem chamada"),
    "finding.available_unplugged": ("Disponible sin diadema", "Available, unplugged", "Disponível sem headset"),
    "finding.muted_in_call": ("En silencio en llamada", "Muted in a call", "Mudo em chamada"),
    "finding.held_elsewhere": ("En uso por otro programa", "Used by another program", "Em uso por outro programa"),
    "acknowledged": ("Visto", "Acknowledged", "Visto"),
    "last_week": ("Hace 7 días {v}", "Last week {v}", "Há 7 dias {v}"),
    "more": ("y {n} más", "and {n} more", "e mais {n}"),
    "target": ("Meta", "Target", "Meta"),
    "within": ("en {t} s", "in {t} s", "em {t} s"),
    "of": ("{a} de {b}", "{a} of {b}", "{a} de {b}"),
    "seen": ("{p} del día visto", "{p} of the day seen", "{p} do dia visto"),
    "link.up": ("Enlace con la central", "Link to the CRM", "Ligação com a central"),
    "link.down": ("Sin enlace con la central", "No link to the CRM", "Sem ligação com a central"),
    "link.draining": ("Entregando a la central", "Catching up with the CRM", "Entregando à central"),
    "link.no_consumer": ("La central no escucha", "The CRM is not listening", "A central não está ouvindo"),
    "link.denied": ("La central rechaza el acceso", "The CRM refuses access", "A central recusa o acesso"),
    "link.off": ("Sin central configurada", "No CRM configured", "Sem central configurada"),
    "held": ("Retenidos", "Held", "Retidos"),
    "oldest": ("El más antiguo", "Oldest", "Mais antigo"),
    "since": ("Desde {t}", "Since {t}", "Desde {t}"),
    "to_go": ("Faltan {t}", "{t} to go", "Faltam {t}"),
    "delivered": ("Entregados", "Delivered", "Entregues"),
    "pbx.up": ("Planta telefónica", "PBX", "Central telefônica"),
    "pbx.down": ("Sin conexión con la planta telefónica", "No connection to the PBX", "Sem conexão com a central telefônica"),
    "pbx.resyncing": ("Poniéndose al día con la planta telefónica", "Catching up with the PBX", "Sincronizando com a central telefônica"),
    "pbx.denied": ("La planta telefónica rechaza el acceso", "The PBX refuses access", "A central telefônica recusa o acesso"),
    "lines.up": ("Líneas", "Lines", "Linhas"),
    "lines.down": ("Hay líneas que no se oyen", "Some lines are not heard", "Há linhas que não são ouvidas"),
    "pbx.none": ("Sin planta telefónica configurada", "No PBX configured", "Sem central telefônica configurada"),
    "box.fault": ("Falla del equipo", "Box fault", "Falha do equipamento"),
    "health.disk": ("Poco espacio en el disco", "Disk nearly full", "Pouco espaço em disco"),
    "health.journal": ("Registro de eventos en apuros", "Event log in trouble", "Registro de eventos com problema"),
    "health.journal.epoch": (
        "Registro comenzado hoy de nuevo: cifras del día incompletas", "Event log begun anew today: the day's figures are incomplete",
        "Registro recomeçado hoje: números do dia incompletos",
    ),
    "health.identity": ("Cuentas que no cuadran", "Books that do not balance", "Contas que não fecham"),
    "health.clock": ("Hora sin ajustar", "Clock not set", "Relógio não ajustado"),
    "health.power": ("Alimentación eléctrica insuficiente", "Power supply too weak", "Fonte de alimentação insuficiente"),
    "health.temperature": ("El equipo está demasiado caliente", "The box is too hot", "O equipamento está quente demais"),
    "health.memory": ("Falta memoria en el equipo", "The box is short of memory", "Falta memória no equipamento"),
    "health.card": ("La tarjeta de memoria está por fallar", "The memory card is failing", "O cartão de memória está para falhar"),
    "health.service.named": ("Servicio detenido: {n}", "Service stopped: {n}", "Serviço parado: {n}"),
    "health.line.named": ("Línea sin conexión: {n}", "Line not heard: {n}", "Linha sem conexão: {n}"),
    "health.smdr.named": ("Registro de llamadas sin conexión: {n}", "Call records not heard: {n}", "Registro de chamadas sem conexão: {n}"),
    "health.beacon.named": ("Luces sin conexión: {n}", "Lamps not reachable: {n}", "Luzes sem conexão: {n}"),
    "health.crm.certificate": ("Certificado del CRM por renovar", "CRM certificate to be renewed", "Certificado do CRM a renovar"),
    "stream.lost": ("Este tablero no recibe datos", "This board receives no data", "Este painel não recebe dados"),
    "stale": ("Dato de hace {age}", "As of {time}", "Dado de {age} atrás"),
    "unknown": ("Sin dato", "No data", "Sem dado"),
    "closed": ("Cerrado", "Closed", "Fechado"),
    "closed.note": ("Fuera del horario de atención", "Outside opening hours", "Fora do horário de atendimento"),
    "level.amber": ("Cerca del límite", "Near the limit", "Perto do limite"),
    "level.red": ("Fuera de meta", "Off target", "Fora da meta"),
    "severity.info": ("Aviso", "Notice", "Aviso"),
    "severity.warning": ("Atención", "Attention", "Atenção"),
    "severity.urgent": ("Urgente", "Urgent", "Urgente"),
    "clock.unset": ("Hora sin ajustar", "Clock not set", "Relógio não ajustado"),
    "starting": ("Esperando el primer dato", "Waiting for the first data", "Aguardando o primeiro dado"),
    "short.waiting": ("Cola", "Wait", "Fila"),
    "short.longest_wait": ("Máx", "Max", "Máx"),
    "short.vip_wait": ("VIP", "VIP", "VIP"),
    "short.callbacks": ("Devol", "Cback", "Retor"),
    "short.callbacks_claimed": ("Tomad", "Taken", "Assum"),
    "short.callbacks_oldest": ("Antig", "Oldest", "Antiga"),
    "short.attempts": ("Marc", "Dials", "Disc"),
    "short.contacts": ("Cont", "Cont", "Cont"),
    "short.contact_rate": ("%Cont", "%Cont", "%Cont"),
    "short.attempt_count": ("Marc", "Dials", "Disc"),
    "short.attempt_share": ("Parte", "Share", "Parte"),
    "short.class_count": ("Llam", "Calls", "Cham"),
    "short.class_share": ("Parte", "Share", "Parte"),
    "short.level_of": ("ATmpo", "InTime", "NoPrz"),
    "short.as_of": ("Hace", "Age", "Há"),
    "short.available": ("Disp", "Avail", "Disp"),
    "short.busy": ("Ocup", "Busy", "Ocup"),
    "short.wrap_up": ("Cierre", "Wrap", "Pós"),
    "short.paused": ("Pausa", "Pause", "Pausa"),
    "short.service_level": ("NS", "SL", "NS"),
    "short.abandon_rate": ("Aban", "Abnd", "Aban"),
    "short.asa": ("TPE", "ASA", "TME"),
    "short.offered": ("Ofr", "Offd", "Ofer"),
    "short.answered": ("Atend", "Answ", "Atend"),
    "short.trunks": ("Tronc", "Trunk", "Tronc"),
    "short.all_busy": ("TdasOc", "AllBsy", "TdsOc"),
    "short.blocked": ("SinLín", "NoLine", "SemLin"),
    "short.self_service_share": ("Autos", "Self", "Autoat"),
    "short.satisfaction": ("Satisf", "Satisf", "Satisf"),
    "short.repeat_call_share": ("Rellam", "Repeat", "Rechm"),
    "short.fcr": ("RPC", "FCR", "RPC"),
    "short.ab_allocation": ("Asign", "Alloc", "Aloc"),
    "short.bc_on_phone": ("Ocupac", "OnPhn", "Ocupaç"),
    "short.cd_availability": ("Dispon", "Avlty", "Dispon"),
    "short.bd_utilisation": ("Utiliz", "Utlzn", "Utiliz"),
    "short.logged_in": ("Conec", "Login", "Conec"),
    "short.abandoned": ("Aband", "Aband", "Aband"),
    "short.records.not_told": ("S/dato", "Ntold", "S/dado"),
    "short.records.ring": ("Timbre", "Ring", "Toque"),
    "short.records.talk": ("Conv", "Talk", "Conv"),
    "short.left": ("Desv", "Left", "Desv"),
    "short.talk_avg": ("TPH", "ATT", "TMC"),
    "short.aht": ("TPL", "AHT", "TMA"),
    "short.held": ("Reten", "Held", "Reti"),
    "report.menus": ("Menús", "Menus", "Menus"),
    "report.title": ("Informe del {day}", "Report of {day}", "Relatório de {day}"),
    "report.as_of": ("hasta las {t}", "until {t}", "até {t}"),
    "report.from_at": ("incompleto: se conoce desde las {t}", "incomplete: known from {t}", "incompleto: conhecido desde {t}"),
    "report.journal": ("del diario de eventos", "from the journal", "do diário de eventos"),
    "report.summary": ("del resumen guardado", "from the kept summary", "do resumo guardado"),
    "report.journal and summary": ("del diario y del resumen", "from the journal and the summary", "do diário e do resumo"),
    "report.half-hours": ("Medias horas", "Half-hours", "Meias horas"),
    "report.outcomes": ("Cómo terminaron", "Outcomes", "Como terminaram"),
    "report.time": ("Hora", "Time", "Hora"),
    "report.agent": ("Agente", "Agent", "Agente"),
    "report.outcome": ("Resultado", "Outcome", "Resultado"),
    "report.count": ("Visitas", "Visits", "Visitas"),
    "report.share": ("Parte", "Share", "Parte"),
    "report.covered": ("Visto", "Seen", "Visto"),
    "report.total": ("Total", "Total", "Total"),
    "report.nothing": ("Nada registrado", "Nothing recorded", "Nada registrado"),
    "outcome.short": ("colgó enseguida", "hung up at once", "desligou logo"),
    "outcome.later": ("colgó después", "hung up later", "desligou depois"),
    "outcome.timeout": ("tiempo agotado", "timed out", "tempo esgotado"),
    "outcome.exit_key": ("salió con una tecla", "left by key", "saiu por tecla"),
    "outcome.empty": ("cola sin agentes", "queue without agents", "fila sem agentes"),
    "outcome.overflow": ("cola llena", "queue full", "fila cheia"),
    "outcome.callback": ("pidió devolución", "asked for a callback", "pediu retorno"),
    "outcome.transferred": ("transferida", "transferred", "transferida"),
    "outcome.withdrawn": ("retirada", "withdrawn", "retirada"),
    "outcome.pbx_stopped": ("la planta se detuvo", "the PBX stopped", "a central parou"),
    "outcome.not_told": ("motivo no informado", "reason not told", "motivo não informado"),
    "refused": ("Rechazadas", "Refused", "Recusadas"),
    "fault.board": ("El tablero {name} no se puede mostrar", "Wallboard {name} cannot be shown", "O painel {name} não pode ser mostrado"),
    "fault.heals": (
        "Su archivo tiene errores. En cuanto estén corregidos, el tablero aparece solo.",
        "Its file has faults. As soon as they are mended, the wallboard appears by itself.",
        "O arquivo tem erros. Assim que forem corrigidos, o painel aparece sozinho.",
    ),
    "fault.unknown": ("No hay ningún tablero llamado {name}", "There is no wallboard called {name}", "Não há nenhum painel chamado {name}"),
    "fault.waits": (
        "En cuanto exista, aparece aquí solo.",
        "As soon as there is one, it appears here by itself.",
        "Assim que existir, ele aparece aqui sozinho.",
    ),
    "fault.files": ("Archivos de tableros con errores", "Wallboard files with faults", "Arquivos de painéis com erros"),
    "fault.line": ("línea {line}", "line {line}", "linha {line}"),
    "sign.as_of": ("Datos de las", "Data as of", "Dados das"),
    "short.call.extraordinary": ("EXTRA", "EXTRA", "EXTRA"),
    "short.link.down": ("SIN CRM", "NO CRM", "SEM CRM"),
    "short.link.no_consumer": ("CRM NO OYE", "CRM DEAF", "CRM NÃO OUVE"),
    "short.lines.down": ("SIN LÍNEAS", "NO LINES", "SEM LINHAS"),
    "short.pbx.down": ("SIN PBX", "NO PBX", "SEM PBX"),
}  # fmt: skip


class Words(Struct, frozen=True):
    """The catalogue in one language, with its way of writing numbers."""

    language: str
    texts: dict[str, str]

    def number(self, value: float, decimals: int = 0) -> str:
        """A number in the locale's way.

        >>> words_of("es").number(12345.67, 1), words_of("en").number(12345.67, 1)
        ('12.345,7', '12,345.7')
        """
        text = f"{value:,.{decimals}f}"
        return text if self.language == "en" else text.translate(_SWAP)

    def percent(self, share: float) -> tuple[str, str]:
        """Digits and unit of a share: one decimal, none for a full 100 %.

        >>> words_of("es").percent(0.8362), words_of("es").percent(1.0)
        (('83,6', '\\xa0%'), ('100', '\\xa0%'))
        """
        return self.number(share * 100, 0 if round(share, 3) == 1 else 1), "%" if self.language == "en" else f"{_NBSP}%"

    def text(self, key: str, **slots: str) -> str:
        """A text with its slots filled. Raises KeyError for a key that is not in the catalogue."""
        return self.texts[key].format(**slots) if slots else self.texts[key]


_SWAP: Final = str.maketrans(",.", ".,")
_BY_LANGUAGE: Final = {
    language: Words(language, {key: texts[column] for key, texts in _TEXTS.items()}) for column, language in enumerate(LANGUAGES)
}


def words_of(language: str) -> Words:
    """The catalogue of one language. Raises KeyError for a language that is not one of LANGUAGES."""
    return _BY_LANGUAGE[language]


def clock_text(seconds: float | None) -> str:
    """A duration as it stands on a board: m:ss, from an hour h:mm:ss; never negative.

    >>> clock_text(41.2), clock_text(725), clock_text(3725), clock_text(None)
    ('0:41', '12:05', '1:02:05', '–')
    """
    if seconds is None:
        return DASH
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
