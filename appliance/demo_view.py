"""Decides what a demo shows in the terminal: the LED panel dot by dot, the floor, what the CRM received, and which keys do what."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from PIL import Image

from appliance.cli.screen import WIDTH, Screen
from appliance.cli.terminal import coloured
from appliance.core.clock import NS
from appliance.core.config import Config
from appliance.floor.snapshot import Snapshot
from wallboard.beacon.pattern import STEADY
from wallboard.beacon.policy import Policy, lamps_of
from wallboard.beacon.sight import Viewpoint
from wallboard.led.show import Show

LED_WIDTH: Final = 64
LED_HEIGHT: Final = 8
_BLOCKS: Final = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
#: What stands around the floor: the head, the LED panel, the books and the keys.
_OWN_LINES: Final = 12
_KEYS: Final = (
    ("c", "cut the CRM link", "restore the CRM link"),
    ("p", "restart PBX", ""),
    ("d", "drop PBX link", ""),
    ("a", "announce", ""),
    ("q", "quit", ""),
)


class Received(Struct, frozen=True):
    """What the CRM at the far end has: distinct events, doubles of them, numbers missing between them, and the newest in words."""

    events: int = 0
    doubles: int = 0
    missing: int = 0
    newest: str = ""


class Scene(Struct, frozen=True):
    """Everything that the demo's view shows at one instant. `plugged` None: the CRM is somebody's own and has no cable of ours."""

    snapshot: Snapshot
    now_wall_ns: int
    now_mono_ns: int
    boards: str
    plugged: bool | None
    received: Received | None
    note: str = ""
    sign: str = ""


class DemoView:
    """Draws scenes."""

    def __init__(self, config: Config) -> None:
        self._screen = Screen(config)
        self._analog = bool(config.lines)
        self._show = Show(LED_WIDTH, LED_HEIGHT)
        self._tower = Tower(config) if config.wallboard.beacon else None

    def lines(self, scene: Scene, height: int = 24) -> list[str]:
        """The view in at most so many lines of 80 columns; blank lines go first when there are too many."""
        snapshot = scene.snapshot
        self._show.tell(self._screen.board(snapshot, scene.now_wall_ns), scene.now_mono_ns / NS)
        image, _ = self._show.step(scene.now_mono_ns / NS)
        floor = self._screen.lines(snapshot, scene.now_wall_ns, height=max(10, height - _OWN_LINES))
        lines = [
            coloured(f"callfloor demo · boards on {scene.boards}", "bold"),
            *(coloured(line, "red") for line in panel(image)),
            *floor,
            "",
            *([self._tower.line(scene)] if self._tower is not None else []),
            f"Sign     {rolling(scene.sign, scene.now_mono_ns / NS, WIDTH - 9)}",
            crm_line(scene),
            received_line(scene),
            coloured(scene.note[:WIDTH], "amber") if scene.note else "",
            keys(plugged=scene.plugged, analog=self._analog),
        ]
        while len(lines) > height and "" in lines:
            lines.remove("")
        return lines if len(lines) <= height else [*lines[: height - 1], lines[-1]]


def rolling(text: str, now_s: float, width: int) -> str:
    """A text as it passes a window of so many signs, ten a second; one that fits stands.

    >>> rolling("En cola 4", 0, 20), rolling("abcdef", 0.2, 3)
    ('En cola 4', 'cde')
    """
    if len(text) <= width:
        return text
    round_ = f"{text} ··· "
    at = int(now_s * 10) % len(round_)
    return (round_ + round_)[at : at + width]


class Tower:
    """The demo's stack light as it shines, by the same policy that drives its pins."""

    def __init__(self, config: Config) -> None:
        self._beacon = next(iter(config.wallboard.beacon.values()))
        self._viewpoint = Viewpoint(self._beacon, config)
        self._policy = Policy(self._beacon, ZoneInfo(config.site.timezone))

    def line(self, scene: Scene) -> str:
        """Each lamp: ● lit, ◐ flashing, ○ dark."""
        now_s = scene.now_mono_ns / NS
        show = self._policy.tell(self._viewpoint.sight(scene.snapshot), scene.now_wall_ns, now_s).show
        signs = {lamp: "○" if lamp not in show else "●" if show[lamp] == STEADY else "◐" for lamp in lamps_of(self._beacon)}
        return "Lamps    " + "  ".join(f"{sign} {lamp}" for lamp, sign in signs.items())


def panel(image: Image.Image) -> list[str]:
    """An LED picture as half blocks, two rows of dots a line.

    >>> panel(Image.new("1", (3, 2), 1))
    ['███']
    """
    width, height = image.size
    dots = [[1 if image.getpixel((x, y)) else 0 for x in range(width)] for y in range(height)]
    dots += [[0] * width] * (height % 2)
    return ["".join(_BLOCKS[pair] for pair in zip(dots[y], dots[y + 1], strict=True)) for y in range(0, height, 2)]


def crm_line(scene: Scene) -> str:
    """The link and the books."""
    crm = scene.snapshot.crm
    cable = "" if scene.plugged is not False else " (cable pulled)"
    colour = {"up": "green", "draining": "amber"}.get(crm.state, "red")
    lost = "".join(f" + {name} {count}" for name, count in (("shed", crm.shed), ("skipped", crm.skipped)) if count)
    return f"CRM link {coloured(crm.state, colour)}{cable} · recorded {crm.recorded} = delivered {crm.delivered} + held {crm.backlog}{lost}"


def received_line(scene: Scene) -> str:
    """What arrived at the far end."""
    received = scene.received
    if received is None:
        return "The events go to your own broker."
    newest = f" · newest {received.newest}" if received.newest else ""
    return f"CRM has {received.events} events, {received.doubles} doubles, {received.missing} missing{newest}"


def keys(*, plugged: bool | None, analog: bool = False) -> str:
    """The line that names the keys."""
    told = [(key, other if key == "c" and plugged is False else what) for key, what, other in _KEYS if key != "c" or plugged is not None]
    if analog:
        told = [(key, "unplug an adapter" if key == "d" else what) for key, what in told if key != "p"]
    return "   ".join(f"{coloured(key, 'bold')} {what}" for key, what in told)


def plain_line(scene: Scene) -> str:
    """One line for a terminal that is none."""
    floor, crm = scene.snapshot.floor, scene.snapshot.crm
    counts = floor.agents
    today = floor.today
    talking = "–" if counts is None else counts.talking + counts.holding
    text = (
        f"waiting {'–' if floor.waiting is None else floor.waiting}, talking {talking}; offered {today.offered}, "
        f"answered {today.answered}, abandoned {today.abandoned}, left {today.left}; CRM {crm.state}, held {crm.backlog}"
    )
    if scene.received is not None:
        text += f"; CRM has {scene.received.events} events, {scene.received.doubles} doubles, {scene.received.missing} missing"
    return text
