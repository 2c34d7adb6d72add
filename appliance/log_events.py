"""Decides what each warning and error of the log is: an event with a name and an id that never change, what follows from it, what to do.

A line is known by who says it and by its text before anything is put into it. Texts may be bettered, and then are bettered here too; a name
stays. The page docs/log-events.md and journald's own catalogue (`journalctl -x`) are made from this table.
"""

from __future__ import annotations

import hashlib
from typing import Final

from msgspec import Struct


class LogEvent(Struct, frozen=True):
    """`subject`: what happened; `means`: what follows from it; `do`: what a person does."""

    subject: str
    means: str
    do: str


def message_id(name: str) -> str:
    """The 128 bits of an event's MESSAGE_ID, by its name.

    >>> message_id("pbx.out_of_sight")
    '7d0c0e14e413e9a829899cbe696d0521'
    """
    return hashlib.sha256(f"callfloor.log/{name}".encode()).hexdigest()[:32]


EVENTS: Final[dict[str, LogEvent]] = {
    "service.stopped": LogEvent(
        "a service ended by a fault",
        "It is started again after the pause told; what it did stands still meanwhile, nothing recorded is lost.",
        "The text says where. A fault of configuration: callfloor check. One with a type and a place: report it (doctor --bundle).",
    ),
    "service.stuck": LogEvent(
        "a service or a part of it shows no progress",
        "systemd's watchdog ends the process if that lasts, and begins it anew.",
        "Look at the disk first (a card near its end stalls for seconds), then at the processor: callfloor doctor.",
    ),
    "service.left_behind": LogEvent(
        "a service did not stop in time",
        "The process was left at once; what was durable stays so.",
        "Nothing, unless it comes at every stop.",
    ),
    "part.failed": LogEvent(
        "one part of a service failed",
        "The other parts go on; this one is begun again within seconds.",
        "With a type and a place it is a fault of the program: report it with callfloor doctor --bundle.",
    ),
    "house.failed": LogEvent(
        "the box's housekeeping failed",
        "Retention, health and the clock are looked after again within seconds.",
        "The text says what of; mostly the disk.",
    ),
    "health.changed": LogEvent(
        "an item of the box's health is amber or red",
        "It stands on the boards too.",
        "docs/operations.md has a row for each item.",
    ),
    "clock.stepped": LogEvent(
        "the time of day was stepped",
        "Durations stay right; earlier events of this start are dated anew.",
        "Once after a start without a network: nothing. Again and again: give the box one time server.",
    ),
    "journal.takes_nothing": LogEvent(
        "the journal takes no events",
        "What happens is held in memory, up to a bound, and follows; beyond it is counted as lost.",
        "Free some space where the journal lies, or mend the disk's rights: callfloor doctor.",
    ),
    "journal.takes_again": LogEvent("the journal takes events again", "What was held follows now.", "Nothing."),
    "journal.lost_events": LogEvent(
        "events could not be recorded",
        "They are counted; how things stand now is told anew.",
        "See why the journal took nothing before: the disk.",
    ),
    "journal.damaged": LogEvent(
        "the journal is damaged",
        "The file is set aside whole and a new one begun; boards and CRM are told.",
        "Keep the file that was set aside. A card that does so again is to be replaced.",
    ),
    "directory.damaged": LogEvent(
        "the directory of customers cannot be read",
        "Whoever calls is unknown, and nobody is dialled by a command, until the CRM has sent its customers again or a file is imported.",
        "callfloor directory verify. The CRM's next page begins it anew; a card that damages files is near its end: callfloor doctor.",
    ),
    "journal.unread_row": LogEvent(
        "a row of the journal cannot be read",
        "It is passed over, and stays in the journal.",
        "callfloor journal verify. After a step back to an older version: go on to the newer one.",
    ),
    "journal.unchecked": LogEvent(
        "the journal's full check could not be made", "It is made at the next start.", "Nothing, unless it comes at every start."
    ),
    "journal.must_wait": LogEvent(
        "a command or a place in the journal cannot be written",
        "It waits and is tried again; nothing is done twice.",
        "The disk: callfloor doctor.",
    ),
    "state.not_saved": LogEvent(
        "a state kept for the next start could not be saved",
        "The next start takes seconds longer or sends some events twice; nothing is lost.",
        "The disk: callfloor doctor.",
    ),
    "state.made_again": LogEvent(
        "a file of the box was damaged and is made again", "It is a copy of what the journal says.", "Nothing once; often: the card."
    ),
    "program.fault": LogEvent(
        "a fault of the program",
        "The place told; what it concerns is left out, everything else goes on.",
        "Report it with callfloor doctor --bundle.",
    ),
    "pbx.out_of_sight": LogEvent(
        "a PBX is out of sight",
        "Boards show its queues as stale, then as dashes; it is tried again for ever.",
        "The reason in brackets: unreachable (network, address, port), denied (secret, permit), silent (half-open), lost (the PBX closed).",
    ),
    "pbx.damaged": LogEvent(
        "a PBX sent what is no message",
        "The piece is passed over and the PBX's lists are read again.",
        "Once: nothing. Often: something stands between box and PBX that changes bytes.",
    ),
    "line.out_of_sight": LogEvent(
        "what senses analog lines is out of sight",
        "Its lines are unknown until it is back; it is tried again.",
        "Its cable, its power, its rights: callfloor doctor.",
    ),
    "smdr.trouble": LogEvent(
        "a call-record port is in trouble",
        "Records are missed while it is away, or do not fit a profile.",
        "The text says which; callfloor smdr learn proposes a profile.",
    ),
    "crm.link": LogEvent(
        "something about the link to the broker",
        "Events wait meanwhile, and none is lost.",
        "The text names the broker and what it said; docs/crm-link.md.",
    ),
    "crm.no_mqtt5": LogEvent(
        "the broker knows no MQTT 5",
        "With 3.1.1 nobody can tell whether anybody listens: every acknowledgement counts as delivered.",
        "A broker that speaks MQTT 5.",
    ),
    "crm.gave_up": LogEvent(
        "an event is given up",
        "journal.skipped names it; the account counts it as skipped.",
        "The broker refuses it: its limits on topics and sizes.",
    ),
    "crm.new_journal": LogEvent(
        "the journal is not the one that the link knew",
        "Sending begins where the text says.",
        "Nothing after a damaged or restored journal.",
    ),
    "crm.command": LogEvent(
        "a command from the CRM was not taken",
        "It was refused, is left with the broker, or waits; the sender is told.",
        "Tell whoever sends it.",
    ),
    "crm.too_large": LogEvent(
        "a message is larger than the broker takes", "It is left out; the next is tried.", "Raise the broker's max_packet_size."
    ),
    "crm.tls": LogEvent(
        "something about certificates towards the broker",
        "The link goes on while it can, or waits.",
        "callfloor enroll renew; docs/crm-link.md#tls.",
    ),
    "box.other": LogEvent(
        "something about another site's or seat box's messages",
        "What it told is left out or waits; its figures are unknown meanwhile.",
        "The text names it; its version and its [site] name and box.",
    ),
    "headset.trouble": LogEvent(
        "a headset is at fault or held by another program",
        "Its seat says so; it is tried again.",
        "The text says which; docs/headsets.md.",
    ),
    "headset.driver": LogEvent(
        "a headset was left without the kernel's driver", "It may be silent for the desk's own computer.", "Replug it."
    ),
    "wire.lost": LogEvent(
        "a chain, a sign or a stack light does not take what it is told",
        "It is tried again; the other media go on.",
        "Its cable, its power, its rights: callfloor doctor.",
    ),
    "wire.back": LogEvent("a chain or a sign is back", "Everything is told it anew.", "Nothing."),
    "sign.no_room": LogEvent("a sign has no room for all its phrases", "The last ones are left out.", "Give it a board of its own."),
    "board.listener": LogEvent(
        "a listener has no port or no address",
        "It is tried again every few seconds; other media go on.",
        "The text names the address; ss -ltnp names who holds it.",
    ),
    "board.certificate": LogEvent(
        "a renewed certificate does not fit", "The former one goes on.", "The text says what of it; put certificate and key there together."
    ),
    "board.crowd": LogEvent(
        "too many connections", "Those beyond the limit are cut.", "The text names the address: a screen that reloads, or a scan."
    ),
    "board.file": LogEvent(
        "a board's file has a fault", "The board shows the fault; the others go on.", "The text names file, line and mend."
    ),
    "alarm.watch": LogEvent(
        "something about the watch over alarms", "The text says whether alarms are missing.", "Thresholds in [alarm], or the journal."
    ),
    "history.trouble": LogEvent("something about kept days", "Reports and trend lines may have a gap.", "The text says what of."),
    "opcua.client": LogEvent(
        "an OPC UA client was turned away or cut off",
        "Nobody else is concerned.",
        "The text says who and why: certificate, user, or what it sent.",
    ),
    "opcua.trouble": LogEvent(
        "something about the OPC UA server", "What it concerns is left out or shown as unknown.", "The text says what of; docs/opcua.md."
    ),
    "routing.default": LogEvent(
        "calls that asked for their route were not answered",
        "The dialplan's own queue stood for them; no call was held.",
        "The word says why: late (the box is too busy), garbled (no AGI came), not_allowed ([routing] allow), too_many (max_connections).",
    ),
    "routing.rules": LogEvent(
        "the routing rules cannot be used",
        "Those from before stand; at a start there are none, and every call goes where the dialplan says.",
        "callfloor check names file, line and mend.",
    ),
    "metrics.trouble": LogEvent(
        "figures cannot be read or asked for",
        "They are missing from /metrics until it is mended.",
        "The text names the address or the file.",
    ),
}
