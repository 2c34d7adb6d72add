"""`directory.lookup`, `directory.lookup_sync`, `directory.sync`: a million customers: who is this, also while they are sent anew; how long that takes."""

from __future__ import annotations

import asyncio

from tests.bench.directory_load import burst, synced
from tests.bench.room import Room
from tests.bench.table import Row, alone, no_more_than


def lookups(room: Room) -> list[Row]:
    """One load over a real broker, looked up meanwhile and after."""
    count = 20_000 if room.quick else 1_000_000
    with room.passing() as folder:
        room.say(f"{count} customers over MQTT")
        told = asyncio.run(synced(folder, count))
        room.say("lookups")
        after = [burst(folder / "directory.db", count, cold=False) for _ in room.rounds(5)]
        cold = burst(folder / "directory.db", count, cold=True)
    during, uplink = told["lookups_meanwhile"], told["uplink"]
    lookup = (
        f"p50 {after[0]['p50']} ms of {after[0]['count']}; not in the cache p99 {cold['p99']} ms; {count} customers, {told['size_mb']} MB"
    )
    sync = f"{told['pages']} pages; uplink {uplink['idle_kib'] >> 10} to {uplink['peak_kib'] >> 10} MiB, {uplink['written_mb']} MB written"
    return [
        alone("directory.lookup", "ms p99", [each["p99"] for each in after], no_more_than(1, "ms"), lookup),
        alone(
            "directory.lookup_sync", "ms p99", [during["during"]["p99"]], no_more_than(1, "ms"),
            f"p50 {during['during']['p50']} ms of {during['during']['count']}, a thousand a second while a full load is filed",
        ),
        alone("directory.sync", "s", [told["seconds"]], no_more_than(900, "s"), sync),
    ]  # fmt: skip
