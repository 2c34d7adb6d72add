"""The configuration as types: what may stand in callfloor.toml, with defaults. Reading and checking: `config_file`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from appliance.core.callbacks_config import CallbacksConfig, SatisfactionConfig
from appliance.core.channels_config import ChannelsConfig
from appliance.core.classification_config import Classification
from appliance.core.commands_config import Commands, DialConfig
from appliance.core.directory_config import DirectoryConfig
from appliance.core.fxo_gateway_config import SipListenerConfig
from appliance.core.headset_config import HeadsetsConfig
from appliance.core.hours_config import Hours
from appliance.core.ivr_config import IvrConfig
from appliance.core.kiosk_config import KioskConfig
from appliance.core.line_config import LinesConfig
from appliance.core.metrics_config import MetricsConfig
from appliance.core.opcua_config import OpcuaConfig
from appliance.core.outbound_config import Outbound
from appliance.core.quantity import Period, Port, Share, Span
from appliance.core.routing_config import RoutingConfig
from appliance.core.smdr_config import SmdrConfig
from appliance.core.trunk_config import FullMap, LineFaults

Variant = Literal[
    "handled", "less_short", "abandon_in_time", "answered", "offered",
    "asterisk-sl", "asterisk-sl2", "cisco-ignore", "cisco-negative", "cisco-negative-short",
    "cisco-positive", "cisco-positive-short", "genesys-all-abandons", "genesys-short-excluded",
    "genesys-abandons-excluded", "genesys-flow-outs-counted", "avaya-bcms",
]  # fmt: skip


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the box stands and who reads it."""

    name: str = "site"
    box: str = "box"
    timezone: str = "UTC"
    language: Literal["es", "en", "pt"] = "es"
    role: Literal["floor", "seat"] = "floor"
    hours: Hours | None = None


class JournalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The journal's file and its budget."""

    path: Path = field(default_factory=lambda: Path("journal.db"))
    keep_days: Annotated[float, Meta(gt=0, le=3660)] = 7.0
    max_bytes: Annotated[int, Meta(ge=1024**2, le=2**46)] = 2 * 1024**3
    run_dir: Path | None = None
    summary_days: Annotated[int, Meta(ge=0, le=3660)] = 400
    disk_tbw: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    disk_years: Annotated[float, Meta(gt=0, le=100)] = 3.0


class UserEventMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a dialplan's own UserEvent tells why a visit left its queue.

    `event` is the UserEvent's name, `header` the header that holds the word, `uniqueid` and `queue` the headers that
    name the caller's channel and the queue; `reasons` maps the word to a reason of `call.left` or to `refused`.
    """

    event: str = "QueueResult"
    header: str = "QueueStatus"
    uniqueid: str = "CallUniqueid"
    queue: str = "Queue"
    reasons: dict[str, str] = field(default_factory=dict)


class PbxConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One PBX: how to reach it and what its dialplan tells. `options` are for kinds that a package adds."""

    kind: str = "asterisk"
    host: str = "127.0.0.1"
    port: Port | None = None
    username: str = "callfloor"
    secret_file: Path | None = None
    auth: Literal["auto", "plain", "md5"] = "auto"
    tls: bool = False
    ca_file: Path | None = None
    ping_s: Period = 10.0
    silent_s: Period = 25.0
    reconnect_max_s: Period = 60.0
    queue_result: UserEventMap | None = None
    ivr: IvrConfig | None = None
    dial: DialConfig = field(default_factory=DialConfig)
    options: dict[str, str] = field(default_factory=dict)


class Limit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When one figure raises an alarm: beyond `red` or `amber` for `hold_s`; what is None is as one level up, `off` is never."""

    amber: Annotated[float, Meta(ge=0, le=86400)] | None = None
    red: Annotated[float, Meta(ge=0, le=86400)] | None = None
    hold_s: Span | None = None
    off: bool = False


class QueueConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for one queue; None: as in [kpi]."""

    title: str | None = None
    hidden: bool = False
    order: int = 0
    target_s: Period | None = None
    short_abandon_s: Span | None = None
    service_level: Variant | None = None
    wrap_up_s: Span | None = None
    alarm: dict[str, Limit] = field(default_factory=dict)


class GroupConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named sum of queues."""

    queues: tuple[str, ...]
    title: str | None = None
    alarm: dict[str, Limit] = field(default_factory=dict)


class AgentConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Overrides for one agent: members with one of these interfaces are this agent."""

    name: str | None = None
    interfaces: tuple[str, ...] = ()
    seat: str | None = None


class TrunkConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of lines: channels whose name begins with one of the prefixes, or analog lines that name it; `lines` of them at most."""

    channels: tuple[str, ...] = ()
    lines: Annotated[int, Meta(ge=1, le=10_000)]
    pbx: str | None = None
    full: FullMap | None = None
    faults: LineFaults = field(default_factory=LineFaults)
    alarm: dict[str, Limit] = field(default_factory=dict)


class Kpi(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Definitions where the industry disagrees, and the customer's targets."""

    target_s: Period = 15.0
    short_abandon_s: Span = 5.0
    service_level: Variant = "handled"
    wrap_up_s: Span = 0.0
    wrap_up_reasons: tuple[str, ...] = ()
    window: Literal["arrival", "completion"] = "arrival"
    service_level_min: Share = 0.80
    abandon_rate_max: Share = 0.02
    asa_max_s: Period = 15.0
    all_busy_max: Share = 0.01
    satisfaction_questions: tuple[str, ...] = ("satisfaction",)
    fcr_min: Share = 0.85
    repeat_hours: Annotated[float, Meta(ge=1, le=720)] = 24.0
    paid_hours: Annotated[float, Meta(gt=0, le=100_000)] | None = None


class Crm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The link to the CRM; without a url the box keeps its events and says so."""

    url: str | tuple[str, ...] = ()
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    insecure: bool = False
    events: tuple[str, ...] | None = None
    headsets: Literal["none", "findings", "all"] = "none"
    floor_every_s: Period = 5.0
    require_consumer: bool | None = None
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    window: Annotated[int, Meta(ge=1, le=65535)] = 1000
    drain_per_s: Annotated[float, Meta(gt=0, le=1_000_000)] | None = None
    keepalive_s: Annotated[int, Meta(ge=1, le=65535)] = 10
    reconnect_max_s: Period = 60.0


class Tv(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The boards' listener. Beyond loopback `allow` (networks) or `token_file` is needed; a certificate makes it HTTPS."""

    listen: str = "127.0.0.1:8080"
    allow: tuple[str, ...] = ()
    token_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    metrics: bool = False


