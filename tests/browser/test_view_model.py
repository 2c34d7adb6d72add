"""The page's view model is the other media's: the same floor gives the same texts, word for word, in every language and on every kind of page."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from appliance.core.clock import NS
from appliance.floor.snapshot import (
    AgentCounts,
    Alarm,
    Announcement,
    Callbacks,
    Channel,
    Crm,
    Headset,
    Health,
    Outbound,
    Pbx,
    Queue,
    Records,
    Satisfaction,
    Site,
    Snapshot,
    Trunk,
    Window,
)
from wallboard.board import Board
from wallboard.figure import FIGURES
from wallboard.page import Page
from wallboard.sample import FACES, NOW_NS, ago

if TYPE_CHECKING:
    from conftest import Box, Browser

pytestmark = pytest.mark.browser

EVERY_KIND = """
distance_m = 5
[[page]]
kind = "floor"
[[page]]
kind = "floor"
name = "chosen"
title = "Elegidas"
figures = ["aht", "talk_avg", "left", "satisfaction", "fcr", "held", "trunks", "cd_availability"]
window = "rolling"
[[page]]
kind = "queue"
queue = "ventas"
window = "interval"
[[page]]
kind = "queue"
queue = "no-existe"
[[page]]
kind = "group"
group = "todas"
[[page]]
kind = "queues"
[[page]]
kind = "queues"
name = "two"
queues = ["soporte", "ventas", "falta"]
figures = ["service_level", "waiting"]
[[page]]
kind = "queues"
name = "beside"
channels = ["*"]
[[page]]
kind = "totals"
[[page]]
kind = "totals"
name = "sedes"
sites = ["*"]
[[page]]
kind = "callbacks"
[[page]]
kind = "callbacks"
name = "due-two"
queues = ["ventas", "falta"]
[[page]]
kind = "channels"
[[page]]
kind = "channels"
name = "some"
channels = ["fax", "email", "kiosko"]
[[page]]
kind = "classes"
[[page]]
kind = "classes"
queue = "ventas"
window = "interval"
[[page]]
kind = "outbound"
[[page]]
kind = "outbound"
name = "lines"
figures = ["contact_rate", "attempts", "trunks"]
window = "rolling"
[[page]]
kind = "agents"
[[page]]
kind = "agents"
name = "named"
names = true
queues = ["ventas"]
[[page]]
kind = "trunks"
[[page]]
kind = "records"
[[page]]
kind = "headsets"
names = true
[[page]]
kind = "announcements"
[[notice]]
text = "Turno de la mañana"
severity = "warning"
days = ["mon", "tue", "wed", "thu", "fri", "sat"]
at = "06:00"
until = "14:00"
[[notice]]
text = "Nunca a esta hora"
at = "15:00"
until = "04:00"
"""
#: Words without numbers that tick, so that a second between the two views is no difference; those are compared apart.
SAID = """(floor, ms) => import('/tv/view.js').then(({ view }) => {
  const v = view(floor, ms);
  const pick = (from, ...keys) => Object.fromEntries(keys.map((key) => [key, from[key]]));
  const tile = (t) => pick(t, 'key', 'label', 'short', 'value', 'unit', 'notes', 'target', 'fresh', 'level', 'acknowledged', 'hatched');
  return {
    ...pick(v, 'name', 'title', 'face', 'pin'),
    banners: v.banners.map((b) => pick(b, 'trouble', 'state', 'text', 'value', 'details', 'severe')),
    announcements: v.announcements.map((a) => [a.id, a.text, a.severity ?? 'info']),
    pages: v.pages.map((p) => ({ ...pick(p, 'name', 'kind', 'title', 'dwell_s', 'fresh', 'stamp', 'note', 'more'), tiles: p.tiles.map(tile),
      rows: p.rows.map((r) => ({ ...pick(r, 'key', 'title', 'fresh', 'age', 'state', 'word', 'since', 'level', 'share'), tiles: r.tiles.map(tile) })) })),
  };
})"""


def said(board: Board) -> dict[str, Any]:
    """The Python view model in the shape that the page is asked for."""

    def tile(each: Any) -> dict[str, Any]:
        names = ("key", "label", "short", "value", "unit", "target", "fresh", "level", "acknowledged", "hatched")
        return {**{name: getattr(each, name) for name in names}, "notes": list(each.notes)}

    def page(each: Page) -> dict[str, Any]:
        names = ("name", "kind", "title", "dwell_s", "fresh", "stamp", "note", "more")
        rows = [
            {
                **{name: getattr(row, name) for name in ("key", "title", "fresh", "age", "state", "word", "since", "level", "share")},
                "tiles": [tile(t) for t in row.tiles],
            }
            for row in each.rows
        ]
        return {**{name: getattr(each, name) for name in names}, "tiles": [tile(t) for t in each.tiles], "rows": rows}

    return {
        "name": board.name,
        "title": board.title,
        "face": board.face,
        "pin": board.pin,
        "banners": [
            {"trouble": b.trouble, "state": b.state, "text": b.text, "value": b.value, "details": list(b.details), "severe": b.severe}
            for b in board.banners
        ],
        "announcements": [[a.id, a.text, a.severity] for a in board.announcements],
        "pages": [page(each) for each in board.pages],
    }


def as_the_page_has_it(snapshot: Snapshot) -> Any:
    """The document as a browser holds it after any patch: what is not known is not there."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(each) for key, each in value.items() if each is not None}
        return [bare(each) for each in value] if isinstance(value, list) else value

    return bare(json.loads(msgspec.json.encode(snapshot)))


