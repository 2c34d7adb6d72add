"""Decides how findings of the board itself read in Spanish and Portuguese; English is the text in the code. `{}` stands for what differs."""

from __future__ import annotations

from typing import Final

#: English → Spanish, Portuguese.
# ruff: noqa: E501 - a text and its forms stand together
# fmt: off
WORDS: Final[dict[str, tuple[str, str]]] = {
    "the journal's budget is larger than its disk":
        ("el presupuesto del registro es mayor que su disco", "o orçamento do registro é maior que o seu disco"),
    "the journal's budget has room on its disk": ("el presupuesto del registro cabe en su disco", "o orçamento do registro cabe no seu disco"),
    "in a long outage the oldest events go sooner than keep_days and max_bytes say":
        ("en un corte largo los eventos más antiguos se van antes de lo que dicen keep_days y max_bytes",
         "numa queda longa os eventos mais antigos saem antes do que dizem keep_days e max_bytes"),
    "the board slows itself down, figures may come late; heat ages card and supply":
        ("la placa se frena y las cifras pueden llegar tarde; el calor envejece la tarjeta y la fuente",
         "a placa fica mais lenta e os números podem atrasar; o calor envelhece o cartão e a fonte"),
    "give it air: a heat sink or a fan, out of the sun, not on top of a switch or a TV":
        ("dele aire: un disipador o un ventilador, fuera del sol, no encima de un switch ni de un televisor",
         "dê-lhe ar: um dissipador ou um ventilador, fora do sol, não em cima de um switch nem de uma TV"),
    "it is far too hot": ("está muchísimo más caliente de lo debido", "está quente demais, muito acima do limite"),
    "it is too hot": ("está demasiado caliente", "está quente demais"),
    "this board does not tell how hot it is": ("esta placa no dice a qué temperatura está", "esta placa não diz a que temperatura está"),
    "it is not too hot": ("no está demasiado caliente", "não está quente demais"),
    "boards stutter, then the kernel ends the largest process, and its service begins anew":
        ("los tableros van a saltos; luego el kernel termina el proceso más grande y su servicio vuelve a empezar",
         "os painéis engasgam; depois o kernel encerra o maior processo, e o serviço dele recomeça"),
    "there is enough": ("hay suficiente", "há o suficiente"),
    "memory is short": ("falta memoria", "falta memória"),
    "the kernel has killed for want of memory": ("el kernel ha terminado procesos por falta de memoria", "o kernel encerrou processos por falta de memória"),
    "a service or a browser began anew": ("un servicio o un navegador volvió a empezar", "um serviço ou um navegador recomeçou"),
    "nothing new is kept there; a card that does so is near its end":
        ("allí no se guarda nada nuevo; una tarjeta que hace esto está por terminar su vida",
         "nada de novo é guardado ali; um cartão que faz isso está perto do fim"),
    "what is to be written to can be": ("se puede escribir donde hay que escribir", "dá para gravar onde é preciso gravar"),
    "a file system has gone read-only": ("un sistema de archivos quedó en solo lectura", "um sistema de arquivos ficou somente leitura"),
    "sudo reboot   # it is checked at the start; replace a card that does so again":
        ("sudo reboot   # se revisa al arrancar; cambie la tarjeta si vuelve a pasar", "sudo reboot   # é verificado na partida; troque o cartão se acontecer de novo"),
    "USB devices drop out, the card may be damaged, and the box may restart by itself":
        ("se caen dispositivos USB, la tarjeta puede dañarse y el equipo puede reiniciarse solo",
         "dispositivos USB caem, o cartão pode ser danificado e a máquina pode reiniciar sozinha"),
    "figures may come late; the board protects itself by running slower":
        ("las cifras pueden llegar tarde; la placa se protege yendo más lento", "os números podem atrasar; a placa se protege rodando mais devagar"),
    "use the board's own supply (5.1 V; 3 A, a Pi 5: 5 A) with a short cable of its own, and USB devices on a hub with a supply":
        ("use la fuente propia de la placa (5,1 V; 3 A, una Pi 5: 5 A) con su propio cable corto, y los USB en un hub con fuente",
         "use a fonte própria da placa (5,1 V; 3 A, um Pi 5: 5 A) com seu próprio cabo curto, e os USB num hub com fonte"),
    "the supply holds": ("la alimentación aguanta", "a alimentação aguenta"),
    "this board does not tell how its supply is": ("esta placa no dice cómo está su alimentación", "esta placa não diz como está sua alimentação"),
    "the voltage is too low now": ("el voltaje es demasiado bajo ahora", "a tensão está baixa demais agora"),
    "the voltage was too low since the start": ("el voltaje ha sido demasiado bajo desde el arranque", "a tensão esteve baixa demais desde a partida"),
    "the board slows itself down now": ("la placa se está frenando ahora", "a placa está se limitando agora"),
    "the board slowed itself down since the start": ("la placa se ha frenado desde el arranque", "a placa se limitou desde a partida"),
    "after a power cut without a network the time stands wrong until a time server answers; commands to the PBX wait for it":
        ("tras un corte de luz sin red la hora queda mal hasta que responda un servidor de hora; las órdenes a la central esperan",
         "depois de uma queda de energia sem rede a hora fica errada até um servidor de hora responder; os comandos à central esperam"),
    "times of day are wrong, durations right; events are dated anew once it is set; commands that touch calls are refused":
        ("las horas están mal, las duraciones bien; los eventos se vuelven a fechar cuando se ajuste; se rechazan las órdenes que tocan llamadas",
         "as horas estão erradas, as durações certas; os eventos são datados de novo quando for acertada; comandos que tocam chamadas são recusados"),
    "put {} on a disk that is written to: a bind mount in /etc/fstab":
        ("ponga {} en un disco en el que se escriba: un bind mount en /etc/fstab", "ponha {} num disco em que se grave: um bind mount em /etc/fstab"),
    "times of day may be off by minutes, and half-hours of reports with them":
        ("las horas pueden estar corridas por minutos, y con ellas las medias horas de los informes",
         "as horas podem estar minutos fora, e com elas as meias horas dos relatórios"),
    "timedatectl timesync-status; name a server that this network lets through in /etc/systemd/timesyncd.conf":
        ("timedatectl timesync-status; nombre en /etc/systemd/timesyncd.conf un servidor que esta red deje pasar",
         "timedatectl timesync-status; nomeie em /etc/systemd/timesyncd.conf um servidor que esta rede deixe passar"),
    "the time of day is right, and outlives a power cut": ("la hora está bien y sobrevive a un corte de luz", "a hora está certa e sobrevive a uma queda de energia"),
    "the time of day is not set": ("la hora no está ajustada", "a hora não está acertada"),
    "the clock's battery is empty": ("la pila del reloj está agotada", "a bateria do relógio acabou"),
    "replace the battery; sudo hwclock -w": ("cambie la pila; sudo hwclock -w", "troque a bateria; sudo hwclock -w"),
    "nothing keeps the time over a power cut": ("nada guarda la hora durante un corte de luz", "nada guarda a hora durante uma queda de energia"),
    "the file of the last time does not outlive a power cut":
        ("el archivo de la última hora no sobrevive a un corte de luz", "o arquivo da última hora não sobrevive a uma queda de energia"),
    "no time server keeps the clock": ("ningún servidor de hora cuida el reloj", "nenhum servidor de hora cuida do relógio"),
    "a box that hangs as a whole stays so until somebody pulls its plug":
        ("un equipo que se cuelga por completo queda así hasta que alguien lo desenchufe", "uma máquina que trava por inteiro fica assim até alguém tirá-la da tomada"),
    "write dtparam=watchdog=on in /boot/firmware/config.txt, then sudo reboot":
        ("escriba dtparam=watchdog=on en /boot/firmware/config.txt y luego sudo reboot", "escreva dtparam=watchdog=on em /boot/firmware/config.txt e depois sudo reboot"),
    "its time is longer than this board's {} s": ("su tiempo es mayor que los {} s de esta placa", "seu tempo é maior que os {} s desta placa"),
    "the box hung as a whole": ("el equipo se colgó por completo", "a máquina travou por inteiro"),
    "its hardware watchdog is not there": ("su watchdog de hardware no está", "seu watchdog de hardware não está lá"),
    "it may not count at all: a box that hangs as a whole stays so until somebody pulls its plug":
        ("puede que no cuente: un equipo que se cuelga por completo queda así hasta que alguien lo desenchufe",
         "pode ser que nem conte: uma máquina que trava por inteiro fica assim até alguém tirá-la da tomada"),
    "the watchdog made the last restart": ("el último reinicio lo hizo el watchdog", "a última reinicialização foi do watchdog"),
    "it counts, and is fed": ("cuenta, y se lo alimenta", "conta, e é alimentado"),
    "this machine has no hardware watchdog": ("esta máquina no tiene watchdog de hardware", "esta máquina não tem watchdog de hardware"),
    "nobody feeds the hardware watchdog": ("nadie alimenta el watchdog de hardware", "ninguém alimenta o watchdog de hardware"),
    "a worn card goes read-only, or loses what it holds":
        ("una tarjeta gastada queda en solo lectura, o pierde lo que guarda", "um cartão gasto fica somente leitura, ou perde o que guarda"),
    "callfloor backup, then put in a new card of the industrial kind, then callfloor restore":
        ("callfloor backup, luego ponga una tarjeta nueva de tipo industrial, luego callfloor restore",
         "callfloor backup, depois ponha um cartão novo de tipo industrial, depois callfloor restore"),
    "a file system has recorded errors": ("un sistema de archivos ha anotado errores", "um sistema de arquivos registrou erros"),
    "nothing tells of wear": ("nada habla de desgaste", "nada indica desgaste"),
    "the card is at its end": ("la tarjeta llegó a su fin", "o cartão chegou ao fim"),
    "the card is nearly worn": ("la tarjeta está casi gastada", "o cartão está quase gasto"),
    "the card makes errors on its wire": ("la tarjeta comete errores en su conexión", "o cartão comete erros na sua ligação"),
    "not encrypted: this machine has no TPM":
        ("sin cifrar: esta máquina no tiene TPM", "sem criptografia: esta máquina não tem TPM"),
    "not encrypted, though this machine has a TPM":
        ("sin cifrar, aunque esta máquina tiene TPM", "sem criptografia, embora esta máquina tenha TPM"),
    "encrypted, and the key is sealed to the TPM":
        ("cifrado, y la clave está sellada en el TPM", "criptografado, e a chave está selada no TPM"),
    "encrypted and sealed to the TPM, and nobody has noted the recovery key":
        ("cifrado y sellado en el TPM, y nadie ha anotado la clave de recuperación", "criptografado e selado no TPM, e ninguém anotou a chave de recuperação"),
    "its disk is encrypted":
        ("su disco está cifrado", "seu disco está criptografado"),
    "whether its disk is encrypted cannot be told":
        ("no se puede saber si su disco está cifrado", "não dá para saber se seu disco está criptografado"),
    "it is kept in memory alone":
        ("se guarda solo en memoria", "fica só na memória"),
    "the data partition is encrypted, and does not open":
        ("la partición de datos está cifrada y no se abre", "a partição de dados está criptografada e não abre"),
    "the data partition is encrypted, and its key lies beside it":
        ("la partición de datos está cifrada, y su clave está al lado", "a partição de dados está criptografada, e sua chave está ao lado"),
    "this box keeps nothing, and nothing that it kept can be read; events that had not been sent stand there still":
        ("este equipo no guarda nada, y lo que guardó no se puede leer; los eventos sin enviar siguen ahí", "esta máquina não guarda nada, e o que guardou não pode ser lido; os eventos não enviados continuam lá"),
    "the recovery key lies on CONFIG, on the same disk: whoever takes the disk has both":
        ("la clave de recuperación está en CONFIG, en el mismo disco: quien se lleve el disco tiene las dos cosas", "a chave de recuperação está em CONFIG, no mesmo disco: quem levar o disco tem as duas coisas"),
    "where the TPM is cleared or fails, or the board is replaced, what had not been sent is lost":
        ("si el TPM se borra o falla, o se cambia la placa, se pierde lo que no se había enviado", "se o TPM for apagado ou falhar, ou a placa for trocada, perde-se o que não tinha sido enviado"),
    "whoever takes the disk or card reads the journal and the directory: callers' numbers, customers' names, passwords of this box":
        ("quien se lleve el disco o la tarjeta lee el registro y el directorio: números de quienes llaman, nombres de clientes, contraseñas de este equipo", "quem levar o disco ou o cartão lê o registro e o diretório: números de quem liga, nomes de clientes, senhas desta máquina"),
    "put the recovery key on CONFIG as callfloor-recovery-key.txt and start again: docs/provisioning.md":
        ("ponga la clave de recuperación en CONFIG como callfloor-recovery-key.txt y vuelva a arrancar: docs/provisioning.md", "ponha a chave de recuperação em CONFIG como callfloor-recovery-key.txt e reinicie: docs/provisioning.md"),
    "a machine with a TPM 2.0: the key is sealed to it at its start, and taken off CONFIG":
        ("una máquina con TPM 2.0: al arrancar la clave se sella en él y se retira de CONFIG", "uma máquina com TPM 2.0: ao iniciar a chave é selada nele e retirada de CONFIG"),
    "sudo callfloor recovery   # and keep it where the box is not":
        ("sudo callfloor recovery   # y guárdela donde no esté el equipo", "sudo callfloor recovery   # e guarde-a onde a máquina não esteja"),
    "lock the box away; a machine with a TPM 2.0 encrypts by itself when the image is written to it":
        ("guarde el equipo bajo llave; una máquina con TPM 2.0 cifra por sí sola cuando se le graba la imagen", "guarde a máquina sob chave; uma máquina com TPM 2.0 criptografa sozinha quando a imagem é gravada nela"),
    "sudo callfloor backup FILE --secrets, write the image anew, callfloor restore FILE: docs/provisioning.md":
        ("sudo callfloor backup ARCHIVO --secrets, grabe la imagen de nuevo, callfloor restore ARCHIVO: docs/provisioning.md", "sudo callfloor backup ARQUIVO --secrets, grave a imagem de novo, callfloor restore ARQUIVO: docs/provisioning.md"),
    "install Debian with an encrypted disk, or write the image to it: docs/provisioning.md":
        ("instale Debian con el disco cifrado, o grabe la imagen en él: docs/provisioning.md", "instale o Debian com o disco criptografado, ou grave a imagem nele: docs/provisioning.md"),
}
# fmt: on
