"""Other sites over a real broker: their floors come onto the boards, sums are exact, and whatever ends the hearing is seen."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from appliance.core.alive import Alive, Sight
from appliance.core.catalogue import CallAnswered, CallQueued, PbxResynced, PbxUp
from appliance.core.clock import NS, SystemClock, rfc3339
from appliance.core.config import Crm, Site, SiteConfig, Tv
from appliance.core.config import Wallboard as WallboardConfig
from appliance.floor import snapshot as out
from appliance.floor.build import summed
from appliance.floor_view import FloorView
from appliance.service import Context
from gateway.uplink.endpoint import endpoints_from_config
from gateway.uplink.link import End, Message
from gateway.uplink.mqtt import Link
from wallboard.stream.feed import Feed

pytestmark = pytest.mark.broker

SITES = {"sur": SiteConfig(site="guayaquil-sur", box="piso-1", title="Guayaquil"), "cuenca": SiteConfig(box="b")}


class Later(SystemClock):
    """The same clock, read so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._by = round(seconds * NS)

    def mono_ns(self) -> int:
        return super().mono_ns() + self._by

    def wall_ns(self) -> int:
        return super().wall_ns() + self._by


class Elsewhere:
    """Another site's box, as plain paho: its status with the will, and its floor, both retained."""

    def __init__(self, port: int, site: str, box: str) -> None:
        self.site, self.box, self._seq = site, box, 0
        self.topic = f"callfloor/1/{site}/{box}"
        self.client = paho.Client(CallbackAPIVersion.VERSION2, f"callfloor-{site}-{box}", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.will_set(f"{self.topic}/status", b'{"state":"offline","since":null,"boot":"x"}', 1, True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.status("online")

    def say(self, part: str, payload: bytes) -> None:
        self.client.publish(f"{self.topic}/{part}", payload, 1, True).wait_for_publish(5)

    def status(self, state: str, **more: Any) -> None:
        self.say("status", msgspec.json.encode({"state": state, "since": None, "boot": "x", **more}))

    def floor(self, waiting: int, today: out.Window | None = None) -> str:
        self._seq += 1
        time = rfc3339(SystemClock().wall_ns())
        queue = out.Queue(fresh="live", as_of=time, waiting=waiting, agents=out.AgentCounts(), today=today or out.Window())
        queue.interval = queue.rolling = queue.today
        snapshot = out.Snapshot(site=self.site, box=self.box, epoch="e", seq=self._seq, time=time, floor=queue)
        self.say("floor", msgspec.json.encode(snapshot))
        return time

    def vanish(self) -> None:
        """As if its power were cut."""
        self.client.loop_stop()
        wire = self.client.socket()
        assert wire is not None
        wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def told(box: Any, sites: dict[str, SiteConfig], site: str = "quito", name: str = "p3") -> Any:
    """A rig's box of that name, which reads other sites."""
    box.config = msgspec.structs.replace(
        box.config, site=Site(name=site, box=name), sites=sites, wallboard=WallboardConfig(tv=Tv(listen="127.0.0.1:0"))
    )
    box.context = Context(box.config, box.journal, box.clock, box.watch, "uplink")
    return box


def board(box: Any, later_s: float = 0.0) -> out.Snapshot:
    """What a board that begins now shows, so many seconds from now."""
    view = FloorView(box.journal, box.config, Later(later_s))
    view.catch_up()
    return Feed(view, view.clock, box.config.privacy).snapshot()


def states(box: Any, later_s: float = 0.0) -> dict[str, tuple[str, str]]:
    return {key: (site.state, site.fresh) for key, site in (board(box, later_s).sites or {}).items()}


@pytest.fixture
def see_a_floor() -> Iterator[Callable[[Any], None]]:
    """Gives a box a floor of its own: one caller answered after 11 s, one waiting, and a gateway that lives."""
    gateways: list[Alive] = []

    def see(box: Any) -> None:
        gateways.append(Alive.open(box.journal.run_dir, "gateway"))
        clock = box.clock
        gateways[-1].saw("central", Sight(clock.boot, clock.mono_ns(), clock.wall_ns()))
        _calls(box)

    yield see
    for gateway in gateways:
        gateway.close()


def _calls(box: Any) -> None:
    """One answered, one waiting."""
    call = {"pbx": "central", "queue": "ventas"}
    for data in (
        PbxUp(pbx="central"),
        PbxResynced(pbx="central"),
        CallQueued(call="1", visit="1.1", title="Ventas", **call),
        CallAnswered(call="1", visit="1.1", agent="a", wait_s=11.0, **call),
        CallQueued(call="2", visit="2.1", title="Ventas", **call),
    ):
        box.journal.append([box.event(data)])


WINDOW = summed(
    [
        out.Window(
            offered=120, answered=110, abandoned=6, left=4, answered_in_time=97, wait_sum=990.0, service_level_of=(97, 116),
            service_level_variant="handled", target=15.0, coverage=1.0,
        )
    ]
)  # fmt: skip


@pytest.fixture
def elsewhere(rig: Any) -> Any:
    made: list[Elsewhere] = []

    def start(broker: Any, site: str, box: str) -> Elsewhere:
        made.append(Elsewhere(broker.port, site, box))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_floors_of_other_sites_come_onto_the_boards_and_are_summed(rig: Any, elsewhere: Any, see_a_floor: Any, protocol: str) -> None:
    broker = rig.broker()
    sur, cuenca = elsewhere(broker, "guayaquil-sur", "piso-1"), elsewhere(broker, "cuenca", "b")
    box = told(rig.box(broker.url, protocol=protocol), SITES)
    see_a_floor(box)
    sur.floor(2, WINDOW)
    assert states(box) == {"sur": ("unknown", "unknown"), "cuenca": ("unknown", "unknown")}
    assert board(box).all_sites == out.Queue()
    box.start()
    # What the broker kept may be old: shown, but not as live.
    await rig.until(lambda: states(box)["sur"] == ("silent", "stale"))
    sur.floor(3, WINDOW)
    time = cuenca.floor(4)
    await rig.until(lambda: set(states(box).values()) == {("up", "live")})
    shown = board(box)
    assert shown.sites is not None
    assert (shown.sites["sur"].title, shown.sites["sur"].today, shown.sites["cuenca"].title) == ("Guayaquil", WINDOW, "cuenca")
    total = shown.all_sites
    assert total is not None
    assert (total.fresh, total.waiting, total.today.service_level_of) == ("live", 3 + 4 + shown.floor.waiting, None)
    assert (total.today.answered, total.today.wait_sum, total.today.asa) == (111, 1001.0, round(1001 / 111, 1))
    # A quiet floor stays live as long as its box says so, and no longer.
    assert states(box, 30) == {"sur": ("silent", "stale"), "cuenca": ("silent", "stale")}
    cuenca.status("online", floor=time, every_s=60.0)
    await rig.until(lambda: states(box, 30) == {"sur": ("silent", "stale"), "cuenca": ("up", "live")})


async def test_two_boxes_show_each_other_and_nothing_goes_round(rig: Any, see_a_floor: Any, tmp_path: Path) -> None:
    """Two real uplinks; each total is the sum of two floors, however long they hear one another."""
    broker = rig.broker()
    here = told(rig.box(broker.url), {"sur": SiteConfig(box="piso-1")})
    rig.folder = tmp_path / "sur"
    rig.folder.mkdir()
    there = told(rig.box(broker.url), {"quito": SiteConfig(box="p3")}, "sur", "piso-1")
    rig.consumer(broker)
    floors = rig.consumer(broker, "callfloor/1/+/+/floor")
    for box in (here, there):
        see_a_floor(box)
        box.start()
    await rig.until(lambda: states(here) == {"sur": ("up", "live")} and states(there) == {"quito": ("up", "live")})
    here.journal.append([here.event(CallQueued(call="3", visit="3.1", pbx="central", queue="ventas"))])
    await rig.until(lambda: [total.waiting if (total := board(box).all_sites) else None for box in (here, there)] == [3, 3])
    assert [board(box).all_sites.today.offered for box in (here, there)] == [5, 5]
    said = [msgspec.json.decode(message.payload) for message in floors.messages]
    assert {(floor["sites"], floor["all_sites"]) for floor in said} == {(None, None)}
    # Quiet now: what is said is that nothing changed, and both stay live on it.
    heard = here.journal.run_dir / "sites" / "sur.json"
    before = json.loads(heard.read_bytes())["heard_ns"]
    await rig.until(lambda: json.loads(heard.read_bytes())["heard_ns"] > before + NS)
    assert states(here) == {"sur": ("up", "live")}
    await there.stop()
    await rig.until(lambda: states(here) == {"sur": ("down", "stale")})
    assert board(here).all_sites.fresh == "stale"
    there.start()
    await rig.until(lambda: states(here) == {"sur": ("up", "live")})


async def test_a_box_that_vanishes_and_a_broker_that_does(rig: Any, elsewhere: Any, see_a_floor: Any) -> None:
    broker = rig.broker()
    rig.consumer(broker)
    box = told(rig.box(broker.url), {"sur": SITES["sur"]})
    see_a_floor(box)
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    sur = elsewhere(broker, "guayaquil-sur", "piso-1")
    sur.floor(2)
    await rig.until(lambda: states(box) == {"sur": ("up", "live")})
    sur.vanish()
    await rig.until(lambda: states(box) == {"sur": ("down", "stale")})
    back = elsewhere(broker, "guayaquil-sur", "piso-1")
    back.floor(5)
    await rig.until(lambda: states(box) == {"sur": ("up", "live")})
    broker.kill()
    await rig.until(lambda: box.link() == "link.down")
    # Just now it was heard; after its time it is old, since then, and so is the total.
    old = board(box, 25)
    assert old.sites is not None
    assert old.all_sites is not None
    assert (old.sites["sur"].state, old.sites["sur"].fresh, old.sites["sur"].waiting) == ("silent", "stale", 5)
    assert (old.sites["sur"].as_of or "") < rfc3339(SystemClock().wall_ns())
    assert (old.all_sites.fresh, old.all_sites.as_of) == ("stale", old.sites["sur"].as_of)
    broker.start()
    await rig.until(lambda: back.client.is_connected() and box.link() == "link.up")
    back.status("online")
    back.floor(6)
    await rig.until(lambda: states(box) == {"sur": ("up", "live")})


async def test_junk_does_no_harm_and_a_restart_keeps_what_was_heard(
    rig: Any, elsewhere: Any, see_a_floor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broker = rig.broker()
    rig.consumer(broker)
    box = told(rig.box(broker.url), {"sur": SITES["sur"]})
    see_a_floor(box)
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    sur = elsewhere(broker, "guayaquil-sur", "piso-1")
    for junk in (b"\xff" * 900_000, b"{}", b'{"v":1,"site":"x","box":"y","time":"","floor":{}}'):
        sur.say("floor", junk)
        sur.say("status", junk[:100])
    await rig.until(lambda: "dropped" in caplog.text)
    assert states(box) == {"sur": ("unknown", "unknown")}
    assert box.link() == "link.up"
    sur.status("online")
    sur.floor(2)
    await rig.until(lambda: states(box) == {"sur": ("up", "live")})
    await box.stop()
    assert states(box) == {"sur": ("up", "live")}
    box.start()
    await rig.until(lambda: box.link() == "link.up")
    assert states(box) == {"sur": ("up", "live")}  # the broker's replay of the same floor makes it neither newer nor older
    sur.floor(3)
    await rig.until(lambda: board(box).sites["sur"].waiting == 3)


def _rules(folder: Path) -> str:
    """mosquitto's own access rules with roles: everything but other sites may be read. Its `acl_file` lets every subscription stand."""
    found = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")) + sorted(
        Path("/usr/lib").glob("mosquitto_dynamic_security.so")
    )
    acls = [
        {"acltype": "subscribePattern", "topic": topic, "allow": True}
        for topic in ("callfloor/1/quito/#", "callfloor/1/+/+/event/#", "callfloor/1/cuenca/b/status")
    ]
    rules = {
        "defaultACLAccess": {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True},
        "roles": [{"rolename": "box", "acls": acls}],
        "groups": [{"groupname": "boxes", "roles": [{"rolename": "box"}], "clients": []}],
        "anonymousGroup": "boxes",
        "clients": [],
    }
    path = folder / "rules.json"
    path.write_text(json.dumps(rules))
    return f"plugin {found[0]}\nplugin_opt_config_file {path}"


async def test_a_site_that_may_not_be_read_stays_unknown_and_the_log_says_so_once(
    rig: Any, elsewhere: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    broker = rig.broker(_rules(tmp_path))
    rig.consumer(broker)
    sur = elsewhere(broker, "guayaquil-sur", "piso-1")
    sur.floor(2)
    box = told(rig.box(broker.url), SITES)
    box.start()
    await rig.until(lambda: "cuenca/b/floor" in caplog.text)
    sur.floor(3)
    await rig.until(lambda: box.link() == "link.up")
    assert set(states(box).values()) == {("unknown", "unknown")}
    said = [record.getMessage() for record in caplog.records if "stays unknown" in record.getMessage()]
    assert said == [
        f"site {key} stays unknown: the broker lets this box not read callfloor/1/{topic}/floor (0x87): mend its access rules"
        for key, topic in (("sur", "guayaquil-sur/piso-1"), ("cuenca", "cuenca/b"))
    ]


class Ear:
    """Somebody who hears all that comes on one connection."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.answers: list[tuple[str, int]] = []

    def acked(self, mids: list[int]) -> None:
        assert not mids

    def told(self, answers: list[tuple[int, int]]) -> None:
        assert not answers

    def settled(self, mid: int, code: int) -> None:
        assert mid < 0, f"nothing was published: {code}"

    def message(self, message: Message) -> None:
        self.heard.append((message.topic, message.payload, message.retain))

    def subscribed(self, topic_filter: str, code: int) -> None:
        self.answers.append((topic_filter, code))

    def ended(self, end: End) -> None:
        raise AssertionError(end.text)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_topics_come_in_the_order_asked_for_and_go_when_they_are_no_longer_read(rig: Any, protocol: str) -> None:
    broker = rig.broker()
    sender = rig.consumer(broker, "nothing")
    for topic in ("b", "a"):
        sender.send(topic, b"kept", retain=True)
    ear = Ear()
    crm = Crm(url=broker.url, protocol=protocol)  # type: ignore[arg-type]
    (endpoint,) = endpoints_from_config(crm)
    link = await Link.open(endpoint, crm, "callfloor-quito-p3", None, ear)
    link.subscribe("a", "b", qos=0)
    await rig.until(lambda: len(ear.heard) == 2)
    assert ear.answers == [("a", 0), ("b", 0)]
    assert ear.heard == [("a", b"kept", True), ("b", b"kept", True)]
    link.unsubscribe("a")
    link.subscribe("c", qos=0)
    await rig.until(lambda: len(ear.answers) == 3)  # the broker answers in order: the first is gone by now
    for topic in ("a", "b"):
        sender.send(topic, b"now", retain=True)
    await rig.until(lambda: len(ear.heard) == 3)
    assert ear.heard[2:] == [("b", b"now", False)]
    link.close()
