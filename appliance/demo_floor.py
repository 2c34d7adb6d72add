"""What a demo simulates around the box, and the configuration that the box gets for it: a PBX or analog lines, a broker, a CRM."""

from __future__ import annotations

import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from appliance.core.clock import SystemClock
from appliance.core.command import VERBS
from appliance.core.endpoint import Endpoint, endpoint_from_text
from appliance.core.errors import MisconfiguredError, TransientError
from appliance.core.slug import slug
from appliance.demo_abroad import SITE, Abroad
from appliance.demo_cable import Cable
from appliance.demo_desk import OWN, DemoDesks
from appliance.demo_lines import DemoLines
from appliance.demo_office import Office
from appliance.demo_view import LED_HEIGHT, LED_WIDTH, Received
from appliance.sim.broker import Broker
from appliance.sim.crm import SimCrm
from appliance.sim.crm_book import kind_of
from appliance.sim.floor_model_plan import SCENARIOS, Plan, plan_named
from appliance.sim.floor_scenario import Scenario
from appliance.sim.floor_scenario_file import names, scenario_named
from appliance.sim.floor_scenario_plan import plan_of
from appliance.sim.pbx import SimPbx
from appliance.sim.sign import SimSign
from appliance.sim.sign_line import Wire, on_pty

Language = Literal["es", "en", "pt"]

#: The scenario of a demo that names none.
OWN_SCENARIO: Final = "demo"
#: One without a PBX: analog lines.
ANALOG: Final = "analog"
_BOX: Final = "piso-3"
_PORTS_TRIED: Final = 50
#: Busy at once, then by turns a little more and a little less than the agents can take.
_SURGES: Final = ((0.0, 1.2), (90.0, 0.9), (240.0, 1.25), (420.0, 0.8), (700.0, 1.1), (1000.0, 0.95))


class Around(Struct):
    """Everything outside the box. `cable` and `crm` are None when the events go to somebody's own broker over TLS.

    `pbx` or `lines`: what people call.
    """

    pbx: SimPbx | None
    cable: Cable | None
    crm: SimCrm | None
    broker: str
    url: str
    protocol: Literal["5", "3.1.1"] = "5"
    sign: SimSign = field(default_factory=SimSign)
    sign_tty: str = ""
    desks: DemoDesks | None = None
    lines: DemoLines | None = None
    #: What the embedded CRM does beside listening; None where there is none, or the scenario is a file's: it says all that happens.
    office: Office | None = None
    scenario: Scenario | None = None
    #: The box's name, and what [crm] says beside the url.
    site: str = SITE
    box: str = _BOX
    crm_rows: str = ""

    def truth(self, *, calls: bool = False) -> dict[str, Any]:
        """What truly happened so far; with each of the calls, where a PBX has them."""
        return self.pbx.truth(calls=calls) if self.pbx is not None else self.lines.ledger.truth() if self.lines is not None else {}

    def received(self) -> Received | None:
        """What the embedded CRM has; None with a broker of one's own."""
        crm = self.crm
        if crm is None:
            return None
        book = crm.book
        newest = f"#{int(book.newest.delivery)} {kind_of(book.newest)}" if book.newest else ""
        return Received(book.events, book.doubles, book.missing, newest)


def known(scenario: str) -> Scenario | None:
    """The scenario of a file, by its name or path; None for those that are tables of the program.

    Raises MisconfiguredError for a name that is none, with every fault of a file that has some.
    """
    if scenario in (OWN_SCENARIO, ANALOG, *SCENARIOS):
        return None
    try:
        return scenario_named(scenario)
    except MisconfiguredError as fault:
        if "there is no scenario" not in str(fault):
            raise
        every = ", ".join((OWN_SCENARIO, *SCENARIOS, ANALOG, *names()))
        raise MisconfiguredError(f"no scenario {scenario!r}; there are {every}, or a file: ./mine.toml") from None


