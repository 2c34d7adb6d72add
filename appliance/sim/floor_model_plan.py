"""What a simulated floor is made of: its queues, its people, its callers' habits, and the scenarios by name."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from appliance.core.errors import MisconfiguredError


class QueuePlan(Struct, frozen=True, kw_only=True):
    """One queue. `share` is its part of the arrivals (relative); all times in model seconds."""

    name: str
    extension: str
    share: float = 1.0
    strategy: str = "rrmemory"
    service_level_s: int = 15
    ring_timeout_s: float = 15.0
    retry_s: float = 2.0
    timeout_s: float = 120.0
    wrap_up_s: float = 8.0
    max_len: int = 30
    weight: int = 0
    autopause: bool = False
    exit_key: str | None = None


class AgentPlan(Struct, frozen=True, kw_only=True):
    """One member of staff: a phone and the queues it answers. `local`: the queue rings it through a Local channel."""

    extension: str
    name: str
    queues: tuple[str, ...]
    local: bool = False
    penalty: int = 0
    #: From and to in model seconds; None: there all day.
    shift: tuple[float, float] | None = None

    @property
    def device(self) -> str:
        return f"PJSIP/{self.extension}"

    @property
    def interface(self) -> str:
        return f"Local/{self.extension}@agents/n" if self.local else self.device


class Plan(Struct, frozen=True, kw_only=True):
    """A floor and its day. Shares are of calls (0..1); `surges` are (from model second, factor on the arrival rate).

    `profile` instead: (from model second, calls a minute from there on), a Poisson stream that is exact where the rate changes.
    `again_share` of those who gave up call again, on average `again_after_s` later. `grid_s`: everything happens at a multiple of it.
    """

    queues: tuple[QueuePlan, ...]
    agents: tuple[AgentPlan, ...]
    calls_per_min: float
    talk_mean_s: float = 60.0
    ring_mean_s: float = 4.0
    patience_mean_s: float = 90.0
    hasty_share: float = 0.03
    no_answer_share: float = 0.03
    exit_key_share: float = 0.03
    hold_share: float = 0.15
    transfer_share: float = 0.05
    agent_ends_share: float = 0.4
    repeat_share: float = 0.1
    pause_every_s: float = 900.0
    pause_mean_s: float = 120.0
    pause_reasons: tuple[str, ...] = ("descanso", "almuerzo", "formación", "papeleo", "reunión")
    surges: tuple[tuple[float, float], ...] = ()
    profile: tuple[tuple[float, float], ...] = ()
    again_share: float = 0.0
    again_after_s: float = 180.0
    grid_s: float = 0.0

    def rate_factor(self, at_s: float) -> float:
        """The factor on the arrival rate that holds at a model time."""
        factor = 1.0
        for begins_s, value in self.surges:
            if at_s >= begins_s:
                factor = value
        return factor

    def at_speed(self, speed: float) -> Plan:
        """The same floor for a day played `speed` times faster.

        A box counts wrap-up in real seconds and the PBX tells whole ones, so the wrap-up is rounded to what is a whole number of
        real seconds (perhaps 0): both then agree on when an agent is free.
        """
        queues = tuple(msgspec.structs.replace(q, wrap_up_s=float(round(q.wrap_up_s / speed)) * speed) for q in self.queues)
        return msgspec.structs.replace(self, queues=queues)


QUEUES: Final = (
    QueuePlan(name="ventas", extension="601", share=4.0, strategy="rrmemory", service_level_s=15, weight=5, timeout_s=120.0, exit_key="1"),
    QueuePlan(
        name="soporte", extension="602", share=3.0, strategy="leastrecent", service_level_s=20, weight=3, timeout_s=180.0, autopause=True
    ),
    QueuePlan(name="cobranzas", extension="603", share=2.0, strategy="fewestcalls", service_level_s=20, weight=1, wrap_up_s=12.0),
    QueuePlan(name="atención_al_cliente", extension="604", share=2.0, strategy="rrmemory", service_level_s=15, weight=2, exit_key="1"),
)

_NAMES: Final = (
    "Ana Quiroga", "Luis Andrade", "María José Peñafiel", "Jorge Toapanta", "Íngrid Muñoz", "Óscar Núñez", "Verónica Salas",
    "Pablo Chávez", "Nuria Cañar", "Tomás Ibáñez", "Lucía Guamán", "Andrés Borja", "Rosa Yépez", "Diego Carrión", "Elena Vásquez",
)  # fmt: skip

#: Which queues the first agents answer; further agents repeat the row.
_SKILLS: Final = (
    ("ventas",), ("soporte",), ("ventas", "cobranzas"), ("soporte",), ("atención_al_cliente",), ("ventas",), ("cobranzas",),
    ("soporte", "atención_al_cliente"), ("ventas",), ("atención_al_cliente",), ("cobranzas", "soporte"), ("ventas",),
)  # fmt: skip


def staff(count: int, *, first: int = 101) -> tuple[AgentPlan, ...]:
    """`count` agents with distinct names and extensions; every fourth answers through a Local channel."""
    out = []
    for index in range(count):
        name = _NAMES[index % len(_NAMES)]
        if index >= len(_NAMES):
            name = f"{name} {index // len(_NAMES) + 1}"
        skills = _SKILLS[index % len(_SKILLS)]
        out.append(
            AgentPlan(extension=str(first + index), name=name, queues=skills, local=index % 4 == 3, penalty=0 if len(skills) == 1 else 1)
        )
    return tuple(out)


SCENARIOS: Final[dict[str, Plan]] = {
    "calm": Plan(queues=QUEUES, agents=staff(10), calls_per_min=4.0),
    "morning": Plan(
        queues=QUEUES, agents=staff(14), calls_per_min=9.0, talk_mean_s=50.0,
        surges=((0.0, 0.7), (120.0, 1.0), (300.0, 1.35), (600.0, 1.0), (1200.0, 1.25))
    ),
    "stress": Plan(
        queues=QUEUES, agents=staff(8), calls_per_min=300.0, talk_mean_s=4.0, ring_mean_s=1.0, patience_mean_s=15.0, hold_share=0.05
    ),
    "load": Plan(
        queues=tuple(msgspec.structs.replace(q, wrap_up_s=0.0) for q in QUEUES), agents=staff(24), calls_per_min=60.0, talk_mean_s=8.0,
        ring_mean_s=1.0, pause_every_s=3600.0,
    ),
}  # fmt: skip


def plan_named(scenario: str, *, calls_per_min: float | None = None, agents: int | None = None) -> Plan:
    """A scenario, perhaps with another arrival rate or another number of agents. Raises MisconfiguredError for an unknown name."""
    try:
        plan = SCENARIOS[scenario]
    except KeyError:
        raise MisconfiguredError(f"no scenario {scenario!r}; there are {', '.join(SCENARIOS)}") from None
    if calls_per_min is not None:
        if calls_per_min < 0:
            raise MisconfiguredError(f"rate {calls_per_min} calls per minute; give 0 or more")
        plan = msgspec.structs.replace(plan, calls_per_min=calls_per_min)
    if agents is not None:
        if not 1 <= agents <= 2000:
            raise MisconfiguredError(f"{agents} agents; give 1 to 2000")
        plan = msgspec.structs.replace(plan, agents=staff(agents))
    return plan
