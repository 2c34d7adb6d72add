"""Other sites: what is believed of their floors, how old it is here, and what all sites come to, exactly."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import NS, rfc3339
from appliance.core.site_file import SiteFile
from appliance.floor import snapshot as out
from appliance.floor.build import summed, summed_queue
from appliance.floor.sites import all_sites, site_from_file, told_from_payload

NOW = 1_795_269_802 * NS
DAY = NOW - 9 * 3600 * NS
PLACE = ("guayaquil-sur", "piso-1")


def window(in_time: int, late: int, abandoned: int, short: int, left: int, wait_s: float, target: float = 15.0) -> out.Window:
    answered = in_time + late
    return summed(
        [
            out.Window(
                offered=answered + abandoned + left, answered=answered, answered_ended=answered, abandoned=abandoned, short_abandoned=short,
                left=left, left_by={"timeout": left} if left else {}, answered_in_time=in_time, wait_sum=wait_s, wait_max=wait_s,
                talk_sum=answered * 100.0, service_level_of=(in_time, answered + abandoned), service_level_variant="handled", target=target,
                coverage=1.0,
            )
        ]
    )  # fmt: skip


def floor(**more: Any) -> out.Queue:
    today = more.pop("today", window(97, 13, 6, 2, 1, 990.5))
    told = {
        "fresh": "live", "as_of": rfc3339(NOW - 2 * NS), "waiting": 2, "longest_wait": 20.0, "longest_since": rfc3339(NOW - 20 * NS),
        "agents": out.AgentCounts(logged_in=3, available=1, talking=2), "today": today, "interval": today, "rolling": today,
    }  # fmt: skip
    return out.Queue(**{**told, **more})


def payload(queue: out.Queue, **more: Any) -> bytes:
    snapshot = out.Snapshot(site=PLACE[0], box=PLACE[1], epoch="e1", seq=5, time=rfc3339(NOW), floor=queue)
    return msgspec.json.encode({**msgspec.to_builtins(snapshot), **more})


def held(queue: out.Queue, **more: Any) -> SiteFile:
    told = {
        "site": PLACE[0], "box": PLACE[1], "boot": "b", "state": "online", "epoch": "e1", "seq": 5, "time": rfc3339(NOW), "live_s": 20.0,
        "floor_ns": 1, "heard_ns": 1, "open": True, "floor": msgspec.Raw(msgspec.json.encode(queue)),
    }  # fmt: skip
    return SiteFile(**{**told, **more})


def seen(file: SiteFile | None, heard_s: float | None = 1.0, floor_s: float | None = 1.0, now_ns: int = NOW, day_ns: int = DAY) -> out.Site:
    """The site as shown when it was heard so many seconds ago."""

    def ago(seconds: float | None) -> int | None:
        return None if seconds is None else now_ns - round(seconds * NS)

    return site_from_file(
        file, "Guayaquil", PLACE, now_ns=now_ns, heard_ns=ago(heard_s), floor_ns=ago(floor_s), day_ns=day_ns, tick_ns=now_ns
    )


def test_heard_of_late_is_live_and_the_longest_wait_ticks() -> None:
    site = seen(held(floor()))
    assert (site.fresh, site.state, site.as_of, site.waiting) == ("live", "up", rfc3339(NOW), 2)
    assert (site.longest_wait, site.longest_since) == (20.0, rfc3339(NOW - 20 * NS))
    assert seen(held(floor()), heard_s=11.0, floor_s=10.0, now_ns=NOW + 10 * NS).longest_wait == 30.0


WAITED = floor(longest_since=rfc3339(NOW - 90 * NS))


@pytest.mark.parametrize(
    ("file", "heard_s", "state"),
    [
        (held(WAITED), 20.5, "silent"),
        (held(WAITED, state="offline"), 1.0, "down"),
        (held(WAITED, state=None), 1.0, "silent"),
    ],
)
def test_out_of_hearing_it_is_as_old_as_its_last_word(file: SiteFile, heard_s: float, state: str) -> None:
    site = seen(file, heard_s)
    assert (site.fresh, site.state, site.as_of) == ("stale", state, rfc3339(NOW - round(heard_s * NS)))
    assert (site.waiting, site.today.answered) == (2, 110)
    assert site.longest_wait == 90.0 - heard_s  # as it was then: it does not tick on


def test_what_the_broker_only_replayed_is_as_old_as_its_box_says() -> None:
    file = held(floor(), floor_ns=None, heard_ns=None, time=rfc3339(NOW - 3600 * NS))
    site = seen(file, None, None)
    assert (site.fresh, site.state, site.as_of) == ("stale", "silent", rfc3339(NOW - 3600 * NS))


def test_a_pbx_that_is_out_of_sight_there_is_out_of_sight_here() -> None:
    site = seen(held(floor(fresh="stale", as_of=rfc3339(NOW - 300 * NS))))
    assert (site.fresh, site.state, site.as_of) == ("stale", "up", rfc3339(NOW - 300 * NS))


def test_never_heard_and_never_seen_are_unknown_and_without_a_figure() -> None:
    nothing = out.Site(title="Guayaquil", site=PLACE[0], box=PLACE[1])
    assert seen(None) == nothing
    nothing.state = "up"
    assert seen(held(floor(fresh="unknown", waiting=None))) == nothing


def test_the_day_that_is_over_is_no_longer_today() -> None:
    file = held(floor())
    assert seen(file, 120, now_ns=NOW, day_ns=NOW - 121 * NS).fresh == "stale"
    assert seen(file, 120, now_ns=NOW, day_ns=NOW - 119 * NS).fresh == "unknown"


@pytest.mark.parametrize("wrong_s", [-56 * 365 * 86400, -90, 3600])
def test_a_box_with_a_wrong_clock_shows_no_wrong_wait(wrong_s: int) -> None:
    there = NOW + wrong_s * NS
    queue = floor(longest_since=rfc3339(there - 20 * NS), as_of=rfc3339(there))
    site = seen(held(queue, time=rfc3339(there)), 1.0, 1.0)
    assert (site.fresh, site.longest_wait) == ("live", 21.0)
    queue = floor(fresh="stale", as_of=rfc3339(there - 60 * NS), longest_since=rfc3339(there - 80 * NS))
    site = seen(held(queue, time=rfc3339(there)), 1.0, 1.0)
    assert (site.fresh, site.as_of, site.longest_wait) == ("stale", rfc3339(NOW - 61 * NS), 20.0)


# -- what may be believed --


def test_a_floor_is_read_whole_and_its_own_total_is_not() -> None:
    echo = msgspec.to_builtins(floor(waiting=99))
    told = told_from_payload(payload(floor(), all_sites=echo, sites={"quito": {**echo, "site": "q", "box": "b"}}, tomorrow=[1]), *PLACE)
    assert told.floor == floor()
    assert (told.epoch, told.seq, told.time, told.open) == ("e1", 5, rfc3339(NOW), True)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "no floor"),
        (b"\xff\xfe{}", "no floor"),
        (b"[]", "no floor"),
        (b"[" * 100_000, "no floor"),
        (b'{"v": 1}', "no floor"),
        (payload(floor(), v=2), "version 2"),
        (payload(floor(), box="piso-9"), "belongs"),
        (payload(floor(), seq=-1), "position"),
        (payload(floor(), time="yesterday"), "yesterday"),
        (payload(floor(), time="2026-11-21T14:03:22"), "offset"),
        (payload(floor(), time="9999-12-31T23:59:59-23:59"), "9999"),
        (payload(floor(waiting=-3)), "waiting is -3"),
        (payload(floor(longest_wait=1e300)), "longest_wait"),
        (payload(floor(longest_since="0001-01-01T00:00:00+23:59")), "0001"),
        (payload(floor(today=out.Window(service_level=1.2))), "service_level"),
        (payload(floor(today=out.Window(left_by={"x" * 65: 1}))), "65 letters"),
        (payload(floor(today=out.Window(left_by={str(n): 1 for n in range(65)}))), "too much text"),
        (payload(floor(today=out.Window(service_level_variant="x" * 65))), "too much text"),
        (payload(floor(), floor={"fresh": "old"}), "no floor"),
    ],
)
def test_what_no_floor_says_is_refused(raw: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        told_from_payload(raw, *PLACE)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
_MEMBERS = [*out.Queue.__struct_fields__, *(f"today.{name}" for name in out.Window.__struct_fields__)]


@given(member=st.sampled_from(["time", "seq", "epoch", "floor", "v", *_MEMBERS]), value=_JSON)
def test_any_member_may_be_rubbish_and_what_passes_can_be_shown(member: str, value: Any) -> None:
    document = msgspec.json.decode(payload(floor()))
    holder = document if member in document and member != "floor" else document["floor"]
    if member.startswith("today."):
        holder, member = document["floor"]["today"], member[6:]
    elif member == "floor":
        holder = document
    holder[member] = value
    try:
        told = told_from_payload(msgspec.json.encode(document), *PLACE)
    except ValueError:
        return
    file = held(told.floor, time=told.time)
    site = seen(file)
    msgspec.json.encode(all_sites(floor(), [site], NOW))


# -- sums --

_COUNT = st.integers(0, 500)
_WINDOWS = st.builds(window, _COUNT, _COUNT, _COUNT, st.just(0), _COUNT, _COUNT.map(float), st.sampled_from([15.0, 20.0]))
_AGENTS = st.builds(lambda a, t: out.AgentCounts(logged_in=a + t, available=a, talking=t), _COUNT, _COUNT)
_QUEUES = st.builds(
    lambda w, i, r, agents, waiting, since, people, classes: floor(
        today=msgspec.structs.replace(w, **classes), interval=i, rolling=r, agents=agents, waiting=waiting,
        longest_since=rfc3339(NOW - since * NS) if waiting else None, longest_wait=float(since) if waiting else None, **people,
    ),
    _WINDOWS, _WINDOWS, _WINDOWS, _AGENTS, st.integers(0, 9), st.integers(0, 900),
    st.builds(
        lambda vips, since, due, taken: {
            "vip_waiting": vips, "vip_longest_since": rfc3339(NOW - since * NS) if vips else None,
            "callbacks": None if due is None else out.Callbacks(open=due, claimed=min(due, taken), oldest_since=rfc3339(NOW - since * NS) if due else None),
        },
        st.none() | st.integers(0, 3), st.integers(0, 900), st.none() | st.integers(0, 9), st.integers(0, 9),
    ),
    st.builds(
        lambda classes, attempts: {
            "classes": classes,
            "outbound": None if attempts is None else out.Outbound(attempts=attempts, contacts=attempts // 3, outcomes={"answered": attempts // 3}),
        },
        st.dictionaries(st.sampled_from(["perfect", "improper", "extraordinary"]), st.integers(1, 90)), st.none() | st.integers(0, 90),
    ),
)  # fmt: skip


@given(st.lists(st.lists(_QUEUES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_the_sum_of_sites_is_the_sum_of_all_their_queues(sites: list[list[out.Queue]]) -> None:
    def agents(queues: list[out.Queue]) -> out.AgentCounts:
        return out.AgentCounts(**{name: sum(getattr(q.agents, name) for q in queues) for name in out.AgentCounts.__struct_fields__})

    floors = [summed_queue("", queues, agents(queues), NOW) for queues in sites]
    others = [seen(held(told_from_payload(payload(each), *PLACE).floor)) for each in floors[1:]]
    every = [queue for queues in sites for queue in queues]
    assert all_sites(floors[0], others, NOW) == summed_queue("", every, agents(every), NOW)


def test_what_the_way_back_counts_is_added_and_a_site_that_does_not_tell_leaves_no_sum() -> None:
    calls = {"classes": {"perfect": 8, "extraordinary": 1}, "outbound": out.Outbound(attempts=10, contacts=4, outcomes={"answered": 4})}
    more = {"classes": {"perfect": 2}, "outbound": out.Outbound(attempts=5, contacts=1, outcomes={"answered": 1, "busy": 4})}
    here = floor(
        today=msgspec.structs.replace(window(1, 0, 0, 0, 0, 2.0), **calls), vip_waiting=1, vip_longest_since=rfc3339(NOW - 42 * NS),
        callbacks=out.Callbacks(open=5, claimed=2, oldest_since=rfc3339(NOW - 600 * NS)),
    )  # fmt: skip
    there = floor(
        today=msgspec.structs.replace(window(1, 0, 0, 0, 0, 2.0), **more), vip_waiting=0,
        callbacks=out.Callbacks(open=2, oldest_since=rfc3339(NOW - 900 * NS)),
    )  # fmt: skip
    total = all_sites(here, [seen(held(there))], NOW)
    assert total.today.classes == {"perfect": 10, "extraordinary": 1}
    assert total.today.outbound == out.Outbound(attempts=15, contacts=5, outcomes={"answered": 5, "busy": 4})
    assert (total.vip_waiting, total.vip_longest_since) == (1, rfc3339(NOW - 42 * NS))
    assert total.callbacks == out.Callbacks(open=7, claimed=2, oldest_since=rfc3339(NOW - 900 * NS))
    dumb = seen(held(floor()))
    silent = all_sites(here, [dumb], NOW)
    assert (silent.vip_waiting, silent.vip_longest_since, silent.callbacks, silent.today.outbound) == (None, None, None, None)
    assert all_sites(here, [seen(None)], NOW) == out.Queue()  # never heard: no sum at all, and no zero


def test_a_box_whose_clock_is_wrong_tells_when_a_callback_was_opened_as_this_box_would() -> None:
    told = floor(
        callbacks=out.Callbacks(open=1, oldest_since=rfc3339(NOW - 3600 * NS)), vip_waiting=1, vip_longest_since=rfc3339(NOW - 60 * NS)
    )
    site = seen(held(told, time=rfc3339(NOW - 3600 * NS)), floor_s=1.0)
    assert site.callbacks is not None
    assert (site.callbacks.oldest_since, site.vip_longest_since) == (rfc3339(NOW - 1 * NS), rfc3339(NOW + 3539 * NS))


def test_rates_are_of_the_sums_and_never_averaged() -> None:
    small, large = floor(today=window(1, 0, 0, 0, 0, 2.0)), floor(today=window(10, 90, 0, 0, 0, 6000.0))
    total = all_sites(small, [seen(held(large))], NOW).today
    assert (total.service_level_of, total.service_level) == ((11, 101), 0.1089)  # the mean of the two would be 0.55
    assert total.asa == round(6002 / 101, 1)


def test_a_total_that_lacks_a_site_is_no_total() -> None:
    assert all_sites(floor(), [seen(held(floor())), seen(None)], NOW) == out.Queue()
    assert all_sites(out.Queue(), [seen(held(floor()))], NOW) == out.Queue()


def test_a_total_is_as_old_as_its_oldest_part_and_its_wait_does_not_tick() -> None:
    total = all_sites(floor(), [seen(held(floor()), 600)], NOW)
    assert (total.fresh, total.as_of, total.waiting) == ("stale", rfc3339(NOW - 600 * NS), 4)
    assert (total.longest_since, total.longest_wait) == (None, 20.0)


def test_waits_that_are_out_of_sight_do_not_grow_in_the_total() -> None:
    own = floor(fresh="stale", as_of=rfc3339(NOW - 60 * NS), longest_since=rfc3339(NOW - 65 * NS), longest_wait=65.0)
    site = seen(held(floor(longest_since=rfc3339(NOW - 30 * NS))))
    assert all_sites(own, [site], NOW).longest_wait == 30.0
    assert all_sites(own, [seen(held(floor(longest_since=None, longest_wait=None)))], NOW).longest_wait == 5.0


def test_a_window_or_a_count_that_one_site_does_not_tell_is_not_told_of_all() -> None:
    total = all_sites(floor(), [seen(held(floor(interval=None, rolling=None, agents=None, waiting=None)))], NOW)
    assert (total.interval, total.rolling, total.agents, total.waiting, total.fresh) == (None, None, None, None, "live")
    assert total.today.answered == 220


def test_a_file_of_another_version_of_the_program_is_a_site_not_heard_of() -> None:
    """The boards are started before the uplink: what its predecessor wrote must not stop them."""
    strange = msgspec.structs.replace(held(floor()), floor=msgspec.Raw(b'{"fresh": "new kind"}'))
    assert seen(strange) == seen(None)
