"""Decides what a board shows when no floor is at hand: one morning of a small call centre, for previews and tests."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from appliance.core.clock import ManualClock, rfc3339
from appliance.floor.sites import all_sites
from appliance.floor.snapshot import (
    Agent,
    AgentCounts,
    Alarm,
    Announcement,
    Crm,
    Headset,
    Health,
    Pbx,
    Queue,
    Seconds,
    Site,
    Snapshot,
    Trunk,
    Utilisation,
    Window,
)  # fmt: skip
from wallboard.sample_back import stocked, with_extraordinary, with_vips
from wallboard.sample_time import NOW_NS, ago

__all__ = ["FACES", "NOW_NS", "HeldView", "ago", "faced", "sample", "sample_headsets", "stocked", "window"]


def window(
    offered: int, answered: int, in_time: int, abandoned: int, *, waiting: int = 0, wait_sum: float = 0.0, target: float | None = 15
) -> Window:
    """A window whose sums hold: offered = answered + abandoned + left + waiting."""
    left = offered - answered - abandoned - waiting
    done = answered + abandoned
    return Window(
        offered=offered, answered=answered, answered_ended=answered, abandoned=abandoned, short_abandoned=min(1, abandoned),
        left=left, left_by={"timeout": left} if left else {}, waiting=waiting, answered_in_time=in_time, wait_sum=wait_sum,
        wait_max=88.0, talk_sum=answered * 189.8, hold_sum=120.0, wrap_up_sum=answered * 16.9,
        service_level=round(in_time / done, 4) if done else None, service_level_of=(in_time, done), service_level_variant="handled",
        target=target, abandon_rate=round(abandoned / (done + left), 4) if done + left else None, abandon_rate_of=(abandoned, done + left),
        asa=round(wait_sum / answered, 1) if answered else None, talk_avg=189.8, aht=206.7, coverage=1.0,
    )  # fmt: skip


def sample() -> Snapshot:
    """A morning on which sales is busy, support is calm, and collections has too many hang-ups."""
    queues = {
        "ventas": Queue(
            title="Ventas", pbx="central", fresh="live", as_of=ago(0), waiting=3, longest_wait=41.2, longest_since=ago(41.2),
            agents=AgentCounts(logged_in=8, available=1, ringing=1, talking=4, wrap_up=1, paused=1),
            today=window(120, 110, 97, 2, waiting=3, wait_sum=990.5),
        ),
        "soporte": Queue(
            title="Soporte técnico", pbx="central", fresh="live", as_of=ago(0), waiting=0, longest_wait=0.0,
            agents=AgentCounts(logged_in=6, available=3, talking=2, paused=1), today=window(64, 63, 60, 1, wait_sum=504.0),
        ),
        "cobranzas": Queue(
            title="Cobranzas", pbx="central", fresh="live", as_of=ago(0), waiting=1, longest_wait=9.0, longest_since=ago(9),
            agents=AgentCounts(logged_in=5, available=0, talking=4, holding=1), today=window(88, 74, 52, 11, waiting=1, wait_sum=1406.0),
        ),
        "atencion-al-cliente": Queue(
            title="Atención al cliente", pbx="central", fresh="live", as_of=ago(0), waiting=0, longest_wait=0.0,
            agents=AgentCounts(logged_in=7, available=2, talking=3, wrap_up=1, paused=1), today=window(141, 139, 131, 2, wait_sum=973.0),
        ),
    }  # fmt: skip
    floor = Queue(
        fresh="live", as_of=ago(0), waiting=4, longest_wait=41.2, longest_since=ago(41.2),
        agents=AgentCounts(logged_in=26, available=6, ringing=1, talking=13, holding=1, wrap_up=2, paused=3),
        today=window(413, 386, 340, 16, waiting=4, wait_sum=3873.5),
    )  # fmt: skip
    sites = {
        "guayaquil-sur": Site(
            title="Guayaquil", site="guayaquil-sur", box="piso-1", state="up", open=True, fresh="live", as_of=ago(0), waiting=2,
            longest_wait=20.0, longest_since=ago(20), agents=AgentCounts(logged_in=14, available=2, talking=10, paused=2),
            today=window(231, 214, 171, 12, waiting=2, wait_sum=2996.0),
        ),
        "cuenca": Site(
            title="Cuenca", site="cuenca", box="piso-2", state="up", open=True, fresh="live", as_of=ago(0), waiting=0,
            agents=AgentCounts(logged_in=5, available=3, talking=2), today=window(48, 47, 46, 1, wait_sum=282.0),
        ),
    }  # fmt: skip
    agents = {
        f"agente-{number}": Agent(
            name=f"Agente {number}", state="talking", since=ago(65), queues=["ventas"], answered=14, seconds=Seconds(talking=4000.0)
        )
        for number in range(101, 127)
    }
    return Snapshot(
        site="quito-norte", box="piso-3", epoch="e1", seq=48213, time=ago(0), clock="synced", open=True,
        crm=Crm(state="up", since=ago(5000), recorded=9120, delivered=9120), pbx={"central": Pbx(state="up", since=ago(9000))},
        queues=queues, floor=floor, sites=sites, all_sites=all_sites(floor, sites.values(), NOW_NS),
        agents=agents, trunks={"pstn": Trunk(lines=30, busy=17, all_busy_now=False, all_busy_share=0.004)},
        utilisation=Utilisation(ab_allocation=0.86, bc_on_phone=0.84, coverage=0.998),
        announcements=[Announcement(id="a1", text="Hoy a las 16:00, simulacro de evacuación en todo el piso")],
    )  # fmt: skip


def sample_headsets() -> dict[str, Headset]:
    """Four seats of that morning: on-hook, in a call, muted in a call, and unplugged though the queue counts on him."""
    return {
        "a-101": Headset(seat="a-101", agent="agente-101", attached=True, hook="on", mute=False, fresh="live", since=ago(190)),
        "a-102": Headset(seat="a-102", agent="agente-102", attached=True, hook="off", mute=False, fresh="live", since=ago(65)),
        "a-103": Headset(
            seat="a-103", agent="agente-103", attached=True, hook="off", mute=True, fresh="live", since=ago(95), findings=("muted_in_call",)
        ),
        "a-104": Headset(
            seat="a-104", agent="agente-104", attached=False, fresh="live", since=ago(40), findings=("available_unplugged",)
        ),
    }  # fmt: skip


FACES: Final = ("normal", "vip", "alarm", "extraordinary", "link_down", "draining", "pbx_down", "box", "stale", "unknown", "closed")


def faced(face: str) -> Snapshot:
    """The sample floor in one of its states (`FACES`)."""
    shot = Snapshot() if face == "unknown" else sample()
    if face == "vip":
        with_vips(stocked(shot))
    if face == "extraordinary":
        with_extraordinary(shot)
    floor, queues = shot.floor, shot.queues
    if face == "alarm":
        shot.alarms = [
            Alarm(id="floor.abandon_rate", level="red", since=ago(95)), Alarm(id="floor.longest_wait", level="amber", since=ago(20)),
            Alarm(id="queue.cobranzas.abandon_rate", level="red", since=ago(600), acknowledged=ago(540)),
            Alarm(id="queue.cobranzas.service_level", level="red", since=ago(300)),
            Alarm(id="trunk.pstn.all_busy_share", level="amber", since=ago(30)),
        ]  # fmt: skip
    if face in ("link_down", "draining"):
        held: dict[str, Any] = {"backlog": 1204, "oldest": ago(4320), "recorded": 10324, "delivered": 9120}
        away = Crm(state="down", since=ago(4325), full_in_s=9 * 86400.0, **held)
        shot.crm = away if face == "link_down" else Crm(state="draining", since=ago(12), drain_s=34.0, **held)
    if face == "box":
        shot.health = [Health(id="disk", level="red", text="97 % lleno"), Health(id="temperature", level="amber", text="78 °C")]
    if face in ("pbx_down", "stale"):
        shot.pbx = {"central": Pbx(state="down", since=ago(140), reason="lost")}
        for queue in (floor, *queues.values()):
            queue.fresh, queue.as_of = "stale", ago(140)
    if face == "closed":
        shot.open = False
        for queue in (floor, *queues.values()):
            queue.waiting, queue.longest_wait, queue.longest_since, queue.agents = 0, 0.0, None, AgentCounts()
    return shot


class HeldView:
    """A view of the floor that stands still until a test changes it; its clock is the test's."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = ManualClock(wall_ns=NOW_NS) if clock is None else clock
        self.held = sample()
        self.undecodable = 0
        self.oldest_ns: int | None = None

    @property
    def seq(self) -> int:
        return self.held.seq

    def now_ns(self) -> int:
        return self.clock.wall_ns()

    def snapshot(self, now_wall_ns: int | None = None) -> Snapshot:
        """The snapshot as it stands, stamped now; a copy, as the real view makes them."""
        now_ns = self.clock.wall_ns() if now_wall_ns is None else now_wall_ns
        copy = msgspec.convert(msgspec.to_builtins(self.held), Snapshot)
        copy.time = rfc3339(now_ns)
        return copy
