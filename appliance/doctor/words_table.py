"""Decides how the doctor's findings read in Spanish and Portuguese; English is the text in the code. `{}` stands for what differs."""

from __future__ import annotations

from typing import Final

#: English → Spanish, Portuguese.
# ruff: noqa: E501 - a text and its forms stand together
# fmt: off
WORDS: Final[dict[str, tuple[str, str]]] = {
    # Reaching what is elsewhere.
    "its name is not known": ("su nombre no se conoce", "seu nome não é conhecido"),
    "it does not answer": ("no responde", "não responde"),
    "nothing listens there": ("allí no escucha nadie", "ninguém escuta ali"),
    "there is no way there": ("no hay camino hasta allí", "não há caminho até lá"),
    "TLS failed": ("falló TLS", "o TLS falhou"),
    "it answers": ("responde", "responde"),
    "it cannot be reached": ("no se llega", "não se chega até lá"),
    "events are held on this box until it answers": ("los eventos se guardan en este equipo hasta que responda", "os eventos ficam guardados nesta máquina até que responda"),
    "the others are tried in their order": ("se prueban los demás en su orden", "os outros são tentados na ordem"),
    "TLS cannot be used as configured": ("TLS no se puede usar como está configurado", "o TLS não pode ser usado como está configurado"),
    "it holds until {}": ("vale hasta el {}", "vale até {}"),
    "it expired on {}": ("venció el {}", "venceu em {}"),
    "it expires on {}, in {} days": ("vence el {}, en {} días", "vence em {}, daqui a {} dias"),
    "then no broker takes this box, and its events wait here":
        ("entonces ningún broker acepta este equipo, y sus eventos esperan aquí", "então nenhum broker aceita esta máquina, e seus eventos esperam aqui"),
    "no broker takes this box, and its events wait here":
        ("ningún broker acepta este equipo, y sus eventos esperan aquí", "nenhum broker aceita esta máquina, e seus eventos esperam aqui"),
    "certificate and key are no pair": ("el certificado y la clave no son pareja", "o certificado e a chave não são um par"),
    "sudo callfloor enroll {}   # with a new code of the CRM team":
        ("sudo callfloor enroll {}   # con un código nuevo del equipo del CRM", "sudo callfloor enroll {}   # com um código novo da equipe do CRM"),
    "put the renewed certificate and its key in their place: the running uplink takes them by itself":
        ("ponga el certificado renovado y su clave en su lugar: el uplink en marcha los toma solo",
         "ponha o certificado renovado e sua chave no lugar: o uplink em execução os toma sozinho"),
    # The PBX, and logging in.
    "the floor's figures stand still and say so; calls meanwhile are missing":
        ("las cifras del piso se detienen y lo dicen; faltan las llamadas de mientras tanto", "os números do andar param e avisam; faltam as chamadas desse tempo"),
    "it turns this box away before the login": ("rechaza este equipo antes de la entrada", "recusa esta máquina antes do login"),
    "something answers, and it is no {}": ("algo responde, y no es {}", "algo responde, e não é {}"),
    "add this box to the list that apply-inbound-acl names (callfloor pbx template freeswitch), then fs_cli -x reloadacl":
        ("agregue este equipo a la lista que nombra apply-inbound-acl (callfloor pbx template freeswitch), luego fs_cli -x reloadacl",
         "acrescente esta máquina à lista que apply-inbound-acl nomeia (callfloor pbx template freeswitch), depois fs_cli -x reloadacl"),
    "the PBX takes this box's user": ("la central acepta el usuario de este equipo", "a central aceita o usuário desta máquina"),
    "the PBX refuses this box's user": ("la central rechaza el usuario de este equipo", "a central recusa o usuário desta máquina"),
    "its link is lost": ("su enlace se perdió", "seu link se perdeu"),
    "no peer refuses this box": ("nadie rechaza este equipo", "ninguém recusa esta máquina"),
    "the broker takes events, and nobody at the CRM listens":
        ("el broker recibe eventos, y en el CRM nadie escucha", "o broker recebe eventos, e no CRM ninguém escuta"),
    "call the CRM team: nobody there has subscribed to this box's event/# (docs/contract.md)":
        ("llame al equipo del CRM: allí nadie se ha suscrito al event/# de este equipo (docs/contract.md)",
         "ligue para a equipe do CRM: ninguém lá assinou o event/# desta máquina (docs/contract.md)"),
    "sudo callfloor config secret pbx.{} --restart   # user and permit at the PBX: callfloor pbx template {}":
        ("sudo callfloor config secret pbx.{} --restart   # usuario y permit en la central: callfloor pbx template {}",
         "sudo callfloor config secret pbx.{} --restart   # usuário e permit na central: callfloor pbx template {}"),
    "the broker takes this box": ("el broker acepta este equipo", "o broker aceita esta máquina"),
    "the broker refuses this box": ("el broker rechaza este equipo", "o broker recusa esta máquina"),
    "the login cannot be used as configured": ("la entrada no se puede usar como está configurada", "o login não pode ser usado como está configurado"),
    "the login was not answered": ("la entrada quedó sin respuesta", "o login ficou sem resposta"),
    "compare [crm] with the broker's users and access rules (docs/broker.md)":
        ("compare [crm] con los usuarios y reglas de acceso del broker (docs/broker.md)", "compare [crm] com os usuários e regras de acesso do broker (docs/broker.md)"),
    # What the card is written.
    "what the disk is written cannot be counted": ("no se puede contar lo que se escribe en el disco", "não dá para contar o que se grava no disco"),
    "the machine has just started: too early to tell how much is written a day":
        ("la máquina acaba de arrancar: es pronto para decir cuánto se escribe al día", "a máquina acabou de ligar: é cedo para dizer quanto se grava por dia"),
    "it is no memory card; its life is not judged": ("no es una tarjeta de memoria; su vida no se juzga", "não é um cartão de memória; sua vida não é julgada"),
    "it is written less than it stands": ("se escribe menos de lo que aguanta", "grava-se menos do que ele aguenta"),
    "it is written more than it stands": ("se escribe más de lo que aguanta", "grava-se mais do que ele aguenta"),
    "it may fail before {} years have passed: a worn card goes read-only, or loses what it holds":
        ("puede fallar antes de {} años: una tarjeta gastada queda en solo lectura, o pierde lo que guarda",
         "pode falhar antes de {} anos: um cartão gasto fica somente leitura, ou perde o que guarda"),
    # The configuration and the services.
    "no service starts with this configuration": ("ningún servicio arranca con esta configuración", "nenhum serviço inicia com esta configuração"),
    "nothing would run": ("no correría nada", "nada rodaria"),
    "this box is not set up yet": ("este equipo todavía no está configurado", "esta máquina ainda não está configurada"),
    "no fault": ("sin faltas", "sem falhas"),
    "it enables no service": ("no habilita ningún servicio", "não habilita nenhum serviço"),
    "what the screen needs is not installed": ("falta instalar lo que la pantalla necesita", "falta instalar o que a tela precisa"),
    "whether it runs cannot be seen": ("no se puede ver si está en marcha", "não dá para ver se está rodando"),
    "nothing is known of the screen": ("no se sabe nada de la pantalla", "nada se sabe da tela"),
    "it shows its board": ("muestra su tablero", "mostra seu painel"),
    "it is off by its schedule": ("está apagada por su horario", "está desligada pelo seu horário"),
    "it begins again and again": ("empieza una y otra vez", "começa de novo e de novo"),
    "it shows nothing yet": ("todavía no muestra nada", "ainda não mostra nada"),
    "the box's own screen shows no board; other screens go on":
        ("la pantalla del equipo no muestra ningún tablero; las demás siguen", "a tela da máquina não mostra nenhum painel; as outras seguem"),
    "they run": ("están en marcha", "estão rodando"),
    "it does not run": ("no está en marcha", "não está rodando"),
    "whether they run cannot be seen": ("no se puede ver si están en marcha", "não dá para ver se estão rodando"),
    "nothing is known of the services": ("no se sabe nada de los servicios", "nada se sabe dos serviços"),
    "nobody listens to the PBX: the floor's figures stand still and say so":
        ("nadie escucha a la central: las cifras del piso se detienen y lo dicen", "ninguém escuta a central: os números do andar param e avisam"),
    "nobody listens to the headsets: their seats are stale":
        ("nadie escucha las diademas: sus puestos quedan con datos viejos", "ninguém escuta os headsets: seus postos ficam desatualizados"),
    "no board is drawn, no alarm raised": ("no se dibuja ningún tablero ni se levanta ninguna alarma", "nenhum painel é desenhado, nenhum alarme é dado"),
    "nothing goes to the CRM and no command is carried out; events are kept":
        ("nada va al CRM y no se ejecuta ninguna orden; los eventos se guardan", "nada vai ao CRM e nenhum comando é executado; os eventos ficam guardados"),
    # OPC UA.
    "no rig and no plant system sees the floor":
        ("ningún banco de pruebas ni sistema de planta ve el piso", "nenhuma bancada de testes nem sistema de planta vê a operação"),
    "then no client trusts this box any more": ("entonces ningún cliente confía más en este equipo", "então nenhum cliente confia mais nesta máquina"),
    "no client is trusted": ("no se confía en ningún cliente", "nenhum cliente é de confiança"),
    "it listens": ("está escuchando", "está escutando"),
    "its certificate holds until {}": ("su certificado vale hasta el {}", "seu certificado vale até {}"),
    "its certificate expired on {}": ("su certificado venció el {}", "seu certificado venceu em {}"),
    "its certificate expires on {}": ("su certificado vence el {}", "seu certificado vence em {}"),
    # The routing help.
    "calls are not routed by rules: the dialplan's own queue stands":
        ("las llamadas no se encaminan por reglas: vale la cola del propio dialplan",
         "as chamadas não são encaminhadas por regras: vale a fila do próprio dialplan"),
    "its rules cannot be used": ("sus reglas no se pueden usar", "suas regras não podem ser usadas"),
    "the rules from before stand; after a restart there are none":
        ("valen las reglas de antes; tras un reinicio no habrá ninguna", "valem as regras de antes; depois de reiniciar não haverá nenhuma"),
    "a rule names a queue that no PBX has": ("una regla nombra una cola que ninguna central tiene", "uma regra nomeia uma fila que nenhuma central tem"),
    "a call sent there goes wherever the dialplan sends one without a queue":
        ("una llamada enviada ahí va adonde el dialplan manda las que no tienen cola",
         "uma chamada enviada para lá vai aonde o dialplan manda as que não têm fila"),
    # The directory.
    "it can be read": ("se puede leer", "pode ser lido"),
    "it is damaged": ("está dañado", "está danificado"),
    "whoever calls is unknown: no name in a screen pop, no VIP on a board":
        ("quien llama es desconocido: sin nombre en la pantalla del agente, sin VIP en el tablero",
         "quem liga é desconhecido: sem nome na tela do agente, sem VIP no painel"),
    "the CRM's next page begins the directory anew; a damaged do-not-call list stops every call that a command asks for":
        ("la próxima página del CRM empieza el directorio de nuevo; una lista de no llamar dañada detiene toda llamada que una orden pida",
         "a próxima página do CRM começa o diretório de novo; uma lista de não ligar danificada impede toda ligação que um comando peça"),
    "there is no do-not-call list": ("no hay lista de no llamar", "não há lista de não ligar"),
    "no command calls anybody outside: [outbound] do_not_call is required":
        ("ninguna orden llama a nadie de afuera: [outbound] do_not_call es required",
         "nenhum comando liga para ninguém de fora: [outbound] do_not_call é required"),
    "no country is known": ("no se sabe de qué país", "não se sabe de que país"),
    "a number without + is nobody's: customers who call from this country stay unknown":
        ("un número sin + no es de nadie: los clientes que llaman desde este país quedan desconocidos",
         "um número sem + não é de ninguém: os clientes que ligam deste país ficam desconhecidos"),
    "nothing was filed for {} days": ("no se guardó nada desde hace {} días", "nada foi guardado há {} dias"),
    "new customers are unknown, and old ones have old cards":
        ("los clientes nuevos son desconocidos, y los viejos tienen fichas viejas", "os clientes novos são desconhecidos, e os antigos têm fichas antigas"),
    # The journal.
    "it can be read, and has room": ("se puede leer, y tiene lugar", "pode ser lido, e tem espaço"),
    "it lies on a network share": ("está en una carpeta de red", "está numa pasta de rede"),
    "after a power cut events may be missing, or the file damaged":
        ("tras un corte de luz pueden faltar eventos, o el archivo quedar dañado", "depois de uma queda de energia podem faltar eventos, ou o arquivo ficar danificado"),
    "write a path on a local disk: [journal] path = …": ("escriba una ruta de un disco local: [journal] path = …", "escreva um caminho de um disco local: [journal] path = …"),
    "its disk is nearly full": ("su disco está casi lleno", "seu disco está quase cheio"),
    "events will be refused when the disk is full": ("cuando el disco se llene se rechazarán eventos", "quando o disco encher, eventos serão recusados"),
    "there is none yet": ("todavía no hay", "ainda não há"),
    "no service has run with this configuration, or it looks elsewhere":
        ("ningún servicio ha corrido con esta configuración, o ella mira en otro lugar", "nenhum serviço rodou com esta configuração, ou ela olha em outro lugar"),
    "it cannot be read": ("no se puede leer", "não pode ser lido"),
    "nothing can be said of what it holds; a damaged one is set aside whole at the next start, and a new one begun":
        ("nada se puede decir de lo que guarda; uno dañado se aparta entero en el próximo arranque, y se empieza otro",
         "nada se pode dizer do que ele guarda; um danificado é posto de lado inteiro na próxima partida, e outro é começado"),
    "its log does not shrink": ("su bitácora no se achica", "seu log não encolhe"),
    "it grows beyond its budget and its disk": ("crece más que su presupuesto y que su disco", "cresce além do orçamento e do disco"),
    "its budget is nearly used up": ("su presupuesto está casi agotado", "seu orçamento está quase esgotado"),
    "when it is full the oldest events go, also those that the CRM has not got":
        ("cuando se llene se van los eventos más antiguos, también los que el CRM no recibió", "quando encher, os eventos mais antigos saem, também os que o CRM não recebeu"),
    "the broker would not take some events": ("el broker no quiso algunos eventos", "o broker não quis alguns eventos"),
    "the CRM has not got these": ("el CRM no los tiene", "o CRM não os tem"),
    # Device files.
    "its device file is there, and may be opened": ("su archivo de dispositivo está, y se puede abrir", "seu arquivo de dispositivo está lá, e pode ser aberto"),
    "its device file is not there": ("su archivo de dispositivo no está", "seu arquivo de dispositivo não está lá"),
    "its adapter is there, and may be opened": ("su adaptador está, y se puede abrir", "seu adaptador está lá, e pode ser aberto"),
    "its adapter is not there": ("su adaptador no está", "seu adaptador não está lá"),
    "{} may not open it": ("{} no puede abrirlo", "{} não pode abri-lo"),
    "it shows nothing; the other boards go on, and it is tried again every few seconds":
        ("no muestra nada; los demás tableros siguen, y se vuelve a probar cada pocos segundos", "não mostra nada; os outros painéis seguem, e é tentado de novo a cada poucos segundos"),
    "the running gateway holds it": ("lo tiene el gateway en marcha", "o gateway em execução está com ele"),
    "the others call the box, or it is simulated: nothing to look for":
        ("los otros llaman al equipo, o es simulado: nada que buscar", "os outros chamam a máquina, ou é simulado: nada a procurar"),
    "its url is none": ("su url no es una url", "sua url não é uma url"),
    # Lines and call records.
    "its lines' queue stands still and says so; a call that rings meanwhile is not counted, or unknown, never abandoned":
        ("la cola de sus líneas se detiene y lo dice; una llamada que suene mientras tanto no se cuenta, o queda desconocida, nunca abandonada",
         "a fila das suas linhas para e avisa; uma chamada que toque nesse tempo não é contada, ou fica desconhecida, nunca abandonada"),
    "each of its calls that stops ringing is `unknown`: answered, abandoned, wait and service level are not told for it":
        ("cada llamada suya que deja de sonar queda `unknown`: no se dicen atendidas, abandonadas, espera ni nivel de servicio",
         "cada chamada sua que para de tocar fica `unknown`: atendidas, abandonadas, espera e nível de serviço não são ditos"),
    "a gateway, which the running service asks": ("una pasarela, a la que pregunta el servicio en marcha", "um gateway, ao qual o serviço em execução pergunta"),
    "its answers are not sensed": ("no se percibe cuándo se atiende", "não se percebe quando é atendida"),
    "calls are not recorded meanwhile, but for those that the PBX keeps and prints later":
        ("mientras tanto no se registran llamadas, salvo las que la central guarda e imprime después",
         "enquanto isso chamadas não são registradas, salvo as que a central guarda e imprime depois"),
    # Looking itself, and seat boxes.
    "it could not be looked at": ("no se pudo mirar", "não foi possível olhar"),
    "nothing is known of it": ("no se sabe nada de él", "nada se sabe dele"),
    "nothing to look at": ("nada que mirar", "nada a olhar"),
    "it is not heard": ("no se lo oye", "não é ouvido"),
    "its seats are stale or unknown, and nothing is found of them":
        ("sus puestos están con datos viejos o desconocidos, y nada se halla de ellos", "seus postos estão desatualizados ou desconhecidos, e nada se acha deles"),
    "nothing is said to be wrong with them": ("nada se dice que esté mal con ellos", "nada se diz de errado com eles"),
    "as last heard": ("como se oyó por última vez", "como foi ouvido por último"),
    # Updates.
    "the slots cannot be asked": ("no se puede preguntar a las ranuras", "não dá para perguntar aos slots"),
    "no update can be staged, and what is staged cannot be seen":
        ("no se puede preparar ninguna actualización, ni ver lo que está preparado", "nenhuma atualização pode ser preparada, nem se vê o que está preparado"),
    "{} is being tried": ("se está probando {}", "{} está sendo testada"),
    "without a verdict of its health check the box goes back to {}":
        ("sin un veredicto de su revisión el equipo vuelve a {}", "sem um veredito da sua verificação a máquina volta a {}"),
    "{} is staged and not tried yet": ("{} está preparada y aún sin probar", "{} está preparada e ainda não testada"),
    "the box goes on with the version before until then": ("hasta entonces el equipo sigue con la versión anterior", "até lá a máquina segue com a versão anterior"),
    "writing {} was interrupted": ("se interrumpió la escritura de {}", "a gravação de {} foi interrompida"),
    "the slot that runs is not affected": ("la ranura en marcha no se ve afectada", "o slot em uso não é afetado"),
    "{} did not pass, and the version before runs again": ("{} no pasó, y vuelve a correr la versión anterior", "{} não passou, e a versão anterior roda de novo"),
    "{} was interrupted": ("{} quedó interrumpida", "{} foi interrompida"),
    "the box works as before that update": ("el equipo trabaja como antes de esa actualización", "a máquina trabalha como antes dessa atualização"),
    "an update is at work": ("hay una actualización en curso", "há uma atualização em andamento"),
    "no update waits": ("ninguna actualización espera", "nenhuma atualização espera"),
    # Headsets.
    "fit to be {}": ("apta para {}", "apto para {}"),
    "it has no driver: a program that held it has died, or gave it back badly":
        ("no tiene controlador: murió un programa que la tenía, o la devolvió mal", "não tem driver: um programa que o tinha morreu, ou o devolveu mal"),
    "nobody has it": ("nadie la tiene", "ninguém está com ele"),
    "its hook and mute are not known to the box": ("el equipo no sabe si está descolgada ni silenciada", "a máquina não sabe se está fora do gancho nem mudo"),
    "its hook and mute are not known to the box until it is bound or replugged; its sound works":
        ("el equipo no sabe si está descolgada ni silenciada hasta que se enlace o se vuelva a enchufar; su sonido funciona",
         "a máquina não sabe se está fora do gancho nem mudo até ser vinculado ou religado; seu som funciona"),
    "its hook and mute are not known to the box, neither owned nor watched; the seat shows a fault":
        ("el equipo no sabe si está descolgada ni silenciada, ni tomándola ni mirándola; el puesto muestra una falla",
         "a máquina não sabe se está fora do gancho nem mudo, nem tomando-o nem olhando-o; o posto mostra uma falha"),
    "its hook and mute are not known to the box; the seat shows a fault":
        ("el equipo no sabe si está descolgada ni silenciada; el puesto muestra una falla", "a máquina não sabe se está fora do gancho nem mudo; o posto mostra uma falha"),
    "another program has taken it": ("la tomó otro programa", "outro programa o tomou"),
    "some program has taken it": ("la tomó algún programa", "algum programa o tomou"),
    "it is owned, and should be watched": ("está tomada, y debería solo mirarse", "está tomado, e deveria só ser observado"),
    "no program on this machine can use it beside the box": ("ningún programa de esta máquina puede usarla junto al equipo", "nenhum programa desta máquina pode usá-lo junto com ela"),
    "watch would be wise": ("convendría watch", "watch seria melhor"),
    "own would be wise": ("convendría own", "own seria melhor"),
    "to own it takes it away from {}, whose buttons and lamps on it then do nothing":
        ("tomarla se la quita a {}, cuyos botones y luces en ella ya no hacen nada", "tomá-lo o tira de {}, cujos botões e luzes nele então não fazem nada"),
    "the service has not taken it": ("el servicio no la ha tomado", "o serviço não o tomou"),
    "presses that nobody answers are taken back by many models (Jabra: after 2 s), and the board then shows a wrong state":
        ("muchos modelos deshacen lo que nadie contesta (Jabra: a los 2 s), y el tablero muestra entonces un estado equivocado",
         "muitos modelos desfazem o que ninguém responde (Jabra: após 2 s), e o painel então mostra um estado errado"),
    "nothing is plugged in": ("no hay nada enchufado", "nada está plugado"),
    "its board row says unplugged; an available agent there is told as a finding":
        ("su fila del tablero dice desenchufada; un agente disponible allí se avisa como hallazgo", "sua linha no painel diz desplugado; um agente disponível ali é avisado como achado"),
    "its simulated headset is not there": ("su diadema simulada no está", "seu headset simulado não está lá"),
    "nothing is known of this seat": ("no se sabe nada de este puesto", "nada se sabe deste posto"),
    "the kernel may suspend it": ("el kernel puede dormirla", "o kernel pode suspendê-lo"),
    "not every headset wakes at a press: the first press after a quiet time may be lost":
        ("no toda diadema despierta al pulsar: la primera pulsación tras un rato quieto puede perderse",
         "nem todo headset acorda ao toque: o primeiro toque após um tempo parado pode se perder"),
    "it hangs on too many hubs": ("cuelga de demasiados hubs", "está pendurado em hubs demais"),
    "one more hub and it is not seen; every hub in the line can take it down":
        ("un hub más y no se ve; cada hub de la fila puede tumbarla", "mais um hub e não é visto; cada hub da linha pode derrubá-lo"),
    "plug it nearer to the box": ("enchúfela más cerca del equipo", "plugue mais perto da máquina"),
    "its hub cannot feed it": ("su hub no puede alimentarla", "seu hub não consegue alimentá-lo"),
    "it may drop out when it rings, or others at that hub": ("puede caerse cuando suene, u otras en ese hub", "pode cair quando tocar, ou outros nesse hub"),
    "give the hub its power supply": ("dele al hub su fuente", "dê ao hub sua fonte"),
    "it tells nothing": ("no dice nada", "não diz nada"),
    "the box sees only whether it is plugged in": ("el equipo solo ve si está enchufada", "a máquina só vê se está plugado"),
    "a hub without supply feeds another": ("un hub sin fuente alimenta a otro", "um hub sem fonte alimenta outro"),
    "headsets behind them fail together when one draws more":
        ("las diademas detrás de ellos fallan juntas cuando una consume más", "os headsets atrás deles falham juntos quando um consome mais"),
    "give one of the hubs its power supply": ("dele a uno de los hubs su fuente", "dê a um dos hubs sua fonte"),
    "its url fits {} headsets": ("su url vale para {} diademas", "sua url serve para {} headsets"),
    "which of them is at this seat depends on the ports, and changes when one is pulled":
        ("cuál está en este puesto depende de los puertos, y cambia al desenchufar una", "qual está neste posto depende das portas, e muda quando um é tirado"),
    "another has its serial number": ("otra tiene su número de serie", "outro tem seu número de série"),
    "the serial number does not tell them apart: the seat may get the other's headset":
        ("el número de serie no las distingue: el puesto puede recibir la diadema de otro", "o número de série não os distingue: o posto pode receber o headset do outro"),
    "{} may not {} it": ("{} no puede hacerlo ({})", "{} não pode fazê-lo ({})"),
    "the service cannot open it: its hook and mute are not known":
        ("el servicio no puede abrirla: no se sabe si está descolgada ni silenciada", "o serviço não consegue abri-lo: não se sabe se está fora do gancho nem mudo"),
    "none is plugged in, and no seat is configured": ("no hay ninguna enchufada ni puesto configurado", "nenhum está plugado, e nenhum posto está configurado"),
    "all that headsets need is there": ("está todo lo que las diademas necesitan", "está tudo o que os headsets precisam"),
    "all seats are simulated": ("todos los puestos son simulados", "todos os postos são simulados"),
    "what they need is not installed": ("lo que necesitan no está instalado", "o que precisam não está instalado"),
    "no headset is read": ("no se lee ninguna diadema", "nenhum headset é lido"),
    "the udev rules are not installed": ("las reglas de udev no están instaladas", "as regras do udev não estão instaladas"),
    "a headset that is plugged in belongs to root, and may be suspended; the user {} may not open it":
        ("una diadema que se enchufa es de root, y puede dormirse; el usuario {} no puede abrirla",
         "um headset plugado é do root, e pode ser suspenso; o usuário {} não pode abri-lo"),
    "its unit shuts out udev's events": ("su unidad deja fuera los eventos de udev", "sua unidade barra os eventos do udev"),
    "the service hears nothing of the kernel's events: what is plugged or pulled shows after 1 s instead of at once":
        ("el servicio no oye los eventos del kernel: lo que se enchufa o desenchufa se ve tras 1 s en vez de enseguida",
         "o serviço não ouve os eventos do kernel: o que se pluga ou tira aparece após 1 s em vez de na hora"),
    "a press cannot {}": ("una pulsación no puede hacer {}", "um toque não pode fazer {}"),
    "each such press is told as a command that was refused, and nothing happens to the call":
        ("cada pulsación así se avisa como una orden rechazada, y a la llamada no le pasa nada",
         "cada toque assim é avisado como um comando recusado, e nada acontece com a chamada"),
}
# fmt: on