async def build(
    stack: AsyncExitStack, *, scenario: str, seed: int, speed: float, crm_url: str | None, folder: Path, abroad: Abroad | None = None
) -> Around:
    """Start the simulations; they end with the stack. `folder`: for their sockets. `crm_url` None: an embedded broker and CRM;
    `abroad` has more to say of it than a url.

    Raises MisconfiguredError for an unknown scenario or a url that is none.
    """
    told = known(scenario)
    if abroad is None and crm_url is not None:
        abroad = Abroad(url=crm_url)
    rows = abroad.rows() if abroad is not None else ""
    around = await _around(stack, None, abroad.url if abroad is not None else None)
    if abroad is not None:
        around.site, around.box, around.crm_rows = abroad.site, abroad.box, rows
    around.scenario = told
    if scenario == ANALOG:
        around.lines = await stack.enter_async_context(DemoLines(folder, seed, speed))
    elif told is not None and told.analog is not None:
        around.lines = await stack.enter_async_context(DemoLines(folder, seed, speed, told.analog))
    else:
        plan = plan_of(told) if told is not None else _plan(scenario)
        if told is None and around.crm is not None:
            around.office = await stack.enter_async_context(_office(around, around.crm, plan, seed))
        around.pbx = await stack.enter_async_context(SimPbx(plan, seed=seed, speed=speed, waits=True))
        habits = told.headsets if told is not None else OWN
        if habits.seats:
            around.desks = await stack.enter_async_context(DemoDesks(around.pbx, folder, seed, habits))
    around.sign_tty = await stack.enter_async_context(on_pty(Wire([around.sign], SystemClock())))
    return around


async def _around(stack: AsyncExitStack, pbx: SimPbx | None, crm_url: str | None) -> Around:
    if crm_url is None:
        broker = await stack.enter_async_context(Broker())
        crm = await stack.enter_async_context(SimCrm(broker.url, site=SITE, box=_BOX, protocol=broker.protocol))
        cable = await stack.enter_async_context(Cable(broker.host, broker.port))
        return Around(pbx, cable, crm, broker.kind, f"mqtt://127.0.0.1:{cable.port}", broker.protocol)
    scheme, mark, rest = crm_url.partition("://")
    if not mark or scheme not in ("mqtt", "mqtts"):
        raise MisconfiguredError(f"--crm {crm_url}: this is no broker's address; write mqtt://HOST:1883 or mqtts://HOST:8883")
    if scheme == "mqtts":
        return Around(pbx, None, None, rest, crm_url)
    try:
        far = endpoint_from_text(rest.rstrip("/"), 1883)
    except ValueError as fault:
        raise MisconfiguredError(f"--crm {crm_url}: {fault}; write mqtt://HOST:1883") from fault
    cable = await stack.enter_async_context(Cable(far.host, far.port))
    return Around(pbx, cable, None, str(far), f"mqtt://127.0.0.1:{cable.port}")


def _office(around: Around, crm: SimCrm, plan: Plan, seed: int) -> Office:
    office, cable = Office(around.site, around.box, plan, seed), around.cable
    office.crm = crm
    if cable is not None:
        office.linked = lambda: cable.plugged
    crm.tell(office.heard)
    return office


def _plan(scenario: str) -> Plan:
    """A scenario of the simulation, or the demo's own: one in which somebody soon waits and the figures move."""
    if scenario == OWN_SCENARIO:
        return replace(plan_named("morning", calls_per_min=14.0), surges=_SURGES)
    return plan_named(scenario)


def configuration(around: Around, listen: Endpoint, language: Language) -> str:
    """The box's configuration, as a person would write it; its secret goes into `pbx.secret` beside it."""
    verbs = ", ".join(f'"{verb}"' for verb in VERBS)
    beyond = "" if listen.loopback else 'allow = ["0.0.0.0/0", "::/0"]\n'
    return f"""# Written by callfloor demo. Every verb of the command line works on it: callfloor status -c THIS FILE
[site]
name = "{around.site}"
box = "{around.box}"
timezone = "{local_timezone()}"
language = "{language}"

[journal]
path = "journal.db"

{_sources(around, language)}
[crm]
url = "{around.url}"
protocol = "{around.protocol}"
reconnect_max_s = 3.0
{around.crm_rows}
[commands]
allow = [{verbs}]
supervisors = ["*"]

[commands.only.originate]
numbers = ["*", "+*"]

[commands.only.transfer]
numbers = ["*", "+*"]

[wallboard.tv]
listen = "{listen}"
{beyond}
[wallboard.led.panel]
url = "sim:"
width = {LED_WIDTH}
height = {LED_HEIGHT}

[wallboard.sign.strip]
url = "serial://{around.sign_tty}?format=8N1"

[wallboard.beacon.tower]
url = "sim:"
green = 17
amber = 27
red = 22
blue = 23

{around.office.configuration() if around.office else ""}
{around.desks.configuration() if around.desks else ""}"""


