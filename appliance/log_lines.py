"""Decides which event each warning and error of the log is, by who says it and by its text (appliance/log_events.py)."""

from __future__ import annotations

from typing import Final

#: Logger → text before anything is put into it → event. tests/appliance/test_log_events.py holds it against the source.
LINES: Final[dict[str, dict[str, str]]] = {
    "appliance.apart": {
        "%s failed: %s%s": "part.failed",
    },
    "appliance.command_crew": {
        "command %s (%s) ended by a fault of the program": "program.fault",
        "the place of the commands could not be saved; tried again in a while: %s": "state.not_saved",
        "a command of the same agent or call was not taken within %g s; the next is begun": "crm.command",
        "a command must wait, its cursor cannot be saved: %s": "journal.must_wait",
        "the end of a command must wait: %s": "journal.must_wait",
    },
    "appliance.command_row": {
        "row %d cannot be read and is passed over: %s": "journal.unread_row",
    },
    "appliance.command_run": {
        "the place of the commands %s could not be saved; tried again in a minute: %s": "state.not_saved",
        "a command must wait, its cursor cannot be saved: %s": "journal.must_wait",
        "the end of a command must wait: %s": "journal.must_wait",
        "row %d cannot be read and is passed over: %s": "journal.unread_row",
    },
    "appliance.core.directory": {
        "the directory cannot be read, callers are unknown meanwhile: %s": "directory.damaged",
    },
    "callfloor.check": {
        "the journal's full check could not be made (exit code %s)": "journal.unchecked",
    },
    "callfloor.gateway": {
        "%d rows of the journal could not be decoded while looking for what was known": "journal.unread_row",
        "the journal takes no events: %d of analog lines are not recorded": "journal.lost_events",
        "pbx %s: the journal takes no events; session dropped, everything is taken up again from the journal": "journal.takes_nothing",
        "line source %s: %s": "line.out_of_sight",
        "pbx %s: out of sight (%s): %s": "pbx.out_of_sight",
        "pbx %s: %s (tried again, at first in about %.0f s)": "pbx.out_of_sight",
        "pbx %s: damaged pieces in what it sent, %d by now; its lists are read again": "pbx.damaged",
        "smdr %s: %s": "smdr.trouble",
    },
    "callfloor.headsets": {
        "what the journal says of the seats could not be kept for the next start: %s": "state.not_saved",
        "%d headset events were lost while the journal took nothing; %d seats are told anew": "journal.lost_events",
        "the journal takes nothing and no more can wait: headset events are lost from now on, and counted": "journal.lost_events",
        "%s: %s; passed over %d, %d since it was plugged": "headset.trouble",
        "%s: %s": "headset.trouble",
        "seat %s: %s": "headset.trouble",
        "headsets are looked for every second: %s": "headset.trouble",
        "what a killed process left without a driver is not given back to the kernel after %.0f s; replug it": "headset.driver",
        "%s was left without a driver, and the kernel has it again": "headset.driver",
        "%d headsets were not given back to the kernel in time; the next start does it": "headset.driver",
    },
    "callfloor.house": {
        "the journal is damaged and is set aside: %s": "journal.damaged",
        "the damaged journal could not be set aside, tried again: %s": "journal.damaged",
        "the clock was stepped by %.3f s and is now %s": "clock.stepped",
        "%s: %s": "health.changed",
        "housekeeping failed, tried again every %.0f s: %s": "house.failed",
    },
    "callfloor.metrics": {
        "the figures of %s cannot be asked for (%s): they stand in no /metrics": "metrics.trouble",
        "the token of [metrics] cannot be read: %s": "metrics.trouble",
        "metrics cannot listen on %s: %s; trying again every %.0f s": "metrics.trouble",
    },
    "callfloor.outbox": {
        "the journal takes events again": "journal.takes_again",
        "%d events could not be recorded before the stop": "journal.lost_events",
        "the journal takes no events, %d wait in memory: %s": "journal.takes_nothing",
    },
    "callfloor.progress": {
        "%s does not move any more: the watchdog is not fed until it does": "service.stuck",
    },
    "callfloor.runner": {
        "the state of service %s could not be recorded: %s": "journal.takes_nothing",
        "service %s shows no progress for %.0f s": "service.stuck",
        "service %s shows no progress for %.0f s: to be killed and begun again": "service.stuck",
        "service %s stopped: %s; again in %.0f s (failure %d)": "service.stopped",
        "service %s failed while it was stopped: %s": "service.stopped",
        "service %s did not stop within %.1f s and is left behind": "service.left_behind",
    },
    "gateway.agi.service": {
        "%d calls were left to the dialplan's default: %s%s; told once an hour at most": "routing.default",
        "%d faults in the rules, the %d from before stand; `callfloor check` says what is wrong: %s": "routing.rules",
    },
    "gateway.opcua.channel": {
        "the channel of %s ends: %s": "opcua.client",
        "a client at %s is turned away: %s": "opcua.client",
        "a call of %s could not be answered: %s": "opcua.client",
    },
    "gateway.opcua.door": {
        "a connection from %s is closed: %s": "opcua.client",
    },
    "gateway.opcua.follower": {
        "row %d cannot be read and is passed over: %s": "journal.unread_row",
    },
    "gateway.opcua.guard": {
        "%s: %s": "opcua.client",
    },
    "gateway.opcua.rig_nodes": {
        "the rig has %d values and %d actions: only the first are shown": "opcua.trouble",
        "the rig's %s is not of its kind, %s: it is shown as unknown": "opcua.trouble",
    },
    "gateway.opcua.service": {
        "OPC UA could not be closed in order: %s": "opcua.trouble",
        "the commands known cannot be kept; tried again: %s": "opcua.trouble",
    },
    "gateway.opcua.space": {
        "no room for %s: [opcua] max_nodes = %d is reached; what comes now is left out": "opcua.trouble",
        "a subscriber could not be told of %s": "opcua.trouble",
        "a subscriber could not be told that %s is gone": "opcua.trouble",
    },
    "gateway.opcua.teller": {
        "an event could not be told to one subscription: %s": "opcua.trouble",
    },
    "gateway.opcua.trust": {
        "the certificate turned away cannot be kept: %s": "opcua.trouble",
        "%s in the trust folder cannot be read and is passed over: %s": "opcua.trouble",
    },
    "gateway.opcua.user": {
        "a login was refused: %s": "opcua.client",
        "no password of %s is looked at for up to a minute: %d wrong ones": "opcua.client",
        "%s cannot log in, his password cannot be read: %s": "opcua.trouble",
    },
    "gateway.uplink.callbacks": {
        "callbacks wait, the journal takes nothing: %s": "journal.must_wait",
    },
    "gateway.uplink.connector": {
        "%s": "crm.link",
        "%s: the broker knows no MQTT 5; 3.1.1 is spoken with it, by which nobody can tell whether anybody listens": "crm.no_mqtt5",
    },
    "gateway.uplink.conversation": {
        "%d commands wait already; one more is left with the broker": "crm.command",
        "a command cannot be taken, the journal takes nothing: %s": "crm.command",
    },
    "gateway.uplink.effect_directory": {
        "the directory cannot be used and is begun anew, the CRM has to send it again: %s": "directory.damaged",
    },
    "gateway.uplink.extraordinary": {
        "an extraordinary call cannot be told of yet, the journal takes nothing: %s": "journal.must_wait",
    },
    "gateway.uplink.follower": {
        "the place of the commands' reader cannot be saved; tried again: %s": "journal.must_wait",
        "row %d must wait: %s": "journal.must_wait",
        "row %d cannot be read and is passed over: %s": "journal.unread_row",
    },
    "gateway.uplink.inbox": {
        "a command on %s cannot be used: %s": "crm.command",
    },
    "gateway.uplink.ledger": {
        "%s had a torn line, as after a power cut; it is rewritten from what could be read": "state.made_again",
    },
    "gateway.uplink.link_state": {
        "the link is %s, but the journal does not take it: %s": "journal.takes_nothing",
    },
    "gateway.uplink.live": {
        "%s is not sent: %d bytes are more than the broker takes": "crm.too_large",
    },
    "gateway.uplink.mqtt": {
        "the broker sent what cannot be read: %s: %s": "crm.link",
    },
    "gateway.uplink.others": {
        "what is left of sites that are no longer read cannot be removed: %s": "state.not_saved",
        "the boards cannot be told of site %s; tried again: %s": "state.not_saved",
        "site %s: message %d on its %s dropped: %s": "box.other",
        "site %s stays unknown: %s": "box.other",
    },
    "gateway.uplink.pop_account": {
        "the ends of screen pops must wait, the journal takes nothing: %s": "journal.must_wait",
    },
    "gateway.uplink.pop_reader": {
        "row %d cannot be read and is passed over: %s": "journal.unread_row",
    },
    "gateway.uplink.pump": {
        "the cursor of the CRM link cannot be saved, events may be sent twice; tried again: %s": "state.not_saved",
        "event %d is given up: %s": "crm.gave_up",
        "the journal is a new one (%s after %s): sending begins with its first event": "crm.new_journal",
        "the CRM cursor (%d) is ahead of the journal (%d): the journal lost events; sending goes on from its end": "crm.new_journal",
    },
    "gateway.uplink.executor": {
        "command %s (%s) ended by a fault of the program": "program.fault",
    },
    "gateway.uplink.staged": {
        "command %s (%s) ended by a fault of the program": "program.fault",
        "the command %s at row %d must wait: %s": "journal.must_wait",
    },
    "gateway.uplink.resend": {
        "a resend must wait, its cursor cannot be saved: %s": "journal.must_wait",
        "the end of a resend must wait: %s": "journal.must_wait",
    },
    "gateway.uplink.seat_box": {
        "events of seat box %s were lost (%s): its seats are unknown until they speak anew": "box.other",
        "seat box %s: message %d dropped: %s": "box.other",
    },
    "gateway.uplink.seat_boxes": {
        "events of seat boxes wait at the broker, the journal takes nothing: %s": "journal.takes_nothing",
        "%d events of seat boxes wait already; %d left with the broker": "box.other",
        "%d messages of box %s and others passed over: %d seat boxes are read already": "box.other",
    },
    "gateway.uplink.service": {
        "no command is taken yet, the journal takes nothing: %s": "journal.takes_nothing",
        "the link could not be closed in order: %s": "crm.link",
    },
    "gateway.uplink.tls": {
        "%s": "crm.tls",
    },
    "wallboard.alarm.run": {
        "too many alarms stand at once; more are not raised (%d so far): are the thresholds in [alarm] right?": "alarm.watch",
        "another process of this box watches the alarms; this one shows them, and takes over when that one ends": "alarm.watch",
        "an alarm cannot be recorded, and is tried again: %s": "alarm.watch",
    },
    "wallboard.beacon.clockwork": {
        "lamps could not be switched off: %s": "wire.lost",
    },
    "wallboard.beacon.run": {
        "the state of stack light %s could not be recorded: %s": "journal.takes_nothing",
        "a press of the button of stack light %s could not be recorded: %s": "journal.takes_nothing",
        "stack light %s: %s; trying again every %.0f s": "wire.lost",
    },
    "wallboard.history.run": {
        "%s was damaged (%s) and is now %s; it is made again from the journal": "state.made_again",
        "%s": "history.trouble",
    },
    "wallboard.led.run": {
        "%s; trying again every %.0f s": "wire.lost",
        "LED chain %s is back": "wire.back",
    },
    "wallboard.service": {
        "the fold could not be kept for the next start: %s": "state.not_saved",
        "%s": "board.file",
        "%s; trying again every %.0f s": "board.listener",
    },
    "wallboard.sign.run": {
        "%s; trying again every %.0f s": "wire.lost",
        "sign %s is back": "wire.back",
        "sign %s: %d of %d phrases have no room; give it a board of its own": "sign.no_room",
    },
    "wallboard.web.certificate": {
        "%s; the former certificate goes on": "board.certificate",
    },
    "wallboard.web.gate": {
        "%d connections from %s already, %d in all; refused so far: %d": "board.crowd",
    },
}