class Dice:
    """Random floors, with what is rarely there: nulls, odd halves, long texts, sources out of sight."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def maybe(self, value: Any) -> Any:
        return value if self.random.random() < 0.8 else None

    def window(self) -> Window:
        r = self.random
        share = r.choice([0.0, 1.0, 0.9995, 0.99949, 0.1225, 0.0625, 0.5, round(r.random(), 4)])
        return Window(
            offered=r.randrange(20000), answered=r.randrange(3000), abandoned=r.randrange(100), left=r.randrange(5), target=self.maybe(r.choice([15, 20, 12.5])),
            service_level=self.maybe(share), service_level_of=self.maybe((r.randrange(5000), r.randrange(2) * 5000)), service_level_variant=self.maybe("asterisk-sl2"),
            abandon_rate=self.maybe(round(r.random(), 4)), abandon_rate_of=(r.randrange(9), r.randrange(2000)), asa=self.maybe(r.choice([0.0, 59.9, 3600.0, 725.4])),
            talk_avg=self.maybe(189.8), aht=self.maybe(3725.0), coverage=self.maybe(r.choice([1.0, 0.95, 0.949])), fcr=self.maybe(0.85),
            classes=self.maybe({name: r.randrange(99) for name in r.sample(["perfect", "improper", "extraordinary", "odd", "ñu"], 3)}) or {},
            outbound=self.maybe(Outbound(attempts=r.randrange(3) * 37, contacts=r.randrange(30), outcomes={name: r.randrange(1, 40) for name in r.sample(["answered", "busy", "agent_busy", "odd"], 2)})),
            repeat_call_share=self.maybe(0.123), satisfaction=self.maybe(Satisfaction(mean=r.choice([4.25, 4.35, 5.0, 3.75]), answers=r.randrange(2000))),
        )  # fmt: skip

    def queue(self) -> Queue:
        r = self.random
        counts = AgentCounts(logged_in=r.randrange(2000), available=r.randrange(40), ringing=r.randrange(3), talking=r.randrange(1500), holding=r.randrange(2), wrap_up=r.randrange(9), paused=r.randrange(9), unknown=r.choice([0, 3]))  # fmt: skip
        return Queue(
            title=self.maybe(r.choice(["Ventas", "Атака", "שלום queue", "a\u0000b\tc", "😀" * 30, ""])), fresh=r.choice(["live", "live", "stale", "unknown"]), as_of=self.maybe(ago(r.randrange(4000))),
            waiting=self.maybe(r.choice([0, 1, 12, 1234])), longest_wait=self.maybe(41.5), longest_since=self.maybe(ago(r.randrange(8000))), agents=self.maybe(counts),
            vip_waiting=self.maybe(r.randrange(3)), vip_longest_since=self.maybe(ago(r.randrange(900))),
            callbacks=self.maybe(Callbacks(open=r.randrange(3), claimed=r.randrange(2), oldest_since=self.maybe(ago(r.randrange(9000))))),
            pbx=self.maybe(r.choice(["norte", "sur"])), today=self.window(), interval=self.maybe(self.window()), rolling=self.maybe(self.window()),
        )  # fmt: skip

    def channel(self) -> Channel:
        r = self.random
        return Channel(
            title=self.maybe(r.choice(["Correo", "WhatsApp"])), fresh=r.choice(["live", "stale", "unknown"]), as_of=self.maybe(ago(r.randrange(4000))), waiting=self.maybe(r.choice([0, 7])),
            longest_wait=self.maybe(12.5), longest_since=self.maybe(ago(r.randrange(9000))), service_level=self.maybe(0.8125), service_level_of=self.maybe((13, 16)), target=self.maybe(60.0),
        )  # fmt: skip

    def floor(self, held: Snapshot) -> Snapshot:
        r = self.random
        shot = msgspec.convert(msgspec.to_builtins(held), Snapshot)
        shot.floor = self.queue()
        shot.queues = {key: self.queue() for key in ("ventas", "soporte", "cobranzas")}
        shot.groups = {"todas": self.queue()} if r.random() < 0.7 else {}
        shot.sites = {
            key: Site(
                site=key, box="b", state=r.choice(["up", "silent", "down", "unknown"]), open=True, **msgspec.structs.asdict(self.queue())
            )
            for key in ("cuenca", "loja")
        }
        shot.all_sites = self.queue()
        shot.trunks = {key: Trunk(lines=self.maybe(30), busy=self.maybe(r.randrange(31)), all_busy_now=self.maybe(r.random() < 0.5), all_busy_share=self.maybe(round(r.random() / 50, 4))) for key in ("e1", "pstn", "sip")[: r.randrange(4)]}  # fmt: skip
        shot.crm = Crm(state=r.choice(["up", "down", "draining", "no_consumer", "denied", "off"]), since=self.maybe(ago(r.randrange(99999))), backlog=r.randrange(99999), oldest=self.maybe(ago(99)), recorded=12345, full_in_s=self.maybe(float(r.choice([59, 3600, 7201, 172800, 9e6]))), drain_s=self.maybe(61.0))  # fmt: skip
        shot.pbx = {
            key: Pbx(state=r.choice(["up", "down", "resyncing", "denied"]), since=self.maybe(ago(77)))
            for key in ("central", "norte")[: r.randrange(3)]
        }
        shot.health = [
            Health(id=f"h{at}", level=r.choice(["ok", "amber", "red"]), text=r.choice(["", "97 %"])) for at in range(r.randrange(3))
        ]
        shot.clock = r.choice(["synced", "unset"])
        shot.open = r.random() < 0.8
        levels = [f"{path}.{key}" for path in ("floor", "queue.ventas", "group.todas") for key in FIGURES] + [
            "trunk.pstn.all_busy_share",
            "trunk.sip.all_busy_share",
        ]
        shot.alarms = [
            Alarm(id=name, level=r.choice(["amber", "red"]), since=ago(9), acknowledged=self.maybe(ago(3))) for name in r.sample(levels, 12)
        ]
        people = list(shot.agents or {})
        shot.alarms += [
            Alarm(id=f"call.extraordinary.{agent}", level="red", since=ago(r.randrange(99)), acknowledged=self.maybe(ago(3)), agent=agent, seat=r.choice([None, None, "a12"]))
            for agent in r.sample([*people, "nadie"], 2)
        ]  # fmt: skip
        shot.channels = {key: self.channel() for key in ("email", "chat", "kiosko", "fax") if r.random() < 0.8}
        shot.announcements = [
            Announcement(
                id=f"a{at}", text="Hola", severity=r.choice(["info", "warning", "urgent"]), boards=r.choice([[], ["todo"], ["other"]])
            )
            for at in range(4)
        ]
        places = r.sample([(box, str(seat)) for box in (None, "isla-3", "isla-4") for seat in ("7", "12", "a1")], 6)
        shot.headsets = {
            f"{box}.{seat}" if box else seat: Headset(
                seat=seat, box=box, attached=r.choice([True, False, None]), hook=r.choice(["off", "on", "unknown"]),
                mute=r.choice([True, False, None]), fresh=r.choice(["live", "stale", "unknown"]), since=self.maybe(ago(r.randrange(9999))),
            )
            for box, seat in places
        }  # fmt: skip
        for agent in (shot.agents or {}).values():
            agent.state = r.choice(["available", "talking", "paused", "paused", "logged_out", "wrap_up", "unknown"])
            agent.reason = self.maybe(r.choice(["almuerzo", "baño", "ñandú", "Zeta"])) if agent.state == "paused" else None
            agent.since = self.maybe(ago(r.randrange(9999)))
        shot.records = {key: Records(answered=r.randrange(9999), ring_avg=self.maybe(r.random() * 4000)) for key in ("norte", "sur")}
        shot.health += [Health(id="smdr.sur", level=r.choice(["ok", "red"]))]
        return shot


@pytest.mark.parametrize("language", ["es", "en", "pt"])
async def test_the_page_says_what_every_other_medium_says(browser: Browser, box: Box, language: str) -> None:
    box.write("todo", EVERY_KIND)
    tab = await box.open(browser, f"/board/todo?lang={language}")
    dice = Dice(11)
    floors = [box.show(face) for face in FACES] + [dice.floor(box.show("alarm")) for _ in range(25)]
    assert {page.kind for floor in floors for page in box.boards.board("todo", floor, NOW_NS).pages} >= {
        "floor",
        "queue",
        "group",
        "queues",
        "totals",
        "callbacks",
        "channels",
        "classes",
        "outbound",
        "agents",
        "trunks",
        "records",
        "headsets",
        "announcements",
    }
    for at, floor in enumerate(floors):
        now_ns = NOW_NS + 60 * NS * at
        document = json.dumps(as_the_page_has_it(floor))
        page = await tab.ask(f"({SAID})({document}, {now_ns // 1_000_000})")
        model = said(box.boards.board("todo", floor, now_ns, language))
        for mine, theirs in zip(page["pages"], model["pages"], strict=True):
            assert mine == theirs, (at, mine["name"])
        assert page == model, at


async def test_scheduled_announcements_are_due_by_the_sites_clocks(browser: Browser, box: Box) -> None:
    box.write("todo", EVERY_KIND)
    tab = await box.open(browser, "/board/todo")
    floor = box.show("normal")
    document = json.dumps(as_the_page_has_it(floor))
    for hours in range(0, 80, 3):
        now_ns = NOW_NS + hours * 3600 * NS
        due = await tab.ask(f"({SAID})({document}, {now_ns // 1_000_000}).then((v) => v.announcements)")
        assert due == [[a.id, a.text, a.severity] for a in box.boards.board("todo", floor, now_ns).announcements], hours