def _sources(around: Around, language: Language) -> str:
    if around.lines is not None:
        title = {"es": "Líneas", "en": "Lines", "pt": "Linhas"}[language]
        return f'{around.lines.configuration()}\n[queues.lines]\ntitle = "{title}"\n'
    port = around.pbx.port if around.pbx is not None else 0
    return f"""[pbx.central]
kind = "asterisk"
host = "127.0.0.1"
port = {port}
username = "callfloor"
secret_file = "pbx.secret"

[pbx.central.ivr]
{tables(around.scenario) if around.scenario is not None else ""}"""


def tables(scenario: Scenario) -> str:
    """What a box has to be told of a scenario's floor: targets, groups, how many lines there are. A mapped user event tells refusals."""
    result = "\n[pbx.central.queue_result]\n"
    queues = "".join(f'\n[queues."{queue.name}"]\ntarget_s = {queue.target_s:g}\n' for queue in scenario.queues)
    groups = "".join(
        f"\n[groups.{slug(key)}]\nqueues = [{', '.join(chr(34) + queue + chr(34) for queue in members)}]\n"
        for key, members in scenario.groups.items()
    )
    trunks = "".join(f'\n[trunks.{key}]\nchannels = ["PJSIP/{key}"]\nlines = {lines}\n' for key, lines in scenario.trunks.items())
    return result + queues + groups + trunks


#: A board for the desk on which the demo runs; the floor's own is sized for ten metres.
_DESK: Final = """# A board to be read from one step away: everything on one screen, people by name.
title = "Callfloor demo"
distance_m = 1.5
diagonal_in = 24
"""
_PAGES: Final = ("floor", "queues", "agents", "headsets", "trunks")
_OFFICE_PAGES: Final = ("floor", "queues", "callbacks", "channels", "classes", "outbound", "agents", "headsets", "trunks")
_ANALOG_PAGES: Final = ("floor", "queues", "trunks")


def desk(around: Around) -> str:
    """The board file of the desk."""
    pages = _OFFICE_PAGES if around.office is not None else _PAGES if around.lines is None else _ANALOG_PAGES
    people = ("agents", "headsets")
    return _DESK + "".join(f'\n[[page]]\nkind = "{page}"\n{"names = true" + chr(10) if page in people else ""}' for page in pages)


def free_listener(text: str) -> tuple[Endpoint, bool]:
    """The address for the boards, or the next one with a free port, and whether it is the one asked for.

    Raises MisconfiguredError for a text that is no address, TransientError when no port is free.
    """
    try:
        wanted = endpoint_from_text(text, 8080)
    except ValueError as fault:
        raise MisconfiguredError(f"--listen {text}: {fault}; write it as 127.0.0.1:8080") from fault
    for port in range(wanted.port, min(65536, wanted.port + _PORTS_TRIED)):
        family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((wanted.host, port))
            except PermissionError as fault:
                raise MisconfiguredError(f"--listen {text}: port {port} is the system's; name one from 1024 on") from fault
            except OSError:
                continue
            return Endpoint(wanted.host, trial.getsockname()[1]), port == wanted.port
    raise TransientError(f"no free port from {wanted.port} on; name another with --listen")


def local_timezone() -> str:
    """This machine's timezone, UTC where it does not tell."""
    named = os.environ.get("TZ", "").removeprefix(":")
    place = Path("/usr/share/zoneinfo")
    if named and (place / named).is_file() and ".." not in named:
        return named
    try:
        return Path("/etc/localtime").resolve().relative_to(place).as_posix().removeprefix("posix/")
    except ValueError:
        return "UTC"


def local_language() -> Language:
    """The language of this terminal: Spanish, Portuguese, else English."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "es" if named.startswith("es") else "pt" if named.startswith("pt") else "en"
