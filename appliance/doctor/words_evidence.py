"""Decides how what shows a finding, and what mends it, read in Spanish and Portuguese. English is the text in the code; `{}` differs.

What a peer, the kernel or another program said stays in its words, but for the faults of a connection that everybody meets.
"""

from __future__ import annotations

from typing import Final

#: English → Spanish, Portuguese.
# ruff: noqa: E501 - a text and its forms stand together
# fmt: off
EVIDENCE: Final[dict[str, tuple[str, str]]] = {
    # The board.
    "{} MiB of the budget are still to come, {} MiB are free for them": ("faltan por llegar {} MiB del presupuesto, hay {} MiB libres para ellos", "faltam {} MiB do orçamento, há {} MiB livres para eles"),
    "{} °C": ("{} °C ahora", "{} °C agora"),
    "slow from {} °C on": ("se frena desde {} °C", "fica lenta a partir de {} °C"),
    "no zone below /sys/class/thermal": ("ninguna zona en /sys/class/thermal", "nenhuma zona em /sys/class/thermal"),
    "{} of {} MiB left": ("quedan {} de {} MiB", "restam {} de {} MiB"),
    "all stood still {} % of the last minute": ("todo estuvo detenido el {} % del último minuto", "tudo parou em {} % do último minuto"),
    "oom_kill {} in /proc/vmstat since the start": ("oom_kill {} en /proc/vmstat desde el arranque", "oom_kill {} em /proc/vmstat desde a partida"),
    "{} file systems of disks are mounted to be written": ("{} sistemas de archivos de discos admiten escritura", "{} sistemas de arquivos de discos aceitam gravação"),
    "neither get_throttled nor a sensor rpi_volt": ("ni get_throttled ni un sensor rpi_volt", "nem get_throttled nem um sensor rpi_volt"),
    "a clock with a battery": ("un reloj con pila", "um relógio com bateria"),
    "no battery": ("sin pila", "sem bateria"),
    "{} on {} holds the last time": ("{} en {} guarda la última hora", "{} em {} guarda a última hora"),
    "synchronised": ("sincronizado", "sincronizado"),
    "the clock stands before 2025": ("el reloj está antes de 2025", "o relógio está antes de 2025"),
    "its hardware clock stands at {} s since 1970": ("su reloj de hardware está a {} s desde 1970", "seu relógio de hardware está a {} s desde 1970"),
    "{} is on {}, read-only": ("{} está en {}, de solo lectura", "{} está em {}, somente leitura"),
    "{} is on {}": ("{} está en {}", "{} está em {}"),
    "no battery, no file of the last time": ("sin pila ni archivo de la última hora", "sem bateria nem arquivo da última hora"),
    "plausible, and not synchronised": ("creíble, y sin sincronizar", "plausível, e não sincronizado"),
    "nothing below /sys/class/watchdog": ("nada en /sys/class/watchdog", "nada em /sys/class/watchdog"),
    "counts, RuntimeWatchdogSec {}": ("cuenta, RuntimeWatchdogSec {}", "conta, RuntimeWatchdogSec {}"),
    "does not count, RuntimeWatchdogSec {}": ("no cuenta, RuntimeWatchdogSec {}", "não conta, RuntimeWatchdogSec {}"),
    "{} errors since it was checked last": ("{} errores desde su última revisión", "{} erros desde a última verificação"),
    "{} errors on its wire since the start": ("{} errores en su línea desde el arranque", "{} erros na sua linha desde a partida"),
    "beyond its life": ("más allá de su vida", "além da sua vida"),
    "{} to {} % of its life": ("del {} al {} % de su vida", "de {} a {} % da sua vida"),
    "does not tell its age": ("no dice su edad", "não diz sua idade"),
    "no card, no ext4": ("sin tarjeta ni ext4", "sem cartão nem ext4"),
    "{} GB written in its life": ("{} GB escritos en su vida", "{} GB gravados na sua vida"),
    "its file system names no device": ("su sistema de archivos no nombra ningún dispositivo", "seu sistema de arquivos não nomeia nenhum dispositivo"),
    "{} a day since the start of the machine": ("{} al día desde el arranque de la máquina", "{} por dia desde a partida da máquina"),
    "{} in {} min": ("{} en {} min", "{} em {} min"),
    "{} TB as configured": ("{} TB según la configuración", "{} TB conforme a configuração"),
    "{} TB assumed": ("{} TB supuestos", "{} TB presumidos"),
    "more than 100 years": ("más de 100 años", "mais de 100 anos"),
    "{} years": ("{} años", "{} anos"),
    # Looking, services, the journal.
    "enables {}": ("habilita {}", "habilita {}"),
    "the look had not ended after {} s": ("la mirada no había terminado tras {} s", "o exame não terminou em {} s"),
    "the configuration names nothing of this kind": ("la configuración no nombra nada de esta clase", "a configuração não nomeia nada desse tipo"),
    "no right to look into {}": ("sin permiso para mirar en {}", "sem permissão para olhar em {}"),
    "nobody holds {}": ("nadie tiene {}", "ninguém tem {}"),
    "{} events written": ("{} eventos escritos", "{} eventos gravados"),
    "{} of {} MiB": ("{} de {} MiB", "{} de {} MiB"),
    "{} of {} were given up after three tries": ("{} de {} se abandonaron tras tres intentos", "{} de {} foram abandonados depois de três tentativas"),
    "version {}, {} customers": ("versión {}, {} clientes", "versão {}, {} clientes"),
    "{} customers": ("{} clientes en total", "{} clientes ao todo"),
    "no file {}": ("no hay archivo {}", "não há arquivo {}"),
    "{} MiB left where the journal lies": ("quedan {} MiB donde está el registro", "restam {} MiB onde está o registro"),
    # Peers.
    "with TLS, its certificate is good, after {} ms": ("con TLS, su certificado es bueno, a los {} ms", "com TLS, seu certificado é bom, após {} ms"),
    "without TLS, after {} ms": ("sin TLS, a los {} ms", "sem TLS, após {} ms"),
    "{} after {} ms": ("{} a los {} ms", "{} após {} ms"),
    "{} at {}": ("{} en {}", "{} em {}"),
    "as {}, with MQTT {}": ("como {}, con MQTT {}", "como {}, com MQTT {}"),
    "{} (asked as {})": ("{} (preguntado como {})", "{} (perguntado como {})"),
    "no answer within {} s": ("sin respuesta en {} s", "sem resposta em {} s"),
    "{} said nothing": ("{} no dijo nada", "{} não disse nada"),
    "{} said {}": ("{} dijo {}", "{} disse {}"),
    "TLS may be wanted there": ("quizá allí se pide TLS", "talvez ali se exija TLS"),
    "with tls = true it may be the other port": ("con tls = true quizá es el otro puerto", "com tls = true talvez seja a outra porta"),
    "denied since {}": ("rechazado desde {}", "recusado desde {}"),
    "lost since {}": ("perdido desde {}", "perdido desde {}"),
    "silent since {}": ("mudo desde {}", "mudo desde {}"),
    "{} since {}": ("{} desde {}", "{} desde {}"),
    "since {}": ("desde {}", "desde {}"),
    "{} events are held": ("{} eventos retenidos", "{} eventos retidos"),
    "the journal tells of none": ("el registro no habla de ninguno", "o registro não fala de nenhum"),
    "Connection refused": ("conexión rechazada", "conexão recusada"),
    "Connection reset by peer": ("el otro lado cortó la conexión", "o outro lado cortou a conexão"),
    "timed out": ("sin respuesta a tiempo", "sem resposta a tempo"),
    "Connection timed out": ("sin respuesta a tiempo", "sem resposta a tempo"),
    "No route to host": ("sin ruta hasta allí", "sem rota até lá"),
    "Network is unreachable": ("red inalcanzable", "rede inalcançável"),
    "Name or service not known": ("nombre desconocido", "nome desconhecido"),
    "Temporary failure in name resolution": ("ningún servidor de nombres contesta", "nenhum servidor de nomes responde"),
    "no name server answered within {} s": ("ningún servidor de nombres contestó en {} s", "nenhum servidor de nomes respondeu em {} s"),
    "No such file or directory": ("no existe", "não existe"),
    "Permission denied": ("permiso denegado", "permissão negada"),
    "certificate has expired": ("el certificado venció", "o certificado venceu"),
    "self-signed certificate in certificate chain": ("su autoridad no es conocida", "sua autoridade não é conhecida"),
    "unable to get local issuer certificate": ("su autoridad no es conocida", "sua autoridade não é conhecida"),
    "key values mismatch": ("la clave es de otro certificado", "a chave é de outro certificado"),
    # Devices.
    "`callfloor status` shows it": ("`callfloor status` lo muestra", "`callfloor status` mostra"),
    "`callfloor status` shows how it does": ("`callfloor status` muestra cómo le va", "`callfloor status` mostra como está"),
    "nothing tells that a call was taken": ("nada dice que se contestó", "nada diz que se atendeu"),
    "no hook sense, no reversal at the answer": ("ni sensor de gancho ni inversión al contestar", "nem sensor de gancho nem inversão ao atender"),
    "no {}": ("no hay {}", "não há {}"),
    "{} has no driver": ("{} no tiene controlador", "{} não tem driver"),
    "a program that held it has died, or gave it back badly": ("murió un programa que la tenía, o la devolvió mal", "morreu um programa que o tinha, ou o devolveu mal"),
    "its driver is usbfs, and /proc shows nobody who has {} open": ("su controlador es usbfs, y /proc no muestra quién tiene abierto {}", "seu driver é usbfs, e /proc não mostra quem tem {} aberto"),
    '{} is held by the box\'s own service, and the configuration says hold = "watch"': ('{} lo tiene el servicio del equipo, y la configuración dice hold = "watch"', '{} está com o serviço da máquina, e a configuração diz hold = "watch"'),
    "{} is open in {}": ("{} está abierto en {}", "{} está aberto em {}"),
    "the service runs, and {} is with the kernel's driver still": ("el servicio corre, y {} sigue con el controlador del kernel", "o serviço roda, e {} continua com o driver do kernel"),
    "no program but the box's own has {} open": ("ningún programa fuera del equipo tiene abierto {}", "nenhum programa além da máquina tem {} aberto"),
    'no device fits url = "{}"': ('ningún dispositivo corresponde a url = "{}"', 'nenhum dispositivo corresponde a url = "{}"'),
    "no socket {}": ("no hay socket {}", "não há socket {}"),
    "{} is auto": ("{} está en auto", "{} está em auto"),
    "{} hubs in a line to port {}": ("{} hubs en fila hasta el puerto {}", "{} hubs em fila até a porta {}"),
    "USB allows {}": ("USB permite {}", "o USB permite {}"),
    "it wants {} mA, and the hub at {} has no supply of its own": ("pide {} mA, y el hub en {} no tiene fuente propia", "pede {} mA, e o hub em {} não tem fonte própria"),
    "{} mA a port": ("{} mA por puerto", "{} mA por porta"),
    "its report descriptor names neither hook nor mute": ("su descriptor no nombra ni gancho ni silencio", "seu descritor não nomeia nem gancho nem mudo"),
    "the hubs at {} and {} both say that they have no supply of their own": ("los hubs en {} y {} dicen no tener fuente propia", "os hubs em {} e {} dizem não ter fonte própria"),
    "{} ({}), with the kernel": ("{} ({}), con el kernel", "{} ({}), com o kernel"),
    "{} ({}), with the service": ("{} ({}), con el servicio", "{} ({}), com o serviço"),
    "{} ({}), with nobody": ("{} ({}), con nadie", "{} ({}), com ninguém"),
    "{} is at {}": ("{} está en {}", "{} está em {}"),
    "the USB headsets of this machine are left alone": ("las diademas USB de esta máquina no se tocan", "os headsets USB desta máquina não são tocados"),
    "no {} in /etc/udev/rules.d or /usr/lib/udev/rules.d": ("no hay {} en /etc/udev/rules.d ni /usr/lib/udev/rules.d", "não há {} em /etc/udev/rules.d nem /usr/lib/udev/rules.d"),
    "RestrictAddressFamilies of callfloor@headsets is {}": ("RestrictAddressFamilies de callfloor@headsets es {}", "RestrictAddressFamilies de callfloor@headsets é {}"),
    "{} = true, and no service of this box carries out the command {}": ("{} = true, y ningún servicio de este equipo ejecuta la orden {}", "{} = true, e nenhum serviço desta máquina executa o comando {}"),
    "the screen is off by its schedule": ("la pantalla está apagada por su horario", "a tela está desligada pelo seu horário"),
    "begun anew {} times": ("recomenzada {} veces", "recomeçada {} vezes"),
    "the browser begins": ("empieza el navegador", "o navegador começa"),
    "no systemd answers": ("ningún systemd contesta", "nenhum systemd responde"), "no status": ("sin estado", "sem estado"),
    "active": ("activa", "ativa"), "activating": ("arrancando", "iniciando"), "inactive": ("inactiva", "inativa"), "failed": ("fallida", "com falha"),
    # Updates.
    "slot {} runs, {} is committed": ("corre la ranura {}, la confirmada es {}", "roda o slot {}, o confirmado é {}"),
    "one system, updated by .deb": ("un solo sistema, se actualiza con .deb", "um só sistema, atualizado por .deb"),
}

