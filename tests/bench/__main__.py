"""Measures what docs/performance.md lists: prints a table, writes build/bench.json.

python -m tests.bench                      everything, about twelve minutes
python -m tests.bench --only journal ami   names that begin so
python -m tests.bench --quick              does it work at all; no figures to keep
"""

from __future__ import annotations

import sys

from tests.bench.room import ROOT
from tests.bench.suite import run

#: What is measured, in this order: the function, and the names of the rows that it makes.
BENCHES: dict[str, tuple[str, ...]] = {
    "journal_append:append_100": ("journal.append_100",),
    "journal_append:append_1": ("journal.append_1",),
    "journal_append:append_fair": ("journal.append_fair",),
    "journal_bytes:bytes_per_event": ("journal.bytes_per_event",),
    "journal_backlog:backlog_growth": ("journal.backlog_growth",),
    "tail:latency": ("tail.latency",),
    "ami_parse:parse": ("ami.parse",),
    "callerid_parse:parse": ("parse.callerid", "parse.modem"),
    "esl_parse:parse": ("parse.freeswitch",),
    "smdr_parse:parse": ("parse.smdr",),
    "sip_parse:parse": ("parse.sip",),
    "other_parse:parse": ("parse.monitor", "parse.dtmf", "parse.snmp", "parse.ami", "parse.alpha", "parse.hid"),
    "fold:events": ("fold.events", "fold.events_flat"),
    "startup:first_event": ("startup.first_event", "startup.first_event_10m"),
    "startup_board:board_100k": ("startup.board_100k", "startup.board_100k_cold"),
    "path:pbx_to_board": ("path.pbx_to_board",),
    "uplink_drain:drain": ("uplink.drain", "uplink.drain_bridge", "uplink.drain_cpu"),
    "uplink_tls:drain_tls": ("uplink.drain_tls",),
    "uplink_live:live_during_drain": ("uplink.live_during_drain",),
    "pop_ring:ring_to_broker": ("pop.ring_to_broker_1", "pop.ring_to_broker_50", "pop.ring_to_broker_drain"),
    "agi_answer:answer": ("agi.answer_1", "agi.answer_50"),
    "callbacks_pace:pace": ("callbacks.pace",),
    "directory:lookups": ("directory.lookup", "directory.lookup_sync", "directory.sync"),
    "uplink_reconnect:reconnect": ("uplink.reconnect", "uplink.reconnect_cap"),
    "memory:memory": ("memory.service", "memory.all", "memory.growth"),
    "cpu:cpu": ("cpu.idle", "cpu.50"),
    "opcua:opcua": ("opcua.cpu", "opcua.latency", "opcua.latency_p99", "opcua.start"),
    "opcua:memory": ("opcua.memory",),
}


def main() -> int:
    """Exit code 0 when all was measured and every goal met, 1 otherwise."""
    return run(BENCHES, ROOT / "build" / "bench.json", "bench", "bench", __doc__)


if __name__ == "__main__":
    sys.exit(main())
