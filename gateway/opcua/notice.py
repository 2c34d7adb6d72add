"""Decides which rows of the journal are told as OPC UA events, in what words, and how severe they are. Pure.

Severity: 1 to 1000 (OPC 10000-5, 6.4.2): 800 what a red lamp stands for, 500 amber, 200 that it is over.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from appliance.core.catalogue import AlarmAcknowledged, AlarmCleared, AlarmRaised, BoxHealth, LinkDown, LinkUp, PbxDown, PbxUp

NoticeKind = Literal["alarm", "link", "health"]

#: What begins a row's body that may be told.
KINDS: Final = ("alarm.raised", "alarm.acknowledged", "alarm.cleared", "link.up", "link.down", "pbx.up", "pbx.down", "box.health")
#: Fields of each event beside those that every OPC UA event has; all of them texts.
FIELDS: Final[dict[NoticeKind, tuple[str, ...]]] = {
    "alarm": ("Alarm", "State", "Level"),
    "link": ("Link", "State", "Reason"),
    "health": ("Item", "Level"),
}
_BY_LEVEL: Final = {"red": 800, "amber": 500, "ok": 200}


class Notice(Struct, frozen=True):
    """One event: `fields` as `FIELDS` names them. `source`: the path of the node that it is about."""

    kind: NoticeKind
    fields: dict[str, str]
    severity: int
    text: str
    source: tuple[str, ...]


def notice_from_data(data: Struct) -> Notice | None:
    """What is told of an event of the journal; None: nothing.

    >>> notice_from_data(AlarmRaised(alarm="queue.ventas.abandon_rate", level="red")).severity
    800
    """
    found: Notice | None = None
    match data:
        case AlarmRaised(alarm=alarm, level=level):
            found = _alarm(alarm, "raised", level, _BY_LEVEL[level], f"{alarm} is {level}")
        case AlarmAcknowledged(alarm=alarm):
            found = _alarm(alarm, "acknowledged", "", 300, f"{alarm} was acknowledged")
        case AlarmCleared(alarm=alarm):
            found = _alarm(alarm, "cleared", "", 200, f"{alarm} is over")
        case LinkUp(crm=crm):
            found = _link("crm", crm, "up", "", 200)
        case LinkDown(crm=crm, reason=reason):
            found = _link("crm", crm, "down", reason, 700)
        case PbxUp(pbx=pbx):
            found = _link("pbx", pbx, "up", "", 200)
        case PbxDown(pbx=pbx, reason=reason):
            found = _link("pbx", pbx, "down", reason, 800)
        case BoxHealth(id=item, level=level, text=text):
            words = f"{item}: {text or 'all right'}"
            found = Notice("health", {"Item": item, "Level": level}, _BY_LEVEL[level], words[:500], ("health", item))
    return found


def _alarm(alarm: str, state: str, level: str, severity: int, text: str) -> Notice:
    return Notice("alarm", {"Alarm": alarm, "State": state, "Level": level}, severity, text, ("alarms", alarm))


def _link(group: str, name: str, state: str, reason: str, severity: int) -> Notice:
    text = f"{name} is {state}{': ' + reason if reason else ''}"
    source = ("crm",) if group == "crm" else ("pbx", name)
    return Notice("link", {"Link": name, "State": state, "Reason": reason}, severity, text, source)
