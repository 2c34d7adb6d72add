"""What only the CRM knows, in the figures: each with its age, stale when nobody can know better, and never a zero that nobody told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.catalogue import Channel, KpiTold, LinkDown, LinkUp
from appliance.core.channels_config import CHANNELS_MOST, ChannelConfig, ChannelsConfig
from appliance.core.clock import NS, rfc3339
from appliance.core.config import Config, Crm, Kpi, Site
from appliance.core.hours_config import Hours
from appliance.floor.floor import bytes_from_state, state_from_bytes
from appliance.floor.shot import Shots
from appliance.floor.snapshot import Snapshot

LINKED = Config(crm=Crm(url="mqtt://127.0.0.1"))


def at(day: Any, ago_s: float = 0.0) -> str:
    """The time now, or so long ago: `day.tell(at_s)` moves it there first."""
    return rfc3339(day.clock.wall_ns() - round(ago_s * NS))


def shot(day: Any, more_s: float = 0.0) -> Snapshot:
    return Shots(day.floor).take(day.clock.wall_ns() + round(more_s * NS))


def email(day: Any, waiting: int | None = 12, longest_wait: float | None = 300.0, ago_s: float = 0.0, **more: Any) -> KpiTold:
    channel = Channel(waiting=waiting, longest_wait=longest_wait, service_level_of=(30, 40), **more)
    return KpiTold(as_of=at(day, ago_s), channels={"email": channel})


def test_a_channel_grows_older_while_it_is_live_and_stands_when_it_is_stale(make_day) -> None:
    day = make_day(LINKED)
    day.tell(10, LinkUp())
    day.tell(20)
    day.tell(20, email(day, ago_s=5, title="Correo", target_s=3600.0))
    shown = shot(day).channels["email"]
    assert (shown.title, shown.fresh, shown.as_of, shown.waiting, shown.target) == ("Correo", "live", at(day, 5), 12, 3600.0)
    assert (shown.service_level, shown.service_level_of) == (0.75, (30, 40))
    assert (shown.longest_wait, shown.longest_since) == (305.0, at(day, 305))
    assert shot(day, 100).channels["email"].longest_wait == 405.0
    assert shot(day, 895).channels["email"].fresh == "live"
    old = shot(day, 896).channels["email"]
    assert (old.fresh, old.as_of, old.longest_wait, old.waiting) == ("stale", at(day, 5), 300.0, 12), "as it was told, with its age"


@pytest.mark.parametrize("reason", ["unreachable", "denied", "no_consumer"])
def test_stale_at_once_while_the_crm_is_away(make_day, reason: Any) -> None:
    day = make_day(LINKED)
    day.tell(10, LinkUp())
    day.tell(20)
    day.tell(20, email(day))
    day.tell(30, LinkDown(reason=reason))
    assert shot(day).channels["email"].fresh == "stale"
    day.tell(40, LinkUp())
    assert shot(day).channels["email"].fresh == "live"
    day.floor.unlinked_ns = 1  # whoever speaks with the CRM is dead
    assert shot(day).channels["email"].fresh == "stale"


def test_without_a_crm_only_age_makes_stale(make_day) -> None:
    day = make_day(Config(channels=ChannelsConfig(stale_s=60)))
    day.tell(20)
    day.tell(20, email(day))
    assert [shot(day, more).channels["email"].fresh for more in (59, 61)] == ["live", "stale"]


def test_what_nobody_told_is_no_zero(make_day) -> None:
    known = {"chat": ChannelConfig(title="Chat", order=1), "fax": ChannelConfig(order=2)}
    day = make_day(Config(channels=ChannelsConfig(known=known)))
    day.tell(20)
    day.tell(20, email(day, None, None))
    channels = shot(day).channels
    assert list(channels) == ["chat", "fax", "email"]
    assert (channels["chat"].title, channels["chat"].fresh, channels["chat"].waiting, channels["chat"].as_of) == (
        "Chat",
        "unknown",
        None,
        None,
    )
    assert (channels["email"].waiting, channels["email"].longest_wait, channels["email"].longest_since) == (None, None, None)
    day.tell(30)
    day.tell(30, KpiTold(as_of=at(day), channels={"email": Channel(waiting=0, longest_wait=5.0, service_level_of=(0, 0))}))
    none = shot(day).channels["email"]
    assert (none.waiting, none.longest_wait, none.service_level) == (0, None, None), "where nobody waits nobody waits long"


def test_older_figures_change_nothing_and_each_channel_has_its_own_age(make_day) -> None:
    day = make_day()
    day.tell(100)
    day.tell(100, email(day, 12))
    day.tell(101)
    day.tell(101, email(day, 7, ago_s=50))
    assert shot(day).channels["email"].waiting == 12
    day.tell(102)
    own = {"email": Channel(waiting=3, as_of=at(day, 90)), "chat": Channel(waiting=4, as_of=at(day, 30))}
    day.tell(102, KpiTold(as_of=at(day), channels=own))
    channels = shot(day).channels
    assert (channels["email"].waiting, channels["chat"].waiting) == (12, 4)
    day.tell(110)
    day.tell(110, KpiTold(as_of=at(day), channels={"chat": Channel(waiting=None)}))
    assert shot(day).channels["chat"].waiting is None, "what is told of a channel is all that is known of it"
    assert shot(day).channels["email"].waiting == 12


def test_a_clock_ahead_of_ours_is_now(make_day) -> None:
    day = make_day()
    day.tell(100)
    day.tell(100, email(day, 1, ago_s=-30))
    assert shot(day).channels["email"].as_of == at(day)
    day.tell(110)
    day.tell(110, email(day, 2))
    assert shot(day).channels["email"].waiting == 2


def test_first_contact_resolution_is_todays_or_a_dash(make_day) -> None:
    day = make_day()
    assert shot(day).floor.today.fcr is None
    day.tell(10)
    day.tell(10, KpiTold(as_of=at(day), fcr=0.87))
    assert shot(day).floor.today.fcr == 0.87
    day.tell(20)
    day.tell(20, KpiTold(as_of=at(day, 3600), fcr=0.5), KpiTold(as_of=at(day)))
    assert shot(day).floor.today.fcr == 0.87, "older, and not told at all"
    left_s = (day.floor.calendar.day(day.clock.wall_ns())[1] - day.clock.wall_ns()) / NS
    assert [shot(day, more).floor.today.fcr for more in (left_s - 1, left_s + 1)] == [0.87, None], "yesterday's would pass for today's"


def test_paid_time_is_held_against_the_time_worked_until_then(make_day) -> None:
    day = make_day()
    day.logged_in(0)
    day.agent(0, "talking")
    day.agent(600, "paused", reason="break")
    assert shot(day).utilisation.cd_availability is None
    day.tell(1000)
    day.tell(1000, KpiTold(as_of=at(day), paid_seconds=2000.0))
    seen = shot(day).utilisation
    assert (seen.cd_availability, seen.bd_utilisation) == (0.5, 0.3), "C = 1000, B = 600, D = 2000"
    assert shot(day, 500).utilisation.cd_availability == 0.5, "D of then is not held against C of now"
    day.tell(1010)
    day.tell(1010, KpiTold(as_of=at(day), paid_seconds=2500.0))
    assert shot(day).utilisation.cd_availability == 0.4
    day.tell(2000)
    day.tell(2000, KpiTold(as_of=at(day), paid_seconds=4000.0))
    assert shot(day).utilisation.cd_availability == 0.5
    day.tell(4000)
    day.tell(4000, KpiTold(as_of=at(day, 1000), paid_seconds=9000.0))
    assert shot(day).utilisation.cd_availability == 0.5, "told too late to be held against anything"
    assert shot(day, 86_400).utilisation.cd_availability is None, "that was yesterday"


def test_paid_time_of_the_configuration_goes_by_the_opening_hours(make_day) -> None:
    hours = Hours(sat=("14:00-16:00",))
    day = make_day(Config(kpi=Kpi(paid_hours=10.0), site=Site(timezone="UTC", hours=hours)))  # the day begins at 14:06:40
    day.logged_in(0)
    day.agent(0, "available")
    seen = shot(day, 3200).utilisation  # at 15:00: half of the ten hours
    assert (seen.cd_availability, seen.bd_utilisation) == (round(3200 / 18_000, 4), round(3200 / 18_000, 4))
    day.tell(3200)
    day.tell(3200, KpiTold(as_of=at(day), paid_seconds=6400.0))
    assert shot(day).utilisation.cd_availability == 0.5, "the CRM knows better"


def test_the_cache_holds_all_of_it_and_channels_are_bounded(make_day) -> None:
    day = make_day()
    day.tell(10)
    day.tell(10, KpiTold(as_of=at(day), fcr=0.9, paid_seconds=100.0, channels={"email": Channel(waiting=1)}))
    assert state_from_bytes(bytes_from_state(day.floor.state), Config(), "") == day.floor.state
    for number in range(CHANNELS_MOST + 5):
        day.tell(20 + number)
        day.tell(20 + number, KpiTold(as_of=at(day), channels={f"c{number}": Channel(waiting=number)}))
    assert len(day.floor.state.told.channels) == CHANNELS_MOST
    assert "email" not in day.floor.state.told.channels
    day.tell(8 * 86_400)
    day.tell(8 * 86_400, KpiTold(as_of=at(day), channels={"new": Channel(waiting=1)}))
    assert list(day.floor.state.told.channels) == ["new"], "what nobody told of for a week is gone"
    day.tell(8 * 86_400 + 1, KpiTold(as_of="yesterday", fcr=0.1))
    assert day.floor.state.told.fcr == 0.9


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100), st.integers(-20, 200)), min_size=1, max_size=20))
def test_what_is_shown_is_the_newest_told(make_day_class: Any, steps: list[tuple[int, int, int]]) -> None:
    day, newest, now = make_day_class(), {}, 0
    for key, waiting, ago in steps:
        now += 10
        day.clock.advance(now - day._at)
        day._at = now
        as_of_ns = min(day.clock.wall_ns(), day.clock.wall_ns() - ago * NS)
        day.tell(now, KpiTold(as_of=at(day, ago), channels={f"c{key}": Channel(waiting=waiting)}))
        if as_of_ns >= newest.get(f"c{key}", (0, 0))[0]:
            newest[f"c{key}"] = (as_of_ns, waiting)
    assert {key: channel.waiting for key, channel in shot(day).channels.items()} == {key: waiting for key, (_, waiting) in newest.items()}


def test_a_cache_of_another_stale_s_is_none(make_day) -> None:
    """How late paid time may be told is decided as it is folded."""
    day = make_day(LINKED)
    day.tell(10, KpiTold(as_of=at(day), paid_seconds=5.0))
    told = bytes_from_state(day.floor.state)
    assert state_from_bytes(told, LINKED, "") is not None
    assert state_from_bytes(told, msgspec.structs.replace(LINKED, channels=ChannelsConfig(stale_s=60.0)), "") is None