class Led(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One LED chain: a device URL (`spi:0.0?cascaded=8`, `ws2812:0.0`, `sim:`), its size in pixels, what it shows, how bright and when."""

    url: str = "sim:"
    width: Annotated[int, Meta(ge=8, le=1024)] = 64
    height: Annotated[int, Meta(ge=8, le=256)] = 8
    board: str | None = None
    queue: str | None = None
    brightness: Annotated[int, Meta(ge=0, le=100)] = 40
    dim: tuple[str, ...] = ()
    dim_brightness: Annotated[int, Meta(ge=0, le=100)] = 10
    closed: Literal["board", "dark"] = "board"


#: A GPIO pin by its Broadcom number: `17`, or `"gpio:17"`.
Pin = Annotated[int, Meta(ge=0, le=27)] | str
Lamp = Literal["green", "amber", "red", "blue"]


class Beacon(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stack light with its buzzer and its acknowledge button: where each is wired, what it looks at, when it may be heard."""

    url: str = "gpio:"
    green: Pin | None = None
    amber: Pin | None = None
    red: Pin | None = None
    blue: Pin | None = None
    buzzer: Pin | None = None
    button: Pin | None = None
    active_high: bool = True
    normally_closed: tuple[Lamp, ...] = ()
    queue: str | None = None
    group: str | None = None
    waiting_from: Annotated[int, Meta(ge=1, le=1000)] = 1
    flash: bool = True
    flash_s: Span = 300.0
    beep_from: Literal["amber", "red", "never"] = "red"
    quiet: tuple[str, ...] = ()
    bounce_s: Annotated[float, Meta(ge=0, le=0.3, extra={"unit": "s"})] = 0.04
    test_at_start: bool = True


class Sign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One serial sign (Alpha protocol): its line and address, its size, which board it shows, how often what is urgent takes it over."""

    url: str
    board: str = "floor"
    address: str = "00"
    width: Annotated[int, Meta(ge=6, le=200)] = 14
    memory_bytes: Annotated[int, Meta(ge=1024, le=65_535)] = 16_384
    colours: bool = True
    speed: Annotated[int, Meta(ge=1, le=5)] = 3
    clock: bool = True
    slow: bool = False
    checksum: bool = False
    priority_s: Annotated[float, Meta(ge=2, le=60, extra={"unit": "s"})] = 10.0
    repeat_s: Annotated[float, Meta(ge=10, le=3600, extra={"unit": "s"})] = 60.0
    refresh_s: Annotated[float, Meta(ge=60, le=86400, extra={"unit": "s"})] = 600.0


class Wallboard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Boards of this box. `boards`: the folder of the board files, `boards` beside the configuration where there is one."""

    boards: Path | None = None
    tv: Tv | None = None
    led: dict[str, Led] = field(default_factory=dict)
    beacon: dict[str, Beacon] = field(default_factory=dict)
    sign: dict[str, Sign] = field(default_factory=dict)


class SiteConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another site's floor box, by the names in its MQTT topics; None: `site` is the table's own name."""

    box: str
    site: str | None = None
    title: str | None = None


class AlarmConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alarms: thresholds beyond the targets of [kpi], how long a figure must stay beyond them, and when nothing sounds."""

    hold_s: Span = 10.0
    min_calls: Annotated[int, Meta(ge=1, le=100_000)] = 10
    min_observed_s: Span = 3600.0
    quiet: tuple[str, ...] = ()
    every: dict[str, Limit] = field(default_factory=dict)
    floor: dict[str, Limit] = field(default_factory=dict)


class Privacy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be shown of people, and how long callers' numbers are kept."""

    headsets: bool = False
    agent_names: bool = True
    callers: Literal["hash", "erase"] = "hash"
    callers_days: Annotated[float, Meta(ge=2, le=3660)] | None = None


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    site: Site = field(default_factory=Site)
    journal: JournalConfig = field(default_factory=JournalConfig)
    pbx: dict[str, PbxConfig] = field(default_factory=dict)
    crm: Crm | None = None
    commands: Commands = field(default_factory=Commands)
    outbound: Outbound = field(default_factory=Outbound)
    callbacks: CallbacksConfig = field(default_factory=CallbacksConfig)
    satisfaction: SatisfactionConfig = field(default_factory=SatisfactionConfig)
    routing: RoutingConfig | None = None
    directory: DirectoryConfig = field(default_factory=DirectoryConfig)
    wallboard: Wallboard = field(default_factory=Wallboard)
    headsets: HeadsetsConfig | None = None
    smdr: dict[str, SmdrConfig] = field(default_factory=dict)
    lines: dict[str, LinesConfig] = field(default_factory=dict)
    sip: SipListenerConfig = field(default_factory=SipListenerConfig)
    kpi: Kpi = field(default_factory=Kpi)
    alarm: AlarmConfig = field(default_factory=AlarmConfig)
    classification: Classification = field(default_factory=Classification)
    channels: ChannelsConfig = field(default_factory=ChannelsConfig)
    queues: dict[str, QueueConfig] = field(default_factory=dict)
    groups: dict[str, GroupConfig] = field(default_factory=dict)
    agents: dict[str, AgentConfig] = field(default_factory=dict)
    trunks: dict[str, TrunkConfig] = field(default_factory=dict)
    sites: dict[str, SiteConfig] = field(default_factory=dict)
    privacy: Privacy = field(default_factory=Privacy)
    opcua: OpcuaConfig | None = None
    metrics: MetricsConfig = field(default_factory=MetricsConfig)
    kiosk: KioskConfig | None = None