#: Commands with a word of explanation, and what is no command.
MENDS: Final[dict[str, tuple[str, str]]] = {
    'write the two letters of its country: [directory] country = "EC"':
        ('escriba las dos letras de su país: [directory] country = "EC"', 'escreva as duas letras do seu país: [directory] country = "EC"'),
    "ps -eo rss,args --sort=-rss | head   # the largest first; a browser on the box wants 2 GB":
        ("ps -eo rss,args --sort=-rss | head   # el más grande primero; un navegador en el equipo pide 2 GB", "ps -eo rss,args --sort=-rss | head   # o maior primeiro; um navegador na máquina pede 2 GB"),
    "sudo systemctl enable --now systemd-timesyncd   # or: sudo apt-get install fake-hwclock":
        ("sudo systemctl enable --now systemd-timesyncd   # o bien: sudo apt-get install fake-hwclock", "sudo systemctl enable --now systemd-timesyncd   # ou então: sudo apt-get install fake-hwclock"),
    "sudo journalctl -b -1 -n 50   # what was last; memory, heat and power are the usual ones":
        ("sudo journalctl -b -1 -n 50   # lo último; lo usual es memoria, calor o alimentación", "sudo journalctl -b -1 -n 50   # o que foi por último; o usual é memória, calor ou alimentação"),
    "sudo dmesg --level=err,warn | grep -i {}; then a restart with fsck.mode=force on the kernel's line":
        ("sudo dmesg --level=err,warn | grep -i {}; después reinicie con fsck.mode=force en la línea del kernel", "sudo dmesg --level=err,warn | grep -i {}; depois reinicie com fsck.mode=force na linha do kernel"),
    "sudo dmesg | grep -i mmc   # put it in again; then another card": ("sudo dmesg | grep -i mmc   # vuelva a insertarla; luego otra tarjeta", "sudo dmesg | grep -i mmc   # insira-o de novo; depois outro cartão"),
    "callfloor schema config   # what may stand there; docs/configuration.md explains it":
        ("callfloor schema config   # qué puede ir allí; docs/configuration.md lo explica", "callfloor schema config   # o que pode estar ali; docs/configuration.md explica"),
    "sudo usermod -aG {} {}   # then log in anew": ("sudo usermod -aG {} {}   # y vuelva a entrar", "sudo usermod -aG {} {}   # e entre de novo"),
    "compare [headsets] boxes of {} and the broker's rules with docs/seat-boxes.md":
        ("compare [headsets] boxes de {} y las reglas del broker con docs/seat-boxes.md", "compare [headsets] boxes de {} e as regras do broker com docs/seat-boxes.md"),
    "on {}: sudo systemctl restart callfloor@uplink && sudo callfloor doctor":
        ("en {}: sudo systemctl restart callfloor@uplink && sudo callfloor doctor", "em {}: sudo systemctl restart callfloor@uplink && sudo callfloor doctor"),
    "{}   # or start the softphone": ("{}   # o abra el softphone", "{}   # ou abra o softphone"),
    "{}   # or free space: sudo du -xh --max-depth=2 /": ("{}   # o libere espacio: sudo du -xh --max-depth=2 /", "{}   # ou libere espaço: sudo du -xh --max-depth=2 /"),
    "{}   # or a disk that stands more: [journal] path, disk_tbw":
        ("{}   # o un disco que aguante más: [journal] path, disk_tbw", "{}   # ou um disco que aguente mais: [journal] path, disk_tbw"),
    "sudo callfloor provision site.toml   # or, without a sheet: sudo callfloor provision":
        ("sudo callfloor provision site.toml   # o sin hoja: sudo callfloor provision", "sudo callfloor provision site.toml   # ou sem folha: sudo callfloor provision"),
}
# fmt: on
