"""One example of every kind of event, for the reference pages, the AsyncAPI document and whoever writes a consumer's first test."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from appliance.core import catalogue as c

#: The call, caller and agent that the examples tell of. The number is from the range kept for fiction.
_CALL: Final[dict[str, Any]] = {
    "call": "3f9a2c41d0-118",
    "pbx": "central",
    "visit": "3f9a2c41d0-118.1",
    "queue": "ventas",
    "caller": "+12025550143",
    "dialled": "1800",
    "uniqueid": "1795270000.118",
}
_TALK: Final[dict[str, Any]] = {**_CALL, "agent": "agente-101"}
_LINE: Final[dict[str, Any]] = {"line": "dahdi-1", "trunk": "pstn", "pbx": "central"}
_SEAT: Final[dict[str, Any]] = {"seat": "a12", "agent": "agente-101"}

EXAMPLES: Final[tuple[Struct, ...]] = (
    c.CallOffered(**{**_CALL, "visit": None, "queue": None}, direction="in", trunk="pstn"),
    c.CallQueued(**_CALL, title="Ventas", position=3),
    c.CallRinging(**_TALK),
    c.CallAnswered(**_TALK, wait_s=11.482, ring_s=3.207),
    c.CallHeld(**_TALK),
    c.CallResumed(**_TALK),
    c.CallTransferred(**_TALK, to="2040", attended=True),
    c.CallAbandoned(**_CALL, wait_s=40.031),
    c.CallLeft(**_CALL, reason="timeout", wait_s=60.004),
    c.CallEnded(**_TALK, talk_s=184.25, hold_s=22.5, ended_by="caller"),
    c.CallDigits(**_CALL, menu="principal", digits="2"),
    c.CallSurvey(**_TALK, question="atencion", score=4.0),
    c.CallClassified(**_TALK, type="reclamo", topic="factura", reason="cobro-doble", subreason="tarjeta"),
    c.CallCallbackRequested(**_CALL, number="+12025550143"),
    c.CallLost(**_CALL, reason="blind", found_talking=True),
    c.CallMatched(**_CALL, customer="C-20418", segment="vip", language="es", vip=True, version=4107),
    c.CallDissatisfied(**_TALK, question="satisfaction", score=1.0, limit=3.0),
    c.CallAttempted(**{**_TALK, "queue": None, "visit": None}, command="c-2026-11-21-0042", outcome="busy", cause=17, ring_s=4.2),
    c.CallPreviewed(**{**_TALK, "queue": None, "visit": None}, command="c-2026-11-21-0042", card="Factura 4107 vencida"),
    c.AgentLoggedIn(agent="agente-101", pbx="central", name="Agente 101", interface="PJSIP/101", queues=("ventas", "soporte")),
    c.AgentLoggedOut(agent="agente-101", pbx="central", name="Agente 101"),
    c.AgentStateChanged(
        agent="agente-101",
        pbx="central",
        state="available",
        queues={"ventas": "available", "soporte": "paused"},
        name="Agente 101",
        reason="capacitacion",
    ),
    c.LineRinging(**_LINE),
    c.LineCallerId(**_LINE, number="2025550143", name="CLIENTE"),
    c.LineSeized(**_LINE, direction="in"),
    c.LineReleased(**_LINE, outcome="answered", rang_s=6.0),
    c.LineFault(**_LINE, fault="no_battery"),
    c.LineAllBusy(trunk="pstn", lines=8),
    c.LineAllBusyEnded(trunk="pstn", lines=8, busy_s=12.9),
    c.HeadsetAttached(**_SEAT, product="Evolve2 40", vendor_id="0b0e", product_id="0e40", serial="00A1B2C3"),
    c.HeadsetDetached(**_SEAT),
    c.HeadsetHook(**_SEAT, hook="off", by="level"),
    c.HeadsetMute(**_SEAT, mute=True, by="toggle"),
    c.HeadsetFault(**_SEAT, fault="the device answers no output report"),
    c.HeadsetFinding(**_SEAT, finding="call_on_hook", for_s=5.0),
    c.HeadsetMinute(**_SEAT, told_s=60.0, off_hook_s=41.5, muted_s=12.0, in_call_s=40.9, changes=3),
    c.PbxUp(pbx="central", version="Asterisk 22.5.2", started="2026-11-21 06:00:04", limits=("command",)),
    c.PbxDown(pbx="central", reason="silent", unseen_s=25.0, text="no answer to a ping within 25 s"),
    c.PbxResynced(
        pbx="central", blind_s=31.4, waiting=8, lost=1, inferred=3, queues=(c.Named("atencion_al_cliente", "atención_al_cliente"),)
    ),
    c.PbxRecord(
        pbx="norte",
        profile="panasonic",
        direction="in",
        extension="104",
        trunk="02",
        number="2025550143",
        start="2026-11-21T09:04:00",
        duration_s=65.0,
        ring_s=8.0,
        answered=True,
        abandoned=False,
        digest="5b0d0f3a91c2",
    ),
    c.LinkUp(),
    c.LinkDown(reason="no_consumer", text="the broker has no subscriber to event/#"),
    c.JournalStarted(reason="damaged", previous="4c1e0b77aa"),
    c.JournalGap(first=3801, last=3960),
    c.JournalPressure(state="ends", not_recorded=4120),
    c.JournalSkipped(n=3977, reason="larger than the broker's maximum packet size"),
    c.JournalPurged(),
    c.PrivacyForgotten(mark="~k3f2x7mqa5", deliveries=(3811, 3812, 3840)),
    c.BoxStarted(version="0.1.0", services=("gateway", "wallboard", "uplink")),
    c.BoxClockStepped(offset_ns=1_795_269_000_000_000_000, by_s=-3600.0, quality="synced"),
    c.BoxHealth(id="disk", level="amber", text="82 % of the journal's budget is used"),
    c.BoxGap(box="isla-4", reason="missing"),
    c.CommandReceived(id="c-2026-11-21-0007", verb="announce", args={"text": "Reunión a las 15:00"}, digest="9f2c7d10"),
    c.CommandFinished(id="c-2026-11-21-0007", state="done", result={"announcement": "c-2026-11-21-0007"}),
    c.PopSettled(
        pop="3f9a2c41d0-48190",
        call="3f9a2c41d0-118",
        agent="agente-101",
        outcome="delivered",
        card="found",
        sent_s=0.011,
        settled_s=0.014,
        code=0,
    ),
    c.CallbackOpened(
        callback="cb-3f9a2c41d0-48177",
        why="abandoned",
        number="+12025550143",
        times=2,
        waited_s=71.4,
        since="2026-11-21T13:58:02.114Z",
        pbx="central",
        queue="ventas",
        call="3f9a2c41d0-118",
        visit="3f9a2c41d0-118.1",
    ),
    c.CallbackClaimed(callback="cb-3f9a2c41d0-48177", by="agente-101"),
    c.CallbackClosed(callback="cb-3f9a2c41d0-48177", reason="reached", by="agente-101", call="3f9a2c41d0-131"),
    c.KpiTold(
        as_of="2026-11-21T14:05:00Z",
        fcr=0.871,
        paid_seconds=403_200.0,
        channels={
            "email": c.Channel(title="Correo", waiting=14, longest_wait=5400.0, service_level_of=(88, 96), as_of="2026-11-21T14:05:00Z")
        },
    ),
    c.AlarmRaised(alarm="queue.ventas.abandon_rate", level="red"),
    c.AlarmAcknowledged(alarm="queue.ventas.abandon_rate", by="supervisor-1"),
    c.AlarmCleared(alarm="queue.ventas.abandon_rate"),
    c.AnnouncementShown(id="c-2026-11-21-0007", text="Reunión a las 15:00", severity="info", until="2026-11-21T20:15:00.000Z"),
    c.AnnouncementEnded(id="c-2026-11-21-0007"),
)


def example_of(kind: str) -> Struct:
    """The example of a kind. Raises KeyError for a kind that has none."""
    return _BY_KIND[kind]


_BY_KIND: Final[dict[str, Struct]] = {c.kind_of(data): data for data in EXAMPLES}
